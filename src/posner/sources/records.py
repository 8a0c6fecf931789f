"""JSON Lines, CSV and Parquet: a record a text, read one at a time."""

from __future__ import annotations

import csv
import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from io import TextIOWrapper
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from posner.corpus.flavours import flavour_of
from posner.corpus.words import read_tokens
from posner.document import Document
from posner.errors import DataError, MissingExtraError
from posner.sources.item import Bad, Item, Meter, Place, Text
from posner.textfile import Line, Unreadable, read_lines

ROWS = 1_000
"""Rows of a Parquet file that are read together."""


def json_lines(
    stream: BinaryIO, name: str, column: str | None, keep: Sequence[str]
) -> Generator[Item, None, None]:
    """A text a line: the value of `column`, or what the flavours of `corpus.jsonl` hold.

    Without `column`, a record's `tokens` are its words, and every key that its flavour does not
    know is carried through. With it, the keys of `keep` are.
    """
    for line in read_lines(stream, name):
        place = Place(name, line.number)
        if isinstance(line, Unreadable):
            yield Bad(place, line.error, line.shown)
        elif line.text.strip():
            try:
                yield _json_text(place, line, column, keep)
            except DataError as error:
                yield Bad(place, error, line.text)


def _json_text(place: Place, line: Line, column: str | None, keep: Sequence[str]) -> Text:
    try:
        value = json.loads(line.text)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else type(error).__name__
        at = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise DataError(f"not JSON: {reason}{at}", where=place) from None
    if not isinstance(value, dict):
        raise DataError("the record is no JSON object", where=place, got=line.text[:40])
    if column is not None:
        text = _value(value, column, place)
        return Text(place, text, len(text), metadata=_kept(value, keep, place))
    try:
        record = flavour_of(value).parse(value)
        metadata = record.metadata
        name = None if record.id is None else str(record.id)
        if record.id is not None and not isinstance(record.id, str):
            metadata = {"id": record.id, **metadata}
        content: str | Document = record.text
        if record.tokens is not None:
            words = read_tokens(record.text, record.tokens, record.sentences)
            content = Document(record.text, words.sentences, (), name, metadata)
    except DataError as error:
        raise DataError(
            error.problem, where=place, expected=error.expected, got=error.got
        ) from None
    return Text(place, content, len(record.text), name, metadata)


def _value(record: Mapping[str, Any], column: str, place: Place) -> str:
    value = record.get(column)
    if not isinstance(value, str):
        problem = f"no text in {column!r}"
        got = f"only {', '.join(record)}" if column not in record else repr(value)[:40]
        raise DataError(problem, where=place, got=got)
    return value


def _kept(record: Mapping[str, Any], keep: Sequence[str], place: Place) -> dict[str, Any]:
    missing = [name for name in keep if name not in record]
    if missing:
        raise DataError(f"no {missing[0]!r} to keep", where=place, got=f"only {', '.join(record)}")
    return {name: record[name] for name in keep}


def csv_rows(
    stream: BinaryIO, name: str, column: str | None, keep: Sequence[str]
) -> Generator[Item, None, None]:
    """The texts of one column of a CSV file (UTF-8, its first row names the columns).

    Raises:
        DataError: the file has no such column.
    """
    # Undecodable bytes come as lone surrogates, so that only their own row is bad.
    text = TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
    csv.field_size_limit(2**31 - 1)  # the module's own limit is 131,072 characters
    rows = csv.reader(text, delimiter="\t" if ".tsv" in name.lower() else ",")
    try:
        columns = next(rows, None)
        if columns is not None:
            chosen = _column(columns, column, keep, name)
            yield from _csv_texts(rows, name, columns, chosen, keep)
    finally:
        text.detach()  # it would close the stream, which is not its own


class _Rows(Protocol):
    """What `csv.reader` gives."""

    line_num: int

    def __next__(self) -> list[str]: ...


def _csv_texts(
    rows: _Rows, name: str, columns: Sequence[str], column: str, keep: Sequence[str]
) -> Iterator[Item]:
    before = rows.line_num
    for number in count(1):
        place = Place(name, before + 1)
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Bad(place, DataError("not CSV", where=place, got=error))
            row = []
        before = rows.line_num
        if row:
            yield _csv_text(place, number, columns, row, column, keep)


def _csv_text(
    place: Place,
    number: int,
    columns: Sequence[str],
    row: Sequence[str],
    column: str,
    keep: Sequence[str],
) -> Item:
    joined = ",".join(row)
    if len(row) != len(columns):
        expected, got = f"{len(columns)} columns", f"{len(row)}"
        error = DataError("a row of another width", where=place, expected=expected, got=got)
        return Bad(place, error, _shown(joined))
    if any("\udc80" <= character <= "\udcff" for character in joined):
        error = DataError("not UTF-8", where=place, remedy="convert it: iconv -t UTF-8")
        return Bad(place, error, _shown(joined))
    record = dict(zip(columns, row, strict=True))
    metadata = {"row": number} | {name: record[name] for name in keep}
    return Text(place, record[column], len(record[column]), metadata=metadata)


def _shown(text: str) -> str:
    r"""The text with bytes that are not UTF-8 written `\xe9`."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _column(columns: Sequence[str], column: str | None, keep: Sequence[str], name: str) -> str:
    """The column to read: the named one, else `text`, else the only one.

    Raises:
        DataError: there is none, or one to keep is missing.
    """
    chosen = column or ("text" if "text" in columns or len(columns) != 1 else columns[0])
    for wanted in (chosen, *keep):
        if wanted not in columns:
            raise DataError(
                f"no column {wanted!r}",
                where=name,
                got=", ".join(columns),
                remedy="name the texts' column with --column",
            )
    return chosen


def parquet_rows(
    path: Path, column: str | None, keep: Sequence[str], meter: Meter
) -> Iterator[Item]:
    """The texts of one column of a Parquet file.

    Raises:
        DataError: it is no Parquet file, or has no such column.
        MissingExtraError: pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError("reading Parquet", "parquet") from error
    size, begin = path.stat().st_size, meter.done
    try:
        with parquet.ParquetFile(path) as file:
            chosen = _column(file.schema_arrow.names, column, keep, str(path))
            rows, row = max(file.metadata.num_rows, 1), 0
            for batch in file.iter_batches(batch_size=ROWS, columns=[chosen, *keep]):
                for record in batch.to_pylist():
                    row += 1
                    yield _parquet_text(Place(str(path), row), row, record, chosen, keep)
                meter.done = begin + size * row // rows
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError("not a Parquet file that can be read", where=path, got=error) from error


def _parquet_text(
    place: Place, number: int, record: Mapping[str, Any], column: str, keep: Sequence[str]
) -> Item:
    text = record[column]
    if not isinstance(text, str):
        error = DataError(f"no text in {column!r}", where=place, got=repr(text)[:40])
        return Bad(place, error)
    metadata = {"row": number} | {name: _plain(record[name]) for name in keep}
    return Text(place, text, len(text), metadata=metadata)


def _plain(value: Any) -> Any:
    """A value that JSON can hold: what it cannot (dates, decimals, bytes) as text."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return str(value)
    return value
