"""Tagging files: what comes out, what is set aside, and going on where a process was killed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echo import Echo
from posner.bulk import Journal, journal
from posner.cli import main, predict
from posner.segment.passages import PASSAGE
from posner.sources import reading

Use = Callable[[Echo], None]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Let `posner predict` run with a stand-in."""

    def chosen(tagger: Echo) -> None:
        monkeypatch.setattr(predict, "load_from_flags", lambda _: tagger)

    chosen(Echo(finds=True))
    return chosen


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def run(*arguments: object) -> int:
    return main(["predict", "model", *(str(argument) for argument in arguments)])


def to_jsonl(target: Path, *arguments: object) -> int:
    return run(*arguments, "--format", "jsonl", "-o", target)


@pytest.mark.usefixtures("use")
def test_a_folder_of_all_kinds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"Ada met Ben.\n\xff\nClara left.\n")
    (folder / "b.jsonl").write_text('{"text": "Oslo", "id": "x"}\n{"no": 1}\n', encoding="utf-8")
    (folder / "c.csv").write_text("text,n\nLima fell,1\n", encoding="utf-8")
    (folder / "d.pdf").write_bytes(b"")
    target = tmp_path / "out" / "found.jsonl"
    assert to_jsonl(target, folder) == 0
    found = records(target)
    assert [record["text"] for record in found] == [
        "Ada met Ben.",
        "Clara left.",
        "Oslo",
        "Lima fell",
    ]
    assert [record["meta"] for record in found] == [
        {"file": "a.txt", "line": 1},
        {"file": "a.txt", "line": 3},
        {"file": "b.jsonl", "line": 1},
        {"file": "c.csv", "row": 1},
    ]
    assert found[2]["id"] == "x"
    assert [e["word"] for e in found[0]["entities"]] == ["Ada", "Ben"]
    side = records(target.with_name("found.jsonl.bad.jsonl"))
    assert [(Path(bad["file"]).name, bad["line"], bad["data"]) for bad in side] == [
        ("a.txt", 2, "\\xff"),
        ("b.jsonl", 2, '{"no": 1}'),
    ]
    assert all(bad["reason"] for bad in side)
    assert sorted(p.name for p in target.parent.iterdir()) == [
        "found.jsonl",
        "found.jsonl.bad.jsonl",
    ]
    told = capsys.readouterr().err
    assert "1 file of other kinds skipped" in told
    assert "4 documents, 10 words" in told
    assert "2 could not be tagged" in told


@pytest.mark.usefixtures("use")
def test_a_folder_without_texts_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path) == 1
    assert "a folder without texts" in capsys.readouterr().err
    (tmp_path / "a.txt").write_text("A", encoding="utf-8")
    assert run(tmp_path, "--input", "csv") == 1


LONG = (
    "Ada Marsh met Ben in Oslo. It rained. " * 12 + "\n\nThen \ud83d\u2028 Clara\u0085 left. " * 9
)


@pytest.mark.usefixtures("use")
@pytest.mark.parametrize("flags", [(), ("--tags",)])
@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_a_long_text_is_one_record_with_offsets_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str, flags: tuple[str, ...]
) -> None:
    source = tmp_path / "in.jsonl"
    lines = [{"text": LONG, "id": "n", "k": [1]}, {"text": "Short."}]
    source.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    written = []
    for limit in (PASSAGE, 60):
        monkeypatch.setattr("posner.segment.passages.PASSAGE", limit)
        target = tmp_path / f"{limit}.{format}"
        assert run(source, "--format", format, *flags, "-o", target) == 0
        text = target.read_text(encoding="utf-8")
        written.append(json.loads(text) if format == "json" else records(target))
    assert written[0] == written[1]
    (long, short) = written[1]
    assert long["text"] == LONG
    assert (long["id"], long["meta"], short["text"]) == ("n", {"k": [1]}, "Short.")
    for entity in long["entities"]:
        assert long["text"][entity["start"] : entity["end"]] == entity["word"]
    assert [e["word"] for e in long["entities"]].count("Clara") == 9


@pytest.mark.usefixtures("use")
@pytest.mark.parametrize("format", ["conll", "table", "text"])
def test_a_long_file_in_formats_for_people_and_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    source = tmp_path / "in.txt"
    source.write_text("Ada met Ben.\n\nThen Clara left.\n\nIt rained.\n", encoding="utf-8")
    monkeypatch.setattr(reading, "LONG", 10)
    written = []
    for limit in (PASSAGE, 16):
        monkeypatch.setattr("posner.segment.passages.PASSAGE", limit)
        target = tmp_path / f"{limit}.out"
        assert run(source, "--document", "file", "--format", format, "-o", target) == 0
        written.append(target.read_text(encoding="utf-8"))
    if format == "table":
        assert "Clara" in written[1]
        assert "19-24" in written[1]  # not counted from the beginning of its part
    else:
        assert written[0] == written[1]


texts = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        st.sampled_from(["Ada met Ben.", "", "\x00", "\u2028 x", "A b. " * 30]),
    ),
    max_size=12,
)


