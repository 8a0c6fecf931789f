"""Thresholds chosen on labelled documents: for the best F1, or for a precision that is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from posner.calibration.judged import BoolArray, IntArray, JudgedSpans
from posner.decode import Float64Array
from posner.errors import PosnerError
from posner.evaluation.counts import Counts
from posner.postprocess.thresholds import Thresholds

MIN_SPANS = 20
"""Spans that a label must have been found with to get a threshold of its own."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What thresholds are to reach.

    Attributes:
        precision: at least this, 0 to 1, at the highest recall; None: the best F1.
        per_label: a threshold for each label that was found often enough; it reaches the aim on
            its own label.
    """

    precision: float | None = None
    per_label: bool = False

    def __str__(self) -> str:
        aim = "best F1" if self.precision is None else f"precision {self.precision:.4g}"
        return f"{aim}, by label" if self.per_label else aim


@dataclass(frozen=True, slots=True)
class Chosen:
    """Thresholds that fulfil a wish.

    Attributes:
        thresholds: they.
        failed: why some labels have none of their own, a line each: no threshold of theirs reaches
            the precision, so the one for all labels holds for them.
    """

    thresholds: Thresholds
    failed: tuple[str, ...] = ()


def choose(judged: JudgedSpans, units: Sequence[int], wish: Wish) -> Chosen:
    """The thresholds that fulfil a wish on the spans of some units.

    Raises:
        PosnerError: over all labels the precision is not reached at any threshold.
    """
    used = np.isin(judged.units, units)
    overall = _chosen(judged, used, judged.gold_count(units), wish, "all labels")
    if not wish.per_label:
        return Chosen(Thresholds(overall))
    labels: dict[str, float] = {}
    failed: list[str] = []
    names = np.array(judged.labels)
    for label in sorted(set(judged.labels)):
        own = used & (names == label)
        if own.sum() >= MIN_SPANS:
            gold = judged.gold_count(units, label)
            try:
                labels[label] = _chosen(judged, own, gold, wish, label)
            except PosnerError as error:
                failed.append(f"{label}: {error.problem} ({error.got})")
    return Chosen(Thresholds(overall, MappingProxyType(labels)), tuple(failed))


def counts_with(judged: JudgedSpans, units: Sequence[int], thresholds: Thresholds) -> Counts:
    """The strict counts of some units when spans below the thresholds are left out."""
    least = np.array([thresholds.of(label) for label in judged.labels])
    kept = np.isin(judged.units, units) & (judged.scores >= least)
    correct = int((judged.correct & kept).sum())
    return Counts(gold=judged.gold_count(units), predicted=int(kept.sum()), correct=correct)


def _chosen(judged: JudgedSpans, used: BoolArray, gold: int, wish: Wish, where: str) -> float:
    scores, correct = judged.scores[used], judged.correct[used]
    if not len(scores):
        return 0.0
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    right: IntArray = np.cumsum(correct[order])
    found: IntArray = np.arange(1, len(ranked) + 1)
    # A cut lies after a rank whose score differs from the next one's.
    cuts = np.flatnonzero(np.append(ranked[:-1] > ranked[1:], True))
    precision = right[cuts] / found[cuts]
    if wish.precision is None:
        f1 = 2 * right[cuts] / (found[cuts] + gold)
        best = cuts[len(cuts) - 1 - int(np.argmax(f1[::-1]))]  # between equals the lowest
    else:
        reached = cuts[precision >= wish.precision]
        if not len(reached):
            raise PosnerError(
                "the precision is reached at no threshold",
                where=where,
                expected=wish.precision,
                got=f"{precision.max():.4f} at most",
                remedy="wish for less, or train a better model",
            )
        best = reached[-1]
    return _between(ranked, int(best))


def _between(ranked: Float64Array, last: int) -> float:
    """A threshold halfway between the last score that stays and the first that goes."""
    if last == len(ranked) - 1:
        return 0.0
    stays, goes = float(ranked[last]), float(ranked[last + 1])
    middle = (stays + goes) / 2
    return middle if middle > goes else stays
