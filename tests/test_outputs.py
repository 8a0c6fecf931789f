"""What `posner predict` writes beside what it reads: nothing of a user's is lost."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echo import Echo
from posner.bulk import journal
from posner.cli import main, predict
from posner.errors import DataError
from posner.sources import Bad, Place

Run = Callable[..., int]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """`posner predict` with a stand-in; `stop` ends it after so many documents."""
    monkeypatch.setattr(journal, "SECONDS", 0.0)

    def called(*arguments: object, stop: int | None = None, model: object = "model") -> int:
        monkeypatch.setattr(predict, "load_from_flags", lambda _: Echo(finds=True, stop=stop))
        return main(["predict", *map(str, (model, *arguments))])

    return called


def to_jsonl(target: Path) -> tuple[object, ...]:
    return ("--format", "jsonl", "-o", target)


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("bad_first", [False, True])
def test_a_resumed_job_leaves_files_alone_that_are_not_its_own(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str], bad_first: bool
) -> None:
    source, target, mine = tmp_path / "in.txt", tmp_path / "out.jsonl", tmp_path / "mine"
    source.write_bytes(b"\xff\nOne\nTwo\n" if bad_first else b"One\nTwo\n\xff\n")
    mine.write_text("precious " * 50, encoding="utf-8")
    assert run(source, *to_jsonl(target), stop=1) == 130
    assert run(source, *to_jsonl(target), "--resume", "--bad", mine) == 1
    assert "another file for what cannot be tagged" in capsys.readouterr().err
    assert mine.read_text(encoding="utf-8") == "precious " * 50
    side = tmp_path / "out.jsonl.bad.jsonl"
    if not bad_first:  # what came there in the meantime is not the journal's either
        side.write_text("precious", encoding="utf-8")
        assert run(source, *to_jsonl(target), "--resume") == 1
        assert side.read_text(encoding="utf-8") == "precious"
        side.unlink()
    assert run(source, *to_jsonl(target), "--resume") == 0
    assert [record["data"] for record in records(side)] == ["\\xff"]
    assert [record["text"] for record in records(target)] == ["One", "Two"]


def test_a_side_file_that_came_meanwhile_is_not_written(tmp_path: Path) -> None:
    target, side = tmp_path / "out.jsonl", tmp_path / "side"
    mine = journal.Journal(target, side, "call", resume=False, force=False)
    side.write_text("precious", encoding="utf-8")
    with pytest.raises(DataError, match="another process made this file"):
        mine.set_aside(Bad(Place("in.txt", 1), DataError("not UTF-8")))
    mine.close()
    assert [path.name for path in tmp_path.iterdir()] == ["side"]
    assert side.read_text(encoding="utf-8") == "precious"


@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_what_an_earlier_call_set_aside_goes_with_its_output(
    tmp_path: Path, run: Run, format: str
) -> None:
    source, target = tmp_path / "in.txt", tmp_path / "out"
    call = (source, "--format", format, "-o", target, "--force")
    source.write_bytes(b"\xff\nOne\n")
    assert run(*call) == 0
    side = tmp_path / "out.bad.jsonl"
    assert len(records(side)) == 1
    source.write_bytes(b"One\n")
    assert run(*call) == 0
    assert not side.exists()


def test_what_cannot_be_tagged_may_go_nowhere(tmp_path: Path, run: Run) -> None:
    source, target, nowhere = tmp_path / "in.txt", tmp_path / "out.jsonl", tmp_path / "nowhere"
    source.write_bytes(b"\xff\nOne\n")
    nowhere.symlink_to(os.devnull)  # not itself, which a defect would delete
    assert run(source, *to_jsonl(target), "--bad", nowhere) == 0
    assert [record["text"] for record in records(target)] == ["One"]
    assert nowhere.is_symlink()
    assert run(source, *to_jsonl(target), "--bad", nowhere, "--resume") == 2


@given(
    st.sampled_from(["call", "side", "items", "bad", "words", "size", "side_size"]),
    st.none() | st.integers(-9, 9) | st.floats(0, 9) | st.booleans() | st.text() | st.just([1]),
)
def test_no_journal_stops_with_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: object
) -> None:
    folder = tmp_path_factory.mktemp("job")
    target, side = folder / "out.jsonl", folder / "side"
    (folder / "out.jsonl.partial").write_text("{}\n", encoding="utf-8")
    state = {"call": "call", "side": str(side), "items": 1, "bad": 0, "words": 1, "size": 3}
    path = folder / "out.jsonl.journal"
    path.write_text(json.dumps({**state, key: value}), encoding="utf-8")
    try:
        found = journal.Journal(target, side, "call", resume=True, force=False)
    except DataError:
        return
    assert isinstance(found.items, int)
    assert found.items >= 0
    found.close()


def test_a_side_file_that_was_cut_is_told(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = tmp_path / "in.txt", tmp_path / "out.jsonl"
    source.write_bytes(b"\xff\nOne\nTwo\n")
    assert run(source, *to_jsonl(target), stop=1) == 130
    (tmp_path / "out.jsonl.bad.jsonl").unlink()
    assert run(source, *to_jsonl(target), "--resume") == 1
    assert "out.jsonl.bad.jsonl: shorter than its journal says" in capsys.readouterr().err


@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_what_is_read_is_not_written(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str], format: str
) -> None:
    source, target = tmp_path / "in.txt", tmp_path / "out"
    source.write_text("One\n", encoding="utf-8")
    (tmp_path / "link").symlink_to(source)
    flags = ("--format", format, "--force")
    for written in (
        ("-o", target, "--bad", source),
        ("-o", target, "--bad", tmp_path / "link"),
        ("-o", source),
    ):
        assert run(source, *flags, *written) == 2
        assert "this file is read" in capsys.readouterr().err
    assert run(tmp_path / "link", *flags, "--bad", source) == 2
    for side in (target, tmp_path / "out.journal", tmp_path / "x" / ".." / "out"):
        assert run(source, *flags, "-o", target, "--bad", side) == 2
        assert "--bad names the output" in capsys.readouterr().err
    assert source.read_text(encoding="utf-8") == "One\n"


def test_an_output_in_its_own_input_folder_is_no_input(tmp_path: Path, run: Run) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff\nOne\nTwo\n")
    target = tmp_path / "out.jsonl"
    assert run(tmp_path, *to_jsonl(target), stop=1) == 130
    assert run(tmp_path, *to_jsonl(target), "--resume") == 0
    found = target.read_bytes()
    assert len(records(target)) == 2
    assert run(tmp_path, *to_jsonl(target), "--force") == 0
    assert target.read_bytes() == found


def test_a_changed_lexicon_or_foreign_model_is_another_call(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "in.txt", tmp_path / "out.jsonl"
    source.write_text("One\nTwo\n", encoding="utf-8")
    names, model = tmp_path / "names.tsv", tmp_path / "model"
    names.write_text("PER\tOne\n", encoding="utf-8")
    model.mkdir()
    (model / "weights").write_bytes(b"1")
    monkeypatch.setattr(predict, "set_steps", lambda *_: None)
    call = (source, "--lexicon", names, *to_jsonl(target))
    assert run(*call, stop=1, model=model) == 130
    for path, other in ((names, "PER\tTwo\n"), (model / "weights", "12")):
        before = path.read_bytes()
        stamps = path.stat()
        path.write_text(other, encoding="utf-8")
        assert run(*call, "--resume", model=model) == 1
        assert "begun by another call" in capsys.readouterr().err
        path.write_bytes(before)
        os.utime(path, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))
    assert run(*call, "--resume", "--threads", "1", model=model) == 0  # the same answers


@pytest.mark.parametrize(
    ("ending", "first"),
    [("csv", "document,"), ("jsonl", '{"text"'), ("html", "<!"), ("txt", "One"), ("conll", "One")],
)
def test_the_format_is_as_the_file_ends(tmp_path: Path, run: Run, ending: str, first: str) -> None:
    target = tmp_path / f"out.{ending}"
    assert run("--text", "One", "-o", target) == 0
    written = target.read_text(encoding="utf-8")
    assert written.lstrip().startswith(first)
    table = tmp_path / f"table.{ending}"
    assert run("--text", "One", "-o", table, "--format", "table") == 0
    assert (table.read_text(encoding="utf-8") == written) == (ending == "txt")


@pytest.mark.parametrize(("name", "told"), [("out.xyz", True), ("out.txt", False), ("out", False)])
def test_an_ending_that_names_no_format_is_told(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str], name: str, told: bool
) -> None:
    assert run("--text", "One", "-o", tmp_path / name) == 0
    said = f"posner: {tmp_path / name}: no format has this ending; writing a table"
    assert (said in capsys.readouterr().err) == told