@settings(max_examples=40)
@given(
    texts,
    st.sets(st.integers(0, 12)),
    st.lists(st.integers(0, 6), max_size=4),
    st.binary(max_size=30),
    st.booleans(),
    st.sampled_from([0.0, 9.0]),
)
def test_a_killed_job_loses_and_doubles_no_line(
    tmp_path_factory: pytest.TempPathFactory,
    given_texts: list[str],
    broken: set[int],
    stops: list[int],
    rest: bytes,
    split: bool,
    seconds: float,
) -> None:
    folder = tmp_path_factory.mktemp("job")
    source = folder / "in.jsonl"
    lines = [
        "broken" if number in broken else json.dumps({"text": text})
        for number, text in enumerate(given_texts)
    ]
    source.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    flags = ["--input", "jsonl", *(["--max-chars", 25, "--over-limit", "split"] if split else [])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal, "SECONDS", seconds)
        patch.setattr(journal, "SHORT", 0.0)
        patch.setattr(predict, "load_from_flags", lambda _: Echo(finds=True))
        assert to_jsonl(folder / "whole.jsonl", source, *flags) == 0
        target = folder / "killed.jsonl"
        for stop in stops:
            patch.setattr(predict, "load_from_flags", lambda _, n=stop: Echo(finds=True, stop=n))
            status = to_jsonl(target, source, *flags, "--resume")
            assert status in (0, 1, 130)
            if status == 0:
                break
            partial = folder / "killed.jsonl.partial"
            if partial.exists():  # what a killed process may have written on
                with partial.open("ab") as file:
                    file.write(rest)
        patch.setattr(predict, "load_from_flags", lambda _: Echo(finds=True))
        if not target.exists():
            assert to_jsonl(target, source, *flags, "--resume") == 0
    for suffix in ("", ".bad.jsonl"):
        whole, killed = folder / f"whole.jsonl{suffix}", folder / f"killed.jsonl{suffix}"
        assert whole.exists() == killed.exists()
        if whole.exists():
            assert whole.read_bytes() == killed.read_bytes()
    assert not list(folder.glob("*.partial"))
    assert not list(folder.glob("*.journal"))


def test_an_unfinished_output_is_neither_replaced_nor_mixed(
    tmp_path: Path,
    use: Use,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(journal, "SECONDS", 0.0)
    source, target = tmp_path / "in.txt", tmp_path / "out.jsonl"
    source.write_text("One\nTwo\nThree\n", encoding="utf-8")
    use(Echo(stop=2))
    assert to_jsonl(target, source) == 130
    assert not target.exists()
    use(Echo())
    capsys.readouterr()
    assert to_jsonl(target, source) == 1
    assert "go on with --resume" in capsys.readouterr().err
    assert to_jsonl(target, source, "--resume", "--tags") == 1
    assert "begun by another call" in capsys.readouterr().err
    source.write_text("One\nTwo\nThree\nFour\n", encoding="utf-8")
    assert to_jsonl(target, source, "--resume") == 1
    assert "begun by another call" in capsys.readouterr().err
    assert to_jsonl(target, source, "--force") == 0
    assert [record["text"] for record in records(target)] == ["One", "Two", "Three", "Four"]
    assert to_jsonl(target, source) == 1
    assert "is not empty" in capsys.readouterr().err


def test_two_processes_do_not_write_one_output(
    tmp_path: Path, use: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    use(Echo())
    source, target = tmp_path / "in.txt", tmp_path / "out.jsonl"
    source.write_text("One\n", encoding="utf-8")
    other = Journal(target, tmp_path / "bad", "call", resume=False, force=False)
    assert to_jsonl(target, source, "--force") == 1
    assert "another process is writing" in capsys.readouterr().err
    other.close()
    assert [path.name for path in tmp_path.iterdir()] == ["in.txt"]
    assert to_jsonl(target, source) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.txt", "out.jsonl"]


def test_an_error_before_anything_is_safe_leaves_nothing(tmp_path: Path, use: Use) -> None:
    use(Echo())
    source, target = tmp_path / "in.csv", tmp_path / "out.jsonl"
    source.write_text("a,b\n1,2\n", encoding="utf-8")
    assert to_jsonl(target, source, "--input", "csv") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


@pytest.mark.usefixtures("use")
@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--resume", "in.txt"], "--resume goes with"),
        (["--resume", "in.txt", "--format", "jsonl"], "--resume goes with"),
        (["--resume", "in.txt", "--format", "jsonl", "-o", "x.jsonl.gz"], "--resume goes with"),
        (["--resume", "--format", "jsonl", "-o", "x"], "standard input"),
        (["--resume", "--force", "in.txt", "--format", "jsonl", "-o", "x"], "exclude"),
        (["in.txt", "--over-limit", "split"], "goes with --max-chars"),
        (["in.txt", "--max-chars", "0"], "at least 1"),
        (["in.txt", "--keep", "a"], "--keep goes with"),
    ],
)
def test_wrong_calls(flags: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status = run(*flags)
    except SystemExit as error:
        status = int(str(error.code))
    assert status == 2
    assert told in capsys.readouterr().err


@pytest.mark.usefixtures("use")
def test_hyphens_and_limits_by_flag(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--text", "in Schwarzen-\negger", "--text", "x Os-\nlo", "--format", "conll") == 0
    assert "Schwarzen B-CAP\n" in capsys.readouterr().out
    assert run("--text", "in Schwarzen-\negger", "--join-hyphens", "--format", "conll") == 0
    assert "Schwarzenegger B-CAP\n" in capsys.readouterr().out
    assert run("--text", "Ada met Ben.", "--max-chars", "5") == 1
    assert "--text: the text is too long" in capsys.readouterr().err
    side = tmp_path / "side.jsonl"
    flags = ["--max-chars", "8", "--over-limit", "split", "--format", "jsonl", "--bad", side]
    assert run("--text", "Ada met Ben.", "--text", "Wonderfully", *flags) == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert [first["text"], second["text"]] == ["Ada met", " Ben."]
    assert second["meta"] == {"part": 2, "offset": 7}
    assert [bad["data"] for bad in records(side)] == ["Wonderfully"]
