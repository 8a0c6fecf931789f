"""Bars: scores by label, and errors by kind, with a bar for each series beside one another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from posner.report.axes import WIDTH, Series, legend
from posner.report.drawing import Drawing, shortened, text_width
from posner.report.scale import Scale

_BAR = 13.0
_GAP = 12.0
_TOP = 32.0
_WIDEST_NAME = 140.0


@dataclass(frozen=True)
class Bars:
    """A row of bars: its name, and a value for each series (None: no bar)."""

    name: str
    values: Sequence[float | None]


def draw_bars(
    rows: Sequence[Bars],
    series: Sequence[Series],
    title: str,
    *,
    highest: float,
    label: Callable[[float], str],
) -> Drawing:
    """Horizontal bars from 0, grouped by row, each with its value at its end.

    Args:
        rows: from top to bottom.
        series: one for each value of a row; named in a legend where there are several.
        title: what it shows.
        highest: the value at which a bar fills the width.
        label: how a value is written.
    """
    height = len(series) * _BAR + _GAP
    top = _TOP if len(series) > 1 else 8.0
    drawing = Drawing(WIDTH, top + len(rows) * height + 4, title)
    if len(series) > 1:
        legend(drawing, series, (4, 14))
    named = max((text_width(row.name) for row in rows), default=0.0)
    left = min(named, _WIDEST_NAME) + 12
    room = max((text_width(label(v), 12) for row in rows for v in row.values if v), default=20.0)
    x = Scale(0, max(highest, 1e-9), left, WIDTH - room - 12)
    for number, row in enumerate(rows):
        y = top + number * height
        middle = y + len(series) * _BAR / 2 + 5
        drawing.text((left - 8, middle), shortened(row.name, _WIDEST_NAME), anchor="end")
        for place, (one, value) in enumerate(zip(series, row.values, strict=True)):
            if value is None:
                continue
            bar = y + place * _BAR
            note = f"{row.name}, {one.name}: {label(value)}"
            size = (max(x(value) - left, 1.0), _BAR - 2)
            drawing.box((left, bar), size, f"f{one.colour}", note=note)
            drawing.text((left + size[0] + 5, bar + 10), label(value), "soft small")
    drawing.line((left, top - 4), (left, top + len(rows) * height - _GAP + 4), "axis")
    return drawing
