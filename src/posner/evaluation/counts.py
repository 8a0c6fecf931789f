"""Counts of entities, and the ratios that follow from them.

Only counts are stored; precision, recall and F1 are derived. So adding two results is adding their
counts, and the sum is what scoring both sets together would have given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import fsum
from typing import TypeVar


@dataclass(frozen=True, slots=True)
class Ratios:
    """Precision, recall and F1 as fractions from 0 to 1."""

    precision: float
    recall: float
    f1: float

    def to_json(self) -> dict[str, float]:
        """The three under their names."""
        return {"precision": self.precision, "recall": self.recall, "f1": self.f1}


@dataclass(frozen=True, slots=True)
class Counts:
    """How many were in the gold data, how many were predicted, how many of those were correct.

    A ratio whose denominator is 0 is 0.0, as conlleval and seqeval have it.
    """

    gold: int = 0
    predicted: int = 0
    correct: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.gold + other.gold,
            self.predicted + other.predicted,
            self.correct + other.correct,
        )

    @property
    def precision(self) -> float:
        """The share of the predicted that is correct."""
        return self.correct / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """The share of the gold that was found."""
        return self.correct / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        both = self.gold + self.predicted
        return 2 * self.correct / both if both else 0.0

    @property
    def ratios(self) -> Ratios:
        """Precision, recall and F1 together."""
        return Ratios(self.precision, self.recall, self.f1)

    def to_json(self) -> dict[str, int]:
        """The three counts under their names."""
        return {"gold": self.gold, "predicted": self.predicted, "correct": self.correct}


@dataclass(frozen=True, slots=True)
class Score:
    """Counts for each label that occurs in the gold data or among the predictions."""

    labels: Mapping[str, Counts] = field(default_factory=dict)

    def __add__(self, other: Score) -> Score:
        return Score(add_by_key(self.labels, other.labels))

    @property
    def micro(self) -> Counts:
        """All labels together, each entity counting once."""
        return sum(self.labels.values(), Counts())

    @property
    def macro(self) -> Ratios:
        """The plain mean of the labels' ratios; 0.0 where there is no label."""
        counts = self.labels.values()
        return Ratios(
            _mean(c.precision for c in counts),
            _mean(c.recall for c in counts),
            _mean(c.f1 for c in counts),
        )

    def to_json(self) -> dict[str, dict[str, float]]:
        """For each label its ratios and its support, the number of gold entities."""
        return {
            label: {**counts.ratios.to_json(), "support": counts.gold}
            for label, counts in sorted(self.labels.items())
        }


def add_by_key(left: Mapping[str, Counts], right: Mapping[str, Counts]) -> dict[str, Counts]:
    """The counts of both, added where both have the key."""
    nothing = Counts()
    return {
        key: left.get(key, nothing) + right.get(key, nothing)
        for key in sorted(left.keys() | right.keys())
    }


Key = TypeVar("Key", str, tuple[str, str, str])


def counts_by_key(
    gold: Mapping[Key, int], predicted: Mapping[Key, int], correct: Mapping[Key, int]
) -> dict[Key, Counts]:
    """One `Counts` for each key that any of the three tallies holds."""
    return {
        key: Counts(gold.get(key, 0), predicted.get(key, 0), correct.get(key, 0))
        for key in sorted(gold.keys() | predicted.keys() | correct.keys())
    }


def _mean(values: Iterable[float]) -> float:
    """The mean; `fsum` rounds once, so the order of the values cannot show in the result."""
    listed = list(values)
    return fsum(listed) / len(listed) if listed else 0.0
