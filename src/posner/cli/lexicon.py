"""`posner lexicon ACTION SOURCE...`: lexicons of known names built, checked and described."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from posner.cli.corpora import add_corpus_flags, read_corpus
from posner.cli.numbers import number, whole
from posner.errors import UsageError
from posner.files import refuse_filled, write_json
from posner.plural import counted
from posner.postprocess.build import build_names
from posner.postprocess.inspect import LexiconFacts, problems
from posner.postprocess.names import Name, read_names, write_names
from posner.postprocess.places import KINDS, place_names


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = (
        "posner lexicon build CORPUS... -o FILE | check FILE... | info FILE | "
        f"places {' '.join(KINDS)} --label LABEL -o FILE"
    )
    parser.add_argument(
        "action",
        choices=tuple(_ACTIONS),
        help="build: from a corpus's mentions; check: list problems; info: print statistics; "
        "places: a ready-made lexicon of countries, regions, cities",
    )
    parser.add_argument(
        "sources", nargs="+", metavar="SOURCE", help="corpora, lexicons, or kinds of places"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write here: .jsonl, .csv or .txt"
    )
    parser.add_argument("--force", action="store_true", help="replace FILE")
    parser.add_argument(
        "--label", metavar="LABEL", help="places: their label in the model, such as LOC"
    )
    parser.add_argument(
        "--min-count",
        type=whole("--min-count", low=1),
        default=1,
        metavar="N",
        help="build: drop names with fewer mentions; default: 1",
    )
    parser.add_argument(
        "--min-score",
        type=number("--min-score", high=1),
        default=0.0,
        metavar="P",
        help="build: drop names of which a smaller share of occurrences are entities; default: 0",
    )
    add_corpus_flags(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Run one action."""
    writes = arguments.action in ("build", "places")
    if writes and arguments.output is None:
        raise UsageError(f"{arguments.action} needs a file to write", where="-o", expected="FILE")
    if arguments.label is None and arguments.action == "places":
        raise UsageError("places need a label", where="--label", expected="such as LOC")
    if writes:
        refuse_filled(arguments.output, force=arguments.force)
    return _ACTIONS[arguments.action](arguments)


def _build(arguments: argparse.Namespace) -> int:
    documents = [d for s in arguments.sources for d in read_corpus(s, arguments).documents]
    names = build_names(documents, min_count=arguments.min_count, min_score=arguments.min_score)
    return _write(names, arguments)


def _places(arguments: argparse.Namespace) -> int:
    return _write(place_names(arguments.sources, arguments.label), arguments)


def _write(names: list[Name], arguments: argparse.Namespace) -> int:
    write_names(arguments.output, names)
    return _print_facts(arguments.output, names, arguments)


def _info(arguments: argparse.Namespace) -> int:
    if len(arguments.sources) > 1:
        raise UsageError("info describes one lexicon", got=" ".join(arguments.sources))
    path = Path(arguments.sources[0])
    return _print_facts(path, read_names(path), arguments)


def _print_facts(path: Path, names: list[Name], arguments: argparse.Namespace) -> int:
    facts = LexiconFacts.of(names)
    labels = ", ".join(f"{label} {count:,}" for label, count in facts.names.items())
    details = (
        counted(facts.aliases, "alias", "aliases"),
        counted(facts.ids, "id"),
        counted(facts.scores, "score"),
    )
    print(f"{path}: {counted(len(names), 'name')} ({labels})")
    print(", ".join(details))
    ambiguous = counted(facts.ambiguous, "spelling")
    print(f"{ambiguous} with several labels; the longest spelling is {facts.longest!r}")
    if arguments.json is not None:
        write_json(arguments.json, facts.to_json())
    return 0


def _check(arguments: argparse.Namespace) -> int:
    found = [line for source in arguments.sources for line in problems(Path(source))]
    for line in found:
        print(line)
    print(counted(len(found), "problem"))
    if arguments.json is not None:
        write_json(arguments.json, {"problems": found})
    return 1 if found else 0


_ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {
    "build": _build,
    "check": _check,
    "info": _info,
    "places": _places,
}
