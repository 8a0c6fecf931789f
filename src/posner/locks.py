"""Locks on files, which the system lets go when their process ends, however it ends.

They tell work whose process was killed from work that another process does, at once and without a
clock or process numbers that come back. SQLite stands on the same kind of locks, so wherever
several processes can share its file, they can share these.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from posner.errors import DataError

_SECONDS_BETWEEN_ATTEMPTS = 0.01

if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> bool:
        """Take the lock; false if another has it."""
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

else:
    import fcntl

    def _lock(handle: int) -> bool:
        """Take the lock; false if another has it."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class Lock:
    """A lock that this process holds until it is released, or the process ends."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def release(self) -> None:
        """Let others have it."""
        os.close(self._handle)


def try_lock(path: Path) -> Lock | None:
    """The lock of a file, made if it is not there; None where another holds it.

    Raises:
        DataError: the file cannot be written, or its file system knows no locks.
    """
    taken = False
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            taken = _lock(handle)
        finally:
            if not taken:
                os.close(handle)
    except OSError as error:
        raise DataError("cannot be locked", where=path, got=error.strerror) from error
    return Lock(handle) if taken else None


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file inside the block; wait for it while another holds it."""
    while (lock := try_lock(path)) is None:
        time.sleep(_SECONDS_BETWEEN_ATTEMPTS)
    try:
        yield
    finally:
        lock.release()
