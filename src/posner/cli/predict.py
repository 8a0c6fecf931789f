"""`posner predict`."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TextIO

from posner.cli.corpora import add_repair, read_repaired
from posner.cli.model_flags import add_model_flags, load_from_flags
from posner.corpus import FORMATS
from posner.corpus.formats import detect_format
from posner.document import Document
from posner.errors import DataError, UsageError
from posner.recognizer import segmented
from posner.render import Tagged, coloured, conll, has_colour, json_array, jsonl, table, write
from posner.textfile import DOCUMENT_UNITS, read_texts


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
        choices=("table", "text", "json", "jsonl", "conll"),
        default="table",
        help="table (default), the text with its entities marked, json, jsonl, or conll columns",
    )
    parser.add_argument("--tags", action="store_true", help="also each word with its tags")
    parser.add_argument("--pieces", action="store_true", help="also each piece with its tag")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write here")
    parser.add_argument("--force", action="store_true", help="replace FILE")
    add_repair(parser)


def run(arguments: argparse.Namespace) -> int:
    """Tag, and write what was found as it comes."""
    if arguments.pieces and arguments.format in ("conll", "text"):
        raise UsageError("--pieces goes with --format table, json or jsonl")
    recognizer = load_from_flags(arguments)
    documents = recognizer.pipe(_documents(arguments))
    tagged: Iterable[Document | Tagged] = documents
    if arguments.pieces:
        tagged = (Tagged(d, recognizer.pieces(d)) for d in documents)
    with _output(arguments.output, arguments.force) as stream:
        write(_rendered(tagged, arguments, stream), stream)
    return 0


def _rendered(
    tagged: Iterable[Document | Tagged], arguments: argparse.Namespace, stream: TextIO
) -> Iterator[str]:
    tags = bool(arguments.tags)
    formats: dict[str, Callable[[], Iterator[str]]] = {
        "table": lambda: table(tagged, tags=tags),
        "json": lambda: json_array(tagged, tags=tags),
        "jsonl": lambda: jsonl(tagged, tags=tags),
        "conll": lambda: conll(tagged),
        "text": lambda: _marked(tagged, stream),
    }
    return formats[arguments.format]()


def _marked(tagged: Iterable[Document | Tagged], stream: TextIO) -> Iterator[str]:
    """Each text with its entities in colour, or marked where there is no colour."""
    from rich.console import Console

    colour = has_colour(stream)
    console = Console(force_terminal=colour, no_color=not colour, highlight=False, soft_wrap=True)
    for item in tagged:
        document = item.document if isinstance(item, Tagged) else item
        with console.capture() as capture:
            console.print(coloured(document, colour=colour), soft_wrap=True)
        yield capture.get()


def _documents(arguments: argparse.Namespace) -> Iterator[Document]:
    """Everything to tag, in the order of the command line."""
    for text in arguments.text or ():
        yield segmented(text)
    files = arguments.files or ([] if arguments.text else ["-"])
    for file in files:
        if file == "-":
            yield from (segmented(t) for t in read_texts(sys.stdin.buffer, arguments.document))
        elif _is_text(file, arguments.input):
            yield from _text_documents(Path(file), arguments.document)
        else:
            named = None if arguments.input is None else arguments.input
            corpus, _ = read_repaired(
                file, format=named, scheme=arguments.scheme, repair=arguments.repair
            )
            yield from corpus.documents


def _is_text(file: str, named: str | None) -> bool:
    if named is not None:
        return named == "text"
    path = Path(file)
    if not path.exists():
        raise DataError("no such file", where=file)
    try:
        detect_format(path)
    except DataError:
        return not path.is_dir()
    return False


def _text_documents(path: Path, unit: str) -> Iterator[Document]:
    try:
        with path.open("rb") as stream:
            yield from (segmented(text) for text in read_texts(stream, unit, name=str(path)))
    except OSError as error:
        raise DataError("cannot be read", where=path, got=error.strerror) from error


@contextlib.contextmanager
def _output(path: Path | None, force: bool) -> Iterator[TextIO]:
    """Standard output, or a file that appears only when it is complete."""
    if path is None:
        yield sys.stdout
        return
    if path.is_dir():
        raise DataError("is a folder", where=path, expected="a file to write")
    if path.exists() and path.stat().st_size and not force:
        raise DataError("is not empty", where=path, remedy="name another, or add --force")
    if not path.parent.is_dir():
        raise DataError("no such folder", where=path.parent)
    beside = path.with_name(f".{path.name}.new")
    try:
        with beside.open("w", encoding="utf-8", newline="\n") as stream:
            yield stream
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
