"""A file or stream that is one text and is never held whole: read in blocks, as often as needed."""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO, cast

from posner.errors import DataError
from posner.sources.item import Bad, Item, Place, Text

_BLOCK = 1 << 16

Blocks = Callable[[], Iterator[tuple[bytes, int]]]
"""Reads from the beginning: each block, and how many bytes of the file are read with it."""


def whole_text(name: str, blocks: Blocks, moved: Callable[[int], None]) -> Item:
    """The one text of a file, which is read once here to check and measure it.

    Args:
        name: what errors call the file.
        blocks: reads it.
        moved: is told how far the file is read while its text is used.
    """
    place = Place(name, 1)
    length = 0
    try:
        for piece in _characters(blocks, lambda _: None):
            length += len(piece)
    except UnicodeDecodeError as error:
        got = f"byte 0x{error.object[error.start]:02x} behind {length:,} characters or more"
        problem = DataError(
            "not UTF-8", where=name, got=got, remedy="convert it: iconv -f WINDOWS-1252 -t UTF-8"
        )
        return Bad(place, problem)
    return Text(place, partial(_characters, blocks, moved), length)


def _characters(blocks: Blocks, moved: Callable[[int], None]) -> Iterator[str]:
    def data() -> Iterator[bytes]:
        for block, position in blocks():
            moved(position)
            yield block

    return codecs.iterdecode(data(), "utf-8-sig")


def file_blocks(path: Path) -> Iterator[tuple[bytes, int]]:
    """The blocks of a file; `.gz` is unpacked."""
    with path.open("rb") as raw, unpacked(path, raw) as stream:
        while block := stream.read(_BLOCK):
            yield block, raw.tell()


def rewound(file: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    """The blocks of an open file, from its beginning."""
    file.seek(0)
    while block := file.read(_BLOCK):
        yield block, file.tell()


@contextmanager
def unpacked(path: Path, raw: BinaryIO) -> Iterator[IO[bytes]]:
    """What stands in a file."""
    if not is_packed(path):
        yield raw
        return
    with gzip.GzipFile(fileobj=raw) as stream:
        yield cast(IO[bytes], stream)


def is_packed(path: Path) -> bool:
    """Whether its ending says that it is packed with gzip."""
    return path.suffix.lower() == ".gz"
