"""One temperature for a model, and how well its scores are calibrated.

The temperature divides emissions and transitions alike, so no entity changes, only its score. It is
fitted on what scores are for, the spans that were found, rather than on whole paths: Kuleshov and
Liang (Calibrated structured prediction, 2015) calibrate such events of interest, Guo et al. (On
calibration of modern neural networks, 2017) fit one temperature by log loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from posner.calibration.judged import BoolArray, JudgedSpans, SpanScorer
from posner.decode import Float64Array

GRID = tuple(2.0 ** (step / 2) for step in range(-4, 7))
"""Temperatures that are tried, from a quarter to 8; the best lies on a parabola between them."""

BINS = 15
"""Bins of equal width that the calibration error is counted in, as in Guo et al. 2017."""

_LEAST = 1e-9
"""What a probability of 0 counts as in a log loss, lest one span outweigh all."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far scores are from what they say.

    Attributes:
        error: expected calibration error, 0 to 1: the mean distance, over spans, between the mean
            score of a bin and the share of its spans that are right.
        log_loss: mean over spans.
    """

    error: float
    log_loss: float

    @classmethod
    def of(cls, scores: Float64Array, correct: BoolArray) -> Reliability:
        """That of spans' scores."""
        if not len(scores):
            return cls(0.0, 0.0)
        bins = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
        gap = np.bincount(bins, weights=scores - correct, minlength=BINS)
        losses = _losses(scores, correct.astype(np.float64))
        return cls(float(np.abs(gap).sum() / len(scores)), float(losses.mean()))


@dataclass(frozen=True)
class Fit:
    """A temperature, and what it is worth on spans that had no part in its fitting.

    Attributes:
        temperature: fitted on all spans, or the one that the model has where that stays.
        fitted: on all spans, whatever stays.
        kept: why that stays; None where it does not.
        spans: how many.
        units: what was held out in turn, and `unit_count` how many there are.
        folds: how many parts.
        before: as the network left the scores.
        current: at the temperature that the model had, which these documents may have given it.
        after: each part at the temperature that the other parts give, whatever stays.
    """

    temperature: float
    fitted: float
    kept: str | None
    spans: int
    units: str
    unit_count: int
    folds: int
    before: Reliability
    current: Reliability
    after: Reliability

    def to_json(self) -> dict[str, object]:
        """The figures as plain values."""
        return asdict(self)


def fit(scorer: SpanScorer, folds: int, *, current: float = 1.0) -> Fit:
    """Fit the temperature; its worth is measured by cross-fitting over documents.

    The model's own stays where that lowers no log loss on what is held out, and where the least
    lies at the edge of what is tried: then these documents do not tell the temperature.

    Args:
        scorer: the model's spans.
        folds: parts that are held out in turn.
        current: the temperature that the model has.
    """
    plain = scorer.judged
    table = loss_table(scorer)
    scores = plain.scores.copy()
    for temperature, held_out in cross_fitted(scorer, table, folds):
        scores[held_out] = scorer.at(temperature).scores[held_out]
    own = Reliability.of(scorer.at(current).scores, plain.correct)
    after = Reliability.of(scores, plain.correct)
    found = fitted(table, plain.correct, np.ones(len(plain), dtype=np.bool_))
    kept = _why_kept(found, current, after, own, plain)
    return Fit(
        temperature=found if kept is None else current,
        fitted=found,
        kept=kept,
        spans=len(plain),
        units=plain.unit_name,
        unit_count=plain.unit_count,
        folds=folds,
        before=Reliability.of(plain.scores, plain.correct),
        current=own,
        after=after,
    )


def _why_kept(
    found: float, current: float, after: Reliability, own: Reliability, judged: JudgedSpans
) -> str | None:
    """Why a model keeps its temperature; None where the one that was found is better."""
    if not len(judged):
        return "no entity was found"
    if not GRID[0] < found < GRID[-1]:
        return f"the best temperature lies at {found:g}, the edge of what is tried"
    if after.log_loss < own.log_loss:
        return None
    if f"{found:.3f}" == f"{current:.3f}":
        return f"these {judged.unit_name} give the same"
    change = "worse" if after.log_loss > own.log_loss else "no better"
    return (
        f"a fitted temperature ({found:.3f}) would make the log loss on held-out "
        f"{judged.unit_name} {change} ({own.log_loss:.4f} to {after.log_loss:.4f})"
    )


def loss_table(scorer: SpanScorer) -> Mapping[float, Float64Array]:
    """For each temperature of the grid (spans,) scores."""
    return {temperature: scorer.at(temperature).scores for temperature in GRID}


def cross_fitted(
    scorer: SpanScorer, table: Mapping[float, Float64Array], folds: int
) -> list[tuple[float, BoolArray]]:
    """For each part the temperature of all others, and (spans,) which spans are its own."""
    judged = scorer.judged
    parts = []
    for fold in range(folds):
        held_out: BoolArray = judged.units % folds == fold
        parts.append((fitted(table, judged.correct, ~held_out), held_out))
    return parts


def fitted(table: Mapping[float, Float64Array], correct: BoolArray, used: BoolArray) -> float:
    """The temperature with the least log loss on the spans that are used; 1 if there are none.

    The targets are Platt's (1999), a little inside of 0 and 1: a handful of spans that are all
    right does not make every score 1.
    """
    right = int(correct[used].sum())
    wrong = int(used.sum()) - right
    if not right + wrong:
        return 1.0
    targets = np.where(correct[used], (right + 1) / (right + 2), 1 / (wrong + 2))
    losses = [float(_losses(scores[used], targets).mean()) for scores in table.values()]
    grid = np.log2(list(table))
    best = int(np.argmin(losses))
    if best in (0, len(losses) - 1):
        return float(2 ** grid[best])
    before, here, after = losses[best - 1 : best + 2]
    bend = before - 2 * here + after
    shift = 0.5 * (before - after) / bend if bend > 0 else 0.0
    return float(2 ** (grid[best] + shift * (grid[1] - grid[0])))


def _losses(scores: Float64Array, targets: Float64Array) -> Float64Array:
    """(spans,) log loss of each score against its target."""
    sure = np.clip(scores, _LEAST, 1 - _LEAST)
    losses: Float64Array = -(targets * np.log(sure) + (1 - targets) * np.log1p(-sure))
    return losses
