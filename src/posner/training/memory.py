"""The most memory that this process has held."""

from __future__ import annotations

import sys
from pathlib import Path


def peak_gigabytes() -> float | None:
    """In GB; None where the system does not tell.

    Linux' own figure is read: `getrusage` there counts what the parent held before this began.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return _from_usage()
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e9
    return _from_usage()


def _from_usage() -> float | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
