"""`posner score`: score predictions of any tool that stand beside the gold annotations."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.text import Text

from posner.cli.analysis_flags import (
    CONLLEVAL,
    add_analysis_flags,
    check_analysis_flags,
    print_analysis,
    train_mentions,
    write_figures,
)
from posner.cli.corpora import read_repaired
from posner.cli.numbers import whole
from posner.errors import DataError, SchemeError, UsageError
from posner.evaluation.analysis import Analysis, analyse
from posner.evaluation.column_documents import column_documents
from posner.evaluation.columns import TaggedSentence, check_prefixes, read_tag_columns
from posner.evaluation.conlleval import tag_score_conlleval
from posner.evaluation.pairs import DocumentPairs, holds_pairs, paired, read_pairs
from posner.evaluation.report import figures_console, tag_score_report
from posner.evaluation.tags import TagScore, score_tag_pairs
from posner.plural import counted
from posner.schemes import SCHEMES, Scheme, detect_scheme, scheme_named

_COLUMN_FLAGS = ("gold", "predicted", "scheme")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `posner score`."""
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="one word a line, columns separated by spaces or tabs, blank lines between sentences; "
        'or JSON Lines with "gold" and "predicted" (spans or tags) beside "text" or "tokens"; '
        "may be gzip-compressed (.gz)",
    )
    parser.add_argument(
        "other",
        nargs="?",
        metavar="PREDICTED",
        help="a corpus with the predicted entities; FILE is then one with the gold entities",
    )
    parser.add_argument(
        "--gold",
        type=whole("--gold", low=1),
        metavar="N",
        help="column of the gold tags, counted from 1; default: the last but one",
    )
    parser.add_argument(
        "--predicted",
        type=whole("--predicted", low=1),
        metavar="M",
        help="column of the predicted tags, counted from 1; default: the last",
    )
    parser.add_argument(
        "--scheme",
        metavar="SCHEME",
        help=f"tag scheme ({', '.join(SCHEMES)}); default: detected from the gold column",
    )
    parser.add_argument(
        "--format",
        choices=("table", CONLLEVAL),
        default="table",
        help="how the figures are printed; default: %(default)s",
    )
    add_analysis_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    """Score the file and print the figures."""
    arguments.conlleval |= arguments.format == CONLLEVAL
    check_analysis_flags(arguments)
    path: Path = arguments.file
    if arguments.other is not None:
        return _score_documents(_two_corpora(arguments), arguments)
    if not path.exists():
        raise DataError("no such file or folder", where=path, remedy="check the path")
    if holds_pairs(path):
        return _score_documents(read_pairs(path), arguments)
    return _score_columns(path, arguments)


def _two_corpora(arguments: argparse.Namespace) -> DocumentPairs:
    gold, predicted = (
        read_repaired(str(source), format=None, scheme=None, repair=False, flag=None)[0].documents
        for source in (arguments.file, arguments.other)
    )
    return paired(gold, predicted)


def _score_documents(pairs: DocumentPairs, arguments: argparse.Namespace) -> int:
    for flag in _COLUMN_FLAGS:
        if getattr(arguments, flag) is not None:
            raise UsageError("is for columns, which this file does not hold", where=f"--{flag}")
    train = train_mentions(arguments)
    analysis = analyse(pairs.gold, pairs.predicted, train=train, by=arguments.by)
    print_analysis(analysis, arguments)
    figures = analysis.to_json(text=arguments.errors > 0)
    # No tags, no policies: an entity is what its borders say under either.
    figures["default"] = {"micro": figures["strict"]["micro"]}
    figures["accuracy"] = analysis.evaluation.flat.micro(with_o=True)
    write_figures(figures, arguments)
    return 0


def _score_columns(path: Path, arguments: argparse.Namespace) -> int:
    train = train_mentions(arguments)
    whole = bool(train or arguments.by or arguments.details or arguments.errors)
    sentences: Iterable[TaggedSentence] = read_tag_columns(
        path,
        gold=arguments.gold,
        predicted=arguments.predicted,
        words=whole,
        document_rows=arguments.conlleval,
    )
    if arguments.scheme is None or whole:
        # A pipe can be read only once, so the tags (and words, if need be) are held in memory.
        sentences = list(sentences)
    if arguments.scheme is None:
        scheme, origin = _detected(sentences)
    else:
        scheme, origin = _named(arguments.scheme), "named"
    checked = check_prefixes(sentences, scheme, path)
    score = score_tag_pairs(((s.gold, s.predicted) for s in checked), scheme)
    if not score.words:
        raise DataError("the file holds no tagged words", where=path)
    figures: dict[str, Any] = score.to_json()
    analysis = None
    if whole:
        pairs = column_documents(sentences)
        analysis = analyse(pairs.gold, pairs.predicted, train=train, by=arguments.by)
        figures = analysis.to_json(text=arguments.errors > 0) | figures
    write_figures(figures, arguments)
    _print_columns(score, analysis, f"scheme: {scheme.name} ({origin})", arguments)
    return 0


def _print_columns(
    score: TagScore, analysis: Analysis | None, scheme: str, arguments: argparse.Namespace
) -> None:
    if arguments.conlleval:
        sys.stdout.write(tag_score_conlleval(score))
        return
    gold = arguments.gold or "the last but one"
    predicted = arguments.predicted or "the last"
    heading = f"gold column: {gold}; predicted column: {predicted}\n{scheme}\n"
    report = Group(Text(heading), tag_score_report(score))
    if analysis is None:
        figures_console().print(report)
    else:
        print_analysis(analysis, arguments, report)


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
        origin += f", with {counted(detection.illegal, 'illegal transition')}"
    return detection.scheme, origin
