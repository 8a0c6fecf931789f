"""The tables of a comparison: for the terminal, Markdown, CSV and LaTeX.

All four are made from the same rows of cells, so that none says what another does not.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from rich.console import Console
from rich.table import Table
from rich.text import Text

from posner.compare.lines import FLAT, RATIO_NAMES, STRICT, Line
from posner.evaluation.bootstrap import RATIOS, Interval


@dataclass(frozen=True, slots=True)
class Value:
    """A cell: a number as it is shown, and its interval where it has one.

    Attributes:
        shown: the number; a dash where there is none.
        low: the lower border of its interval, as it is shown; empty without one.
        high: the upper border.
    """

    shown: str
    low: str = ""
    high: str = ""

    def joined(self, form: str) -> str:
        """The number with its interval as a format of `shown`, `low` and `high` puts it."""
        if not self.low:
            return self.shown
        return form.format(shown=self.shown, low=self.low, high=self.high)


@dataclass(frozen=True)
class Grid:
    """A table before it has a form.

    Attributes:
        title: what it shows.
        header: the columns' names.
        rows: a name and the values behind it.
        notes: what stands below, a line each.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Value, ...]], ...]
    notes: tuple[str, ...] = ()


def main_grid(lines: Sequence[Line], words: int) -> Grid:
    """Every system's figures and costs.

    Args:
        lines: what was found.
        words: of the dev set.
    """
    header = (
        "system",
        "seeds",
        *(f"{STRICT} {RATIO_NAMES[ratio]}" for ratio in RATIOS),
        "by seed",
        *(f"{FLAT} {RATIO_NAMES[ratio]}" for ratio in RATIOS),
        "minutes",
        "words/s",
        "MB",
        "GB training",
        "GB tagging",
    )
    rows = tuple((line.name, _main_values(line)) for line in lines)
    notes = [
        f"{words:,} words were tagged. Strict: exact span and label, micro. Flat: words by IOB2 "
        "tag, micro, without O. With each figure its 95 % bootstrap interval over "
        f"{_drawn(lines)}; several seeds' counts are added, and the interval knows nothing of "
        "how they differ: by seed is the standard deviation of their strict F1. Minutes are "
        "from the corpus's files to the saved model, judged on dev. GB are of main memory.",
        *_choices(lines),
        *_steps(lines),
        *(f"{line.name}: {line.error}" for line in lines if line.error),
    ]
    return Grid("systems", header, rows, tuple(notes))


def _main_values(line: Line) -> tuple[Value, ...]:
    """The figures and costs of one system, in the order of the main table's columns."""
    return (
        Value(str(len(line.f1s))),
        *(_ratio(line, STRICT, ratio) for ratio in RATIOS),
        _number(None if line.spread is None else 100 * line.spread, "{:.2f}"),
        *(_ratio(line, FLAT, ratio) for ratio in RATIOS),
        _number(line.minutes, "{:.2f}"),
        _number(line.words_per_second, "{:.0f}"),
        _number(line.megabytes, "{:.1f}"),
        _number(line.training_gigabytes, "{:.2f}"),
        _number(line.tagging_gigabytes, "{:.2f}"),
    )


def _choices(lines: Sequence[Line]) -> list[str]:
    """What was chosen by the dev set, whose figures are then better than those of other data."""
    names = [line.name for line in lines if line.row.system.chooses_epoch]
    if not names:
        return []
    text = f"The dev set chose the best epoch of {', '.join(names)}"
    if any(line.row.system.is_main for line in lines):
        text += (
            ", calibrated the scores of Posner's own, and chose the weight of its surface features "
            "where its recipe has them"
        )
    return [f"{text}; so figures of data that nothing was chosen on may be lower."]


def _steps(lines: Sequence[Line]) -> list[str]:
    """How long each network over words has learned, and from what: few data make few steps."""
    told = [
        f"{line.name}, {line.steps:,} steps"
        + (" from random vectors" if line.row.system.has_random_vectors else "")
        for line in lines
        if line.steps is not None and not line.row.system.is_main
    ]
    return [f"Learned: {'; '.join(told)}."] if told else []


def _drawn(lines: Sequence[Line]) -> str:
    """What the intervals were drawn from: every row has the same."""
    units = next((line.units for line in lines if line.units is not None), None)
    return "documents" if units is None else f"{len(units.counts):,} {units.unit}"


