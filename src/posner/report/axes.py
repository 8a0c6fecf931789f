"""What most charts share: a grid with round numbers, axis titles, a legend, labels kept apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from posner.report.drawing import Drawing, Point, text_width
from posner.report.scale import Scale, shown

WIDTH = 430.0
"""The width of a chart: drawn so that its letters can still be read on a phone."""

LEFT, RIGHT = 56.0, WIDTH - 14.0
"""Where the plots of charts with a scale on the left begin and end."""


@dataclass(frozen=True)
class Series:
    """A line or a kind of bar in a legend: its name and the number of its colour."""

    name: str
    colour: int


def legend(drawing: Drawing, series: Sequence[Series], at: Point) -> None:
    """Names behind squares of their colours, in one row."""
    x, y = at
    for one in series:
        drawing.box((x, y - 9), (10, 10), f"f{one.colour}")
        drawing.text((x + 15, y), one.name, "soft")
        x += 15 + text_width(one.name, 12) + 16


def left_axis(
    drawing: Drawing,
    x: Scale,
    y: Scale,
    *,
    wanted: int = 5,
    label: Callable[[float], str] = shown,
) -> None:
    """A line of the grid and a number at each tick of a scale that goes upwards."""
    for tick in y.ticks(wanted):
        drawing.line((x.start, y(tick)), (x.end, y(tick)), "grid")
        drawing.text((x.start - 7, y(tick) + 4), label(tick), "soft", anchor="end")


def bottom_axis(
    drawing: Drawing, x: Scale, y: float, title: str, ticks: Sequence[float], *, below: float = 34
) -> None:
    """A line with numbers and a title below."""
    drawing.line((x.start, y), (x.end, y), "axis")
    for tick in ticks:
        drawing.line((x(tick), y), (x(tick), y + 4), "axis")
        drawing.text((x(tick), y + 17), shown(tick), "soft", anchor="middle")
    drawing.text(((x.start + x.end) / 2, y + below), title, "soft", anchor="middle")


def spread(
    wanted: Sequence[float], widths: Sequence[float], low: float, high: float
) -> list[float]:
    """Centres of labels, as near to the wanted ones as leaves them apart, in the same order."""
    gap = 6.0
    centres: list[float] = []
    edge = low
    for centre, width in zip(wanted, widths, strict=True):
        centres.append(max(centre, edge + width / 2))
        edge = centres[-1] + width / 2 + gap
    edge = high
    for index in reversed(range(len(centres))):
        centres[index] = min(centres[index], edge - widths[index] / 2)
        edge = centres[index] - widths[index] / 2 - gap
    return centres


def whole_ticks(low: int, high: int, wanted: int) -> list[float]:
    """Ticks at whole numbers: all of them if they are few."""
    scale = Scale(low, max(high, low + 1), 0, 1)
    if high - low < wanted:
        return [float(number) for number in range(low, high + 1)]
    return [tick for tick in scale.ticks(wanted) if tick == round(tick) and tick >= low]
