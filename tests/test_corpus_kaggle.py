"""The Kaggle csv: every cell is a word, sentences carry numbers, Windows-1252."""

from __future__ import annotations

from pathlib import Path

import pytest

from posner.corpus import Problem, read, write
from posner.errors import DataError

TEXT = (
    "Sentence #,Word,POS,Tag\r\nSentence: 3,Ann,NNP,B-per\r\n,NA,NN,O\r\n,None,NN,O\r\n"
    ',null,NN,O\r\n,nan,NN,O\r\n,"""",``,O\r\n,",",",",O\r\n,"10,000",CD,O\r\n'
    ",5\u00a0storm,NN,O\r\n,\u2013,:,O\r\nSentence: 11,caf\u00e9,NN,B-geo\r\n,bar,NN,I-geo\r\n"
)


def put(folder: Path, text: str, encoding: str = "cp1252") -> Path:
    path = folder / "data.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_every_cell_is_a_word(tmp_path: Path) -> None:
    corpus = read(put(tmp_path, TEXT))
    first, second = corpus.sentences
    assert (corpus.format, corpus.layout.scheme, corpus.layout.encoding) == (
        "kaggle",
        "IOB2",
        "cp1252",
    )
    assert first.words == [
        *("Ann", "NA", "None", "null", "nan", '"', ",", "10,000", "5\u00a0storm", "\u2013")
    ]
    assert (first.number, second.number) == (3, 11)
    assert [len(d.sentences) for d in corpus.documents] == [1, 1]
    assert [e.text for d in corpus.documents for e in d.entities] == ["Ann", "café bar"]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig"])
def test_the_same_bytes_come_back(tmp_path: Path, encoding: str) -> None:
    source = put(tmp_path, TEXT, encoding)
    assert write(read(source), tmp_path / "out.csv") == []
    assert (tmp_path / "out.csv").read_bytes() == source.read_bytes()


def test_numbers_on_every_row_read_the_same(tmp_path: Path) -> None:
    text = "Sentence #,Word,POS,Tag\nSentence: 1,a,NN,O\nSentence: 1,b,NN,O\nSentence: 2,c,NN,O\n"
    assert [s.words for s in read(put(tmp_path, text)).sentences] == [["a", "b"], ["c"]]


def test_problems_name_line_reason_and_remedy(tmp_path: Path) -> None:
    text = (
        "Sentence #,Word,POS,Tag\nSentence: 1,a,NN,B-x\n,b,NN\n,,NN,O\n"
        ',",``,O\n,d,NN,I-y\nsecond,e,NN,Q\n'
    )
    problems: list[Problem] = []
    corpus = read(put(tmp_path, text), problems=problems)
    assert sorted((p.line, p.kind) for p in problems) == [
        (3, "too-few-columns"),
        (4, "empty-word"),
        (5, "too-few-columns"),
        (6, "ill-formed-tag"),
        (7, "sentence-number"),
        (7, "unknown-tag"),
    ]
    assert [len(s) for s in corpus.sentences] == [4, 1]


def test_a_byte_outside_windows_1252(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(b"Sentence #,Word,POS,Tag\nSentence: 1,a\x81\xe9,NN,O\n")
    problems: list[Problem] = []
    read(path, problems=problems)
    assert [(p.line, p.kind) for p in problems] == [(2, "undecodable-byte")]
    assert "byte 0x81" in problems[0].reason
    assert "Windows-1252" in problems[0].reason


def test_other_scripts_are_written_as_marked_utf8_and_said(tmp_path: Path) -> None:
    source = tmp_path / "data.conll"
    source.write_text("東京 B-LOC\n\n", encoding="utf-8")
    losses = write(read(source), tmp_path / "out.csv")
    assert any("UTF-8" in loss for loss in losses)
    assert [s.words for s in read(tmp_path / "out.csv").sentences] == [["東京"]]


def test_a_missing_header_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not the Kaggle csv"):
        read(put(tmp_path, "a,b,c\n1,2,3\n"), format="kaggle")
