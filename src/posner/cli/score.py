"""`posner score`: score predictions that stand in a file beside the gold tags."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from posner.errors import DataError, SchemeError, UsageError
from posner.evaluation.columns import TaggedSentence, check_prefixes, read_tag_columns
from posner.evaluation.report import conlleval_text, figures_console, tag_score_report
from posner.evaluation.tags import score_tag_pairs
from posner.files import write_json
from posner.schemes import SCHEMES, Scheme, detect_scheme, scheme_named


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `posner score`."""
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="one word a line, columns separated by spaces or tabs, blank lines between sentences; "
        "may be gzip-compressed (.gz)",
    )
    parser.add_argument(
        "--gold",
        type=int,
        metavar="N",
        help="column of the gold tags, counted from 1 (default: the last but one)",
    )
    parser.add_argument(
        "--predicted",
        type=int,
        metavar="M",
        help="column of the predicted tags, counted from 1 (default: the last)",
    )
    parser.add_argument(
        "--scheme",
        metavar="NAME",
        help=f"tag scheme: {', '.join(SCHEMES)} (default: detected from the gold column)",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the figures to this file, too"
    )
    parser.add_argument(
        "--conlleval", action="store_true", help="print the figures in conlleval's own layout"
    )


def run(arguments: argparse.Namespace) -> int:
    """Score the file and print the figures."""
    path: Path = arguments.file
    sentences: Iterable[TaggedSentence] = read_tag_columns(
        path, gold=arguments.gold, predicted=arguments.predicted
    )
    if arguments.scheme is None:
        # A pipe can be read only once, so the tags (not the words) are held in memory.
        sentences = list(sentences)
        scheme, origin = _detected(sentences)
    else:
        scheme, origin = _named(arguments.scheme), "named"
    checked = check_prefixes(sentences, scheme, path)
    score = score_tag_pairs(((s.gold, s.predicted) for s in checked), scheme)
    if not score.words:
        raise DataError("the file holds no tagged words", where=path)
    if arguments.json:
        write_json(arguments.json, score.to_json())
    if arguments.conlleval:
        sys.stdout.write(conlleval_text(score))
    else:
        gold = arguments.gold or "the last but one"
        predicted = arguments.predicted or "the last"
        console = figures_console()
        console.print(f"gold column: {gold}; predicted column: {predicted}")
        console.print(f"scheme: {scheme.name} ({origin})\n")
        console.print(tag_score_report(score))
    return 0


def _named(name: str) -> Scheme:
    """The scheme of that name; a wrong one is a wrong call, not wrong data."""
    try:
        return scheme_named(name)
    except SchemeError as error:
        raise UsageError(
            error.problem, where="--scheme", expected=error.expected, got=error.got
        ) from None


def _detected(sentences: Iterable[TaggedSentence]) -> tuple[Scheme, str]:
    """The scheme of the gold column, and in words how well it fits."""
    detection = detect_scheme(s.gold for s in sentences)
    origin = "detected from the gold column"
    if detection.illegal:
        plural = "" if detection.illegal == 1 else "s"
        origin += f", with {detection.illegal} illegal transition{plural}"
    return detection.scheme, origin
