"""Which files there are, what kind each is, and its texts one by one."""

from __future__ import annotations

import shutil
import tempfile
import zlib
from collections.abc import Collection, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from posner.corpus.files import plain_suffix
from posner.errors import DataError
from posner.sources.delimited import csv_rows
from posner.sources.item import Bad, Item, Meter, Place, Text
from posner.sources.parquet import parquet_rows
from posner.sources.records import json_lines
from posner.sources.whole import file_blocks, is_packed, rewound, unpacked, whole_text
from posner.textfile import Unreadable, read_documents

KINDS: dict[str, tuple[str, ...]] = {
    "text": (".txt", ".text", ".md"),
    "jsonl": (".jsonl", ".ndjson"),
    "csv": (".csv", ".tsv"),
    "parquet": (".parquet", ".pq"),
}
"""What files hold texts, and the endings that tell."""

LONG = 1 << 20
"""Bytes of a file that is one document, beyond which it is read piece by piece, twice."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are read.

    Attributes:
        unit: what a document of a text file is; see `textfile.DOCUMENT_UNITS`.
        column: the column, or key of JSON Lines, that holds the text.
        keep: further columns or keys that are carried through.
    """

    unit: str = "line"
    column: str | None = None
    keep: tuple[str, ...] = ()


def kind_of(path: Path) -> str | None:
    """What a file's ending says that it holds; None where it says nothing."""
    suffix = plain_suffix(path)
    return next((kind for kind, suffixes in KINDS.items() if suffix in suffixes), None)


def files_in(folder: Path, *, without: Collection[Path] = ()) -> tuple[list[Path], list[Path]]:
    """The files below a folder that hold texts, in order of their paths, and those that do not.

    Hidden files and folders are passed over, and those `without` which it is read.
    """
    left_out = {path.resolve() for path in without}
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and not (left_out and path.resolve() in left_out)
    )
    wanted = [path for path in found if kind_of(path)]
    return wanted, [path for path in found if not kind_of(path)]


def read_file(path: Path, kind: str, reading: Reading, meter: Meter) -> Iterator[Item]:
    """The texts of a file, in order, read as they are asked for.

    Args:
        path: the file; `.gz` is unpacked.
        kind: one of `KINDS`.
        reading: how.
        meter: is told how far the file is read.

    Raises:
        DataError: the file cannot be read, or has no such column.
        MissingExtraError: a Parquet file, and pyarrow is not installed.
    """
    begin = meter.done
    try:
        if kind == "parquet":
            yield from parquet_rows(path, reading.column, reading.keep, meter)
        elif kind == "text" and reading.unit == "file" and _is_long(path):
            yield whole_text(str(path), partial(file_blocks, path), partial(_moved, meter, begin))
        else:
            with path.open("rb") as raw, unpacked(path, raw) as stream:
                items = _items(cast(BinaryIO, stream), str(path), kind, reading)
                with closing(items):  # before the file that it reads
                    for item in items:
                        meter.done = begin + raw.tell()
                        yield item
        meter.done = begin + path.stat().st_size
    except (OSError, EOFError, zlib.error) as error:
        raise DataError("cannot be read", where=path, got=error) from error


def _is_long(path: Path) -> bool:
    """Whether it is, or may be: what is packed has no length."""
    return is_packed(path) or path.stat().st_size > LONG


def _moved(meter: Meter, begin: int, position: int) -> None:
    meter.done = begin + position


def _items(stream: BinaryIO, name: str, kind: str, reading: Reading) -> Generator[Item, None, None]:
    if kind == "jsonl":
        return json_lines(stream, name, reading.column, reading.keep)
    if kind == "csv":
        return csv_rows(stream, name, reading.column, reading.keep)
    return _documents(stream, reading.unit, name)


def read_text_stream(stream: BinaryIO, unit: str, name: str) -> Iterator[Item]:
    """The documents of a text stream that can be read once, or what is wrong with one.

    Where the whole stream is one text and a long one, it waits in a temporary file.
    """
    if unit != "file":
        yield from _documents(stream, unit, name)
        return
    with tempfile.SpooledTemporaryFile(LONG) as file:
        shutil.copyfileobj(stream, file)
        if file.tell() > LONG:
            yield whole_text(name, partial(rewound, file), lambda _: None)
        else:
            file.seek(0)
            yield from _documents(cast(BinaryIO, file), unit, name)


def _documents(stream: BinaryIO, unit: str, name: str) -> Generator[Item, None, None]:
    """The documents of a text stream, or what is wrong with one."""
    for found in read_documents(stream, unit, name=name):
        place = Place(name, found.number)
        if isinstance(found, Unreadable):
            yield Bad(place, found.error, found.shown)
        else:
            yield Text(place, found.text, len(found.text))
