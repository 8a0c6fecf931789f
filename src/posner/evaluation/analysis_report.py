"""An analysis for the eye: readings, intervals, errors, splits, confusion, reliability."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from posner.document import Entity
from posner.evaluation.analysis import Analysis
from posner.evaluation.bootstrap import LEVEL, Difference, intervals
from posner.evaluation.calibration import Calibration
from posner.evaluation.confusion import Confusion
from posner.evaluation.counts import Score
from posner.evaluation.mistakes import Mistake, count_kinds, some_of_each
from posner.evaluation.report import (
    counts_table,
    evaluation_report,
    percent,
    readings_table,
    signed_percent,
)
from posner.evaluation.splits import FIELD
from posner.evaluation.suspects import Suspect
from posner.evaluation.unit_counts import UnitCounts
from posner.plural import counted
from posner.render.marks import visible

_SPLIT_TITLES = {
    "familiarity": "by what the training corpus says of a mention",
    "mention_length": "by words of the mention",
    "sentence_length": "by words of the sentence",
    "casing": "by casing of the sentence",
}
_ALWAYS = ("familiarity",)


def analysis_report(
    analysis: Analysis, *, details: bool = False, figures: RenderableType | None = None
) -> RenderableType:
    """The figures of an evaluation, their intervals and the errors by kind.

    Args:
        analysis: what to show; splits by a training corpus or by a field are always shown.
        details: also confusion, all other splits and the reliability table.
        figures: what to show in the place of the evaluation's figures.
    """
    drawn = intervals_table(analysis.units)
    if figures is None:
        readings = readings_table(analysis.evaluation.readings)
        figures = Group(evaluation_report(analysis.evaluation), Text(), readings)
    tables: list[RenderableType] = [figures]
    tables += [] if drawn is None else [drawn]
    tables.append(Group(*_summary(analysis)))
    for split, parts in analysis.splits.items():
        if details or split in _ALWAYS or split.startswith(FIELD):
            tables.append(split_table(split, parts))
    if details:
        tables.append(confusion_table(analysis.confusion))
        if analysis.calibration.error is not None:
            tables.append(reliability_table(analysis.calibration))
    spaced = [part for table in tables for part in (table, Text())]
    return Group(*spaced[:-1])


def _summary(analysis: Analysis) -> Iterator[Text]:
    yield Text(errors_line(analysis.mistakes))
    if analysis.calibration.error is not None:
        yield Text(calibration_line(analysis.calibration))


def intervals_table(units: UnitCounts) -> RenderableType | None:
    """The micro figures' intervals; None where there is too little to draw from."""
    found = intervals(units)
    if not found:
        return None
    count = len(units.counts)
    table = _table(f"{LEVEL:.0%} intervals, drawn over {count:,} {units.unit}", "reading")
    for name in ("precision", "recall", "F1"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("strict", "flat"):
        ratios = found[name]
        cells = (ratios.precision, ratios.recall, ratios.f1)
        table.add_row(name, *(f"{percent(c.low)} to {percent(c.high)}" for c in cells))
    return table


def errors_line(mistakes: Sequence[Mistake]) -> str:
    """How many errors there are of each kind."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in count_kinds(mistakes).items())
    return f"errors: {len(mistakes)} ({kinds})"


def calibration_line(calibration: Calibration) -> str:
    """The expected calibration error, with what it is."""
    entities = sum(found.entities for found in calibration.bins)
    scored = counted(entities, "scored entity", "scored entities")
    return (
        f"calibration: expected error {percent(calibration.error)} % over {scored}: "
        "how far their scores are from the share that is right"
    )


def split_table(split: str, parts: Mapping[str, Score]) -> Table:
    """Strict figures of each part."""
    title = _SPLIT_TITLES.get(split, f"by {split.removeprefix(FIELD)}")
    rows = {part: score.micro for part, score in parts.items()}
    return counts_table(rows, f"strict, {title}", "part")


def confusion_table(confusion: Confusion) -> Table:
    """Rows by gold label, columns by predicted label."""
    table = _table("confusion: gold down, predicted across", "")
    for label in [*confusion.labels, "missed"]:
        table.add_column(Text(label), justify="right", overflow="fold")
    for label, row in zip([*confusion.labels, "spurious"], confusion.rows(), strict=True):
        table.add_row(Text(label), *(str(count) if count else "." for count in row))
    return table


def reliability_table(calibration: Calibration) -> Table:
    """How many entities of each range of scores are right."""
    table = _table("reliability: entities by their score", "score")
    for name in ("entities", "correct", "mean score", "right"):
        table.add_column(name, justify="right", no_wrap=True)
    count = len(calibration.bins)
    for i, found in enumerate(calibration.bins):
        shares = (percent(found.mean_score), percent(found.share_correct))
        borders = f"{i / count:.1f}-{(i + 1) / count:.1f}"
        table.add_row(borders, str(found.entities), str(found.correct), *shares)
    return table


def difference_report(
    differences: Mapping[str, Difference], first: str, second: str
) -> RenderableType:
    """Two systems' F1, reading by reading, with the difference and its p-value."""
    table = _table(f"A: {first}\nB: {second}\n\nF1, drawn in pairs", "reading")
    for name in ("A", "B", "A - B", f"{LEVEL:.0%} interval", "p"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, found in differences.items():
        delta = found.difference
        table.add_row(
            Text(name.replace("_", " ")),
            percent(found.first),
            percent(found.second),
            signed_percent(delta.value),
            f"{signed_percent(delta.low)} to {signed_percent(delta.high)}",
            f"{found.p_value:.4f}",
        )
    return table


def mistake_lines(mistakes: Sequence[Mistake], limit: int) -> Iterator[str]:
    """At most `limit` errors of each kind, on two lines each: the entities, and the sentence."""
    for mistake in some_of_each(mistakes, limit):
        yield f"{mistake.kind}: {_sides(mistake)}"
        yield _sentence(mistake)


def suspect_lines(suspects: Sequence[Suspect], limit: int) -> Iterator[str]:
    """At most `limit` suspects, on two lines each: how suspect and what, and the sentence."""
    for suspect in suspects[:limit]:
        mistake = suspect.mistake
        where = mistake.document or f"document {mistake.index + 1}"
        yield f"{suspect.suspicion:.4f}  {mistake.kind}: {_sides(mistake)}  ({visible(where)})"
        yield _sentence(mistake)


def _sides(mistake: Mistake) -> str:
    sides = (("gold", mistake.gold), ("predicted", mistake.predicted))
    return "; ".join(f"{name} {_entity(e)}" for name, e in sides if e is not None)


def _sentence(mistake: Mistake) -> str:
    return "    " + visible(" ".join(mistake.text.split()))


def _entity(entity: Entity) -> str:
    score = "" if entity.score is None else f" {entity.score:.4f}"
    return f"{entity.label} {' '.join(entity.text.split())!r}{score}"


def _table(title: str, first: str) -> Table:
    table = Table(title=Text(title), title_justify="left", box=None, pad_edge=False)
    table.add_column(first, overflow="fold")
    return table
