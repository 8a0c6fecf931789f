"""`posner compare TRAIN DEV --out DIR`: several systems trained and scored on the same words."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from posner.cli.corpora import add_corpus_flags, read_corpus
from posner.cli.numbers import whole
from posner.compare.cell import corpus_fingerprint
from posner.compare.compare import Comparer
from posner.compare.files import write_results, write_tables
from posner.compare.lines import duels_of, lines_of
from posner.compare.order import Data
from posner.compare.plan import plan_rows
from posner.compare.tables import Grid, label_grid, main_grid, terminal_tables, width_of
from posner.errors import UsageError
from posner.evaluation.report import figures_console
from posner.files import write_json
from posner.systems.labelling import only_labels
from posner.systems.mapping import parse_mapping

T = TypeVar("T")

SYSTEMS = "bert,crf,bilstm,transformer"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "posner compare TRAIN DEV [--systems A,B,...] [--seeds N] --out DIR ..."
    parser.add_argument("train", metavar="TRAIN", help="labelled corpus to learn from")
    parser.add_argument("dev", metavar="DEV", help="labelled corpus that all systems are scored on")
    parser.add_argument(
        "--systems",
        default=SYSTEMS,
        metavar="A,B,...",
        help="bert, crf, crf-next, bilstm, transformer, transformer-adamw, each optionally with a "
        "recipe or TOML file after a colon (bert:quick); spacy; hf:PATH; default: %(default)s",
    )
    parser.add_argument(
        "--seeds",
        type=whole("--seeds", low=1),
        default=1,
        metavar="N",
        help="trainings of each system; default: %(default)s",
    )
    parser.add_argument(
        "--seeds-of", action="append", metavar="NAME=N", help="train a slow system with fewer seeds"
    )
    parser.add_argument(
        "--share",
        action="append",
        metavar="NAME=S",
        help="train a slow system on a share of TRAIN; Posner's own gets a row with that share too",
    )
    parser.add_argument("--labels", metavar="A,B,...", help="learn and score only these labels")
    parser.add_argument(
        "--map",
        action="append",
        metavar="LABEL=NAME",
        help="what a label of spacy or hf:PATH is called in the corpora; default: matched by name",
    )
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to write")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps; default: auto")
    add_corpus_flags(parser)
    parser.add_argument("--force", action="store_true", help="replace a comparison in DIR")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Train and score what is not done yet, and print the table."""
    rows = plan_rows(
        arguments.systems.split(","),
        seeds=arguments.seeds,
        shares=_by_name(arguments.share, "--share", float),
        fewer=_by_name(arguments.seeds_of, "--seeds-of", int),
    )
    mapping = parse_mapping(arguments.map or ())
    if mapping and not any(row.system.takes_mapping for row in rows):
        raise UsageError("--map is for spacy and hf:PATH, and neither is compared")
    data, words = _data(arguments, mapping)
    comparer = Comparer(arguments.out, data, mapping, arguments.device, say=_say)
    comparison = comparer.run(rows, force=arguments.force)
    lines = lines_of(comparison)
    duels = duels_of(lines)
    grids = [main_grid(lines, words), label_grid(lines)]
    write_tables(arguments.out, grids, duels)
    found = write_results(arguments.out, comparison, lines, duels)
    _print_grid(grids[0])
    for text in (*grids[0].notes, *(duel.sentence() for duel in duels)):
        print(text)
    print(f"tables and figures are in {arguments.out}")
    if arguments.json is not None:
        write_json(arguments.json, found)
    return 0 if all(line.units is not None for line in lines) else 1


def _print_grid(grid: Grid) -> None:
    """Below each other what does not fit a terminal's width; side by side in a file or a pipe."""
    console = figures_console()
    for table in terminal_tables(grid, console.width if console.is_terminal else sys.maxsize):
        # What a terminal wraps is still whole, what rich cuts is not.
        wide = max(console.width, width_of(table))
        Console(highlight=False, width=wide).print(table)


def _data(arguments: argparse.Namespace, mapping: Mapping[str, str]) -> tuple[Data, int]:
    """The corpora, read once to say what is wrong with them, and the words of dev.

    Raises:
        UsageError: a label is mapped to a name that the corpora do not know.
    """
    labels = tuple(arguments.labels.split(",")) if arguments.labels else ()
    train = only_labels(read_corpus(arguments.train, arguments), labels)
    dev = only_labels(read_corpus(arguments.dev, arguments), labels, known=labels)
    known = labels or sorted({*train.labels, *dev.labels})
    for name in sorted(set(mapping.values()) - set(known)):
        raise UsageError(
            "no such label in the corpora", where="--map", expected=" ".join(known), got=name
        )
    data = Data(
        train=arguments.train,
        dev=arguments.dev,
        format=arguments.format,
        scheme=arguments.scheme,
        labels=labels,
        fingerprint=corpus_fingerprint(train) + corpus_fingerprint(dev),
    )
    return data, dev.word_count


def _say(text: str) -> None:
    print(f"== {text}", file=sys.stderr, flush=True)


def _by_name(pairs: Sequence[str] | None, flag: str, number: Callable[[str], T]) -> dict[str, T]:
    """`transformer=0.25` as an entry.

    Raises:
        UsageError: something else.
    """
    found: dict[str, T] = {}
    for pair in pairs or ():
        name, equals, value = pair.rpartition("=")
        try:
            if not equals or not name:
                raise ValueError
            found[name] = number(value)
        except ValueError as error:
            raise UsageError(f"{flag} names a system and a number", got=pair) from error
    return found
