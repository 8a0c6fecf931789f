"""Reading corpora for commands: harmless problems are reported, costly ones end the command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from posner.corpus import FORMATS, KINDS, Corpus, Problem, count_kinds, read
from posner.corpus.formats import UnknownFormatError
from posner.corpus.nested import flat, on_words
from posner.errors import DataError
from posner.plural import counted
from posner.schemes import SCHEMES


def add_corpus_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--format`, `--scheme` and `--repair`."""
    add_format_flag(parser)
    add_scheme_flag(parser)
    add_repair(parser)


def add_format_flag(
    parser: argparse.ArgumentParser,
    *names: str,
    of: str = "the data",
    default: str = "detected",
    more: Sequence[str] = (),
) -> None:
    """Add `--format`, or `names`, which names the format of what `of` says.

    Args:
        parser: gets the flag.
        names: of the flag.
        of: what has the format, for the help.
        default: what holds without the flag, for the help.
        more: choices beside the formats of corpora.
    """
    choices = (*FORMATS, *more)
    parser.add_argument(
        *(names or ("--format",)),
        choices=choices,
        metavar="FORMAT",
        help=f"format of {of} ({', '.join(choices)}); default: {default}",
    )


def add_scheme_flag(parser: argparse.ArgumentParser, *names: str, of: str = "the data") -> None:
    """Add `--scheme`, or `names`, which names the tag scheme of what `of` says."""
    parser.add_argument(
        *(names or ("--scheme",)),
        metavar="SCHEME",
        help=f"tag scheme of {of} ({', '.join(SCHEMES)}); default: detected",
    )


def add_repair(parser: argparse.ArgumentParser) -> None:
    """Add `--repair`."""
    parser.add_argument(
        "--repair",
        action="store_true",
        help="repair what costs a word or an annotation, report it, and go on",
    )


def read_corpus(source: str, arguments: argparse.Namespace) -> Corpus:
    """Read a corpus as the flags of `add_corpus_flags` say."""
    corpus, _ = read_repaired(
        source, format=arguments.format, scheme=arguments.scheme, repair=arguments.repair
    )
    return corpus


def read_to_learn(source: str, arguments: argparse.Namespace) -> Corpus:
    """As `read_corpus`; with `--repair` what no tags of words can hold is changed, and told.

    Entities off the borders of words are widened to whole ones, and of those that share words the
    longest stays.
    """
    corpus = read_corpus(source, arguments)
    if not arguments.repair:
        return corpus
    corpus, off = on_words(corpus)
    corpus, nested = flat(corpus)
    for count, told in (
        (off, "off the borders of words, widened to whole words"),
        (nested, "sharing words with a longer one, left out"),
    ):
        if count:
            entities = counted(count, "entity", "entities")
            print(f"posner: {source}: {entities} {told}", file=sys.stderr)
    return corpus


def read_repaired(
    source: str,
    *,
    format: str | None,
    scheme: str | None,
    repair: bool,
    flag: str | None = "--format",
) -> tuple[Corpus, list[Problem]]:
    """Read a corpus; problems whose repair loses something need `repair`, others are only told.

    `flag` is how the command lets its user name the format, if it does.

    Raises:
        DataError: there is such a problem.
    """
    problems: list[Problem] = []
    try:
        corpus = read(source, format=format, scheme=scheme, problems=problems)
    except UnknownFormatError as unknown:
        remedy = f"name it with {flag} ({', '.join(FORMATS)})" if flag else "convert it first"
        raise DataError(
            unknown.problem,
            where=unknown.where,
            expected=unknown.expected,
            got=unknown.got,
            remedy=remedy,
        ) from None
    costly = [problem for problem in problems if problem.loses]
    if costly and not repair:
        error = costly[0].error(len(problems), source)
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
    """`path: 1 document, 2 sentences, ...`."""
    nouns = {"documents": "document", "sentences": "sentence", "words": "word"}
    counts = [counted(figures[name], noun) for name, noun in nouns.items()]
    return f"{path}: {', '.join([*counts, counted(figures['entities'], 'entity', 'entities')])}"
