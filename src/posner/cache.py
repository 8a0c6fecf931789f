"""The cache folder: what can be computed again, kept because that takes long.

It is `$POSNER_CACHE`, or what the system provides for such things. Each entry is a folder named by
the SHA-256 of all that it depends on; `entry.json` says what it is. Entries are written beside
their place and renamed, so each is whole. Nothing here is needed: all of it may be deleted.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from posner.errors import DataError

VARIABLE = "POSNER_CACHE"
ENTRY = "entry.json"
_UNFINISHED = ".new"
_SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Label:
    """What `entry.json` says.

    Attributes:
        model: the encoder's name.
        corpus: where the data came from.
        about: anything else that a reader of the list should know.
    """

    model: str
    corpus: str
    about: str


@dataclass(frozen=True)
class Entry:
    """One thing in the cache.

    Attributes:
        path: its folder, named by its key.
        label: what it is; None for one that was never finished.
        bytes: of its files.
        used: when it was last used, in seconds since 1970.
    """

    path: Path
    label: Label | None
    bytes: int
    used: float


def cache_folder() -> Path:
    """Where entries stand; nothing is made."""
    named = os.environ.get(VARIABLE)
    return (Path(named) if named else _platform_folder() / "posner") / "states"


def _platform_folder() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return named if named.is_absolute() else Path.home() / ".cache"  # as its specification says


def entries() -> list[Entry]:
    """Everything in the cache, the most recently used first."""
    folder = cache_folder()
    if not folder.is_dir():
        return []
    found = [entry for path in folder.iterdir() if (entry := _entry(path)) is not None]
    return sorted(found, key=lambda entry: -entry.used)


def _entry(path: Path) -> Entry | None:
    """What stands there, if it is the cache's own; it may vanish while it is looked at."""
    with suppress(OSError):
        size = sum(file.stat().st_size for file in path.iterdir())
        if path.name.startswith(".") and path.name.endswith(_UNFINISHED):
            return Entry(path, None, size, path.stat().st_mtime)
        with suppress(ValueError, TypeError, KeyError):
            label = Label(**json.loads((path / ENTRY).read_text(encoding="utf-8")))
            return Entry(path, label, size, (path / ENTRY).stat().st_mtime)
    return None


def clear(
    older_than_days: float = 0.0, is_running: Callable[[int], bool] = lambda _: True
) -> list[Entry]:
    """Remove what was not used for so many days; what a running training reads stays readable.

    Args:
        older_than_days: 0: everything.
        is_running: whether there is a process of that number; what it is writing is left alone.

    Returns:
        What was removed.

    Raises:
        DataError: something cannot be removed.
    """
    limit = time.time() - older_than_days * _SECONDS_A_DAY
    chosen = [
        entry
        for entry in entries()
        if (entry.used <= limit or not older_than_days)
        and ((process := _writer(entry)) is None or not is_running(process))
    ]
    for entry in chosen:
        try:
            shutil.rmtree(entry.path)
        except FileNotFoundError:  # another process was faster
            continue
        except OSError as error:
            raise DataError("cannot be removed", where=entry.path, got=error.strerror) from error
    return chosen


def touch(entry: Path) -> None:
    """Remember that an entry was used now; a cache that may only be read does not mind."""
    with suppress(OSError):
        os.utime(entry / ENTRY)


@contextmanager
def new_entry(key: str, label: Label, need: int) -> Iterator[Path]:
    """A new folder that becomes the entry `key` when the block ends without an error.

    Where another process has made the same one meanwhile, its entry stays and this one goes; both
    hold the same.

    Args:
        key: names it.
        label: what it is.
        need: bytes that will be written.

    Raises:
        DataError: there is too little room, or the folder cannot be written.
    """
    folder = cache_folder()
    beside = folder / f".{key[:16]}.{_host()}.{os.getpid()}.{uuid.uuid4().hex[:8]}{_UNFINISHED}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_room(folder, need)
        beside.mkdir()
        try:
            yield beside
            label_text = json.dumps(asdict(label), ensure_ascii=False, indent=2) + "\n"
            (beside / ENTRY).write_text(label_text, encoding="utf-8")
            try:
                beside.rename(folder / key)
            except OSError:
                if not (folder / key).is_dir():  # else it is another process's entry
                    raise
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        raise _unwritable(folder, error.strerror or error) from error


def discard(entry: Path) -> None:
    """Remove a damaged entry."""
    shutil.rmtree(entry, ignore_errors=True)


def sweep(is_running: Callable[[int], bool]) -> None:
    """Remove what processes of this machine left unfinished when they were killed.

    Args:
        is_running: whether there is a process of that number.
    """
    for entry in entries():
        process = _writer(entry)
        if process is not None and not is_running(process):
            shutil.rmtree(entry.path, ignore_errors=True)


def _writer(entry: Entry) -> int | None:
    """The process of this machine that is, or was, writing an unfinished entry."""
    parts = entry.path.name.split(".")
    mine = entry.label is None and len(parts) == 6 and parts[2] == _host()
    return int(parts[3]) if mine and parts[3].isdigit() else None


def _host() -> str:
    return socket.gethostname().replace(".", "-") or "here"


def _check_room(folder: Path, need: int) -> None:
    free = shutil.disk_usage(folder).free
    if need > free:
        raise DataError(
            "too little room for the states of the frozen encoder",
            where=folder,
            expected=f"{megabytes(need)} MB",
            got=f"{megabytes(free)} MB",
            remedy=_REMEDY,
        )


_REMEDY = (
    f"make room (posner cache --clear), name a folder on another disk with {VARIABLE}, "
    "or do without: backbone.cache = false"
)


def _unwritable(folder: Path, why: Any) -> DataError:
    return DataError("cannot be written", where=folder, got=why, remedy=_REMEDY)


def megabytes(count: int) -> str:
    """Bytes as millions of them, rounded up."""
    return f"{-(-count // 1_000_000):,}"
