"""`posner lexicon`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from posner.cli.corpora import add_corpus_flags, read_corpus
from posner.cli.numbers import number, whole
from posner.errors import UsageError
from posner.files import refuse_filled, write_json
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
        help="build: from a corpus's mentions; check: list what is wrong; info: what is in it; "
        "places: a ready-made one of countries, regions, cities",
    )
    parser.add_argument(
        "sources", nargs="+", metavar="SOURCE", help="corpora, lexicons, or kinds of places"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write here: .jsonl, .csv or .txt"
    )
    parser.add_argument("--force", action="store_true", help="replace FILE")
    parser.add_argument(
        "--label", metavar="LABEL", help="places: what the model calls them, such as LOC"
    )
    parser.add_argument(
        "--min-count",
        type=whole("--min-count", low=1),
        default=1,
        metavar="N",
        help="build: mentions of a name; default 1",
    )
    parser.add_argument(
        "--min-score",
        type=number("--min-score", high=1),
        default=0.0,
        metavar="P",
        help="build: least share of a name's places that are such entities; default 0",
    )
    add_corpus_flags(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Build, check or describe a lexicon."""
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
    return _written(names, arguments)


def _places(arguments: argparse.Namespace) -> int:
    return _written(place_names(arguments.sources, arguments.label), arguments)


def _written(names: list[Name], arguments: argparse.Namespace) -> int:
    write_names(arguments.output, names)
    return _told(arguments.output, names, arguments)


def _info(arguments: argparse.Namespace) -> int:
    if len(arguments.sources) > 1:
        raise UsageError("info describes one lexicon", got=" ".join(arguments.sources))
    path = Path(arguments.sources[0])
    return _told(path, read_names(path), arguments)


def _told(path: Path, names: list[Name], arguments: argparse.Namespace) -> int:
    facts = LexiconFacts.of(names)
    labels = ", ".join(f"{label} {count:,}" for label, count in facts.names.items())
    print(f"{path}: {len(names):,} names ({labels})")
    print(f"{facts.aliases:,} aliases, {facts.ids:,} ids, {facts.scores:,} scores")
    print(f"{facts.ambiguous:,} spellings with several labels; the longest is {facts.longest!r}")
    if arguments.json is not None:
        write_json(arguments.json, facts.to_json())
    return 0


def _check(arguments: argparse.Namespace) -> int:
    found = [line for source in arguments.sources for line in problems(Path(source))]
    for line in found:
        print(line)
    print(f"{len(found):,} problems" if len(found) != 1 else "1 problem")
    if arguments.json is not None:
        write_json(arguments.json, {"problems": found})
    return 1 if found else 0


_ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {
    "build": _build,
    "check": _check,
    "info": _info,
    "places": _places,
}
