"""`posner convert IN OUT`: a corpus in another format or tag scheme."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from posner.corpus import FORMATS, KINDS, Corpus, Problem, count_kinds, read, write
from posner.corpus.files import write_json
from posner.errors import DataError
from posner.schemes import SCHEMES


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    schemes = ", ".join(SCHEMES)
    parser.add_argument("source", metavar="IN", help="a file, a folder or the name of a data set")
    parser.add_argument("target", metavar="OUT", help="the file or folder to write")
    parser.add_argument(
        "--format",
        "--from",
        dest="format",
        choices=FORMATS,
        help="format of IN (default: found out)",
    )
    parser.add_argument(
        "--to", choices=FORMATS, help="format of OUT (default: by its suffix, else that of IN)"
    )
    parser.add_argument("--from-scheme", help=f"tag scheme of IN (default: found out): {schemes}")
    parser.add_argument(
        "--scheme",
        "--to-scheme",
        dest="scheme",
        help="tag scheme of OUT (default: that of IN in the same format, else IOB2)",
    )
    parser.add_argument("--force", action="store_true", help="overwrite OUT")
    add_repair(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")


def add_repair(parser: argparse.ArgumentParser) -> None:
    """Add `--repair`."""
    parser.add_argument(
        "--repair",
        action="store_true",
        help="go on where a problem costs a word or an annotation, and say what was done",
    )


def read_repaired(
    source: str, *, format: str | None, scheme: str | None, repair: bool
) -> tuple[Corpus, list[Problem]]:
    """Read a corpus; problems whose repair loses something need `repair`, others are only told.

    Raises:
        DataError: there is such a problem.
    """
    problems: list[Problem] = []
    corpus = read(source, format=format, scheme=scheme, problems=problems)
    costly = [problem for problem in problems if problem.loses]
    if costly and not repair:
        error = costly[0].error(len(problems))
        raise DataError(
            error.problem,
            where=error.where,
            remedy=f"{error.remedy}; --repair goes on all the same",
        )
    for kind, count in count_kinds(problems).items():
        print(
            f"posner: {source}: {count:,} {kind}: {KINDS[kind].repair} "
            f"(`posner check {source}` lists them)",
            file=sys.stderr,
        )
    return corpus, problems


def print_losses(losses: Sequence[str]) -> None:
    """Say what a writer could not hold."""
    for loss in losses:
        print(f"posner: {loss}", file=sys.stderr)


def size(corpus: Corpus) -> dict[str, int]:
    """The figures of a corpus that was written."""
    return {
        "documents": len(corpus.documents),
        "sentences": sum(1 for _ in corpus.sentences),
        "words": corpus.word_count,
        "entities": sum(len(document.entities) for document in corpus.documents),
    }


def size_line(path: object, figures: dict[str, int]) -> str:
    """`path: 1 documents, 2 sentences, ...`."""
    return f"{path}: " + ", ".join(f"{count:,} {name}" for name, count in figures.items())


def run(arguments: argparse.Namespace) -> int:
    """Convert a corpus."""
    corpus, problems = read_repaired(
        arguments.source,
        format=arguments.format,
        scheme=arguments.from_scheme,
        repair=arguments.repair,
    )
    losses = write(
        corpus,
        arguments.target,
        format=arguments.to,
        scheme=arguments.scheme,
        force=arguments.force,
    )
    print_losses(losses)
    figures = size(corpus)
    print(size_line(arguments.target, figures))
    if arguments.json is not None:
        found = {**figures, "problems": count_kinds(problems), "losses": losses}
        write_json(arguments.json, found)
    return 0
