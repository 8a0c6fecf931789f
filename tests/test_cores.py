"""How many cores a process may use, by its affinity and its container's quota."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from posner.backends.cores import cores


@pytest.fixture(autouse=True)
def eight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


def put(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_without_control_groups_the_affinity_counts(tmp_path: Path) -> None:
    assert cores(tmp_path) == 8


@pytest.mark.parametrize(
    ("own", "above", "count"),
    [
        ("max 100000", "max 100000", 8),
        ("200000 100000", "max 100000", 2),
        ("150000 100000", "max 100000", 2),
        ("max 100000", "300000 100000", 3),
        ("1000 100000", "max 100000", 1),
        ("9900000 100000", "max 100000", 8),
    ],
)
def test_quotas_of_the_second_version(tmp_path: Path, own: str, above: str, count: int) -> None:
    files = {
        "proc/self/cgroup": "0::/box/inner\n",
        "sys/fs/cgroup/box/inner/cpu.max": own,
        "sys/fs/cgroup/box/cpu.max": above,
    }
    assert cores(put(tmp_path, files)) == count


def test_a_container_sees_its_own_group_as_the_root(tmp_path: Path) -> None:
    files = {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "400000 100000\n"}
    assert cores(put(tmp_path, files)) == 4


@pytest.mark.parametrize(("quota", "count"), [("-1", 8), ("250000", 3)])
def test_quotas_of_the_first_version(tmp_path: Path, quota: str, count: int) -> None:
    files = {
        "proc/self/cgroup": "5:memory:/box\n4:cpu,cpuacct:/docker/abc\n",
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us": f"{quota}\n",
        "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    }
    assert cores(put(tmp_path, files)) == count
