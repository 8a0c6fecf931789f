"""The records of a file of JSON, each with its line.

They stand one a line, in an array, or in an array that an object holds. A single record may be
pretty-printed over several lines, and a pair of a text and an object (spaCy's training data) is the
object with that text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from posner.corpus.files import TextFile
from posner.corpus.problem import Problem
from posner.errors import DataError

_SPACE = " \t\r\n"
_CLOSING = {"{": "}", "[": "]"}
_MARK = re.compile(r'"(?:[^"\\\r\n]++|\\[^\r\n])*+"|[][{}"]')  # a string, a bracket, a stray quote
_NEXT = re.compile(r"[ \t\r\n]*[],]")
_CONTENT = frozenset(("text", "tokens", "words"))
"""What a record has that stands for itself and holds no others."""


def json_records(file: TextFile, path: str, problems: list[Problem]) -> Iterator[tuple[int, Any]]:
    """The records of a file; what is no JSON is added to `problems`.

    Raises:
        DataError: the file is one object that holds several lists of records.
    """
    if file.text.lstrip(_SPACE)[:1] == "[":
        found = _array(file, path, problems)
    else:
        found = _one_object(file, path) or _lines(file, path, problems)
    return ((line, _as_object(value)) for line, value in found)


def _as_object(value: Any) -> Any:
    if isinstance(value, list) and _is_pair(value):
        return {**value[1], "text": value[0]}
    return value


def _is_pair(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], dict)
    )


def _one_object(file: TextFile, path: str) -> Iterator[tuple[int, Any]] | None:
    """The records of a file that is one object: that object, or those in its only list of records.

    Raises:
        DataError: it has several such lists.
    """
    try:
        value = json.loads(file.text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    if not _CONTENT.isdisjoint(value) or isinstance(value.get("data"), str | dict):
        return iter([(1, value)])
    lists = {k: v for k, v in value.items() if isinstance(v, list) and v and _are_records(v)}
    if len(lists) > 1:
        raise DataError(
            "several lists of records in one object",
            where=path,
            expected="one array of records, or one record a line",
            got=", ".join(lists),
            remedy="write each list to a file of its own",
        )
    return iter([(1, held) for found in lists.values() for held in found] or [(1, value)])


def _are_records(values: list[Any]) -> bool:
    return all(isinstance(value, dict) or _is_pair(value) for value in values)


def _lines(file: TextFile, path: str, problems: list[Problem]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(file.lines(), 1):
        if not line.strip(_SPACE):
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            problems.append(_bad_json(path, number, error))


def _array(file: TextFile, path: str, problems: list[Problem]) -> Iterator[tuple[int, Any]]:
    """The records of an array, each with the line that it begins on.

    One that is not JSON is passed over where its brackets surely tell its end.
    """
    text = file.text
    decoder = json.JSONDecoder()
    place = text.index("[") + 1
    counted, line = 0, 1
    while True:
        while place < len(text) and text[place] in _SPACE + ",":
            place += 1
        counted, line = place, line + text.count("\n", counted, place)
        if text[place : place + 1] in ("]", ""):
            problems += _array_end(text, place, path, line)
            return
        try:
            value, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            bad = _bad_json(path, getattr(error, "lineno", line), error)
            end = _record_end(text, place)
            if end is None:
                problems.append(_rest_unread(bad, len(text) - place))
                return
            problems.append(bad)
            place = end
        else:
            yield line, value


def _record_end(text: str, place: int) -> int | None:
    """Where a record ends that is not JSON; None where its quotes and brackets do not match."""
    if text[place] not in _CLOSING:
        return None
    awaited: list[str] = []
    for match in _MARK.finditer(text, place):
        mark = match[0]
        if mark in _CLOSING:
            awaited.append(_CLOSING[mark])
        elif mark == '"' or (mark in _CLOSING.values() and awaited.pop() != mark):
            return None
        if not awaited:
            return match.end() if _NEXT.match(text, match.end()) else None
    return None


def _rest_unread(bad: Problem, count: int) -> Problem:
    """The problem of a bad record after which no other can be found."""
    rest = f"the {count:,} characters from this record to the end of the file are left out"
    reason = f"{bad.reason}; {rest}, since its own end cannot be told"
    return replace(bad, kind="malformed-array", reason=reason, remedy="correct the record")


def _array_end(text: str, place: int, path: str, line: int) -> list[Problem]:
    """What is wrong at the end of an array: it has none, or something follows."""
    rest = text[place + 1 :].strip(_SPACE)
    if place < len(text) and not rest:
        return []
    reason = f"{len(rest):,} characters follow the end of the array: {rest[:40]!r}"
    remedy = "write one array, or one record a line without brackets around them"
    if place == len(text):
        reason, remedy = "the array has no end: its ] is missing", "look whether the file was cut"
    return [Problem(path, line, "malformed-array", reason, remedy)]


def _bad_json(path: str, line: int, error: Exception) -> Problem:
    reason = error.msg if isinstance(error, json.JSONDecodeError) else type(error).__name__
    column = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
    return Problem(
        path, line, "malformed-json", f"not JSON: {reason}{column}", "correct or remove the record"
    )
