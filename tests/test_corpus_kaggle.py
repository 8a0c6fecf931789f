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


TABLES = {
    "numbers in each row": "sentence_id,words,labels\n0,Ann,B-PER\n0,ran,O\n1,Oslo,B-LOC\n",
    "numbers as pandas writes them": "word,sentence_idx,tag\nAnn,1.0,B-PER\nran,1.0,O\n"
    "Oslo,2.0,B-LOC\n",
    "an index": ",Sentence #,Word,Tag\n0,Sentence: 1,Ann,B-PER\n1,,ran,O\n"
    "2,Sentence: 2,Oslo,B-LOC\n",
    "semicolons": "Sentence #;Word;Tag\nSentence: 1;Ann;B-PER\n;ran;O\nSentence: 2;Oslo;B-LOC\n",
    "tabs": "Sentence #\tWord\tTag\nSentence: 1\tAnn\tB-PER\n\tran\tO\nSentence: 2\tOslo\tB-LOC\n",
    "empty lines": "token,label\nAnn,B-PER\nran,O\n\nOslo,B-LOC\n",
    "empty cells": "token,label\nAnn,B-PER\nran,O\n,\nOslo,B-LOC\n",
    "no names": "Ann,B-PER\nran,O\n\nOslo,B-LOC\n",
}


@pytest.mark.parametrize("kind", TABLES)
def test_other_tables(tmp_path: Path, kind: str) -> None:
    corpus = read(put(tmp_path, TABLES[kind]))
    assert corpus.format == "kaggle"
    assert [d.text for d in corpus.documents] == ["Ann ran", "Oslo"]
    assert [e.label for d in corpus.documents for e in d.entities] == ["PER", "LOC"]
    assert write(corpus, tmp_path / "out.csv") == []
    assert read(tmp_path / "out.csv").documents == corpus.documents


@pytest.mark.parametrize(
    "text",
    [
        "text,labels\nAnn ran,B-PER O\n",
        "id,tokens,ner_tags\n0,['Ann'],[1]\n",
        "Sentence #,Sentence,POS,Tag\nSentence: 1,Ann ran,\"['NN']\",\"['O']\"\n",
    ],
)
def test_a_sentence_a_row_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match=r"one word a row, .* `word` and `tag`, got"):
        read(put(tmp_path, text))


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("Sentence #,Word,Label,POS,Tag", "Sentence: 1,Ann,z,NNP,B-PER"),
        ("Sentence #,Word,XPOS,POS,Tag", "Sentence: 1,Ann,z,NNP,B-PER"),
        ("Sentence #,Word,Shape;a;b;c;d,POS,Tag", "Sentence: 1,Ann,z,NNP,B-PER"),
    ],
)
def test_the_usual_names_go_before_others(tmp_path: Path, header: str, row: str) -> None:
    (document,) = read(put(tmp_path, f"{header}\n{row}\n")).documents
    (token,) = document.tokens
    assert (token.text, token.pos, token.extra) == ("Ann", "NNP", ("z",))
    assert [e.label for e in document.entities] == ["PER"]


@pytest.mark.parametrize("first", [", O", "1,000 B-SUM", "1,000\tB-SUM"])
def test_columns_with_commas_in_a_csv_are_columns(tmp_path: Path, first: str) -> None:
    corpus = read(put(tmp_path, f"{first}\nAnn B-PER\nran O\n\n"))
    assert corpus.format == "conll"
    assert [s.words[1:] for s in corpus.sentences] == [["Ann", "ran"]]