def label_grid(lines: Sequence[Line]) -> Grid:
    """Each system's strict figures by label."""
    labels = sorted({label for line in lines for label in line.labels})
    header = ("system", *(f"{label} {RATIO_NAMES[r]}" for label in labels for r in RATIOS))
    rows = tuple(
        (
            line.name,
            tuple(
                Value(_ratio(line, f"{STRICT}.{label}", ratio).shown)
                for label in labels
                for ratio in RATIOS
            ),
        )
        for line in lines
    )
    return Grid("strict, by label", header, rows)


def _ratio(line: Line, reading: str, ratio: str) -> Value:
    if reading not in line.figures:
        return Value("-")
    shown = f"{100 * getattr(line.figures[reading], ratio):.2f}"
    if reading not in line.intervals:
        return Value(shown)
    found: Interval = getattr(line.intervals[reading], ratio)
    return Value(shown, f"{100 * found.low:.2f}", f"{100 * found.high:.2f}")


def _number(value: float | None, form: str) -> Value:
    return Value("-" if value is None else form.format(value))


def terminal_table(grid: Grid) -> Table:
    """For a terminal: an interval below its figure."""
    title = grid.title or None
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for head in grid.header:
        left = head == grid.header[0]
        table.add_column(head, justify="left" if left else "right", no_wrap=True)
    for name, values in grid.rows:
        table.add_row(Text(name), *(v.joined("{shown}\n{low}-{high}") for v in values))
    return table


def terminal_tables(grid: Grid, width: int) -> Iterator[Table]:
    """One table below the other where the columns do not fit side by side; no cell is cut.

    Args:
        grid: what they show.
        width: characters of a line of the terminal.
    """
    shown: list[int] = []
    for column in range(len(grid.header) - 1):
        if shown and width_of(terminal_table(_columns(grid, [*shown, column]))) > width:
            yield terminal_table(_columns(grid, shown))
            grid, shown = replace(grid, title=""), []
        shown.append(column)
    yield terminal_table(_columns(grid, shown))


def _columns(grid: Grid, shown: Sequence[int]) -> Grid:
    """The rows' names and some of the columns behind them."""
    header = (grid.header[0], *(grid.header[1 + column] for column in shown))
    rows = tuple((name, tuple(values[column] for column in shown)) for name, values in grid.rows)
    return replace(grid, header=header, rows=rows)


def width_of(table: Table) -> int:
    """The characters that its widest line takes where nothing is cut or wrapped."""
    return Console(width=10_000).measure(table).maximum


def markdown(grid: Grid) -> str:
    """As Markdown, notes below."""

    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    lines = [line(grid.header), line(["---", *["--:"] * (len(grid.header) - 1)])]
    for name, values in grid.rows:
        lines.append(line([name, *(v.joined("{shown} ({low}-{high})") for v in values)]))
    return "\n".join([*lines, *(f"\n{note}" for note in grid.notes)]) + "\n"


def comma_separated(grid: Grid) -> str:
    """As CSV: each figure with an interval has two more columns for it."""
    with_interval = [
        any(values[i].low for _, values in grid.rows) for i in range(len(grid.header) - 1)
    ]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    header = [grid.header[0]]
    for title, wide in zip(grid.header[1:], with_interval, strict=True):
        header += [title, *((f"{title} low", f"{title} high") if wide else ())]
    writer.writerow(header)
    for name, values in grid.rows:
        row = [name]
        for value, wide in zip(values, with_interval, strict=True):
            shown = "" if value.shown == "-" else value.shown
            row += [shown, *((value.low, value.high) if wide else ())]
        writer.writerow(row)
    return out.getvalue()


_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def latex_text(text: str) -> str:
    """A text with what LaTeX would take for a command made harmless."""
    return "".join(_LATEX.get(character, character) for character in text)


def latex(grid: Grid) -> str:
    """As a LaTeX tabular with booktabs' rules; an interval is small and behind its figure."""

    def row(cells: Sequence[str]) -> str:
        return " & ".join(cells) + r" \\"

    form = r"{shown} {{\scriptsize {low}--{high}}}"
    lines = [
        "% needs \\usepackage{booktabs}",
        rf"\begin{{tabular}}{{l{'r' * (len(grid.header) - 1)}}}",
        r"\toprule",
        row([latex_text(title) for title in grid.header]),
        r"\midrule",
    ]
    for name, values in grid.rows:
        lines.append(row([latex_text(name), *(v.joined(form) for v in values)]))
    lines += [r"\bottomrule", r"\end{tabular}"]
    return "\n".join([*lines, *(f"% {note}" for note in grid.notes)]) + "\n"


FORMS: dict[str, Callable[[Grid], str]] = {"md": markdown, "csv": comma_separated, "tex": latex}
"""What writes a grid, by the ending of its file."""
