"""Known names by label, and the files that hold them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from posner.collector import collector_paused
from posner.errors import DataError
from posner.files import write_text
from posner.textfile import read_texts

CSV_COLUMNS = ("label", "name", "id", "aliases", "score")
"""The columns of a csv file; the first two are needed."""

_KEYS = frozenset(CSV_COLUMNS)

_CSV = f"a csv file begins with the line {','.join(CSV_COLUMNS[:2])}"

ALIAS_SEPARATOR = "|"
"""Separates the aliases in a cell of csv."""


class Name(NamedTuple):
    """One known name.

    Attributes:
        label: such as `LOC`; `O` for what is no entity.
        name: as it is rightly spelt; white space counts as one space.
        id: what the name is known by elsewhere.
        aliases: other ways to write it.
        score: probability that a text which holds the name means such an entity; None: unknown.
    """

    label: str
    name: str
    id: str | None = None
    aliases: tuple[str, ...] = ()
    score: float | None = None

    @property
    def spellings(self) -> tuple[str, ...]:
        """The name and its aliases."""
        return (self.name, *self.aliases)


@collector_paused()
def read_names(path: Path) -> list[Name]:
    """Read a lexicon (UTF-8), in the order of the file, each entry once.

    The first line that is not empty tells the format:

    - text: on each line a label, a tab and a name; the first may be `label`, a tab and `name`;
    - csv: the first line names columns, `label,name` and any of `id`, `aliases` (separated by `|`)
      and `score`;
    - JSON Lines: objects with the same keys, `aliases` being a list.

    Raises:
        DataError: the file cannot be read, a line is none of these, or there is no name.
    """
    found: dict[Name, None] = {}
    for entry in each_name(path):
        if isinstance(entry, DataError):
            raise entry
        found[entry] = None
    if not found:
        raise DataError(
            "holds no name", where=path, expected="a label, a tab and a name on each line"
        )
    return list(found)


def each_name(path: Path) -> Iterator[Name | DataError]:
    """The names of a file, and in the place of each line that holds none what is wrong with it.

    Raises:
        DataError: the file cannot be read as text at all.
    """
    lines = _lines(path)
    begin = next((i for i, line in enumerate(lines) if line.strip()), 0)
    parse: Callable[[str], Name] = _from_text
    if begin < len(lines) and lines[begin].lstrip().startswith("{"):
        parse = _from_json
    elif begin < len(lines):
        columns = [cell.strip() for cell in lines[begin].split(",")]
        if tuple(columns[:2]) == CSV_COLUMNS[:2]:
            parse = _csv_parser(columns, f"{path}:{begin + 1}")
            begin += 1
        elif tuple(lines[begin].split("\t")) == CSV_COLUMNS[:2]:
            begin += 1
    for number, line in enumerate(lines[begin:], start=begin + 1):
        if not line or line.isspace():
            continue
        try:
            yield parse(line)
        except DataError as error:
            yield DataError(
                error.problem,
                where=f"{path}:{number}",
                expected=error.expected,
                got=error.got,
                remedy=error.remedy,
            )


def write_names(path: Path, names: Iterable[Name]) -> None:
    """Write a lexicon: `.csv`, `.txt` and `.tsv` (text), or JSON Lines.

    Raises:
        DataError: text holds neither ids nor aliases nor scores; or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        text = _csv_text(names)
    elif suffix in (".txt", ".tsv"):
        text = "".join(_text_line(name, path) for name in names)
    else:
        text = "".join(_json_line(name) for name in names)
    write_text(path, text)


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as stream:
            return list(read_texts(stream, "line", name=str(path)))
    except FileNotFoundError as error:
        raise DataError("no such file", where=path, remedy="check the path") from error
    except OSError as error:
        raise DataError("cannot be read", where=path, got=error.strerror or error) from error


def _from_text(line: str) -> Name:
    cells = line.split("\t")
    if len(cells) != 2:
        raise DataError(
            "not a label and a name",
            expected="a label, one tab, and a name",
            got=repr(line[:40]),
            remedy=_CSV if len(cells) == 1 and "," in line else None,
        )
    return checked(cells[0], cells[1])


