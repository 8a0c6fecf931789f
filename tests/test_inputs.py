"""What `posner predict` takes files and folders for."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from echo import Echo
from posner.cli import main, predict


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "load_from_flags", lambda _: Echo(finds=True))


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
    assert [(Path(bad["file"]).name, bad["line"]) for bad in told] == [
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
