"""A run folder is trained into by one process, or by several of one training, at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from posner.errors import DataError, PosnerError
from posner.locks import Lock, try_lock

_LOCK = ".lock"


@contextmanager
def held(run: Path) -> Iterator[None]:
    """While this is open, no other training writes into the folder, which must be there.

    Raises:
        PosnerError: another one does.
    """
    lock = _lock(run)
    try:
        yield
    finally:
        if lock is not None:
            lock.release()
            (run / _LOCK).unlink(missing_ok=True)


def refuse_held(run: Path) -> None:
    """Refuse a folder that another training writes into.

    Raises:
        PosnerError: one does.
    """
    lock = _lock(run) if (run / _LOCK).is_file() else None
    if lock is not None:
        lock.release()


def _lock(run: Path) -> Lock | None:
    """The lock; None on a file system that knows none."""
    try:
        lock = try_lock(run / _LOCK)
    except DataError:
        return None
    if lock is None:
        raise PosnerError(
            "another process trains into it now",
            where=run,
            remedy="wait until that has ended, or name another folder",
        )
    return lock
