"""The flags of every command that prints an analysis, and the printing."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from rich.console import RenderableType

from posner.cli.corpora import read_repaired
from posner.cli.numbers import whole
from posner.errors import UsageError
from posner.evaluation.analysis import Analysis
from posner.evaluation.analysis_report import analysis_report, mistake_lines
from posner.evaluation.conlleval import evaluation_conlleval
from posner.evaluation.mentions import KnownMentions
from posner.evaluation.report import figures_console
from posner.files import write_json

CONLLEVAL = "conlleval"
"""The output format that `--format` names beside the formats of data."""


def add_analysis_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--train`, `--by`, `--details`, `--errors`, `--conlleval` and `--json`."""
    parser.add_argument(
        "--train",
        metavar="FILE",
        help="training corpus: also score entities by whether their mention was seen in it",
    )
    parser.add_argument(
        "--by",
        action="append",
        default=[],
        metavar="FIELD",
        help="also score the data by a field of the documents' metadata; may be repeated",
    )
    parser.add_argument(
        "--details",
        action="store_true",
        help="also print confusion, scores by length and casing, and the scores' reliability",
    )
    parser.add_argument(
        "--errors",
        type=whole("--errors", low=0),
        default=0,
        metavar="N",
        help="print N errors of each kind with their sentences, and write all of them to --json",
    )
    parser.add_argument(
        "--conlleval", action="store_true", help="print only the figures, as conlleval does"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")


def check_analysis_flags(arguments: argparse.Namespace) -> None:
    """Refuse what would be neither printed nor written.

    Raises:
        UsageError: more than conlleval's own figures is asked for beside them.
    """
    asked = {"--details": arguments.details, "--errors": arguments.errors}
    for flag, value in asked.items():
        if value and arguments.conlleval and arguments.json is None:
            told = "is not printed with conlleval's figures, which stand alone"
            raise UsageError(told, where=flag, remedy="write it with --json FILE")


def train_mentions(arguments: argparse.Namespace) -> KnownMentions | None:
    """The mentions of the corpus that `--train` names."""
    if arguments.train is None:
        return None
    corpus, _ = read_repaired(arguments.train, format=None, scheme=None, repair=True, flag=None)
    return KnownMentions.of(corpus.documents)


def print_analysis(
    analysis: Analysis, arguments: argparse.Namespace, figures: RenderableType | None = None
) -> None:
    """Print an analysis as the flags say; see `analysis_report`."""
    if arguments.conlleval:
        sys.stdout.write(evaluation_conlleval(analysis.evaluation))
        return
    console = figures_console()
    console.print(analysis_report(analysis, details=arguments.details, figures=figures))
    if arguments.errors:
        console.print()
    for line in mistake_lines(analysis.mistakes, arguments.errors):
        console.print(line, soft_wrap=True, markup=False)


def write_figures(figures: dict[str, Any], arguments: argparse.Namespace) -> None:
    """Write the figures where `--json` says."""
    if arguments.json is not None:
        write_json(arguments.json, figures)
