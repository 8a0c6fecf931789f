"""Figures for the eye: tables for the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from posner.evaluation.counts import Counts, Ratios, Score
from posner.evaluation.readings import MODES, Readings
from posner.evaluation.result import Evaluation
from posner.evaluation.tags import TagScore

_NARROWEST = 80


def figures_console() -> Console:
    """A console for the tables on standard output, never so narrow that figures would be cut."""
    console = Console(highlight=False)
    if console.width < _NARROWEST:
        console = Console(highlight=False, width=_NARROWEST)
    return console


def percent(fraction: float | None) -> str:
    """A fraction as a percentage with two decimals; an unknown one as a dash."""
    return "-" if fraction is None else f"{100 * fraction:.2f}"


def signed_percent(fraction: float) -> str:
    """A difference in points with its sign; one that is rounded to 0 is not below it."""
    return f"{round(100 * fraction, 2) + 0.0:+.2f}"


def p_value_text(value: float) -> str:
    """`p = 0.042`; a p-value that three digits cannot show is below the least that they can."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def tag_score_report(score: TagScore) -> RenderableType:
    """Both policies' tables, and the accuracy."""
    return Group(
        score_table(score.default, "default: ill-formed chunks repaired, as conlleval does"),
        Text(),
        score_table(score.strict, "strict: ill-formed chunks discarded"),
        Text(),
        readings_table(score.readings),
        Text(),
        Text(f"accuracy {percent(score.accuracy)} of {score.words:,} words"),
    )


def evaluation_report(evaluation: Evaluation) -> RenderableType:
    """The strict table by label, the flat readings, parts of speech, and the speed."""
    flat = Table(title="flat: F1 over words", title_justify="left", box=None, pad_edge=False)
    flat.add_column("")
    flat.add_column("with O", justify="right")
    flat.add_column("without O", justify="right")
    for name, reading in (("micro", evaluation.flat.micro), ("weighted", evaluation.flat.weighted)):
        flat.add_row(name, percent(reading(with_o=True)), percent(reading(with_o=False)))
    lines = []
    if evaluation.pos_accuracy is not None:
        lines.append(f"parts of speech: accuracy {percent(evaluation.pos_accuracy)}")
    if evaluation.words_per_second is not None:
        lines.append(f"{evaluation.words:,} words at {evaluation.words_per_second:,.0f} a second")
    else:
        lines.append(f"{evaluation.words:,} words")
    return Group(
        score_table(evaluation.strict, "strict: exact span and label"),
        Text(),
        flat,
        Text(),
        *(Text(line) for line in lines),
    )


def score_table(score: Score, title: str) -> Table:
    """Counts and percentages by label, with the micro and macro averages below."""
    table = counts_table(dict(sorted(score.labels.items())), title, "label")
    if score.labels:
        table.add_section()
        table.add_row()
    table.add_row("micro", *_count_cells(score.micro), *_ratio_cells(score.micro.ratios))
    table.add_row("macro", "", "", "", *_ratio_cells(score.macro))
    return table


def readings_table(readings: Readings) -> Table:
    """A row for each way to match spans."""
    title = Text("readings: spans matched one to one")
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("reading", no_wrap=True)
    names = ("correct", "incorrect", "partial", "missed", "spurious", "P", "R", "F1")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for mode in MODES:
        total = getattr(readings, mode).total
        counts = (total.correct, total.incorrect, total.partial, total.missed, total.spurious)
        ratios = total.ratios
        cells = [percent(value) for value in (ratios.precision, ratios.recall, ratios.f1)]
        table.add_row(mode, *map(str, counts), *cells)
    words = readings.per_word.micro
    counts = (words.correct, "", "", words.gold - words.correct, words.predicted - words.correct)
    cells = [percent(value) for value in (words.precision, words.recall, words.f1)]
    table.add_row("per word", *map(str, counts), *cells)
    return table


def counts_table(rows: Mapping[str, Counts], title: str, first: str) -> Table:
    """Counts and percentages, a row each."""
    table = Table(title=Text(title), title_justify="left", box=None, pad_edge=False)
    table.add_column(first, overflow="fold")
    for name in ("gold", "predicted", "correct", "precision", "recall", "F1"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, counts in rows.items():
        table.add_row(Text(name), *_count_cells(counts), *_ratio_cells(counts.ratios))
    return table


def _count_cells(counts: Counts) -> tuple[str, str, str]:
    return str(counts.gold), str(counts.predicted), str(counts.correct)


def _ratio_cells(ratios: Ratios) -> tuple[str, str, str]:
    return percent(ratios.precision), percent(ratios.recall), percent(ratios.f1)
