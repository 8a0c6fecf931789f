"""How sure a figure is: bootstrap intervals over documents, and paired tests of two systems.

After Efron and Tibshirani (1993): documents are drawn with replacement, as many as there are, and
the figure is computed anew from the sums of their counts. Documents with the same counts are
interchangeable, so what is drawn is how often each kind of document occurs, one multinomial draw
a resample. That is the same distribution, fast, and blind to the order of the documents. Each
figure has draws of its own, so that none depends on which others are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from posner.errors import DataError
from posner.evaluation.unit_counts import IntArray, UnitCounts

FloatArray = npt.NDArray[np.float64]

RESAMPLES = 2000
LEVEL = 0.95
SEED = 1
RATIOS = ("precision", "recall", "f1")
_CELLS_AT_ONCE = 4_000_000
_TOLERANCE = 1e-12


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
        return {name: getattr(self, name).to_json() for name in RATIOS}


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
    values = ratios(units.sums)  # (figures, 3)
    found = {}
    for i, name in enumerate(units.names):
        drawn = ratios(_resampled(_Kinds.of(units.counts[:, i]), resamples, seed))
        low, high = np.quantile(drawn, _borders(level), axis=0)  # of (resamples, 3)
        found[name] = RatioIntervals(
            *(Interval(float(values[i, j]), float(low[j]), float(high[j])) for j in range(3))
        )
    return found


def intervals_json(
    units: UnitCounts, names: Sequence[str] | None = None, *, resamples: int = RESAMPLES
) -> dict[str, object]:
    """What was drawn, how many of it, and the figures' intervals under their names.

    Args:
        units: what is drawn from.
        names: of the figures that are told; None: of all.
        resamples: how often.
    """
    drawn = units if names is None else units.with_names(tuple(names))
    found = intervals(drawn, resamples=resamples)
    told = {name: figure.to_json() for name, figure in found.items()}
    return {"unit": units.unit, "units": len(units.counts), "level": LEVEL, **told}


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
    if len(first.counts) < 2:
        return {}
    names = first.names_with(second)
    left, right = first.with_names(names), second.with_names(names)
    values = [ratios(units.sums)[:, 2] for units in (left, right)]  # (figures,) each
    found = {}
    for i, name in enumerate(names):
        deltas, observed = _deltas(left.counts[:, i], right.counts[:, i], resamples, seed)
        low, high = np.quantile(deltas, _borders(level))
        beyond = np.abs(deltas - observed) >= abs(observed) - _TOLERANCE
        one, two = (float(value[i]) for value in values)
        interval = Interval(one - two, float(low), float(high))
        found[name] = Difference(one, two, interval, float((1 + beyond.sum()) / (1 + resamples)))
    return found


def ratios(counts: IntArray | FloatArray) -> FloatArray:
    """Precision, recall and F1 from gold, predicted and correct, both (..., 3)."""
    gold, predicted, correct = (counts[..., i].astype(np.float64) for i in range(3))

    def share(part: FloatArray, whole: FloatArray) -> FloatArray:
        return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)

    return np.stack(
        [share(correct, predicted), share(correct, gold), share(2 * correct, gold + predicted)],
        axis=-1,
    )


@dataclass(frozen=True)
class _Kinds:
    """The distinct counts of units, in an order of their own, and how often each occurs."""

    counts: IntArray  # (kinds, ...)
    times: IntArray  # (kinds,)

    @classmethod
    def of(cls, counts: IntArray) -> _Kinds:
        """Those of (units, ...) counts."""
        flat = counts.reshape(len(counts), -1)
        kinds, times = np.unique(flat, axis=0, return_counts=True)
        return cls(kinds.reshape(-1, *counts.shape[1:]), times)

    @property
    def key(self) -> tuple[list[object], list[int]]:
        """What two such are ordered by."""
        return self.counts.tolist(), self.times.tolist()


def _deltas(
    first: IntArray, second: IntArray, resamples: int, seed: int
) -> tuple[FloatArray, float]:
    """How far the F1 of (units, 3) counts are apart in each resample, and in the data.

    The draws are the same whichever of the two comes first.
    """
    both = np.stack([first, second], axis=1)  # (units, systems, 3)
    kinds, turned = _Kinds.of(both), _Kinds.of(both[:, ::-1])
    sign = -1 if turned.key < kinds.key else 1
    drawn = ratios(_resampled(turned if sign < 0 else kinds, resamples, seed))[..., 2]
    observed = ratios(both.sum(axis=0))[:, 2]
    deltas = sign * (drawn[:, 0] - drawn[:, 1]) + 0.0  # no zero is below zero
    return deltas, float(observed[0] - observed[1])


def _resampled(kinds: _Kinds, resamples: int, seed: int) -> FloatArray:
    """Sums over units drawn with replacement: (resamples, ...)."""
    rows = kinds.counts.reshape(len(kinds.times), -1).astype(np.float64)
    sums = np.concatenate([draw @ rows for draw in _draws(kinds.times, resamples, seed)])
    return sums.reshape(resamples, *kinds.counts.shape[1:])


def _draws(times: IntArray, resamples: int, seed: int) -> Iterator[FloatArray]:
    """(some resamples, kinds): how often each kind of unit was drawn, bounded in memory."""
    random = np.random.default_rng(seed)
    units = int(times.sum())
    at_once = max(1, _CELLS_AT_ONCE // len(times))
    for begin in range(0, resamples, at_once):
        count = min(at_once, resamples - begin)
        yield random.multinomial(units, times / units, size=count).astype(np.float64)


def _borders(level: float) -> tuple[float, float]:
    return (1 - level) / 2, (1 + level) / 2
