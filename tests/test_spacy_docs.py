"""spaCy's Docs as a corpus format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span

import posner
import tiny
from posner.cli import main
from posner.corpus import Problem
from posner.corpus.spacy_docs import doc_from_document, document_from_doc
from posner.document import Document, Entity
from posner.errors import DataError
from posner.segment import segment

VOCAB = spacy.blank("xx").vocab


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Segmented texts with entities over runs of words, which may overlap."""
    text = draw(st.text(st.characters(codec="utf-8"), max_size=40))
    built = Document(text, segment(text))
    tokens = list(built.tokens)
    entities: list[Entity] = []
    if tokens:
        places = st.integers(0, len(tokens) - 1)
        for first, last in draw(st.lists(st.tuples(places, places), max_size=4, unique=True)):
            start, end = tokens[min(first, last)].start, tokens[max(first, last)].end
            entities.append(built.entity(start, end, draw(st.sampled_from(["PER", "x y"]))))
    unique = {(e.start, e.end, e.label): e for e in entities}
    return built.with_entities(unique.values())


@given(documents())
def test_text_words_sentences_and_entities_come_back(document: Document) -> None:
    doc = doc_from_document(document, VOCAB)
    assert doc.text == document.text
    assert document_from_doc(doc) == document


def test_a_doc_keeps_its_words_tags_sentences_and_entities() -> None:
    doc = Doc(
        VOCAB,
        words=["Ada", "met", "Ben", ".", "\n\n", "Oslo", "won"],
        spaces=[True, True, False, False, False, True, False],
        tags=["NNP", "VBD", "NNP", ".", "_SP", "NNP", "VBD"],
        sent_starts=[True, False, False, False, False, True, False],
    )
    doc.ents = [Span(doc, 0, 1, "PER", kb_id="Q1"), Span(doc, 5, 6, "LOC")]
    doc.spans["mine"] = [Span(doc, 0, 3, "EVENT"), Span(doc, 5, 6, "LOC")]
    document = document_from_doc(doc, id="d")
    assert [s.words for s in document.sentences] == [["Ada", "met", "Ben", "."], ["Oslo", "won"]]
    assert [t.pos for t in document.tokens] == ["NNP", "VBD", "NNP", ".", "NNP", "VBD"]
    assert [(e.text, e.label, dict(e.metadata)) for e in document.entities] == [
        ("Ada met Ben", "EVENT", {}),
        ("Ada", "PER", {"kb_id": "Q1"}),
        ("Oslo", "LOC", {}),
    ]


def test_a_doc_without_sentences_is_parted() -> None:
    doc = spacy.blank("en")("Ada won. Ben lost.")
    assert [len(s) for s in document_from_doc(doc).sentences] == [3, 3]


def test_a_file_is_a_corpus(tmp_path: Path) -> None:
    documents = [replace(d, id=None) for d in tiny.documents(3)]
    path = tmp_path / "toy.spacy"
    said = posner.write(documents, path)
    assert len(said) == 1
    assert said[0].startswith("spacy: the chunk tags and further columns of")
    corpus = posner.read(path)
    assert corpus.format == "spacy"
    for left, right in zip(corpus.documents, documents, strict=True):
        assert left.text == right.text
        assert [s.words for s in left.sentences] == [s.words for s in right.sentences]
        assert left.entities == right.entities


def test_scores_and_overlaps_are_kept(tmp_path: Path) -> None:
    document = tiny.labelled([("New Haven Mills won", [])])
    scored = document.with_entities(
        [
            replace(document.entity(0, 15, "ORG", 0.75), id="Q7"),
            document.entity(0, 9, "LOC", 0.5),
        ]
    )
    posner.write([scored], tmp_path / "a.spacy")
    (back,) = posner.read(tmp_path / "a.spacy").documents
    assert back.entities == scored.entities


def test_entities_off_the_words_are_widened_and_told(tmp_path: Path) -> None:
    document = tiny.labelled([("Oslonian won", [])])
    cut = document.with_entities([document.entity(0, 4, "LOC")])
    said = posner.write([cut], tmp_path / "a.spacy")
    assert said == ["spacy: 1 entities off the words' borders are changed to whole words"]


def test_a_doc_that_nobody_annotated_is_told(tmp_path: Path) -> None:
    stored = DocBin(docs=[spacy.blank("en")("Ada won.")])
    stored.to_disk(tmp_path / "a.spacy")
    problems: list[Problem] = []
    corpus = posner.read(tmp_path / "a.spacy", problems=problems)
    assert [p.kind for p in problems] == ["no-annotation"]
    assert corpus.documents[0].word_count == 3


@pytest.mark.parametrize("data", [b"nonsense", b"x\x9c\x03\x00\x00\x00\x00\x01"])
def test_another_file_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.spacy").write_bytes(data)
    with pytest.raises(DataError, match="not a file of spaCy's documents"):
        posner.read(tmp_path / "a.spacy")


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(DataError, match="lone surrogate"):
        doc_from_document(Document("\ud800", segment("\ud800")), VOCAB)


def test_commands_take_it(tmp_path: Path) -> None:
    conll = tiny.save_corpus(tmp_path / "a.conll", 3)
    assert main(["convert", str(conll), str(tmp_path / "a.spacy")]) == 0
    assert main(["check", str(tmp_path / "a.spacy")]) == 0