def _csv_parser(columns: Sequence[str], where: str) -> Callable[[str], Name]:
    unknown = [column for column in columns if column not in CSV_COLUMNS]
    if unknown or len(set(columns)) < len(columns):
        raise DataError(
            "not the columns of a lexicon",
            where=where,
            expected=",".join(CSV_COLUMNS),
            got=",".join(columns)[:80],
        )

    def parse(line: str) -> Name:
        try:
            cells = next(csv.reader([line], strict=True))
        except csv.Error as error:
            raise DataError("not a row of csv", got=f"{line[:40]!r}: {error}") from error
        if len(cells) != len(columns):
            number = {2: "two"}.get(len(columns), str(len(columns)))
            raise DataError(
                "not a label and a name",
                expected=f"{number} cells, {','.join(columns)}",
                got=repr(line[:40]),
            )
        row = dict(zip(columns, cells, strict=True))
        aliases = row.get("aliases", "")
        return checked(
            row["label"],
            row["name"],
            row.get("id") or None,
            aliases.split(ALIAS_SEPARATOR) if aliases else (),
            _number(row["score"]) if row.get("score") else None,
        )

    return parse


def _from_json(line: str) -> Name:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError("not JSON", got=f"{line[:40]!r}: {error}") from error
    if not isinstance(record, dict) or not record.keys() <= _KEYS:
        unknown = record.keys() - _KEYS if isinstance(record, dict) else line[:40]
        raise DataError(
            "not an entry of a lexicon",
            expected=f"an object with {', '.join(CSV_COLUMNS)}",
            got=", ".join(sorted(unknown)),
        )
    label, name, id = record.get("label"), record.get("name"), record.get("id")
    aliases, score = record.get("aliases") or (), record.get("score")
    if (
        not isinstance(label, str)
        or not isinstance(name, str)
        or not isinstance(id, str | None)
        or (aliases and not _are_texts(aliases))
    ):
        raise DataError(
            "not an entry of a lexicon",
            expected="texts, and aliases as a list of texts",
            got=line[:60],
        )
    if score is not None and type(score) not in (int, float):
        raise DataError("not a score", expected="a number from 0 to 1", got=repr(score)[:40])
    return checked(label, name, id, aliases, score)


def _are_texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise DataError("not a score", expected="a number from 0 to 1", got=text[:40]) from error


def checked(
    label: str,
    name: str,
    id: str | None = None,
    aliases: Sequence[str] = (),
    score: float | None = None,
) -> Name:
    """An entry with its white space made one space, each spelling once.

    Raises:
        DataError: there is no label or no name, or the score is none.
    """
    label, name = _label(label), " ".join(name.split())
    if not label or not name:
        raise DataError(
            "no name" if label else "no label",
            expected="a label and a name",
            remedy="complete the line or remove it",
        )
    if score is not None and not 0 <= score <= 1:
        raise DataError("not a score", expected="a number from 0 to 1", got=score)
    if not aliases:
        return Name(label, name, id or None, (), score)
    others = dict.fromkeys(" ".join(alias.split()) for alias in aliases)
    return Name(label, name, id or None, tuple(a for a in others if a and a != name), score)


@cache
def _label(text: str) -> str:
    """The label without white space around it: one object for all its names."""
    return text.strip()


def _text_line(name: Name, path: Path) -> str:
    if name.id is not None or name.aliases or name.score is not None:
        raise DataError(
            "text holds labels and names alone",
            where=path,
            got=f"{name.name!r} with more",
            remedy="write .csv or .jsonl",
        )
    return f"{name.label}\t{name.name}\n"


def _csv_text(names: Iterable[Name]) -> str:
    stream = io.StringIO()
    rows = csv.writer(stream, lineterminator="\n")
    rows.writerow(CSV_COLUMNS)
    for name in names:
        if any(ALIAS_SEPARATOR in alias for alias in name.aliases):
            raise DataError(
                f"csv holds no alias with {ALIAS_SEPARATOR}",
                got=repr(name.name),
                remedy="write .jsonl",
            )
        score = "" if name.score is None else repr(name.score)
        aliases = ALIAS_SEPARATOR.join(name.aliases)
        rows.writerow((name.label, name.name, name.id or "", aliases, score))
    return stream.getvalue()


def _json_line(name: Name) -> str:
    record: dict[str, Any] = {"label": name.label, "name": name.name}
    if name.id is not None:
        record["id"] = name.id
    if name.aliases:
        record["aliases"] = list(name.aliases)
    if name.score is not None:
        record["score"] = name.score
    return json.dumps(record, ensure_ascii=False) + "\n"
