"""What the machine can multiply at most, and what a training step multiplies."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

REPETITIONS = 30
ROWS = 768
"""Pieces of a step of the default recipe."""

LARGEST = (2048, 2048, 2048)


@dataclass(frozen=True)
class Product:
    """A matrix product, (m, k) by (k, n), and how fast it went in GFLOP/s.

    Attributes:
        m, k, n: its shape.
        fp32, bf16: its rates.
    """

    m: int
    k: int
    n: int
    fp32: float
    bf16: float

    def cells(self) -> list[str]:
        """A row of the table."""
        return [f"{self.m} x {self.k} x {self.n}", f"{self.fp32:,.0f}", f"{self.bf16:,.0f}"]


@dataclass(frozen=True)
class Work:
    """Floating-point operations: those of linear layers by (inputs, outputs), and attention's."""

    linear: dict[tuple[int, int], float]
    attention: float

    @property
    def total(self) -> float:
        """All of them."""
        return sum(self.linear.values()) + self.attention


def measure_products(widths: Iterable[tuple[int, int]]) -> list[Product]:
    """The products of `ROWS` pieces with layers of these (inputs, outputs), and a large square."""
    shapes = [(ROWS, inputs, outputs) for inputs, outputs in widths]
    return [
        Product(*shape, _rate(*shape, torch.float32), _rate(*shape, torch.bfloat16))
        for shape in (*shapes, LARGEST)
    ]


def _rate(m: int, k: int, n: int, dtype: torch.dtype) -> float:
    """GFLOP/s, the median of some repetitions; a layer's weights stand transposed."""
    left, weights = torch.randn(m, k, dtype=dtype), torch.randn(n, k, dtype=dtype)
    seconds = []
    with torch.inference_mode():
        for _ in range(REPETITIONS + 3):
            begin = time.perf_counter()
            functional.linear(left, weights)
            seconds.append(time.perf_counter() - begin)
    return 2 * m * k * n / statistics.median(seconds[3:]) / 1e9


def step_work(shapes: Sequence[tuple[int, int]], config: Any) -> Work:
    """What steps with batches of these shapes multiply, forward and backward, padding included.

    A layer's backward pass takes two products of its forward one's size, one for its weights and
    one for its inputs. Frozen word-piece embeddings spare no product: the shape embedding beside
    them still wants its gradient.

    Args:
        shapes: (rows, pieces) of each batch.
        config: of a BERT encoder.
    """
    width, inner, layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    pieces = sum(rows * length for rows, length in shapes)
    pairs = sum(rows * length * length for rows, length in shapes)
    each = 3 * 2.0 * pieces * layers
    linear = {
        (width, width): 4 * each * width * width,
        (width, inner): each * width * inner,
        (inner, width): each * inner * width,
    }
    return Work(linear, attention=3 * 2 * 2.0 * pairs * width * layers)


def least_seconds(work: Work, products: Sequence[Product], *, bf16: bool) -> float:
    """What the linear layers' products take at the rates measured for their shapes."""
    rates = {(p.k, p.n): (p.bf16 if bf16 else p.fp32) * 1e9 for p in products}
    return sum(count / rates[shape] for shape, count in work.linear.items())
