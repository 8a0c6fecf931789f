"""Figures for the eye: tables for the terminal, conlleval's own layout, and the JSON file."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from posner.evaluation.counts import Counts, Ratios, Score
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


def tag_score_report(score: TagScore) -> RenderableType:
    """Both policies' tables, and the accuracy."""
    return Group(
        score_table(score.default, "default: ill-formed chunks repaired, as conlleval does"),
        Text(),
        score_table(score.strict, "strict: ill-formed chunks discarded"),
        Text(),
        Text(f"accuracy {percent(score.accuracy)} of {score.words} words"),
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
        lines.append(f"{evaluation.words} words at {evaluation.words_per_second:.0f} a second")
    else:
        lines.append(f"{evaluation.words} words")
    return Group(
        score_table(evaluation.strict, "strict: exact span and label"),
        Text(),
        flat,
        Text(),
        *(Text(line) for line in lines),
    )


def score_table(score: Score, title: str) -> Table:
    """Counts and percentages by label, with the micro and macro averages below."""
    table = Table(
        title=Text(title), title_justify="left", box=None, pad_edge=False, show_footer=False
    )
    table.add_column("label", overflow="fold")
    for name in ("gold", "predicted", "correct", "precision", "recall", "F1"):
        table.add_column(name, justify="right", no_wrap=True)
    labels = sorted(score.labels.items())
    for label, counts in labels:
        table.add_row(Text(label), *_count_cells(counts), *_ratio_cells(counts.ratios))
    if labels:
        table.add_section()
        table.add_row()
    table.add_row("micro", *_count_cells(score.micro), *_ratio_cells(score.micro.ratios))
    table.add_row("macro", "", "", "", *_ratio_cells(score.macro))
    return table


def conlleval_text(score: TagScore) -> str:
    """The default policy's figures in the layout of conlleval (the labels sorted by name)."""
    total = score.counts
    lines = [
        f"processed {score.words} tokens with {total.gold} phrases; "
        f"found: {total.predicted} phrases; correct: {total.correct}.",
    ]
    if score.words:
        lines.append(f"accuracy: {100 * score.accuracy:6.2f}%; {_conlleval_ratios(total)}")
    for label, counts in sorted(score.default.labels.items()):
        lines.append(f"{label:>17}: {_conlleval_ratios(counts)}  {counts.predicted}")
    return "\n".join(lines) + "\n"


def _count_cells(counts: Counts) -> tuple[str, str, str]:
    return str(counts.gold), str(counts.predicted), str(counts.correct)


def _ratio_cells(ratios: Ratios) -> tuple[str, str, str]:
    return percent(ratios.precision), percent(ratios.recall), percent(ratios.f1)


def _conlleval_ratios(counts: Counts) -> str:
    return (
        f"precision: {100 * counts.precision:6.2f}%; recall: {100 * counts.recall:6.2f}%; "
        f"FB1: {100 * counts.f1:6.2f}"
    )
