"""What `posner predict` takes files and folders for."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from echo import Echo
from posner.cli import main, predict


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "load_from_flags", lambda _: Echo(finds=True))


Capture = pytest.CaptureFixture[str]


def tagged(target: Path, *arguments: object) -> list[dict[str, Any]]:
    call = ["predict", "model", *arguments, "--format", "jsonl", "-o", target]
    assert main([str(argument) for argument in call]) == 0
    return [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]


def test_a_file_of_a_folder_that_cannot_be_read_spoils_no_other(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    folder, target = tmp_path / "in", tmp_path / "out.jsonl"
    folder.mkdir()
    (folder / "a.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    (folder / "b.txt.gz").write_bytes(gzip.compress(b"Ada\n" * 9)[:-12])
    (folder / "c.parquet").write_bytes(b"nothing like it")
    (folder / "d.tsv").write_text("text\tn\nBen ran\t1\n", encoding="utf-8")
    assert [record["text"] for record in tagged(target, folder)][-1] == "Ben ran"
    side = target.with_name("out.jsonl.bad.jsonl").read_text(encoding="utf-8").splitlines()
    told = [json.loads(line) for line in side]
    assert [(Path(bad["file"]).name, bad.get("line")) for bad in told] == [
        ("a.csv", None),
        ("b.txt.gz", None),
        ("c.parquet", None),
    ]
    assert "no column 'text'" in told[0]["reason"]
    assert main(["predict", "model", str(folder)]) == 1


def test_a_table_of_texts_is_no_corpus(tmp_path: Path) -> None:
    source = tmp_path / "texts.tsv"
    source.write_text("n\ttext\n1\tAda met Ben.\n2\tIt rained.\n", encoding="utf-8")
    assert [r["text"] for r in tagged(tmp_path / "out", source)] == ["Ada met Ben.", "It rained."]


@pytest.mark.parametrize(("ending", "words"), [("jsonl", False), ("ndjson", True), ("json", False)])
def test_only_words_are_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ending: str, words: bool
) -> None:
    record: dict[str, Any] = {"text": 'Ada "tokens": x', "kind": "tokens"}
    if words:
        record["tokens"] = [{"text": "Ada", "start": 0, "end": 3}]
    source = tmp_path / f"in.{ending}"
    source.write_text(json.dumps([record] if ending == "json" else record), encoding="utf-8")
    (found,) = tagged(tmp_path / "out", source)
    assert found["text"] == record["text"]
    assert ("own words" in capsys.readouterr().err) is words


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    """A text file of two texts, a spoilt one between them, and a table with one."""
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"Ada ran. Then Ben came.\n\xff\nOslo\n")
    rows = 'text,offset\n"It rained\nall day.",9\nClara left.,8\n'
    (folder / "b.csv").write_text(rows, encoding="utf-8")
    return folder


def output_of(letters: Path, format: str, *flags: str) -> str:
    target = letters.parent / f"out.{format}"
    call = ["predict", "model", str(letters), "--format", format, "-o", str(target), *flags]
    assert main(call) == 0
    return target.read_text(encoding="utf-8")


def test_a_csv_says_where_each_entity_stands(letters: Path) -> None:
    flags = ("--max-chars", "15", "--over-limit", "split")
    found = list(csv.DictReader(io.StringIO(output_of(letters, "csv", *flags))))
    keys = ("text", "start", "end", "line", "row")
    assert [tuple(row[key] for key in keys) for row in found] == [
        ("Ada", "0", "3", "1", ""),
        ("Then", "9", "13", "1", ""),
        ("Ben", "14", "17", "1", ""),
        ("Oslo", "0", "4", "3", ""),
        ("It", "0", "2", "2", "1"),
        ("Clara", "0", "5", "4", "2"),
    ]
    assert [row["file"] for row in found] == [str(letters / "a.txt")] * 4 + [
        str(letters / "b.csv")
    ] * 2


def test_a_csv_carries_columns_that_are_to_be_kept(tmp_path: Path, capsys: Capture) -> None:
    source = tmp_path / "texts.jsonl"
    records = [{"text": "Ada met Ben.", "id": "a, 1", "n": 7}, {"text": "x", "id": "b", "n": None}]
    source.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    found = output_of(source, "csv", "--keep", "id", "--keep", "n")
    rows = list(csv.DictReader(io.StringIO(found)))
    assert [(row["text"], row["id"], row["n"]) for row in rows] == [
        ("Ada", "a, 1", "7"),
        ("Ben", "a, 1", "7"),
    ]
    call = ["predict", "model", str(source), "--format", "csv", "--keep", "label"]
    assert main(call) == 2
    assert "--keep label: csv has a column of that name already" in capsys.readouterr().err


def test_what_is_bad_is_named_by_its_line_and_its_row(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    folder, target = tmp_path / "in", tmp_path / "out.jsonl"
    folder.mkdir()
    (folder / "a.csv").write_text('text,n\n"Ada\nmet Ben",1\nbad\n', encoding="utf-8")
    (folder / "b.jsonl").write_text('{"text": 5}\n{"text": null}\n', encoding="utf-8")
    parquet.write_table(pyarrow.table({"text": ["Ada", None]}), folder / "c.parquet")
    tagged(target, folder)
    side = target.with_name("out.jsonl.bad.jsonl").read_text(encoding="utf-8").splitlines()
    told = [json.loads(line) for line in side]
    assert [{k: v for k, v in bad.items() if k in ("line", "row")} for bad in told] == [
        {"line": 4, "row": 2},
        {"line": 1},
        {"line": 2},
        {"row": 2},
    ]
    assert told[1]["reason"] == "'text' is no text (expected a string, got 5)"
    assert told[2]["reason"] == "'text' is no text (expected a string, got null)"


def test_tables_and_pages_say_where_each_text_stands(letters: Path) -> None:
    flags = ("--max-chars", "15", "--over-limit", "split")
    shown = output_of(letters, "table", *flags)
    place = f"{letters / 'a.txt'}:1, character 8: Then Ben came.\n"
    assert place in shown
    assert "9-13" in shown.split(place)[1].split("\n")[1]
    page = output_of(letters, "html", *flags)
    assert f"<h2>{letters / 'b.csv'}:4</h2>" in page
    alone = ["predict", "model", str(letters / "b.csv"), "--format", "html"]
    assert main([*alone, "-o", str(letters / "b.html")]) == 0
    assert "b.csv:4</h2>" in (letters / "b.html").read_text(encoding="utf-8")


def test_texts_of_the_command_line_have_no_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "model", "--text", "Ada ran.", "--text", "Ben came."]) == 0
    assert capsys.readouterr().out.startswith("Ada ran.\n")


@pytest.mark.parametrize("format", ["table", "html"])
def test_a_lone_text_has_no_place(tmp_path: Path, format: str) -> None:
    (tmp_path / "a.txt").write_text("Ada ran.\n", encoding="utf-8")
    assert str(tmp_path) not in output_of(tmp_path / "a.txt", format, "--document", "file")


def test_the_remedy_names_the_commands_own_flag(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "a.col"
    source.write_text("Ada met Ben\nIt rained\n", encoding="utf-8")
    for call, flag in (
        (["predict", "model", str(source)], "name it with --input (brat"),
        (["convert", str(source), str(tmp_path / "o")], "name it with --format (brat"),
        (["score", str(source), str(source)], "convert it first"),
    ):
        assert main(call) == 1
        assert flag in capsys.readouterr().err
