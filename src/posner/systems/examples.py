"""Sentences as numbers, and an epoch of batches of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from posner.align import IntArray
from posner.labels import IGNORED
from posner.systems.vocabulary import PADDING, UNKNOWN


@dataclass(frozen=True, slots=True)
class Batch:
    """Sentences side by side.

    Attributes:
        rows: (sentences, words) rows of the vectors, padded with `PADDING`.
        tags: (sentences, words) indices of tags, padded with `IGNORED`.
    """

    rows: Tensor
    tags: Tensor

    @property
    def words(self) -> int:
        """Words, padding not counted."""
        return int((self.rows != PADDING).sum())

    @property
    def counted(self) -> int:
        """Words whose tag is known."""
        return int((self.tags != IGNORED).sum())


@dataclass(frozen=True)
class Examples:
    """Sentences to learn from.

    Attributes:
        rows: the vectors' row of each word, run by run.
        tags: the index of each word's tag, or `IGNORED`.
        rare: rows that are now and then learned as the unknown word's.
    """

    rows: Sequence[Sequence[int]]
    tags: Sequence[Sequence[int]]
    rare: frozenset[int]

    @property
    def words(self) -> int:
        """Words of all sentences."""
        return sum(map(len, self.rows))

    def batches(self, size: int, unknown: float, random: np.random.Generator) -> Iterator[Batch]:
        """One epoch: sentences alike in length together, in random company and order.

        Args:
            size: sentences a batch.
            unknown: the share of a rare word's occurrences that are hidden.
            random: is drawn from.
        """
        lengths = np.array([len(rows) for rows in self.rows], dtype=np.float64)
        blurred = lengths + random.random(len(lengths)) * (1 + 0.05 * lengths)
        order = np.argsort(blurred)
        groups = [order[i : i + size] for i in range(0, len(order), size)]
        rare = np.array(sorted(self.rare), dtype=np.int64)
        for place in random.permutation(len(groups)):
            rows = filled([self.rows[i] for i in groups[place]], PADDING)
            tags = filled([self.tags[i] for i in groups[place]], IGNORED)
            hidden = np.isin(rows, rare) & (random.random(rows.shape) < unknown)
            rows = np.where(hidden, UNKNOWN, rows)
            yield Batch(torch.from_numpy(rows), torch.from_numpy(tags))


def filled(rows: Sequence[Sequence[int]], value: int) -> IntArray:
    """(runs, longest), filled up with a value."""
    found: IntArray = np.full((len(rows), max(map(len, rows))), value, dtype=np.int64)
    for i, row in enumerate(rows):
        found[i, : len(row)] = row
    return found
