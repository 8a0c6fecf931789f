"""Whether a file is surely a corpus, or a text that looks like one."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from posner.corpus.formats import detect_format, looks_like_corpus

ROWS = "Ann B-PER\nsaw O\nOslo B-LOC\n\n"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.txt", ROWS, True),
        ("a.train", ROWS.rstrip("\n"), True),
        ("a", "-DOCSTART- -X- -X- O\n\n# id = 1\nan DT O\noak NN O\n", True),
        ("a.txt", "the O\nflu B-Disease\n" + 30 * "is O\n", True),
        ("a.txt", "a B-cell_line\nb I-cell_line\n", True),
        ("a.txt", ROWS.replace("\n", "\r\n").replace(" ", "\t"), True),
        ("a.txt", 30 * ROWS + "one stray line\n", True),
        ("a.txt", 4000 * ROWS + 2000 * "prose beyond the head\n", True),
        ("a.txt", ROWS + "one stray line\n", False),
        ("a.txt", "Vitamin O\n", False),
        ("a.txt", "Vitamin O\nVitamin O\n", False),
        ("a.txt", "Her blood group is O\n", False),
        ("a.txt", "We took the U-Bahn\n", False),
        ("a.txt", "We took the U-Bahn\nWe took the S-Bahn\n", False),
        ("a.txt", "I sent you an E-mail\n", False),
        ("a.txt", "O\nO\nO\n", False),
        ("a.txt", "[]", False),
        ("a.txt", '{"not json', False),
        ("a.txt", "", False),
        ("a.conll", "", True),
        ("a.IOB2", "Vitamin O\n", True),
        ("a.tsv", "a\tO\n", True),
        ("a.tsv", "text\tn\nAnn ran.\t1\nShe met Ben.\t2\n", False),
        ("a.ndjson", '{"text": "Ann"}\n', True),
        ("a.csv", "Sentence #,Word,POS,Tag\nSentence: 1,a,NN,O\n", True),
        ("a.csv", "name,age\nAnn,3\n", False),
        ("a.jsonl", '{"text": "Ann"}\n', True),
        ("a.json", '[{"text": "Ann"}]', True),
        ("a.json", "[]", True),
        ("a.json", "Ann B-PER\nran O\n", False),
        ("a.ann", "", True),
    ],
)
def test_files(tmp_path: Path, name: str, text: str, expected: bool) -> None:
    (tmp_path / name).write_bytes(text.encode())
    assert looks_like_corpus(tmp_path / name) is expected
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
    if name != "a":
        assert looks_like_corpus(tmp_path / f"{name}.gz") is expected


def test_folders_and_the_text_beside_annotations(tmp_path: Path) -> None:
    assert not looks_like_corpus(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.txt").write_text("Ann ran.")
    (tmp_path / "sub" / "a.ann").write_text("")
    assert looks_like_corpus(tmp_path)
    assert not looks_like_corpus(tmp_path / "sub" / "a.txt")
    saved = tmp_path / "saved"
    saved.mkdir()
    (saved / "state.json").write_text("{}")
    assert looks_like_corpus(saved)


@pytest.mark.parametrize(("column", "expected"), [("tokens", True), ("text", False)])
def test_folders_of_parquet(tmp_path: Path, column: str, expected: bool) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({column: ["Ann"]}), tmp_path / "b.parquet")
    (tmp_path / "a.txt").write_text("Ann ran.")
    assert looks_like_corpus(tmp_path) is expected
    (tmp_path / "a.parquet").write_bytes(b"nothing like it")
    assert not looks_like_corpus(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.conll", "{} O\n", "conll"),
        ("a.txt", '{"a O\nAnn B-PER\n', "conll"),
        ("a.txt", '{"text": "Ann O"}\n', "jsonl"),
    ],
)
def test_a_word_that_begins_like_json(tmp_path: Path, name: str, text: str, expected: str) -> None:
    (tmp_path / name).write_text(text)
    assert detect_format(tmp_path / name).name == expected
