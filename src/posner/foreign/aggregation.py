"""Pieces to entities as the pipeline of transformers joins them.

The answers are those of `transformers.pipeline("token-classification", aggregation_strategy=...)`,
rule by rule, so that a model that was tuned to one of them can be run as it was. None of them knows
what a scheme allows, and `simple` splits words; Posner's own reading of such a model does neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np

from posner.align import IntArray
from posner.batching import BoolArray
from posner.schemes import OUTSIDE
from posner.windows import FloatArray

Strategy = Literal["simple", "first", "average", "max"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)


@dataclass(frozen=True, slots=True)
class ScoredPieces:
    """The pieces of a text with the probability of each output.

    Attributes:
        scores: (pieces, outputs).
        starts: (pieces,) first character.
        ends: (pieces,) one past the last character.
        continues: (pieces,) true where a piece belongs to the word of the one before.
    """

    scores: FloatArray
    starts: IntArray
    ends: IntArray
    continues: BoolArray


@dataclass(frozen=True, slots=True)
class Group:
    """Neighbouring pieces that were joined: their label, mean score and characters."""

    label: str
    score: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is joined: a word, or with `simple` a piece."""

    name: str
    score: np.float32
    start: int
    end: int


def softmax(logits: FloatArray) -> FloatArray:
    """(pieces, outputs) logits as probabilities."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: FloatArray = weights / weights.sum(axis=-1, keepdims=True)
    return probabilities


def join_pieces(pieces: ScoredPieces, names: Sequence[str], strategy: Strategy) -> list[Group]:
    """The entities of a text; what is outside of all is left out.

    Args:
        pieces: of one text, in order.
        names: of the outputs, such as `B-PER`.
        strategy: `first`, `average` and `max` let the pieces of a word agree: on what the first
            says, on the mean, or on what the surest says; with `simple` each speaks for itself.
    """
    runs: list[list[_Unit]] = []
    for unit in _units(pieces, names, strategy):
        label, begins = _label(unit.name)
        if runs and not begins and label == _label(runs[-1][-1].name)[0]:
            runs[-1].append(unit)
        else:
            runs.append([unit])
    groups = [
        Group(
            label=run[0].name.split("-", 1)[-1],
            score=float(np.mean([unit.score for unit in run])),
            start=run[0].start,
            end=run[-1].end,
        )
        for run in runs
    ]
    return [group for group in groups if group.label != OUTSIDE]


def _label(name: str) -> tuple[str, bool]:
    """What decides whether neighbours are joined: the label, and whether an entity begins.

    Only B and I are prefixes to the pipeline; the name of any other tag is its label.
    """
    if name.startswith(("B-", "I-")):
        return name[2:], name[0] == "B"
    return name, False


def _units(pieces: ScoredPieces, names: Sequence[str], strategy: Strategy) -> Iterator[_Unit]:
    count = len(pieces.starts)
    begins = np.ones(count, dtype=bool) if strategy == "simple" else ~pieces.continues
    begins[:1] = True
    for first, last in pairwise([*np.flatnonzero(begins), count]):
        scores = _agreed(pieces.scores[first:last], strategy)  # (outputs,)
        best = int(scores.argmax())
        start, end = int(pieces.starts[first]), int(pieces.ends[last - 1])
        yield _Unit(names[best], scores[best], start, end)


def _agreed(scores: FloatArray, strategy: Strategy) -> FloatArray:
    """(pieces, outputs) of one word to its own (outputs,)."""
    if strategy == "average":
        mean: FloatArray = scores.mean(axis=0)
        return mean
    surest = int(scores.max(axis=1).argmax()) if strategy == "max" else 0
    chosen: FloatArray = scores[surest]
    return chosen
