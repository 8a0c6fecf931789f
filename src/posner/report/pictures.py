"""Every picture of a report, for the page and for files of their own."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from posner.errors import PosnerError
from posner.extras import needs_extra
from posner.files import write_bytes, write_text
from posner.report.axes import Series
from posner.report.bars import Bars, draw_bars
from posner.report.curves import SCORES, draw_losses, draw_scores, loss_range, score_range
from posner.report.drawing import Drawing
from posner.report.findings import KINDS
from posner.report.matrix import draw_matrix
from posner.report.reliability import draw_reliability
from posner.report.runs import ReportedRun, all_labels
from posner.report.theme import SERIES

LOSSES, EPOCHS, LABELS, CONFUSION, CALIBRATION, ERRORS = (
    "losses",
    "epochs",
    "labels",
    "confusion",
    "calibration",
    "errors",
)
"""The subjects of pictures, which begin their files' names."""

_ZOOM = 2.0
"""Pixels of a PNG for each of the drawing: sharp on paper and on dense screens."""


@dataclass(frozen=True)
class Picture:
    """A drawing, what it is about, and whose it is: a run's name, or empty for all runs."""

    subject: str
    run: str
    drawing: Drawing


def pictures(runs: Sequence[ReportedRun]) -> list[Picture]:
    """The pictures of all runs, on common scales so that they can be compared."""
    return [*_course_pictures(runs), *_label_pictures(runs), *_findings_pictures(runs)]


def _course_pictures(runs: Sequence[ReportedRun]) -> Iterator[Picture]:
    shown = [run for run in runs if run.story.course.is_curve]
    courses = [run.story.course for run in shown]
    judged = [course for course in courses if not course.is_judged_once]
    losses, scores = loss_range(courses), score_range(judged)
    epochs = [line.epoch for course in judged for line in course.metrics]
    for run in shown:
        course = run.story.course
        yield Picture(LOSSES, run.name, draw_losses(course, losses, run.name))
        if course in judged:
            ends = min(epochs), max(epochs)
            yield Picture(EPOCHS, run.name, draw_scores(course, scores, ends, run.name))


def _label_pictures(runs: Sequence[ReportedRun]) -> Iterator[Picture]:
    """Precision, recall and F1 of one run by label; of several the F1 beside one another."""
    labels = all_labels(runs)
    if not labels:
        return
    if len(runs) == 1:
        series: Sequence[Series] = SCORES
        own = runs[0].labels
        rows: list[list[float | None]] = [
            [own[label][one.name.lower()] for one in SCORES] for label in labels
        ]
        title = "Precision, recall and F1 by label"
    else:
        series = run_series(runs)
        rows = [
            [run.labels[label]["f1"] if label in run.labels else None for run in runs]
            for label in labels
        ]
        title = "F1 by label and run"
    bars = [
        Bars(label, [None if v is None else 100 * v for v in row])
        for label, row in zip(labels, rows, strict=True)
    ]
    drawing = draw_bars(bars, series, title, highest=100, label=lambda value: f"{value:.1f} %")
    yield Picture(LABELS, runs[0].name if len(runs) == 1 else "", drawing)


def _findings_pictures(runs: Sequence[ReportedRun]) -> Iterator[Picture]:
    found = [(run, run.findings) for run in runs if run.findings]
    for run, findings in found:
        if findings.confusion:
            yield Picture(CONFUSION, run.name, draw_matrix(findings.confusion, run.name))
    most = max((one.count for _, f in found for one in f.bins), default=1)
    for run, findings in found:
        if findings.bins:
            drawing = draw_reliability(findings.bins, most, run.name)
            yield Picture(CALIBRATION, run.name, drawing)
    counted = [(run, f.kinds) for run, f in found if f.kinds is not None]
    if counted:
        series = run_series([run for run, _ in counted])
        bars = [Bars(kind, [float(kinds.get(kind, 0)) for _, kinds in counted]) for kind in KINDS]
        highest = max(value or 0.0 for row in bars for value in row.values)
        title = "Errors by kind"
        drawing = draw_bars(bars, series, title, highest=highest, label=lambda v: f"{v:,.0f}")
        yield Picture(ERRORS, counted[0][0].name if len(runs) == 1 else "", drawing)


def run_series(runs: Sequence[ReportedRun]) -> list[Series]:
    """A colour for each run, the same in all pictures of them."""
    return [Series(run.name, number % SERIES) for number, run in enumerate(runs)]


def write_pictures(made: Sequence[Picture], folder: Path) -> list[Path]:
    """Write each picture as SVG and as PNG; older files of the same names are replaced.

    Raises:
        MissingExtraError: the package that turns SVG into PNG is not installed.
        PosnerError: the folder cannot be written, or this machine has no font.
    """
    check_pictures()
    from resvg_py import svg_to_bytes

    written = []
    for picture, stem in zip(made, file_stems(made), strict=True):
        text = picture.drawing.file()
        write_text(folder / f"{stem}.svg", text)
        write_bytes(folder / f"{stem}.png", svg_to_bytes(svg_string=text, zoom=_ZOOM))
        written += [folder / f"{stem}.svg", folder / f"{stem}.png"]
    return written


def file_stems(made: Sequence[Picture]) -> list[str]:
    """A file name for each picture, without its ending: the subject and the run."""
    stems: list[str] = []
    for picture in made:
        run = re.sub(r"[^\w.-]+", "-", picture.run).strip("-.")
        stem = f"{picture.subject}-{run}" if run else picture.subject
        others = (f"{stem}-{number}" for number in count(2))
        stems.append(stem if stem not in stems else next(s for s in others if s not in stems))
    return stems


def check_pictures() -> None:
    """Make sure that pictures can be written.

    Raises:
        MissingExtraError: the package that turns SVG into PNG is not installed.
        PosnerError: this machine has no font.
    """
    with needs_extra("writing PNG pictures", "report"):
        importlib.import_module("resvg_py")
    need_font()


def need_font() -> None:
    """Letters would be left out in silence where there is no font.

    Raises:
        PosnerError: this machine has none.
    """
    from resvg_py import svg_to_bytes

    frame = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20">{}</svg>'
    letter = '<text x="4" y="16" font-family="sans-serif">M</text>'
    with_letter, empty = (svg_to_bytes(svg_string=frame.format(x)) for x in (letter, ""))
    if with_letter == empty:
        raise PosnerError(
            "this machine has no font, so PNG pictures would have no letters",
            where="--images",
            remedy="install one, such as Debian's package fonts-dejavu-core",
        )
