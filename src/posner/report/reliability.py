"""The calibration curve: how often entities of a score are right, and how many have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from posner.report.axes import LEFT, RIGHT, WIDTH, Series, bottom_axis, left_axis, legend
from posner.report.drawing import Drawing
from posner.report.scale import Scale

_CURVE = (32.0, 256.0)
_COUNTS = (280.0, 326.0)
_NORMAL = 1.96
_SHARE = Series("share that is right", 0)


@dataclass(frozen=True)
class Bin:
    """Predicted entities whose scores lie between two borders.

    Attributes:
        low, high: the borders, 0 to 1.
        count: how many entities.
        correct: how many of them are right.
        score: their mean score.
    """

    low: float
    high: float
    count: int
    correct: int
    score: float

    @property
    def share(self) -> float:
        """The share that is right; 0 where there are none."""
        return self.correct / self.count if self.count else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Where the share lies at 95 %, after Wilson (1927); anywhere where there are none."""
        if not self.count:
            return 0.0, 1.0
        weight = _NORMAL**2 / self.count
        middle = (self.share + weight / 2) / (1 + weight)
        half = sqrt(self.share * (1 - self.share) * weight + weight**2 / 4) / (1 + weight)
        return max(0.0, middle - half), min(1.0, middle + half)


def draw_reliability(bins: Sequence[Bin], most: int, name: str) -> Drawing:
    """The share of right entities against their mean score, and their number below.

    Args:
        bins: in order.
        most: the largest count, of all the runs that are shown together.
        name: of the run.
    """
    drawing = Drawing(WIDTH, 374, f"Calibration of scores: {name}")
    x = Scale(0, 1, LEFT, RIGHT)
    y = Scale(0, 1, _CURVE[1], _CURVE[0])
    left_axis(drawing, x, y, label=lambda tick: f"{100 * tick:.0f} %")
    drawing.line((x(0), y(0)), (x(1), y(1)), "ideal")
    legend(drawing, [_SHARE], (LEFT, 14))
    drawing.line((LEFT + 180, 10), (LEFT + 204, 10), "ideal")
    drawing.text((LEFT + 210, 14), "if scores were exact", "soft")
    filled = [one for one in bins if one.count]
    points = [(x(one.score), y(one.share)) for one in filled]
    drawing.path(points, "l0")
    counts = Scale(0, max(1, most), _COUNTS[1], _COUNTS[0])
    for one, point in zip(filled, points, strict=True):
        note = (
            f"scores {one.low:.2f} to {one.high:.2f}: {one.correct:,} of {one.count:,} right, "
            f"mean score {one.score:.3f}"
        )
        low, high = one.interval
        drawing.line((point[0], y(low)), (point[0], y(high)), "l0 faint")
        drawing.dot(point, 4.5, "f0", note=note)
        top, left, right = counts(one.count), x(one.low), x(one.high)
        drawing.box((left + 1, top), (right - left - 2, counts(0) - top), "f0", note=note)
        drawing.text(((left + right) / 2, top - 4), f"{one.count:,}", "soft small", anchor="middle")
    bottom_axis(drawing, x, _COUNTS[1], "score of the entity", [0, 0.2, 0.4, 0.6, 0.8, 1])
    return drawing
