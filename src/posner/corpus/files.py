"""Corpus files as bytes and text: gzip, byte-order marks, encodings."""

from __future__ import annotations

import codecs
import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

from posner.corpus.problem import Problem
from posner.errors import DataError

_GZIP_MAGIC = b"\x1f\x8b"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
WINDOWS = "cp1252"
HEAD_SIZE = 65536


@dataclass(frozen=True)
class TextFile:
    """A decoded file.

    Attributes:
        text: its characters, without a byte-order mark, line ends as they stand.
        encoding: the codec that decoded it.
        mark: whether it began with a byte-order mark.
    """

    text: str
    encoding: str
    mark: bool

    @property
    def newline(self) -> str:
        """The line end that the file uses; a lone carriage return only where there is no other."""
        if "\n" in self.text:
            return "\r\n" if "\r\n" in self.text else "\n"
        return "\r" if "\r" in self.text else "\n"

    def lines(self) -> list[str]:
        """Its lines without their ends; no other Unicode line break counts."""
        return _plain_ends(self.text).split("\n")


def plain_suffix(path: Path) -> str:
    """The suffix in lower case, looking through `.gz`."""
    named = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return named.suffix.lower()


def read_bytes(path: Path) -> bytes:
    """The file's bytes, unpacked where it is gzip.

    Raises:
        DataError: no such file, no permission, or a damaged archive.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    if not data.startswith(_GZIP_MAGIC):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError("the gzip archive is damaged", where=path, got=error) from error


def read_head(path: Path, size: int = HEAD_SIZE) -> bytes:
    """The first bytes of a file, unpacked where it is gzip.

    Raises:
        DataError: no such file, no permission, or a damaged archive.
    """
    try:
        with path.open("rb") as plain:
            head = plain.read(size)
        if not head.startswith(_GZIP_MAGIC):
            return head
        with gzip.open(path) as packed:
            return packed.read(size)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError("the gzip archive is damaged", where=path, got=error) from error
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError("no such file or folder", where=path, remedy="check the path")
    return DataError("cannot be read", where=path, got=error.strerror or error)


def guess_encoding(data: bytes, usual: str) -> str:
    """The codec of bytes that are `usual` unless they carry a mark or are clearly UTF-8."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return usual
    return usual if data.isascii() else "utf-8"


def head_text(head: bytes) -> str:
    """The head of a file as text good enough to tell its format."""
    encoding = next((e for mark, e in _MARKS if head.startswith(mark)), "utf-8")
    text = head.decode(encoding, errors="replace").removeprefix("\ufeff")
    return _plain_ends(text)


def _plain_ends(text: str) -> str:
    """The text with line feeds alone; carriage returns count where there are no line feeds."""
    return text.replace("\r\n", "\n") if "\n" in text else text.replace("\r", "\n")


def read_text(path: Path, problems: list[Problem], usual: str = "utf-8") -> TextFile:
    """Decode a file; each line with bytes that its encoding lacks is a problem.

    Raises:
        DataError: the file cannot be read at all.
    """
    data = read_bytes(path)
    encoding = guess_encoding(data, usual)
    mark = any(data.startswith(m) for m, _ in _MARKS)
    if encoding == "utf-8" and mark:
        data = data[len(codecs.BOM_UTF8) :]
    try:
        return TextFile(data.decode(encoding), encoding, mark)
    except UnicodeDecodeError as error:
        if encoding == "utf-16":
            problems.append(_undecodable(path, None, error, encoding))
            return TextFile(data.decode(encoding, errors="replace"), encoding, mark)
    lines = []
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            lines.append(line.decode(encoding))
        except UnicodeDecodeError as error:
            problems.append(_undecodable(path, number, error, encoding))
            lines.append(line.decode(encoding, errors="replace"))
    return TextFile("\n".join(lines), encoding, mark)


def _undecodable(path: Path, line: int | None, error: UnicodeDecodeError, encoding: str) -> Problem:
    byte = error.object[error.start]
    name = {"utf-8": "UTF-8", WINDOWS: "Windows-1252"}.get(encoding, encoding.upper())
    remedy = "correct the byte"
    if encoding == "utf-8":
        remedy = "save the file as UTF-8 (iconv -f WINDOWS-1252 -t UTF-8, if that is what it is)"
    return Problem(
        str(path),
        line,
        "undecodable-byte",
        f"byte 0x{byte:02X} at column {error.start + 1} is not {name}",
        remedy,
    )
