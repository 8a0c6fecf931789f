"""The confusion matrix: gold labels down, predicted ones across, missed and spurious last."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt

from posner.report.drawing import Drawing, Point, shortened, text_width

MISSED = "missed"
SPURIOUS = "spurious"

Pair = tuple[str | None, str | None]
"""A gold and a predicted label, either of which may be none."""

_LARGEST, _SMALLEST = 58.0, 34.0
_WIDEST_NAME = 120.0


def draw_matrix(counts: Mapping[Pair, int], name: str) -> Drawing:
    """A square of counts, the right ones on the diagonal.

    Args:
        counts: entities by gold and predicted label; None as the predicted label: missed, as the
            gold one: spurious.
        name: of the run.
    """
    labels = sorted({label for pair in counts for label in pair if label is not None})
    rows = [*labels, None] if any(gold is None for gold, _ in counts) else labels
    columns = [*labels, None] if any(found is None for _, found in counts) else labels
    names = [*labels, MISSED, SPURIOUS]
    widest = min(max(text_width(n, 12) for n in names), _WIDEST_NAME)
    cell = min(_LARGEST, max(_SMALLEST, (420 - widest) / max(1, len(columns))))
    turned = any(text_width(column or MISSED, 12) > cell - 4 for column in columns)
    left, top = widest + 30, (widest if turned else 18) + 34
    width, height = left + len(columns) * cell + (24 if turned else 6), top + len(rows) * cell + 6
    drawing = Drawing(width, height, f"Confusion of labels: {name}")
    drawing.text((left + len(columns) * cell / 2, 14), "predicted", "soft", anchor="middle")
    drawing.text((12, top + len(rows) * cell / 2), "gold", "soft", anchor="middle", turn=-90)
    for place, column in enumerate(columns):
        text, x = shortened(column or MISSED, _WIDEST_NAME, 12), left + (place + 0.5) * cell
        if turned:
            drawing.text((x + 4, top - 8), text, "soft", turn=-50)
        else:
            drawing.text((x, top - 8), text, "soft", anchor="middle")
    worst = max((count for (gold, found), count in counts.items() if gold != found), default=0)
    for line, gold in enumerate(rows):
        y = top + line * cell
        text = shortened(gold or SPURIOUS, _WIDEST_NAME, 12)
        drawing.text((left - 8, y + cell / 2 + 4), text, "soft", anchor="end")
        # Right answers by their share of the row, wrong ones beside the worst.
        row = sum(counts.get((gold, column), 0) for column in columns)
        for place, found in enumerate(columns):
            if gold is None and found is None:
                continue
            count = counts.get((gold, found), 0)
            whole = row if gold == found else worst
            share = sqrt(count / whole) if whole else 0.0  # the root keeps rare ones visible
            corner = (left + place * cell + 1, y + 1)
            _draw_cell(drawing, corner, cell - 2, (gold, found), count, share)
    return drawing


def _draw_cell(
    drawing: Drawing, corner: Point, side: float, pair: Pair, count: int, share: float
) -> None:
    """A square with a count in it, the deeper in colour the larger `share` is."""
    gold, found = pair
    size = (side, side)
    drawing.box(corner, size, "band")
    if count:
        note = f"gold {gold or SPURIOUS}, predicted {found or MISSED}: {count:,}"
        colour = "f0" if gold == found else "f1"
        drawing.box(corner, size, colour, note=note, opacity=0.12 + 0.78 * share)
    style = "on" if share > 0.6 else "" if count else "soft"
    small = "small" if text_width(f"{count:,}") > side - 6 else ""
    middle = (corner[0] + side / 2, corner[1] + side / 2 + 4)
    drawing.text(middle, f"{count:,}", f"{style} {small}".strip(), anchor="middle")
