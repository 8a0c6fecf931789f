"""The file that says what could not be tagged, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from types import TracebackType

from posner.errors import DataError
from posner.files import refuse_filled
from posner.sources import Bad


def side_line(bad: Bad) -> bytes:
    """A line of the file: JSON with `file`, `line` or `row`, `reason` and `data`."""
    line = json.dumps(bad.to_json(), ensure_ascii=False)
    return line.encode("utf-8", "backslashreplace") + b"\n"


class SideFile:
    """Appears when the first thing is set aside.

    Args:
        path: where; None where there is no such file, and what cannot be tagged is an error.
        force: replace a file that stands there.

    Attributes:
        count: how much was set aside.

    Raises:
        DataError: the file is there already.
    """

    def __init__(self, path: Path | None, *, force: bool) -> None:
        self._path = path
        self._file: FileIO | None = None
        self.count = 0
        if path is not None:
            refuse_filled(path, force=force)

    def __enter__(self) -> SideFile:
        if self._path is not None and self._path.is_file():  # empty, or to be replaced
            with self._as_data_error(self._path):
                self._path.unlink()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, bad: Bad) -> None:
        """Set aside what cannot be tagged.

        Raises:
            DataError: there is no file for it, or it cannot be written.
        """
        if self._path is None:
            raise bad.error
        with self._as_data_error(self._path):
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                # Unbuffered, so that a full disk is told here and not when the file is closed.
                self._file = self._path.open("wb", buffering=0)
            self._file.write(side_line(bad))
        self.count += 1

    @staticmethod
    @contextmanager
    def _as_data_error(path: Path) -> Iterator[None]:
        """What the system refuses, as a user's mistake."""
        try:
            yield
        except OSError as error:
            raise DataError("cannot be written", where=path, got=error.strerror or error) from error
