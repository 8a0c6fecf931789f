"""`posner predict`."""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TextIO

from posner.cli.corpora import add_repair
from posner.cli.inputs import Answer, answers, read_inputs
from posner.cli.model_flags import add_model_flags, load_from_flags
from posner.cli.steps import add_step_flags, print_steps, set_steps
from posner.corpus import FORMATS
from posner.errors import UsageError
from posner.files import file_beside, refuse_filled
from posner.recognizer import Recognizer
from posner.render import (
    Tagged,
    coloured,
    conll,
    csv_lines,
    has_colour,
    html,
    json_array,
    jsonl,
    table,
    write,
)
from posner.textfile import DOCUMENT_UNITS


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_model_flags(parser)
    parser.add_argument("files", nargs="*", metavar="FILE", help="texts or corpora; - is stdin")
    parser.add_argument(
        "--text", action="append", metavar="T", help="a text to tag; may be repeated"
    )
    parser.add_argument(
        "--input",
        choices=("text", *FORMATS),
        help="what the files are: raw text, or a corpus whose words are tagged; default: found out",
    )
    parser.add_argument(
        "--scheme", metavar="NAME", help="tag scheme of a corpus; default: found out"
    )
    parser.add_argument(
        "--document",
        choices=DOCUMENT_UNITS,
        default="line",
        help="what a document of a text file is; default: line",
    )
    parser.add_argument(
        "--format",
        choices=("table", "text", "html", "json", "jsonl", "csv", "conll"),
        default="table",
        help="table (default), the text with its entities marked, a page that opens on its own, "
        "json, jsonl, csv with an entity a line, or conll columns",
    )
    parser.add_argument("--tags", action="store_true", help="also each word with its tags")
    parser.add_argument("--pieces", action="store_true", help="also each piece with its tag")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write here")
    parser.add_argument("--force", action="store_true", help="replace FILE")
    add_repair(parser)
    add_step_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    """Tag, and write what was found as it comes."""
    if arguments.pieces and arguments.format in ("conll", "text", "html", "csv"):
        raise UsageError("--pieces goes with --format table, json or jsonl")
    if arguments.tags and arguments.format in ("text", "html", "csv"):
        raise UsageError("--tags goes with --format table, json, jsonl or conll")
    recognizer = load_from_flags(arguments)
    set_steps(recognizer, arguments)
    found = answers(recognizer, read_inputs(arguments))
    with _output(arguments.output, arguments.force) as stream:
        write(_rendered(found, recognizer, arguments, stream), stream)
    print_steps(recognizer)
    return 0


def _rendered(
    found: Iterator[Answer],
    recognizer: Recognizer,
    arguments: argparse.Namespace,
    stream: TextIO,
) -> Iterator[str]:
    """What was found, in the format that was asked for."""
    tags = bool(arguments.tags)
    tagged = (
        Tagged(a.document, recognizer.pieces(a.document) if arguments.pieces else None)
        for a in found
    )
    formats: dict[str, Callable[[], Iterator[str]]] = {
        "table": lambda: table(tagged, tags=tags),
        "json": lambda: json_array(tagged, tags=tags),
        "jsonl": lambda: jsonl(tagged, tags=tags),
        "conll": lambda: _columns(found),
        "csv": lambda: csv_lines(tagged),
        "html": lambda: html(tagged),
        "text": lambda: _marked(tagged, stream),
    }
    return formats[arguments.format]()


def _columns(found: Iterator[Answer]) -> Iterator[str]:
    """CoNLL columns: a corpus's own ones stay, the predicted tag comes last."""
    first = next(found, None)
    if first is not None:
        everything = chain([first], found)
        yield from conll((a.with_own_columns() for a in everything), borders=first.source.bordered)


def _marked(tagged: Iterable[Tagged], stream: TextIO) -> Iterator[str]:
    """Each text with its entities in colour, or marked where there is no colour."""
    from rich.console import Console

    colour = has_colour(stream)
    console = Console(force_terminal=colour, no_color=not colour, highlight=False, soft_wrap=True)
    for item in tagged:
        with console.capture() as capture:
            console.print(coloured(item.document, colour=colour), soft_wrap=True)
        yield capture.get()


@contextlib.contextmanager
def _output(path: Path | None, force: bool) -> Iterator[TextIO]:
    """Standard output, or a file that appears only when it is complete."""
    if path is None:
        yield sys.stdout
        return
    if not path.is_dir():
        refuse_filled(path, force=force)
    with file_beside(path) as handle:
        stream = io.TextIOWrapper(handle, encoding="utf-8", newline="\n")
        yield stream
        stream.flush()
        stream.detach()
