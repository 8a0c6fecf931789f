"""One HTML page out of everything: no network, no script that it could not do without."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from posner import __version__
from posner.evaluation.bootstrap import Interval, paired_differences
from posner.evaluation.report import p_value_text, signed_percent
from posner.extras import needs_extra
from posner.render.clean import clean
from posner.report import tables
from posner.report.curves import Course
from posner.report.findings import KINDS
from posner.report.phases import HOW
from posner.report.pictures import Picture
from posner.report.runs import ReportedRun, all_labels, figure
from posner.report.sentences import error_items
from posner.report.theme import page_css

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_SENTENCES = 1000
"""A page with more sentences than this is slow on a phone; the page says what it leaves out."""
_FEW_LABELS = 8
"""With more labels than this the confusion matrix needs the whole width of the page."""


@dataclass(frozen=True)
class Card:
    """A run's headline."""

    number: int
    name: str
    f1: str
    interval: str
    precision: str
    recall: str
    difference: str
    source: str
    note: str
    best: str


def build_page(runs: Sequence[ReportedRun], made: Sequence[Picture], *, texts: bool) -> str:
    """The page.

    Args:
        runs: at least one.
        made: their pictures.
        texts: whether sentences of the corpus are shown.

    Raises:
        MissingExtraError: the package that fills templates is not installed.
    """
    items = error_items(runs, MOST_SENTENCES) if texts else []
    script = _asset("page.js")
    page: str = (
        _environment()
        .get_template("page.html")
        .render(
            title=f"{runs[0].name if len(runs) == 1 else f'{len(runs)} runs'} · Posner",
            version=__version__,
            style=page_css() + _asset("page.css"),
            script=script,
            script_digest=_digest(script),
            runs=runs,
            cards=[_card(number, run, runs[0]) for number, run in enumerate(runs)],
            figures=tables.figures_table(runs),
            cost=tables.cost_table(runs),
            data=tables.data_table(runs),
            labels=tables.label_tables(runs),
            epochs=tables.epoch_tables(runs),
            differences=tables.recipe_differences(runs),
            pictures=_by_subject(made),
            has_recipe=any(run.story.recipe for run in runs),
            phases=HOW,
            paired=len(runs) == 1 and len(all_labels(runs)) <= _FEW_LABELS,
            stepless=[r.name for r in runs if r.story.course.is_curve and not r.story.course.steps],
            kinds=KINDS,
            label_names=sorted(all_labels(runs)),
            texts=texts,
            items=items,
            left_out=_left_out(runs, len(items)) if texts else 0,
            judged=any(run.findings for run in runs),
            units=sorted({run.unit for run in runs} - {""}),
            once=[run.name for run in runs if run.story.course.is_judged_once],
            beside=[run.name for run in runs if run.story.has_surface],
            anew=[run.name for run in runs if run.story.course.begins_anew],
        )
    )
    return page


def _card(number: int, run: ReportedRun, first: ReportedRun) -> Card:
    def with_range(key: str) -> tuple[str, Interval | None]:
        return tables.percent(figure(run.figures, "strict", "micro", key)), run.ranges.get(key)

    f1, interval = with_range("f1")
    return Card(
        number=number,
        name=run.name,
        f1=f1,
        interval=_interval(interval),
        precision=_with_interval(*with_range("precision")),
        recall=_with_interval(*with_range("recall")),
        difference=_difference(run, first) if number else "",
        source=run.source,
        note=run.findings.note if run.findings else "",
        best=_kept(run.story.course),
    )


def _kept(course: Course) -> str:
    """Which of the epochs that dev judged was kept; empty where that is not known."""
    if course.best is None:
        return ""
    if course.is_judged_once:
        return f"dev was scored once, after epoch {course.best.epoch}"
    return f"best epoch {course.best.epoch} of {course.metrics[-1].epoch}"


def _difference(run: ReportedRun, first: ReportedRun) -> str:
    """How far a run's F1 is from the first one's, where both tagged the same corpus."""
    own, other = run.findings, first.findings
    if not own or not other or own.units is None or other.units is None:
        return ""
    if own.corpus != other.corpus:
        return ""
    found = paired_differences(own.units, other.units).get("strict")
    if found is None:
        return ""
    value, low, high = (_signed(v) for v in astuple(found.difference))
    return f"F1 {value} against {first.name} ({low} to {high}), {p_value_text(found.p_value)}"


def _signed(fraction: float) -> str:
    return signed_percent(fraction).replace("-", "−")


def _interval(found: Interval | None) -> str:
    return f"{tables.percent(found.low)} to {tables.percent(found.high)}" if found else ""


def _with_interval(value: str, found: Interval | None) -> str:
    return f"{value} ({_interval(found)})" if found else value


def _left_out(runs: Sequence[ReportedRun], shown: int) -> int:
    """How many sentences with errors the page does not show."""
    return len(error_items(runs, 10**9)) - shown


def _by_subject(made: Sequence[Picture]) -> dict[str, list[Any]]:
    """The pictures' elements, each with its caption, by what they are about."""
    from markupsafe import Markup

    found: dict[str, list[Any]] = {}
    for picture in made:
        element = Markup(picture.drawing.markup())  # ElementTree escaped all text
        found.setdefault(picture.subject, []).append((picture.run, element))
    return found


def check_page() -> None:
    """Make sure that a page can be written.

    Raises:
        MissingExtraError: the package that fills templates is not installed.
    """
    _environment()


@cache
def _environment() -> Environment:
    """Templates that escape every text, and pass no character that HTML cannot hold."""
    with needs_extra("writing a report", "report"):
        from jinja2 import Environment, PackageLoader, StrictUndefined
        from markupsafe import Markup

    def finalize(value: Any) -> Any:
        return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    return Environment(
        loader=PackageLoader("posner.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _asset(name: str) -> Any:
    """The page's own style or script, which stands in it as it is."""
    from markupsafe import Markup

    return Markup((resources.files("posner.report") / "page" / name).read_text(encoding="utf-8"))


def _digest(script: str) -> str:
    """What the page's content policy knows its script by."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
