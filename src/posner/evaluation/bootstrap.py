"""How sure a figure is: bootstrap intervals over documents, and paired tests of two systems.

After Efron and Tibshirani (1993): documents are drawn with replacement, as many as there are, and
the figure is computed anew from the sums of their counts. Documents with the same counts are
interchangeable, so what is drawn is how often each kind of document occurs, one multinomial draw
a resample. That is the same distribution, fast, and blind to the order of the documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from posner.errors import DataError
from posner.evaluation.counts import Counts
from posner.evaluation.matching import MODES
from posner.evaluation.result import Evaluation

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

RESAMPLES = 2000
LEVEL = 0.95
SEED = 1
_CELLS_AT_ONCE = 4_000_000
_TOLERANCE = 1e-12


@dataclass(frozen=True)
class UnitCounts:
    """What each document (or sentence) adds to each figure.

    Attributes:
        unit: `documents` or `sentences`.
        names: the figures: `strict`, `exact`, `partial`, `type`, `per_word`, `flat` (micro,
            without `O`), and `strict.LABEL` for each label.
        counts: (units, figures, 3): gold, predicted and correct, `partial` in half points.
    """

    unit: str
    names: tuple[str, ...]
    counts: IntArray

    @classmethod
    def of(cls, unit: str, evaluations: Sequence[Evaluation]) -> UnitCounts:
        """The counts of evaluations of one unit each."""
        rows = [_figures(evaluation) for evaluation in evaluations]
        names = tuple(
            dict.fromkeys((*_figures(Evaluation()), *sorted({n for r in rows for n in r})))
        )
        return cls(unit, names, _filled(rows, names))

    def with_names(self, names: Sequence[str]) -> UnitCounts:
        """The same units with these figures in this order; those that are new are 0."""
        counts = np.zeros((len(self.counts), len(names), 3), dtype=np.int64)
        for place, name in enumerate(names):
            if name in self.names:
                counts[:, place] = self.counts[:, self.names.index(name)]
        return UnitCounts(self.unit, tuple(names), counts)

    def __add__(self, other: UnitCounts) -> UnitCounts:
        """The units of both.

        Raises:
            DataError: documents and sentences do not add up.
        """
        if self.unit != other.unit:
            raise DataError("other units", expected=self.unit, got=other.unit)
        names = tuple(dict.fromkeys((*self.names, *sorted(other.names))))
        both = [self.with_names(names).counts, other.with_names(names).counts]
        return UnitCounts(self.unit, names, np.concatenate(both))


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and the borders between which it lies at the level asked for."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float]:
        """The three under their names."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True)
class RatioIntervals:
    """Precision, recall and F1 with their intervals, 0 to 1."""

    precision: Interval
    recall: Interval
    f1: Interval

    def to_json(self) -> dict[str, dict[str, float]]:
        """The three under their names."""
        return {name: getattr(self, name).to_json() for name in ("precision", "recall", "f1")}


@dataclass(frozen=True, slots=True)
class Difference:
    """Two systems' F1 on the same documents.

    Attributes:
        first: the one's F1.
        second: the other's.
        difference: first minus second, with its interval.
        p_value: how probable a difference at least so large, in either direction, would be if the
            two were equally good.
    """

    first: float
    second: float
    difference: Interval
    p_value: float

    def to_json(self) -> dict[str, object]:
        """All under their names."""
        return {
            "first": self.first,
            "second": self.second,
            "difference": self.difference.to_json(),
            "p_value": self.p_value,
        }


def intervals(
    units: UnitCounts, *, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = SEED
) -> Mapping[str, RatioIntervals]:
    """Each figure with its percentile intervals; nothing where there are fewer than two units."""
    if len(units.counts) < 2:
        return {}
    values = ratios(units.counts.sum(axis=0))  # (figures, 3)
    drawn = ratios(_resampled(units.counts, resamples, seed))  # (resamples, figures, 3)
    low, high = np.quantile(drawn, _borders(level), axis=0)
    return {
        name: RatioIntervals(
            *(Interval(float(values[i, j]), float(low[i, j]), float(high[i, j])) for j in range(3))
        )
        for i, name in enumerate(units.names)
    }


