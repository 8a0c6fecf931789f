"""The picture of `bench_curve.py`: small multiples, a line a way, each named where it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from points import Point, best_f1
from posner.errors import PosnerError


@dataclass(frozen=True)
class Stroke:
    """How a way's line looks: told apart by its dashes and its mark too, not by hue alone."""

    colour: str
    dashes: str
    mark: str


# Hues of Okabe and Ito's palette, which colour-blind eyes can part.
STROKES = {
    "full": Stroke("#0072B2", "-", "o"),
    "small": Stroke("#56A0D3", "--", "P"),
    "top": Stroke("#D55E00", "-", "s"),
    "adapter": Stroke("#007A5A", "-", "^"),
    "frozen": Stroke("#AA4499", "-", "D"),
    "frozen-plain": Stroke("#555555", "--", "v"),
}
STYLE = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#888888",
    "svg.hashsalt": "posner",
}
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200)
LABEL_GAP = 0.075
"""Between two names, as a share of a panel's height."""


def draw(
    panels: Mapping[str, Mapping[str, Sequence[Point]]],
    titles: Mapping[str, str],
    title: str,
    target: Path,
) -> None:
    """Write `target` with the suffixes `.svg` and `.png`.

    Args:
        panels: for each size, for each way, its points in order.
        titles: what each way is called.
        title: of the whole picture.
        target: a path without a suffix.

    Raises:
        PosnerError: matplotlib is not installed.
    """
    pyplot = _pyplot()
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    with pyplot.rc_context(STYLE):
        figure, axes = pyplot.subplots(
            rows, columns, figsize=(5.4 * columns, 3.5 * rows + 0.4), squeeze=False
        )
        flat = list(axes.flat)
        for place, (size, ways) in zip(flat, panels.items(), strict=False):
            _panel(place, f"{f'{int(size):,}' if size.isdigit() else 'all'} sentences", ways)
            _names(place, ways, titles)
        for place in flat[len(panels) :]:
            place.set_visible(False)
        figure.suptitle(title, x=0.02, ha="left", fontsize=13)
        told = "processor minutes (log scale; looks at the dev set not counted)"
        figure.supxlabel(f"{told}; beside each name its best F1, which is kept", fontsize=10)
        figure.tight_layout(rect=(0, -0.01, 1, 0.99), w_pad=1.0)
        for suffix, options in ((".svg", {"metadata": {"Date": None}}), (".png", {"dpi": 120})):
            figure.savefig(target.with_suffix(suffix), facecolor="white", **options)
        pyplot.close(figure)


def _pyplot() -> Any:
    """matplotlib's drawing functions, without a window."""
    try:
        import matplotlib
        from matplotlib import pyplot
    except ImportError as error:
        remedy = 'pip install "posner[bench]"'
        raise PosnerError("drawing needs matplotlib", where="curve", remedy=remedy) from error
    matplotlib.use("Agg")
    return pyplot


def _panel(place: Any, title: str, ways: Mapping[str, Sequence[Point]]) -> None:
    """Lines and axes of one size."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

    for way, points in ways.items():
        stroke = STROKES[way]
        place.plot(
            [point.minutes for point in points],
            [100 * point.f1 for point in points],
            color=stroke.colour,
            linestyle=stroke.dashes,
            marker=stroke.mark,
            markersize=4.5,
            markevery=marked(len(points)),
            linewidth=1.6,
        )
    place.set_title(title, loc="left")
    place.set_xscale("log")
    every = [point.minutes for points in ways.values() for point in points]
    low, high = min(every) / 1.15, max(every) * 1.15
    place.set_xlim(low, high)
    place.set_xticks([tick for tick in TICKS if low <= tick <= high])
    place.xaxis.set_minor_locator(NullLocator())
    place.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    place.set_ylim(*f1_range([100 * p.f1 for points in ways.values() for p in points]))
    place.yaxis.set_major_locator(MaxNLocator(6))
    place.set_ylabel("dev F1")
    place.grid(axis="y", color="#E4E4E4", linewidth=0.8)
    place.set_axisbelow(True)


def _names(place: Any, ways: Mapping[str, Sequence[Point]], titles: Mapping[str, str]) -> None:
    """Each way's name and best F1, as near to its line's end as the others allow."""
    low, high = place.get_ylim()
    ends = {way: (100 * points[-1].f1 - low) / (high - low) for way, points in ways.items()}
    heights = spread(list(ends.values()), LABEL_GAP)
    for (way, points), height in zip(ways.items(), heights, strict=True):
        stroke, last = STROKES[way], points[-1]
        place.annotate(
            f"{titles[way]} {100 * best_f1(points):.1f}",
            xy=(last.minutes, 100 * last.f1),
            xycoords="data",
            xytext=(1.04, height),
            textcoords="axes fraction",
            color=stroke.colour,
            fontsize=10,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": stroke.colour, "linewidth": 0.6, "alpha": 0.6},
        )


def marked(count: int) -> list[int]:
    """The points that bear a mark: about ten of many, the last among them."""
    return list(range(count - 1, -1, -max(1, round(count / 10))))[::-1]


def f1_range(values: Sequence[float]) -> tuple[float, float]:
    """The part of the axis that shows the last nine tenths of what is learned.

    A first epoch near 0 would press all the rest against the top.
    """
    ordered = sorted(values)
    top = ordered[-1]
    low = max(ordered[len(ordered) // 10], top - 45)
    room = max(1.0, 0.06 * (top - low))
    return max(0.0, low - room), min(100.0, top + room)


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """The same heights moved as little as keeps them `gap` apart, within 0 to 1 where they fit."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    groups: list[list[int]] = []
    middles: list[float] = []
    for i in order:
        groups.append([i])
        middles.append(heights[i])
        while len(groups) > 1 and middles[-1] - middles[-2] < _room(groups[-2:], gap):
            merged = groups.pop(-2) + groups.pop()
            middles[-2:] = [sum(heights[j] for j in merged) / len(merged)]
            groups.append(merged)
    placed = [0.0] * len(heights)
    for group, middle in zip(groups, middles, strict=True):
        half = gap * (len(group) - 1) / 2
        middle = min(max(middle, half), max(half, 1 - half))
        for rank, i in enumerate(group):
            placed[i] = middle - half + gap * rank
    return placed


def _room(pair: Sequence[Sequence[int]], gap: float) -> float:
    """How far apart the middles of two groups must be."""
    return gap * (len(pair[0]) + len(pair[1])) / 2
