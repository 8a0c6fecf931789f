"""Files of names by label, which augmentation adds to the training mentions."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from posner.errors import DataError
from posner.textfile import read_texts

Lexicon = Mapping[str, tuple[str, ...]]
"""The names of each label, in the order of the file, each once."""

CSV_HEADER = ["label", "name"]


def read_lexicon(path: Path) -> Lexicon:
    """Read a lexicon (UTF-8).

    Each line is a label, a tab and a name. If the first line is `label,name`, the file is csv with
    these two columns. Empty lines do not count, and white space in names counts as one space.

    Raises:
        DataError: the file cannot be read, a line is none of these, or there is no name.
    """
    names: dict[str, dict[str, None]] = {}
    for number, label, name in _rows(_lines(path), path):
        label, name = label.strip(), " ".join(name.split())
        if not label or not name:
            raise DataError(
                "no name" if label else "no label",
                where=f"{path}:{number}",
                expected="a label and a name",
                remedy="complete the line or remove it",
            )
        names.setdefault(label, {})[name] = None
    if not names:
        raise DataError(
            "holds no name", where=path, expected="a label, a tab and a name on each line"
        )
    return {label: tuple(own) for label, own in names.items()}


def lexicon_fingerprint(lexicon: Lexicon) -> str:
    """A hash of all names, to tell whether a resumed run sees the same."""
    lines = [f"{label}\t{name}\n" for label, names in lexicon.items() for name in names]
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as stream:
            return list(read_texts(stream, "line", name=str(path)))
    except FileNotFoundError as error:
        raise DataError("no such file", where=path, remedy="correct augment.lexicon") from error
    except OSError as error:
        raise DataError("cannot be read", where=path, got=error.strerror or error) from error


def _rows(lines: list[str], path: Path) -> Iterator[tuple[int, str, str]]:
    """The number, label and name of each line that is not empty."""
    is_csv = bool(lines) and [cell.strip() for cell in lines[0].split(",")] == CSV_HEADER
    for number, line in enumerate(lines, start=1):
        if not line.strip() or (is_csv and number == 1):
            continue
        cells = _csv_cells(line, f"{path}:{number}") if is_csv else line.split("\t")
        if len(cells) != 2:
            raise DataError(
                "not a label and a name",
                where=f"{path}:{number}",
                expected="two cells, label,name" if is_csv else "a label, one tab, and a name",
                got=repr(line[:40]),
            )
        yield number, cells[0], cells[1]


def _csv_cells(line: str, where: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True))
    except csv.Error as error:
        raise DataError("not a row of csv", where=where, got=f"{line[:40]!r}: {error}") from error
