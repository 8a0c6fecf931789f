"""Whether a score means what it says: the share of right entities among those scored alike.

Expected calibration error as Guo et al. (2017) have it: predicted entities are sorted into bins of
equal width by their score; the error is the mean, over entities, of how far a bin's mean score is
from its share of right entities.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

BINS = 10
_UNIT = 1_000_000_000
"""Scores are summed in whole billionths, so that sums do not depend on their order."""


@dataclass(frozen=True, slots=True)
class Bin:
    """The entities whose scores lie in one bin.

    Attributes:
        entities: how many.
        correct: how many of those are right, strictly.
        billionths: the sum of their scores, in billionths.
    """

    entities: int = 0
    correct: int = 0
    billionths: int = 0

    def __add__(self, other: Bin) -> Bin:
        return Bin(
            self.entities + other.entities,
            self.correct + other.correct,
            self.billionths + other.billionths,
        )

    @property
    def mean_score(self) -> float | None:
        """The mean score; None without entities."""
        return self.billionths / _UNIT / self.entities if self.entities else None

    @property
    def share_correct(self) -> float | None:
        """The share that is right; None without entities."""
        return self.correct / self.entities if self.entities else None

    @property
    def gap(self) -> float:
        """How far the two are apart; 0 without entities."""
        return abs(self.billionths / _UNIT - self.correct) / self.entities if self.entities else 0.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """A reliability table.

    Attributes:
        bins: of equal width, from 0 to 1; a bin holds its upper border, the first also 0.
        unscored: predicted entities without a score, which are in no bin.
    """

    bins: tuple[Bin, ...] = (Bin(),) * BINS
    unscored: int = 0

    @classmethod
    def of(cls, scored: Iterable[tuple[float | None, bool]]) -> Calibration:
        """The table of entities, each with its score and whether it is right."""
        entities, correct, sums = [0] * BINS, [0] * BINS, [0] * BINS
        unscored = 0
        for score, right in scored:
            if score is None:
                unscored += 1
                continue
            billionths = round(min(max(score, 0.0), 1.0) * _UNIT)
            place = max(-(-billionths * BINS // _UNIT) - 1, 0)
            entities[place] += 1
            correct[place] += right
            sums[place] += billionths
        return cls(tuple(map(Bin, entities, correct, sums)), unscored)

    def __add__(self, other: Calibration) -> Calibration:
        bins = tuple(a + b for a, b in zip(self.bins, other.bins, strict=True))
        return Calibration(bins, self.unscored + other.unscored)

    @property
    def error(self) -> float | None:
        """The expected calibration error; None where no entity has a score."""
        total = sum(b.entities for b in self.bins)
        return sum(b.gap * b.entities for b in self.bins) / total if total else None

    def to_json(self) -> dict[str, Any]:
        """The error, and a row a bin."""
        rows = [
            {
                "low": i / BINS,
                "high": (i + 1) / BINS,
                "entities": b.entities,
                "correct": b.correct,
                "mean_score": b.mean_score,
                "share_correct": b.share_correct,
            }
            for i, b in enumerate(self.bins)
        ]
        return {"error": self.error, "bins": rows, "unscored": self.unscored}