def paired_differences(
    first: UnitCounts,
    second: UnitCounts,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = SEED,
) -> Mapping[str, Difference]:
    """Each figure's F1 of two systems, on the same units in the same order, and its difference.

    The same draws serve both systems. The p-value is the share of the resamples (the data
    themselves counted as one of them) whose difference is at least as far from the one observed
    as that is from 0: the null hypothesis is the observed distribution moved to 0
    (Berg-Kirkpatrick et al. 2012, two-sided).

    Raises:
        DataError: the two have other units.
    """
    if first.unit != second.unit or len(first.counts) != len(second.counts):
        raise DataError(
            "the two systems were not scored on the same data",
            expected=f"{len(first.counts)} {first.unit}",
            got=f"{len(second.counts)} {second.unit}",
        )
    names = tuple(dict.fromkeys((*first.names, *sorted(second.names))))
    both = np.stack([u.with_names(names).counts for u in (first, second)], axis=1)
    if len(both) < 2:
        return {}
    values = ratios(both.sum(axis=0))[..., 2]  # (systems, figures)
    drawn = ratios(_resampled(both, resamples, seed))[..., 2]  # (resamples, systems, figures)
    observed, deltas = values[0] - values[1], drawn[:, 0] - drawn[:, 1]
    low, high = np.quantile(deltas, _borders(level), axis=0)
    beyond = np.abs(deltas - observed) >= np.abs(observed) - _TOLERANCE
    p_values = (1 + beyond.sum(axis=0)) / (1 + resamples)
    return {
        name: Difference(
            float(values[0, i]),
            float(values[1, i]),
            Interval(float(observed[i]), float(low[i]), float(high[i])),
            float(p_values[i]),
        )
        for i, name in enumerate(names)
    }


def ratios(counts: IntArray | FloatArray) -> FloatArray:
    """Precision, recall and F1 from gold, predicted and correct, both (..., 3)."""
    gold, predicted, correct = (counts[..., i].astype(np.float64) for i in range(3))

    def share(part: FloatArray, whole: FloatArray) -> FloatArray:
        return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)

    return np.stack(
        [share(correct, predicted), share(correct, gold), share(2 * correct, gold + predicted)],
        axis=-1,
    )


def _resampled(counts: IntArray, resamples: int, seed: int) -> FloatArray:
    """Sums over units drawn with replacement: (units, ...) to (resamples, ...)."""
    units = len(counts)
    kinds, times = np.unique(counts.reshape(units, -1), axis=0, return_counts=True)
    sums = np.concatenate(
        [draw @ kinds.astype(np.float64) for draw in _draws(times, units, resamples, seed)]
    )
    return sums.reshape(resamples, *counts.shape[1:])


def _draws(times: IntArray, units: int, resamples: int, seed: int) -> Iterator[FloatArray]:
    """(some resamples, kinds): how often each kind of unit was drawn, bounded in memory."""
    random = np.random.default_rng(seed)
    at_once = max(1, _CELLS_AT_ONCE // len(times))
    for begin in range(0, resamples, at_once):
        count = min(at_once, resamples - begin)
        yield random.multinomial(units, times / units, size=count).astype(np.float64)


def _borders(level: float) -> tuple[float, float]:
    return (1 - level) / 2, (1 + level) / 2


def _figures(evaluation: Evaluation) -> dict[str, Counts]:
    flat = (counts for tag, counts in evaluation.flat.tags.items() if tag != "O")
    figures = {
        "strict": evaluation.strict.micro,
        **{
            mode: getattr(evaluation.readings, mode).total.halves
            for mode in MODES
            if mode != "strict"
        },
        "per_word": evaluation.readings.per_word.micro,
        "flat": sum(flat, Counts()),
    }
    return figures | {f"strict.{label}": c for label, c in evaluation.strict.labels.items()}


def _filled(rows: Sequence[Mapping[str, Counts]], names: Sequence[str]) -> IntArray:
    nothing = Counts()
    found = [
        [(c.gold, c.predicted, c.correct) for c in (row.get(name, nothing) for name in names)]
        for row in rows
    ]
    return np.array(found, dtype=np.int64).reshape(len(rows), len(names), 3)
