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
from typing import Literal

import numpy as np
import numpy.typing as npt

from posner.errors import DataError
from posner.evaluation.counts import Counts, Ratios
from posner.evaluation.readings import MODES
from posner.evaluation.result import Evaluation

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

RESAMPLES = 2000
LEVEL = 0.95
SEED = 1
LEAST_DOCUMENTS = 10
"""Of fewer documents the sentences are drawn: a few documents' draws say next to nothing."""
RATIOS = ("precision", "recall", "f1")
_CELLS_AT_ONCE = 4_000_000
_TOLERANCE = 1e-12


@dataclass(frozen=True)
class UnitCounts:
    """What each document adds to each figure, and each sentence where the documents are few.

    Attributes:
        names: the figures: `strict`, `exact`, `partial`, `type`, `per_word`, `flat` (micro,
            without `O`), and `strict.LABEL` for each label.
        documents: (documents, figures, 3): gold, predicted and correct, `partial` in half points.
        sentences: (sentences, figures, 3); None where there are documents enough to be drawn.
    """

    names: tuple[str, ...]
    documents: IntArray
    sentences: IntArray | None = None

    @classmethod
    def of(
        cls, documents: Sequence[Evaluation], sentences: Sequence[Evaluation] | None = None
    ) -> UnitCounts:
        """The counts of evaluations of one unit each."""
        rows, parts = (
            None if found is None else [_figures(evaluation) for evaluation in found]
            for found in (documents, sentences)
        )
        labels = {name for row in (*(rows or ()), *(parts or ())) for name in row}
        names = tuple(dict.fromkeys((*_figures(Evaluation()), *sorted(labels))))
        filled = None if parts is None else _filled(parts, names)
        return cls(names, _filled(rows or (), names), filled)

    @property
    def unit(self) -> Literal["documents", "sentences"]:
        """What is drawn."""
        return "documents" if self.sentences is None else "sentences"

    @property
    def counts(self) -> IntArray:
        """(units, figures, 3): of the units that are drawn."""
        return self.documents if self.sentences is None else self.sentences

    @property
    def sums(self) -> IntArray:
        """(figures, 3): of all documents."""
        total: IntArray = self.documents.sum(axis=0)
        return total

    @property
    def figures(self) -> dict[str, Ratios]:
        """Precision, recall and F1 of all documents."""
        return {
            name: Counts(*(int(c) for c in row)).ratios
            for name, row in zip(self.names, self.sums, strict=True)
        }

    def with_names(self, names: Sequence[str]) -> UnitCounts:
        """The same units with these figures in this order; those that are new are 0."""
        places = [self.names.index(name) if name in self.names else -1 for name in names]

        def chosen(counts: IntArray) -> IntArray:
            return np.pad(counts, ((0, 0), (0, 1), (0, 0)))[:, places]  # the last row is 0

        sentences = None if self.sentences is None else chosen(self.sentences)
        return UnitCounts(tuple(names), chosen(self.documents), sentences)

    def __add__(self, other: UnitCounts) -> UnitCounts:
        """The units of both."""
        names = self.names_with(other)
        one, two = self.with_names(names), other.with_names(names)
        documents = np.concatenate([one.documents, two.documents])
        if one.sentences is None or two.sentences is None or len(documents) >= LEAST_DOCUMENTS:
            return UnitCounts(names, documents)
        return UnitCounts(names, documents, np.concatenate([one.sentences, two.sentences]))

    def names_with(self, other: UnitCounts) -> tuple[str, ...]:
        """The figures of both."""
        return tuple(dict.fromkeys((*self.names, *sorted(other.names))))


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
