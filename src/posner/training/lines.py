"""Files of one JSON object a line, each a dataclass: appended to, read, and cut back."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from posner.errors import DataError
from posner.files import write_text

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Line = TypeVar("Line", bound=DataclassInstance)
else:
    Line = TypeVar("Line")


def append_lines(path: Path, lines: Sequence[Line]) -> None:
    """Add lines to a file, and see them on the disk.

    Raises:
        DataError: it cannot be written; a part of the lines may stand there, the last one cut.
    """
    try:
        with path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(line)) + "\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise DataError("cannot be written", where=path, got=error.strerror or error) from error


def read_lines(path: Path, kind: type[Line]) -> list[Line]:
    """A file's lines, up to the first that is damaged or of another kind; none without a file."""
    lines: list[Line] = []
    if path.is_file():
        for text in path.read_text(encoding="utf-8").splitlines():
            try:
                lines.append(kind(**json.loads(text)))
            except (ValueError, TypeError):
                break
    return lines


def replace_lines(path: Path, lines: Sequence[Line]) -> None:
    """Write a file anew, beside its place and renamed."""
    write_text(path, "".join(json.dumps(asdict(line)) + "\n" for line in lines))
