"""Parquet: a row a text, some at a time; a row that cannot be decoded spoils no other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from posner.errors import DataError
from posner.extras import needs_extra
from posner.sources.item import Bad, Item, Meter, Place, Text
from posner.sources.records import chosen_column

if TYPE_CHECKING:
    import pyarrow

ROWS = 1_000
"""Rows that are read together."""


def parquet_rows(
    path: Path, column: str | None, keep: Sequence[str], meter: Meter
) -> Iterator[Item]:
    """The texts of one column of a Parquet file.

    Raises:
        DataError: it is no Parquet file, or has no such column.
        MissingExtraError: pyarrow is not installed.
    """
    with needs_extra("reading Parquet", "parquet"):
        import pyarrow
        from pyarrow import parquet
    size, begin = path.stat().st_size, meter.done
    try:
        with parquet.ParquetFile(path) as file:
            chosen = chosen_column(file.schema_arrow.names, column, keep, str(path))
            rows, row = max(file.metadata.num_rows, 1), 0
            for batch in file.iter_batches(batch_size=ROWS, columns=[chosen, *keep]):
                for record in _records(batch):
                    row += 1
                    yield _text(Place(str(path), row=row), record, chosen, keep)
                meter.done = begin + size * row // rows
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError("not a Parquet file that can be read", where=path, got=error) from error


def _records(batch: pyarrow.RecordBatch) -> list[dict[str, Any] | ValueError]:
    """The rows of a batch, or what is wrong with one: text that is not UTF-8, years beyond 9999."""
    try:
        return list(batch.to_pylist())
    except (ValueError, OverflowError) as error:
        if batch.num_rows == 1:
            return [ValueError(str(error))]
    return [record for i in range(batch.num_rows) for record in _records(batch.slice(i, 1))]


def _text(
    place: Place, record: Mapping[str, Any] | ValueError, column: str, keep: Sequence[str]
) -> Item:
    if isinstance(record, ValueError):
        return Bad(place, DataError("a row that cannot be read", where=place, got=record))
    text = record[column]
    if not isinstance(text, str):
        error = DataError(f"no text in {column!r}", where=place, got=repr(text)[:40])
        return Bad(place, error)
    metadata = {"row": place.row} | {name: _plain(record[name]) for name in keep}
    return Text(place, text, len(text), metadata=metadata)


def _plain(value: Any) -> Any:
    """A value that JSON can hold: what it cannot (dates, decimals, bytes) as text."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return str(value)
    return value
