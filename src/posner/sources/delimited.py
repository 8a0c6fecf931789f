"""CSV and TSV: a row a text, read one at a time; a row that cannot be read spoils no other.

CSV is as RFC 4180 has it. In TSV a quote is a character like any other, and a row is a line.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

from posner.corpus.files import plain_suffix
from posner.errors import DataError
from posner.sources.item import Bad, Item, Place, Text
from posner.sources.records import chosen_column

RECORD = 1 << 24
"""Characters of a row beyond which it has no further line: its quote is taken for unclosed."""


def csv_rows(
    stream: BinaryIO, name: str, column: str | None, keep: Sequence[str]
) -> Generator[Item, None, None]:
    """The texts of one column of a CSV or TSV file (UTF-8, its first row names the columns).

    Raises:
        DataError: the file has no such column.
    """
    # Undecodable bytes come as lone surrogates, so that only their own row is bad.
    text = TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
    rows = _Rows(text, tabs=plain_suffix(Path(name)) == ".tsv")
    try:
        columns = rows.read()
        if isinstance(columns, csv.Error):
            raise DataError("not CSV", where=f"{name}:1", got=columns)
        if columns is not None:
            chosen = chosen_column(columns, column, keep, name)
            yield from _texts(rows, name, columns, chosen, keep)
    finally:
        text.detach()  # it would close the stream, which is not its own


class _Rows:
    """The rows of a file; where one cannot be read, the next begins at the next line.

    Attributes:
        line: where the row that was read last begins, from 1.
    """

    def __init__(self, text: Iterable[str], *, tabs: bool) -> None:
        self._text = iter(text)
        self._waiting: deque[str] = deque()
        self._lines: list[str] = []
        self._size = 0
        self.line = 1
        csv.field_size_limit(2**31 - 1)  # the module's own limit is 131,072 characters
        if tabs:
            self._reader = csv.reader(self, delimiter="\t", quoting=csv.QUOTE_NONE)
        else:
            self._reader = csv.reader(self, strict=True)

    def read(self) -> list[str] | csv.Error | None:
        """The next row (without cells: an empty line), or what is wrong; None at the end."""
        self.line += len(self._lines)
        self._lines.clear()
        self._size = 0
        try:
            return next(self._reader, None)
        except csv.Error as error:
            self._waiting.extendleft(reversed(self._lines[1:]))
            del self._lines[1:]
            return error

    def shown(self) -> str:
        r"""The row as it stands in the file, with bytes that are not UTF-8 written `\xe9`."""
        text = "".join(self._lines).removesuffix("\n").removesuffix("\r")
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """The next line of the row that is being read."""
        if self._lines and self._size > RECORD:
            raise csv.Error(f"a row of more than {RECORD:,} characters")
        line = self._waiting.popleft() if self._waiting else next(self._text)
        self._lines.append(line)
        self._size += len(line)
        return line


def _texts(
    rows: _Rows, name: str, columns: Sequence[str], column: str, keep: Sequence[str]
) -> Iterator[Item]:
    number = 0
    while (row := rows.read()) is not None:
        number += 1
        place = Place(name, rows.line, number)
        error = _mistake(row, len(columns), place)
        if error is not None:
            yield Bad(place, error, rows.shown())
        elif row and not isinstance(row, csv.Error):
            record = dict(zip(columns, row, strict=True))
            metadata = {"row": number} | {name: record[name] for name in keep}
            yield Text(place, record[column], len(record[column]), metadata=metadata)


def _mistake(row: list[str] | csv.Error, width: int, place: Place) -> DataError | None:
    """What keeps a row from being read; None where nothing does, or the line is empty."""
    if isinstance(row, csv.Error):
        remedy = "a quote that is never closed? quotes inside of cells are doubled"
        return DataError("not CSV", where=place, got=row, remedy=remedy)
    if row and len(row) != width:
        expected = f"{width} columns"
        return DataError("a row of another width", where=place, expected=expected, got=len(row))
    try:
        "".join(row).encode()
    except UnicodeEncodeError:
        return DataError("not UTF-8", where=place, remedy="convert it: iconv -t UTF-8")
    return None
