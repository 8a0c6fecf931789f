"""How many cores a process may use: its affinity, and the quota of its container."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def cores(root: Path = Path("/")) -> int:
    """How many cores this process may use, at least 1.

    Args:
        root: where `proc` and `sys` stand.
    """
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    # A part of a core counts whole: two threads on one and a half come further than one.
    return max(1, math.ceil(min(allowed, _quota(root))))


def _quota(root: Path) -> float:
    """Cores' worth of time that the control groups of this process give it; infinite without."""
    return min(_quotas(root), default=math.inf)


def _quotas(root: Path) -> Iterator[float]:
    """The quota of each group that the process is in, and of all above it (cgroup v1 and v2)."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return  # another system than Linux
    mounts = root / "sys/fs/cgroup"
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            home, read = mounts, _read_second
        elif "cpu" in controllers.split(","):
            home, read = mounts / "cpu", _read_first
        else:
            continue
        own = PurePosixPath(path.lstrip("/"))
        for group in (own, *own.parents):
            yield read(home / group)


def _read_second(group: Path) -> float:
    """The quota of a group of version 2: `cpu.max` holds `200000 100000` or `max 100000`."""
    try:
        quota, period = (group / "cpu.max").read_text(encoding="ascii").split()
        return math.inf if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return math.inf  # a container sees its own group alone, as the root


def _read_first(group: Path) -> float:
    """The quota of a group of version 1: microseconds of a period, or -1."""
    try:
        quota, period = (
            int((group / f"cpu.cfs_{name}_us").read_text(encoding="ascii"))
            for name in ("quota", "period")
        )
        return quota / period if quota > 0 else math.inf
    except (OSError, ValueError):
        return math.inf
