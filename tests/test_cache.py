"""The cache folder: where it is, whole entries only, its list and its clearing."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from pathlib import Path

import pytest

from posner.cache import Label, cache_folder, clear, entries, new_entry, sweep, touch
from posner.cli import main
from posner.errors import DataError

LABEL = Label("minilm", "mine.conll", "9 words")
DAY = 86_400


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POSNER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "states"


def made(key: str, days_ago: float = 0.0) -> Path:
    with new_entry(key, LABEL, 10) as beside:
        (beside / "words.npy").write_bytes(b"0123456789")
    used = time.time() - days_ago * DAY
    os.utime(cache_folder() / key / "entry.json", (used, used))
    return cache_folder() / key


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="other systems have other folders")
def test_where_it_is(monkeypatch: pytest.MonkeyPatch, folder: Path, tmp_path: Path) -> None:
    assert cache_folder() == folder
    assert not folder.exists()
    monkeypatch.delenv("POSNER_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "posner" / "states"
    for ignored in ("", "relative/path"):
        monkeypatch.setenv("XDG_CACHE_HOME", ignored)
        assert cache_folder() == Path.home() / ".cache" / "posner" / "states"


def test_entries_are_listed_the_last_used_first() -> None:
    assert entries() == []
    made("a" * 64, days_ago=2)
    made("b" * 64, days_ago=1)
    assert [entry.path.name[0] for entry in entries()] == ["b", "a"]
    assert {entry.label for entry in entries()} == {LABEL}
    touch(cache_folder() / ("a" * 64))
    assert [entry.path.name[0] for entry in entries()] == ["a", "b"]


def test_nothing_half_is_left_by_an_error(folder: Path) -> None:
    def failing() -> None:
        with new_entry("a" * 64, LABEL, 1) as beside:
            (beside / "words.npy").write_bytes(b"0")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert list(folder.iterdir()) == []


def test_of_two_that_make_the_same_one_stays(folder: Path) -> None:
    with new_entry("a" * 64, LABEL, 1) as first, new_entry("a" * 64, LABEL, 1) as second:
        assert first != second
        (first / "words.npy").write_bytes(b"0")
        (second / "words.npy").write_bytes(b"0")
    assert [path.name for path in folder.iterdir()] == ["a" * 64]
    assert sorted(p.name for p in (folder / ("a" * 64)).iterdir()) == ["entry.json", "words.npy"]


def test_too_little_room_is_told_before_anything_is_made(folder: Path) -> None:
    told = r"too little room.*expected [\d,]+ MB, got [\d,]+ MB.*posner cache --clear.*POSNER_CACHE"
    with pytest.raises(DataError, match=told), new_entry("a" * 64, LABEL, 10**18):
        raise AssertionError
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told(folder: Path) -> None:
    folder.parent.parent.mkdir(exist_ok=True)
    folder.parent.write_text("a file")
    with pytest.raises(DataError, match="cannot be written"), new_entry("a" * 64, LABEL, 1):
        raise AssertionError


def test_what_killed_processes_left_is_swept_and_what_runs_stays(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with new_entry("a" * 64, LABEL, 1) as beside:
        left = beside.name
    clear()
    (folder / left).mkdir()
    assert [entry.label for entry in entries()] == [None]
    assert clear() == []
    assert clear(is_running=lambda process: process == os.getpid()) == []
    sweep(lambda process: process == os.getpid())
    assert (folder / left).is_dir()
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
    sweep(lambda _: False)
    assert (folder / left).is_dir()
    monkeypatch.undo()
    monkeypatch.setenv("POSNER_CACHE", str(folder.parent))
    sweep(lambda _: False)
    assert not (folder / left).exists()


def test_clearing_by_age() -> None:
    made("a" * 64, days_ago=40)
    young = made("b" * 64, days_ago=1)
    assert [entry.path.name[0] for entry in clear(older_than_days=30)] == ["a"]
    assert [entry.path for entry in entries()] == [young]
    assert len(clear()) == 1
    assert entries() == []


def test_clearing_leaves_what_is_not_the_caches_own(folder: Path) -> None:
    made("a" * 64)
    (folder / "notes").mkdir()
    (folder / "notes" / "mine.txt").write_text("precious")
    (folder / "mine.txt").write_text("precious")
    clear()
    assert sorted(path.name for path in folder.iterdir()) == ["mine.txt", "notes"]


def test_the_command_lists_and_clears(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
) -> None:
    made("a" * 64, days_ago=40)
    made("b" * 64)
    assert main(["cache", "--json", str(tmp_path / "list.json")]) == 0
    first, second, last = capsys.readouterr().out.splitlines()
    assert first.startswith("bbbbbbbbbbbb ")
    assert second.startswith("aaaaaaaaaaaa ")
    assert "minilm  mine.conll  9 words" in first
    assert last == f"2 entries in {folder}, 1 MB"
    listed = json.loads((tmp_path / "list.json").read_text())
    assert [entry["key"][0] for entry in listed] == ["b", "a"]
    assert main(["cache", "--clear", "--older-than", "30"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"1 entry removed from {folder}, 1 MB"
    assert main(["cache", "--clear"]) == 0
    assert main(["cache"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"0 entries in {folder}, 0 MB"


@pytest.mark.parametrize(
    "flags", [["--older-than", "3"], ["--clear", "--older-than", "-1"], ["--clear", "--older"]]
)
def test_wrong_calls_are_told(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.suppress(SystemExit):  # argparse's own errors
        assert main(["cache", *flags]) == 2
    assert "older" in capsys.readouterr().err
