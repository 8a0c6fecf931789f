"""The phases of a training: warmup, a plateau, a second one, overfitting; read from its curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from posner.training.run import MetricsLine, StepLine

WARMUP = "warmup"
PLATEAU = "plateau"
SECOND_PLATEAU = "second plateau"
OVERFITTING = "overfitting"

HOW = (
    "Warmup lasts until the learning rate is at its highest; the plateaus meet where two level "
    "lines fit the logarithm of the training loss best; overfitting begins at the lowest dev loss, "
    "if it rises afterwards."
)
"""What a reader is told of the rules below."""

_BUCKETS = 120
_FEWEST = 4
"""Fewer points than this make one plateau, not two."""
_RISE = 1.02
"""A dev loss that ends no higher than this times its lowest has not risen."""


@dataclass(frozen=True)
class Phase:
    """A part of a training, from one step to another."""

    name: str
    first: int
    last: int


@dataclass(frozen=True)
class LossPoint:
    """The mean training loss of some steps, at the middle one."""

    step: float
    loss: float


def smoothed(steps: Sequence[StepLine], most: int = _BUCKETS) -> list[LossPoint]:
    """The training loss as at most so many means over equally many steps."""
    if not steps:
        return []
    size = math.ceil(len(steps) / most)
    points = []
    for first in range(0, len(steps), size):
        part = steps[first : first + size]
        loss = math.fsum(line.train_loss for line in part) / len(part)
        points.append(LossPoint((part[0].step + part[-1].step) / 2, loss))
    return points


def phases(steps: Sequence[StepLine], metrics: Sequence[MetricsLine]) -> list[Phase]:
    """The phases that a training went through; none where its steps were not kept.

    Of several members, whose rates begin anew, those of the first.
    """
    if not steps:
        return []
    again = restart([line.learning_rate for line in steps])
    if again is not None:
        metrics = [line for line in metrics if line.step < steps[again].step]
        steps = steps[:again]
    warm = max(steps, key=lambda line: line.learning_rate).step  # the first of the highest
    warm = 0 if warm == steps[0].step else warm
    last = steps[-1].step
    turn = max(_turn(metrics, last), warm)
    found = [Phase(WARMUP, 0, warm)] if warm else []
    between = [point for point in smoothed(steps) if warm < point.step <= turn]
    change = _change(between)
    if change is not None and change < turn:
        found += [Phase(PLATEAU, warm, change), Phase(SECOND_PLATEAU, change, turn)]
    elif turn > warm:
        found.append(Phase(PLATEAU, warm, turn))
    if turn < last:
        found.append(Phase(OVERFITTING, turn, last))
    return found


def restart(rates: Sequence[float]) -> int | None:
    """Where a learning rate rises again after it has fallen; None where it never does."""
    fallen = False
    for place, (before, rate) in enumerate(pairwise(rates), start=1):
        if fallen and rate > before:
            return place
        fallen = fallen or rate < before
    return None


def _turn(metrics: Sequence[MetricsLine], last: int) -> int:
    """The step of the lowest dev loss if it rises afterwards; else the last one."""
    if not metrics:
        return last
    lowest = min(metrics, key=lambda line: line.dev_loss)
    return lowest.step if metrics[-1].dev_loss > _RISE * lowest.dev_loss else last


def _change(points: Sequence[LossPoint]) -> int | None:
    """The step at which two level lines fit the logarithms best."""
    if len(points) < _FEWEST:
        return None
    values = [math.log(max(point.loss, 1e-6)) for point in points]
    cuts = range(1, len(values))
    best = min(cuts, key=lambda cut: _spread(values[:cut]) + _spread(values[cut:]))
    return round((points[best - 1].step + points[best].step) / 2)


def _spread(values: Sequence[float]) -> float:
    """The summed squares of what a level line leaves."""
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values)
