"""An output that grows, and that a later process goes on with where this one was killed.

While a command runs, its lines stand in `OUT.partial`, and what cannot be tagged in a side file.
Every two seconds both are safe on the disk, and then `OUT.journal` says how many items they hold
and how long they are. A process that goes on cuts both back to that and passes over so many items
of the input, so no line is lost and none is there twice. At the end `OUT.partial` becomes `OUT`,
and the journal of a process that may go on becomes `OUT.finished`: the same call finds all done.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from posner.bulk.sidefile import side_line
from posner.bulk.state import State
from posner.errors import DataError
from posner.files import refuse_filled
from posner.locks import Lock, try_lock
from posner.sources import Bad, Item

SECONDS = 2.0
"""How often what was written is made safe while it is written."""

SHORT = 0.2
"""The same, while nothing is written."""

_ENDS = (".partial", ".journal", ".lock", ".finished")


def companions(target: Path) -> tuple[Path, Path, Path, Path]:
    """What stands beside an output: its lines, its journal and its lock, and what is left of it."""
    partial, journal, lock, record = (target.with_name(target.name + end) for end in _ENDS)
    return partial, journal, lock, record


class Journal:
    """One output in the making.

    Args:
        target: the file that appears at the end.
        side: the file for what cannot be tagged.
        call: digest of everything that decides what is written.
        resume: go on with what an earlier process left, from the start if it left nothing; and
            leave the record of a finished output.
        force: replace files that stand there.

    Raises:
        DataError: a file is there already, cannot be written, was left by another call, or another
            process is writing it.
    """

    def __init__(self, target: Path, side: Path, call: str, *, resume: bool, force: bool) -> None:
        self.target, self.side = target, side
        self._partial, self._path, self._lock_path, self._record = companions(target)
        self._records = resume
        self._safe = State(call, str(side.resolve()))
        self._out: BinaryIO | None = None
        self._aside: BinaryIO | None = None
        self._lock = self._locked()
        try:
            self._open(resume=resume, force=force)
        except BaseException:
            self._unlock()
            raise
        self._now = self._ended = self._safe
        self._time = time.monotonic()

    def _locked(self) -> Lock:
        """The right to write this output, which no other process has at the same time."""
        with self._as_data_error():
            self.target.parent.mkdir(parents=True, exist_ok=True)
        lock = try_lock(self._lock_path)
        if lock is None:
            raise DataError(
                "another process is writing this output",
                where=self.target,
                remedy="wait for it, or stop it",
            )
        return lock

    def _unlock(self) -> None:
        self._lock_path.unlink(missing_ok=True)
        self._lock.release()

    def _open(self, *, resume: bool, force: bool) -> None:
        """Open what an earlier process left, or begin anew."""
        goes_on = resume and self._path.exists() and self._partial.exists()
        if goes_on:
            self._safe = self._read()
            if self._safe.side_size is None:
                refuse_filled(self.side, force=False)
        else:
            self._refuse(force=force)
        with self._as_data_error():
            self._out = _opened(self._partial, self._safe.size)
            if self._safe.side_size:
                self._aside = _opened(self.side, self._safe.side_size)
            else:
                self.side.unlink(missing_ok=True)
            if not goes_on:
                if State.read_if_any(self._record) is not None:  # else it is somebody else's file
                    self._record.unlink()
                self._write_state()

    @property
    def items(self) -> int:
        """Items of the input that are finished."""
        return self._now.items

    @property
    def bad(self) -> int:
        """How many of them could not be tagged."""
        return self._now.bad

    @property
    def words(self) -> int:
        """How many words they had."""
        return self._now.words

    @property
    def _output(self) -> BinaryIO:
        assert self._out is not None
        return self._out

    def write(self, chunks: Iterable[str]) -> None:
        """Add to the output."""
        with self._as_data_error():
            for chunk in chunks:
                self._output.write(chunk.encode())

    def set_aside(self, bad: Bad) -> None:
        """Write what cannot be tagged to the side file, with the reason."""
        with self._as_data_error():
            if self._aside is None:
                self._aside = self._new_side()
            self._aside.write(side_line(bad))
        self._now = replace(self._now, bad=self._now.bad + 1)

    def _new_side(self) -> BinaryIO:
        """The side file; from then on the journal says that it is its own."""
        if self._safe.side_size is not None:
            return _opened(self.side, 0)
        try:
            file = self.side.open("x+b")
        except FileExistsError as error:
            raise DataError(
                "another process made this file in the meantime",
                where=self.side,
                remedy="name another with --bad",
            ) from error
        self._safe = replace(self._safe, side_size=0)
        self._ended = replace(self._ended, side_size=0)
        self._write_state()
        return file

    def count(self, words: int, *, ends: bool) -> None:
        """So many words more are written, and whether an item of the input ends with them."""
        items = self._now.items + ends
        self._now = replace(self._now, items=items, words=self._now.words + words)
        if ends:
            side_size = self._safe.side_size if self._aside is None else self._aside.tell()
            self._ended = replace(self._now, size=self._output.tell(), side_size=side_size)
            if time.monotonic() - self._time >= SECONDS:
                self._commit()

    def before_each(self, groups: Iterable[Iterable[Item]]) -> Iterator[Iterable[Item]]:
        """The input, unchanged; what was found so far is made safe while more of it is read.

        A tagger reads and tags many items together, and then gives them all: without this, the
        last of them would wait for the next ones to be tagged.
        """
        for group in groups:
            if self._ended != self._safe and time.monotonic() - self._time >= SHORT:
                self._commit()
            yield group

    def finish(self) -> None:
        """Everything is written: the output appears under its name."""
        self._commit()
        with self._as_data_error():
            self._output.close()
            self._partial.replace(self.target)
            if self._records and not self._record.exists():
                self._path.replace(self._record)
            else:
                self._path.unlink()

    def close(self) -> None:
        """Let the files go; what was written since it was last made safe is not counted.

        Nothing stays where nothing was safe.
        """
        for file in (self._out, self._aside):
            if file is not None:
                with contextlib.suppress(OSError):  # what a full disk did not take is not counted
                    file.close()
        if not self._safe.items and self._partial.exists():
            for path in (self._partial, self._path):
                path.unlink(missing_ok=True)
            if self._aside is not None:
                self.side.unlink(missing_ok=True)
        self._unlock()

    def _refuse(self, *, force: bool) -> None:
        """Refuse to write over what stands there, an unfinished output included."""
        if self.target.is_dir():
            raise DataError("the target is a folder", where=self.target, expected="a file")
        refuse_filled(self.target, force=force)
        if self._path.exists() and not force:
            raise DataError(
                "an unfinished output stands there",
                where=self._partial,
                remedy="go on with --resume, or begin anew with --force",
            )
        if self.side.exists() and not self.side.is_file():
            raise DataError("no regular file", where=self.side, remedy="name another with --bad")
        refuse_filled(self.side, force=force)

    def _commit(self) -> None:
        with self._as_data_error():
            for file in (self._out, self._aside):
                if file is not None:
                    file.flush()
                    os.fsync(file.fileno())
        self._safe = self._ended
        self._write_state()
        self._time = time.monotonic()

    @contextlib.contextmanager
    def _as_data_error(self) -> Iterator[None]:
        """What the system refuses, as a user's mistake."""
        try:
            yield
        except OSError as error:
            raise DataError(
                "cannot be written", where=self.target, got=error.strerror or error
            ) from error

    def _write_state(self) -> None:
        self._safe.write(self._path)

    def _read(self) -> State:
        """What an earlier process says is safe, if this one may go on with it."""
        state = State.read(self._path)
        if state.call != self._safe.call:
            raise DataError(
                "this output was begun by another call: other files, another model or other flags",
                where=self._partial,
                remedy="repeat that call with --resume, or begin anew with --force",
            )
        if state.side != self._safe.side:
            raise DataError(
                "this output was begun with another file for what cannot be tagged",
                where=self._partial,
                expected=f"--bad {state.side}",
                got=self.side,
            )
        for path, size in ((self._partial, state.size), (self.side, state.side_size or 0)):
            if (path.stat().st_size if path.exists() else 0) < size:
                raise DataError(
                    "shorter than its journal says",
                    where=path,
                    expected=f"{size:,} bytes",
                    remedy="begin anew with --force",
                )
        return state


def _opened(path: Path, size: int) -> BinaryIO:
    """The file to write on behind its first `size` bytes; the rest goes."""
    file = path.open("r+b" if size else "w+b")
    file.truncate(size)
    file.seek(size)
    return file
