"""What a journal says."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from posner.errors import DataError
from posner.files import write_text


@dataclass(frozen=True, slots=True)
class State:
    """What is safe of an output and its side file.

    Attributes:
        call: digest of the call that writes it.
        side: the side file.
        items: items of the input that are finished.
        bad: how many of them were bad.
        words: how many words they had.
        size: bytes of the output.
        side_size: bytes of the side file; None while it is not made.
    """

    call: str
    side: str
    items: int = 0
    bad: int = 0
    words: int = 0
    size: int = 0
    side_size: int | None = None

    @classmethod
    def read(cls, path: Path) -> Self:
        """What a journal says.

        Raises:
            DataError: it cannot be read, or is damaged.
        """
        try:
            record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            state = cls(**record)
            numbers = (state.items, state.bad, state.words, state.size, state.side_size or 0)
            if not all(type(number) is int and number >= 0 for number in numbers):
                raise ValueError("what are no counts")
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise DataError(
                "not a journal", where=path, got=error, remedy="begin anew with --force"
            ) from error
        return state

    @classmethod
    def read_if_any(cls, path: Path) -> Self | None:
        """What a journal says; None where there is none, or a file that is none."""
        try:
            return cls.read(path) if path.is_file() else None
        except DataError:
            return None

    def write(self, path: Path) -> None:
        """Write the journal."""
        write_text(path, json.dumps(asdict(self)) + "\n")
