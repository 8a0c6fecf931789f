"""What a second call with `--resume` does where the first has finished."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from echo import Echo
from posner.cli import main, predict
from posner.document import Document

Run = Callable[..., int]


class Counting(Echo):
    """Counts how often it is asked to tag."""

    calls = 0

    def pipe(self, texts: Iterable[str | Document]) -> Iterator[Document]:
        Counting.calls += 1
        return super().pipe(texts)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """`posner predict` of `in.txt` to `out.jsonl` with a stand-in; `stop` ends it."""
    (tmp_path / "in.txt").write_bytes(b"One\n\xff\nTwo\n")

    def called(*flags: str, stop: int | None = None) -> int:
        monkeypatch.setattr(predict, "load_from_flags", lambda _: Counting(finds=True, stop=stop))
        files = (str(tmp_path / "in.txt"), "-o", str(tmp_path / "out.jsonl"))
        return main(["predict", "model", *files, *flags])

    return called


def test_a_finished_output_is_told_and_left(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--resume") == 0
    target, side = tmp_path / "out.jsonl", tmp_path / "out.jsonl.bad.jsonl"
    written, calls = (target.read_bytes(), side.read_bytes()), Counting.calls
    capsys.readouterr()
    assert run("--resume", "--threads", "1") == 0
    told = capsys.readouterr()
    assert told.err == (
        f"posner: {target}: everything is there already (3 texts, 2 words); "
        f"1 could not be tagged, see {side}\n"
    )
    assert told.out == ""
    assert Counting.calls == calls
    assert (target.read_bytes(), side.read_bytes()) == written


def test_one_that_was_stopped_and_gone_on_with_is_finished_too(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("posner.bulk.journal.SECONDS", 0.0)
    assert run(stop=1) == 130
    assert run("--resume") == 0
    assert not list(tmp_path.glob("*.journal"))
    capsys.readouterr()
    assert run("--resume") == 0
    assert "everything is there already" in capsys.readouterr().err


def change_input(folder: Path) -> None:
    with (folder / "in.txt").open("a", encoding="utf-8") as file:
        file.write("Three\n")


def change_output(folder: Path) -> None:
    with (folder / "out.jsonl").open("a", encoding="utf-8") as file:
        file.write("{}\n")


def remove_side(folder: Path) -> None:
    (folder / "out.jsonl.bad.jsonl").unlink()


def spoil_record(folder: Path) -> None:
    (folder / "out.jsonl.finished").write_text("mine", encoding="utf-8")


@pytest.mark.parametrize("change", [change_input, change_output, remove_side, spoil_record])
def test_another_input_or_output_is_refused(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str], change: Callable[[Path], None]
) -> None:
    assert run("--resume") == 0
    change(tmp_path)
    before = (tmp_path / "out.jsonl").read_bytes()
    capsys.readouterr()
    assert run("--resume") == 1
    told = capsys.readouterr().err
    assert f"{tmp_path / 'out.jsonl'}: this file exists already" in told
    assert "name another, or overwrite with --force" in told
    assert told.count("\n") == 1
    assert (tmp_path / "out.jsonl").read_bytes() == before


def test_a_file_of_that_name_that_is_no_record_stays(tmp_path: Path, run: Run) -> None:
    spoil_record(tmp_path)
    assert run("--resume") == 0
    assert run("--force") == 0
    assert (tmp_path / "out.jsonl.finished").read_text(encoding="utf-8") == "mine"


def test_other_settings_are_refused_and_what_replaces_it_is_no_longer_it(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--resume") == 0
    assert run("--resume", "--tags") == 1
    assert run("--force") == 0  # the same call and the same bytes, but not with --resume
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "in.txt",
        "out.jsonl",
        "out.jsonl.bad.jsonl",
    ]
    capsys.readouterr()
    assert run("--resume") == 1
    assert "exists already" in capsys.readouterr().err
