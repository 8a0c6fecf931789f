"""JSON Lines: a record a text, read one at a time; and which column of a file holds its texts."""

from __future__ import annotations

import json
import math
from collections.abc import Generator, Mapping, Sequence
from typing import Any, BinaryIO

from posner.corpus.flavours import flavour_of
from posner.corpus.words import read_tokens
from posner.document import Document
from posner.errors import DataError
from posner.sources.item import Bad, Item, Place, Text
from posner.textfile import Line, Unreadable, read_lines

DEEPEST = 200
"""Levels of a record; Python cannot write again all that it reads."""


class _NoNumberError(ValueError):
    """What Python takes for a number of JSON and JSON does not."""


def _refused(name: str) -> float:
    raise _NoNumberError(f"{name} is no number")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refused(digits)


# What is carried through is written as JSON again, which holds no NaN and no infinity.
_DECODER = json.JSONDecoder(parse_constant=_refused, parse_float=_finite)


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
        value = _DECODER.decode(line.text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"not JSON: {_reason(error)}", where=place) from None
    if line.text.count("[") + line.text.count("{") > DEEPEST and _nests_deeper(value, DEEPEST):
        raise DataError("nested too deeply", where=place, expected=f"at most {DEEPEST} levels")
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


def _nests_deeper(value: Any, most: int) -> bool:
    """Whether lists and objects stand in one another more often."""
    level = [value]
    for _ in range(most):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return bool(level)


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    return str(error) if isinstance(error, _NoNumberError) else type(error).__name__


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


def chosen_column(
    columns: Sequence[str], column: str | None, keep: Sequence[str], name: str
) -> str:
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
