"""`posner report RUN... --out FILE`: runs side by side on one HTML page."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from posner.cli.corpora import add_corpus_flags, read_corpus
from posner.cli.extras import needs_train_extra
from posner.cli.model_flags import add_device_flags, warn_of_unfinished
from posner.errors import PosnerError, UsageError
from posner.evaluation.held_out import HeldOut
from posner.files import refuse_filled, write_text
from posner.plural import counted
from posner.report.build import build_page, check_page
from posner.report.dev_set import DevSet, own_dev_set
from posner.report.findings import Findings
from posner.report.judge import judge
from posner.report.pictures import check_pictures, pictures, write_pictures
from posner.report.runs import ReportedRun
from posner.report.story import Story, is_elsewhere, is_run, no_run, read_stories
from posner.systems.opening import load


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "posner report RUN... [DATA] --out FILE.html [--no-text] [--images DIR]"
    parser.add_argument(
        "runs",
        nargs="+",
        type=Path,
        metavar="RUN... [DATA]",
        help="run folders or other models, and a labelled corpus to score them on; default: each "
        "run's dev set",
    )
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="page to write")
    parser.add_argument("--no-text", action="store_true", help="leave the corpus's sentences out")
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help="write charts as PNG and SVG too"
    )
    parser.add_argument(
        "--recorded", action="store_true", help="run no model: show only what training recorded"
    )
    parser.add_argument("--force", action="store_true", help="replace existing files")
    add_device_flags(parser)
    add_corpus_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the page, and the pictures if they are wanted."""
    paths, data = _runs_and_data(arguments)
    refuse_filled(arguments.out, force=arguments.force)
    if arguments.images is not None:
        refuse_filled(arguments.images, force=arguments.force)
        check_pictures()
    check_page()
    warn_of_unfinished(*paths)
    runs = _reported(read_stories(paths), data, arguments)
    made = pictures(runs)
    write_text(arguments.out, build_page(runs, made, texts=not arguments.no_text))
    print(f"{arguments.out}: {', '.join(run.name for run in runs)}")
    if arguments.images is not None:
        written = write_pictures(made, arguments.images)
        count = counted(len(written) // 2, "picture")
        print(f"{arguments.images}: {count}, as SVG and PNG")
    return 0


def _runs_and_data(arguments: argparse.Namespace) -> tuple[list[Path], Path | None]:
    """The runs, and the corpus behind them if there is one."""
    paths: list[Path] = arguments.runs
    if is_run(paths[-1]) or is_elsewhere(paths[-1]):
        _refuse_unscored(paths)
        return paths, None
    if len(paths) == 1:
        raise no_run(paths[0])
    not_a_run = no_run(paths[-1])
    if not_a_run.remedy:  # a folder of folds is no corpus
        raise not_a_run
    if arguments.recorded:
        raise UsageError("no run, and --recorded reads no data", where=paths[-1])
    return paths[:-1], paths[-1]


def _refuse_unscored(paths: Sequence[Path]) -> None:
    """Refuse a model that was trained elsewhere where there is no data to score it on."""
    for path in paths:
        if is_elsewhere(path):
            raise UsageError(
                "was trained elsewhere, so nothing is recorded of it",
                where=path,
                remedy="name labelled data behind the models",
            )


def _reported(
    stories: Sequence[Story], data: Path | None, arguments: argparse.Namespace
) -> list[ReportedRun]:
    """The runs with what tagging showed."""
    if arguments.recorded:
        if (arguments.device, arguments.precision) != ("auto", "fp32"):
            raise UsageError("--device and --precision run a model, and --recorded runs none")
        return [ReportedRun(story) for story in stories]
    given = None
    if data is not None:
        given = DevSet(data.name, read_corpus(str(data), arguments).documents, str(data))
    return [ReportedRun(story, _findings(story, given, arguments)) for story in stories]


def _findings(story: Story, given: DevSet | None, arguments: argparse.Namespace) -> Findings | None:
    """What a run's model finds in the corpus given, or else in its own dev set if it is there."""
    corpus = given
    if corpus is None:
        try:
            corpus = own_dev_set(story)
        except PosnerError as error:
            said = f"the report shows what training wrote down: {error.line()}"
            print(f"posner: {story.path}: {said}", file=sys.stderr)
            return None
    with needs_train_extra("running this model"):
        model = load(story.path, device=arguments.device, precision=arguments.precision)
    notes = HeldOut.of(model.manifest.figures, corpus.documents).notes
    found = judge(model, corpus.documents, corpus.name, texts=not arguments.no_text)
    return replace(found, note="; ".join(notes))
