"""`posner cache`: the list of what is cached on disk, and its removal."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from posner.cache import Entry, cache_folder, clear, entries, megabytes
from posner.cli.numbers import number
from posner.errors import UsageError
from posner.files import write_json
from posner.plural import counted


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--clear", action="store_true", help="remove all entries")
    parser.add_argument(
        "--older-than",
        type=number("--older-than"),
        metavar="DAYS",
        help="with --clear: only entries not used for so many days",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the list as JSON")


def run(arguments: argparse.Namespace) -> int:
    """List or clear."""
    days = arguments.older_than
    if days is not None and not arguments.clear:
        raise UsageError("--older-than goes with --clear")
    found = clear(days or 0.0, _is_running) if arguments.clear else entries()
    for entry in found:
        print(_line(entry))
    size = megabytes(sum(entry.bytes for entry in found))
    entries_found = counted(len(found), "entry", "entries")
    done = "removed from" if arguments.clear else "in"
    print(f"{entries_found} {done} {cache_folder()}, {size} MB")
    if arguments.json is not None:
        write_json(arguments.json, [_facts(entry) for entry in found])
    return 0


def _is_running(process: int) -> bool:
    """Whether there is such a process; where that cannot be told, there is."""
    try:
        import psutil
    except ImportError:
        return True
    return bool(psutil.pid_exists(process))


def _line(entry: Entry) -> str:
    used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used))
    size = f"{megabytes(entry.bytes):>6} MB"
    if entry.label is None:
        return f"{'unfinished':<12}  {size}  {used}"
    label = entry.label
    return f"{entry.path.name[:12]}  {size}  {used}  {label.model}  {label.corpus}  {label.about}"


def _facts(entry: Entry) -> dict[str, object]:
    label = entry.label
    return {
        "key": entry.path.name if label else None,
        "path": str(entry.path),
        "model": label.model if label else None,
        "corpus": label.corpus if label else None,
        "about": label.about if label else None,
        "bytes": entry.bytes,
        "used": entry.used,
    }
