"""`posner calibrate MODEL DEV`: a temperature and thresholds, stored with the model."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from posner.calibration.calibrate import (
    Calibration,
    ThresholdResult,
    calibrate,
    dev_with_thresholds,
    store,
    summary,
)
from posner.calibration.temperature import Fit
from posner.calibration.threshold import Wish
from posner.cli.corpora import add_corpus_flags, read_corpus
from posner.cli.extras import needs_train_extra
from posner.cli.model_flags import add_device_flag, add_threads_flag, warn_of_unfinished
from posner.cli.numbers import number
from posner.cli.thresholds import add_threshold_flag, check_labels, thresholds_from_flag
from posner.document import Document
from posner.errors import UsageError
from posner.evaluation.counts import Counts
from posner.evaluation.held_out import chosen_on
from posner.evaluation.model import as_read_by
from posner.evaluation.report import figures_console, percent
from posner.files import write_json
from posner.folder import find_model
from posner.loading import load

CURRENT = "as it is"
"""What the table calls the temperature that a model had."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("model", metavar="MODEL", help="a model or run folder")
    parser.add_argument("data", metavar="DEV", help="labelled corpus that it did not learn from")
    add_device_flag(parser)
    add_threads_flag(parser)
    add_threshold_flag(parser, "store this threshold; default: keep the model's")
    parser.add_argument(
        "--best-f1", action="store_true", help="store the threshold with the best F1 on DEV"
    )
    parser.add_argument(
        "--precision",
        type=number("--precision", high=1, above=True),
        metavar="P",
        help="store the threshold with the best recall at this precision on DEV, such as 0.95",
    )
    parser.add_argument(
        "--per-label", action="store_true", help="also choose a threshold for each label"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print the figures without changing the model"
    )
    add_corpus_flags(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Calibrate a model in place, and print what that is worth."""
    given = thresholds_from_flag(arguments)
    wish = _wish(arguments)
    if given is not None and wish is not None:
        raise UsageError("--threshold goes with neither --best-f1 nor --precision")
    if not arguments.dry_run:
        find_model(arguments.model)  # what cannot be written to is told before the long work
    warn_of_unfinished(arguments.model)
    documents: Sequence[Document] = read_corpus(arguments.data, arguments).documents
    with needs_train_extra("running this model"):
        recognizer = load(arguments.model, device=arguments.device, threads=arguments.threads)
    check_labels("--threshold", given.labels if given else (), recognizer.manifest.labels)
    source = chosen_on(arguments.data, documents)
    documents = as_read_by(recognizer, documents)
    votes = recognizer.votes(documents)
    calibration = calibrate(recognizer, documents, wish=wish, given=given, votes=votes)
    if not arguments.dry_run:
        dev = dev_with_thresholds(recognizer, calibration, documents, votes)
        store(arguments.model, calibration, source, dev)
    figures_console().print(_report(calibration))
    kept = recognizer.manifest.thresholds
    if kept and calibration.threshold is None:
        print(f"\nthe model keeps its threshold {kept}; --threshold 0 takes it back")
    print(f"\n{_stored(calibration, arguments)}")
    if arguments.json is not None:
        write_json(arguments.json, calibration.to_json())
    return 0


def _stored(calibration: Calibration, arguments: argparse.Namespace) -> str:
    """What has become of the model."""
    if arguments.dry_run:
        return "nothing stored (--dry-run)"
    model, threshold = arguments.model, calibration.threshold
    new = "" if calibration.fit.kept else "temperature and "
    if threshold is None:
        return f"{model}: {new}figures stored"
    if not threshold.thresholds:
        return f"{model}: {new}figures stored; no threshold leaves anything out"
    back = shlex.join(["posner", "calibrate", model, arguments.data, "--threshold", "0"])
    return f"{model}: {new}threshold stored; `{back}` takes the threshold away again"


def _wish(arguments: argparse.Namespace) -> Wish | None:
    precision: float | None = arguments.precision
    if arguments.best_f1 and precision is not None:
        raise UsageError("--best-f1 and --precision exclude each other")
    if arguments.best_f1 or precision is not None:
        return Wish(precision, arguments.per_label)
    if arguments.per_label:
        raise UsageError("--per-label goes with --best-f1 or --precision")
    return None


def _report(calibration: Calibration) -> RenderableType:
    fit = calibration.fit
    parts: list[RenderableType] = [Text(summary(fit)), Text()]
    parts.append(Text(f"{fit.folds} parts of {fit.unit_count:,} {fit.units}, held out in turn"))
    parts.append(_reliability(fit))
    if fit.current != fit.before:
        parts.append(Text(f"{CURRENT}: of all, not held out"))
    if calibration.threshold is not None:
        result = calibration.threshold
        aim = f" ({result.wish})" if result.wish else ""
        parts += [Text(f"\nthreshold {result.thresholds}{aim}"), _threshold(result)]
        parts += [Text(f"\n{line}; the one for all labels holds") for line in result.failed]
        if result.misses:
            parts.append(Text(f"\n{_missed(fit, result)}"))
        if result.is_in_vain:
            parts.append(
                Text(
                    f"\non {fit.units} that it was not chosen on, the threshold does not raise F1; "
                    "--threshold 0 takes it back"
                )
            )
    return Group(*parts)


def _reliability(fit: Fit) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("temperature", "calibration error", "log loss"):
        table.add_column(name, justify="left" if name == "temperature" else "right", no_wrap=True)
    rows = {"before": fit.before, CURRENT: fit.current, "after": fit.after}
    if fit.current == fit.before:
        del rows[CURRENT]
    for name, found in rows.items():
        table.add_row(name, f"{percent(found.error)} %", f"{found.log_loss:.4f}")
    return table


def _missed(fit: Fit, result: ThresholdResult) -> str:
    """That a precision does not hold where it was not chosen."""
    if result.held_out is None:
        return f"some part of the {fit.units} reaches the precision at no threshold"
    return (
        f"on {fit.units} that it was not chosen on, the precision is "
        f"{percent(result.held_out.precision)}: expect less than was asked for"
    )


def _threshold(result: ThresholdResult) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("", "left out", "precision", "recall", "F1"):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)

    def row(name: str, counts: Counts) -> None:
        ratios = [percent(r) for r in (counts.precision, counts.recall, counts.f1)]
        table.add_row(name, f"{result.without.predicted - counts.predicted:,}", *ratios)

    row("everything stays", result.without)
    row("with it", result.within)
    if result.held_out is not None:
        row("chosen on the other parts", result.held_out)
    return table
