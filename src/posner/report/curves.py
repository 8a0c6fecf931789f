"""Curves of a training: losses with the learning rate and the phases, and dev scores by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from posner.report.axes import (
    LEFT,
    RIGHT,
    WIDTH,
    Series,
    bottom_axis,
    left_axis,
    legend,
    spread,
    whole_ticks,
)
from posner.report.drawing import Drawing, text_width
from posner.report.phases import Phase, phases, restart, smoothed
from posner.report.scale import Scale, span_of
from posner.training.run import MetricsLine, StepLine

_LOSS = (62.0, 250.0)
_RATE = (272.0, 318.0)
_SCORES = (30.0, 262.0)
_PHASE_SIZE = 11.0

TRAINING, DEV = Series("training loss", 0), Series("dev loss", 1)
SCORES = (Series("F1", 0), Series("precision", 1), Series("recall", 2))


@dataclass(frozen=True)
class Course:
    """What the curves of one run are drawn from."""

    steps: Sequence[StepLine]
    metrics: Sequence[MetricsLine]

    @property
    def best(self) -> MetricsLine | None:
        """The evaluation whose model was kept."""
        return next((line for line in reversed(self.metrics) if line.best), None)

    @property
    def is_judged_once(self) -> bool:
        """Whether dev was scored a single time, so that nothing was chosen by it."""
        return len(self.metrics) == 1

    @property
    def begins_anew(self) -> bool:
        """Whether its rate rises again after it has fallen: there are several members."""
        lines = self.steps or self.metrics
        return restart([line.learning_rate for line in lines]) is not None

    @property
    def is_curve(self) -> bool:
        """Whether there is more to see than one point."""
        return bool(self.metrics) and len(self.metrics) + len(self.steps) > 1

    @property
    def losses(self) -> list[float]:
        """Every loss that is drawn."""
        learned = [p.loss for p in smoothed(self.steps)] or [m.train_loss for m in self.metrics]
        return learned + [m.dev_loss for m in self.metrics]


def loss_range(courses: Sequence[Course]) -> tuple[float, float]:
    """The losses of all runs, so that their charts have one scale."""
    losses = [loss for course in courses for loss in course.losses if loss > 0]
    low, high = span_of(losses) if losses else (0.1, 1.0)
    return low * 0.85, high * 1.15


def draw_losses(course: Course, losses: tuple[float, float], name: str) -> Drawing:
    """The losses of training and dev over the steps, the learning rate below, phases behind."""
    drawing = Drawing(WIDTH, 366, f"Training and dev loss by step, with the learning rate: {name}")
    last = course.metrics[-1].step if course.metrics else course.steps[-1].step
    x = Scale(0, max(1, last, *(line.step for line in course.steps[-1:])), LEFT, RIGHT)
    y = Scale(*losses, _LOSS[1], _LOSS[0], logarithmic=True)
    legend(drawing, (TRAINING, DEV), (LEFT, 14))
    _draw_phases(drawing, x, phases(course.steps, course.metrics))
    left_axis(drawing, x, y)
    learned = [(x(p.step), y(p.loss)) for p in smoothed(course.steps)]
    if not learned:  # an older run: means between evaluations
        learned = [(x(m.step), y(m.train_loss)) for m in course.metrics]
        for point in learned:
            drawing.dot(point, 3, "f0")
    drawing.path(learned, "l0")
    drawing.path([(x(m.step), y(m.dev_loss)) for m in course.metrics], "l1")
    for m in course.metrics:
        note = f"epoch {m.epoch}, step {m.step:,}: dev loss {m.dev_loss:.4f}"
        drawing.dot((x(m.step), y(m.dev_loss)), 3.5, "f1", note=note)
    best = course.best
    if best is not None and not course.is_judged_once:
        between = (_LOSS[0], _RATE[1])
        _mark_best(drawing, x(best.step), between, _LOSS[0] + 14, best.epoch)
    _draw_rate(drawing, x, course)
    bottom_axis(drawing, x, _RATE[1], "step", x.ticks(5))
    return drawing


def _draw_phases(drawing: Drawing, x: Scale, found: Sequence[Phase]) -> None:
    """Bands behind the plot, each under its name."""
    widths = [text_width(phase.name, _PHASE_SIZE) for phase in found]
    middles = [(x(phase.first) + x(phase.last)) / 2 for phase in found]
    centres = spread(middles, widths, x.start, x.end)
    top, height = _LOSS[0], _RATE[1] - _LOSS[0]
    for number, (phase, middle, centre) in enumerate(zip(found, middles, centres, strict=True)):
        left, right = x(phase.first), x(phase.last)
        if number % 2 == 0:
            drawing.box((left, top), (right - left, height), "band")
        drawing.line((middle, top - 1), (centre, top - 14), "axis")
        drawing.line((left + 1, top - 1), (right - 1, top - 1), "axis")
        drawing.text((centre, top - 18), phase.name, "soft small", anchor="middle")


def _draw_rate(drawing: Drawing, x: Scale, course: Course) -> None:
    rates = [(line.step, line.learning_rate) for line in course.steps[:: _stride(course.steps)]]
    rates = rates or [(line.step, line.learning_rate) for line in course.metrics]
    highest = max((rate for _, rate in rates), default=0.0) or 1.0
    y = Scale(0, highest, _RATE[1], _RATE[0])
    drawing.line((x.start, y(highest)), (x.end, y(highest)), "grid")
    drawing.text((x.start - 7, y(highest) + 4), _rate(highest), "soft", anchor="end")
    drawing.text((x.start - 7, y(0)), "0", "soft", anchor="end")
    drawing.text((x.end - 4, y(highest) - 5), "learning rate", "soft small", anchor="end")
    drawing.path([(x(step), y(rate)) for step, rate in rates], "rate")
    if not course.steps:
        for step, rate in rates:
            drawing.dot((x(step), y(rate)), 2.5, "ink")


def _rate(rate: float) -> str:
    """A learning rate, such as 3e-4."""
    digits, power = f"{rate:.1e}".split("e")
    return f"{float(digits):g}e{int(power)}"


def _stride(steps: Sequence[StepLine]) -> int:
    """Every how many steps the rate is drawn: some 200 points, and never none."""
    return max(1, len(steps) // 200)


def score_range(courses: Sequence[Course]) -> tuple[float, float]:
    """The percentages of all runs, so that their charts have one scale."""
    values = [100 * v for c in courses for m in c.metrics for v in (m.precision, m.recall, m.f1)]
    low, high = span_of(values, least=2.0)
    return max(0.0, low - 0.04 * (high - low)), min(100.0, high + 0.04 * (high - low))


def draw_scores(
    course: Course, scores: tuple[float, float], epochs: tuple[int, int], name: str
) -> Drawing:
    """Precision, recall and F1 on dev, an evaluation at its epoch."""
    drawing = Drawing(WIDTH, 308, f"Precision, recall and F1 on dev by epoch: {name}")
    first, last = epochs
    x = Scale(first, max(last, first + 1), LEFT + 6, RIGHT - 6)
    y = Scale(*scores, _SCORES[1], _SCORES[0])
    legend(drawing, SCORES, (LEFT, 14))
    left_axis(drawing, Scale(0, 1, LEFT, RIGHT), y, label=lambda tick: f"{tick:g} %")
    for series in reversed(SCORES):  # F1 on top
        values = [(m, getattr(m, series.name.lower())) for m in course.metrics]
        points = [(x(m.epoch), y(100 * value)) for m, value in values]
        drawing.path(points, f"l{series.colour}")
        for point, (m, value) in zip(points, values, strict=True):
            note = f"epoch {m.epoch}: {series.name} {100 * value:.2f}"
            drawing.dot(point, 3.5, f"f{series.colour}", note=note)
    if course.best is not None:
        best = course.best.epoch
        _mark_best(drawing, x(best), _SCORES, _SCORES[1] - 8, best)
    bottom_axis(drawing, x, _SCORES[1], "epoch", whole_ticks(first, last, 10))
    return drawing


def _mark_best(
    drawing: Drawing, x: float, between: tuple[float, float], y: float, epoch: int
) -> None:
    """A line down at the best evaluation, named beside it at height `y`."""
    top, bottom = between
    drawing.line((x, top), (x, bottom), "mark")
    text = f"best, epoch {epoch}"
    fits = x + 6 + text_width(text, 12) < RIGHT
    anchor, shift = ("start", 6) if fits else ("end", -6)
    drawing.text((x + shift, y), text, "strong small", anchor=anchor)
