"""Text files as a stream of documents: by line, by paragraph, or whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from posner.errors import DataError

DOCUMENT_UNITS = ("line", "paragraph", "file")
"""What a document of a text file may be."""


def read_texts(stream: BinaryIO, unit: str, *, name: str = "standard input") -> Iterator[str]:
    """The documents of a UTF-8 stream, in order.

    Args:
        stream: bytes; a byte-order mark at the beginning is no part of the text.
        unit: `line`: each line without its line end, empty ones too; `paragraph`: lines between
            blank ones, line ends kept inside; `file`: everything.
        name: what errors call the stream.

    Raises:
        DataError: bytes that are not UTF-8.
    """
    lines = _lines(stream, name)
    if unit == "line":
        yield from (_without_end(line) for line in lines)
    elif unit == "paragraph":
        yield from _paragraphs(lines)
    else:
        yield "".join(lines)


def _paragraphs(lines: Iterator[str]) -> Iterator[str]:
    current: list[str] = []
    for line in lines:
        if line.strip():
            current.append(line)
        elif current:
            yield _without_end("".join(current))
            current = []
    if current:
        yield _without_end("".join(current))


def _without_end(text: str) -> str:
    """The text without one line end; a `\\r` that no `\\n` follows is a character of the text."""
    return text[:-1].removesuffix("\r") if text.endswith("\n") else text


def _lines(stream: BinaryIO, name: str) -> Iterator[str]:
    for number, raw in enumerate(stream, start=1):
        data = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        if not data:  # a byte-order mark and nothing else is an empty file
            return
        try:
            yield data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                "not UTF-8",
                where=f"{name}:{number}",
                got=f"byte 0x{data[error.start]:02x} at column {error.start + 1}",
                remedy=_remedy(data),
            ) from error


def _remedy(data: bytes) -> str:
    if b"\0" in data or data.startswith((b"PK\x03\x04", b"%PDF", b"\xd0\xcf\x11\xe0")):
        return "this is no text file: save the document as plain text (UTF-8)"
    return "convert it: iconv -f WINDOWS-1252 -t UTF-8"
