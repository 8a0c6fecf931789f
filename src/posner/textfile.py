"""Text files as a stream of documents: by line, by paragraph, or whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from posner.errors import DataError

DOCUMENT_UNITS = ("line", "paragraph", "file")
"""What a document of a text file may be."""

_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """A line, or several that are one document.

    Attributes:
        number: its (first) line in the file, from 1.
        text: its characters.
    """

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line, or several that would be one document, with bytes that are not UTF-8.

    Attributes:
        number: its (first) line in the file, from 1.
        error: names the line and the byte.
        data: the bytes.
    """

    number: int
    error: DataError
    data: bytes

    @property
    def shown(self) -> str:
        r"""The bytes as text, those that are not UTF-8 written `\xe9`."""
        return self.data.decode("utf-8", "backslashreplace")


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
    for found in read_documents(stream, unit, name=name):
        if isinstance(found, Unreadable):
            raise found.error
        yield found.text


def read_documents(
    stream: BinaryIO, unit: str, *, name: str = "standard input"
) -> Iterator[Line | Unreadable]:
    """The documents of a UTF-8 stream as `read_texts` gives them; unreadable ones are told.

    One line that is not UTF-8 makes the document that it belongs to unreadable.
    """
    lines = _whole_lines(stream, name)
    if unit == "line":
        yield from (_without_end(line) for line in lines)
    elif unit == "paragraph":
        yield from _paragraphs(lines)
    else:
        yield _joined(list(lines))


def read_lines(stream: BinaryIO, name: str) -> Iterator[Line | Unreadable]:
    """The lines of a UTF-8 stream without their ends; unreadable ones are told."""
    return read_documents(stream, "line", name=name)


def _paragraphs(lines: Iterable[Line | Unreadable]) -> Iterator[Line | Unreadable]:
    current: list[Line | Unreadable] = []
    for line in lines:
        if isinstance(line, Unreadable) or line.text.strip():
            current.append(line)
        elif current:
            yield _without_end(_joined(current))
            current = []
    if current:
        yield _without_end(_joined(current))


def _joined(lines: list[Line | Unreadable]) -> Line | Unreadable:
    """Several lines as one document, unreadable where one of them is; none are an empty text."""
    number = lines[0].number if lines else 1
    bad = next((line for line in lines if isinstance(line, Unreadable)), None)
    if bad is None:
        return Line(number, "".join(line.text for line in lines if isinstance(line, Line)))
    data = b"".join(
        line.data if isinstance(line, Unreadable) else line.text.encode() for line in lines
    )
    return Unreadable(number, bad.error, data)


def _without_end(line: Line | Unreadable) -> Line | Unreadable:
    """Without one line end; a `\\r` that no `\\n` follows is a character of the text."""
    if isinstance(line, Unreadable):
        return Unreadable(line.number, line.error, _without_newline(line.data))
    if not line.text.endswith("\n"):
        return line
    return Line(line.number, line.text[:-1].removesuffix("\r"))


def _without_newline(data: bytes) -> bytes:
    return data[:-1].removesuffix(b"\r") if data.endswith(b"\n") else data


def _whole_lines(stream: BinaryIO, name: str) -> Iterator[Line | Unreadable]:
    for number, raw in enumerate(stream, start=1):
        data = raw.removeprefix(_MARK) if number == 1 else raw
        if not data:  # a byte-order mark and nothing else is an empty file
            return
        try:
            yield Line(number, data.decode("utf-8"))
        except UnicodeDecodeError as error:
            yield Unreadable(number, _not_utf8(data, error, f"{name}:{number}"), data)


def _not_utf8(data: bytes, error: UnicodeDecodeError, where: str) -> DataError:
    return DataError(
        "not UTF-8",
        where=where,
        got=f"byte 0x{data[error.start]:02x} at column {error.start + 1}",
        remedy=_remedy(data),
    )


def _remedy(data: bytes) -> str:
    if b"\0" in data or data.startswith((b"PK\x03\x04", b"%PDF", b"\xd0\xcf\x11\xe0")):
        return "this is no text file: save the document as plain text (UTF-8)"
    return "convert it: iconv -f WINDOWS-1252 -t UTF-8"
