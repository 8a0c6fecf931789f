"""What is written is read again: the same words and spans, for every two formats and schemes."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from posner.corpus import read, write
from posner.document import (
    Document,
    Entity,
    WordRow,
    WordSentence,
    document_from_words,
    sentence_spans,
)
from posner.errors import DataError, SchemeError
from posner.schemes import SCHEMES
from posner.segment import segment
from strategies import corpora, plain_words

FILES = {
    "conll": "data.conll",
    "kaggle": "data.csv",
    "doccano": "data.jsonl",
    "prodigy": "data.jsonl",
    "labelstudio": "data.json",
    "brat": "folder",
}
WORDED = ("conll", "kaggle", "doccano", "prodigy", "labelstudio")
SCHEMED = ("conll", "kaggle")

Content = tuple[list[str], list[tuple[int, int, str]]]


def content(documents: Sequence[Document]) -> Content:
    """All words, and all spans counted in words through the corpus."""
    words: list[str] = []
    spans: list[tuple[int, int, str]] = []
    for document in documents:
        found = sentence_spans(document)
        assert not found.misaligned
        for sentence, own in zip(document.sentences, found.spans, strict=True):
            spans += [(len(words) + s, len(words) + e, label) for s, e, label in own]
            words += sentence.words
    return words, sorted(spans)


def there_and_back(documents: Sequence[Document], name: str, scheme: str | None) -> list[Document]:
    """Write, find the format and scheme out, read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILES[name]
        write(documents, path, format=name, scheme=scheme)
        return list(read(path).documents)


quick = settings(
    deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize(("first", "second"), list(product(WORDED, WORDED)))
@quick
@given(corpora(), st.sampled_from(list(SCHEMES)), st.sampled_from(list(SCHEMES)))
def test_every_pair_of_formats(
    first: str, second: str, documents: list[Document], one: str, other: str
) -> None:
    scheme = one if first in SCHEMED else None
    between = there_and_back(documents, first, scheme)
    after = there_and_back(between, second, other if second in SCHEMED else None)
    assert content(between) == content(documents)
    assert content(after) == content(documents)


@pytest.mark.parametrize("other", [*WORDED, "brat"])
@quick
@given(corpora(plain_words, columns=False))
def test_brat_and_the_others(other: str, documents: list[Document]) -> None:
    between = there_and_back(there_and_back(documents, "brat", None), other, None)
    after = there_and_back(between, "brat", None)
    assert content(between) == content(documents)
    assert content(after) == content(documents)


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(deadline=None, max_examples=60)
@given(documents=corpora())
def test_conll_documents_are_the_same_in_every_scheme(
    scheme: str, documents: list[Document]
) -> None:
    after = there_and_back(documents, "conll", scheme)
    assert [d.text for d in after] == [d.text for d in documents]
    assert [d.entities for d in after] == [d.entities for d in documents]
    assert [[len(s) for s in d.sentences] for d in after] == [
        [len(s) for s in d.sentences] for d in documents
    ]


@pytest.mark.parametrize("flavour", ["doccano", "prodigy", "labelstudio"])
@settings(deadline=None, max_examples=40)
@given(documents=corpora(), data=st.data())
def test_overlapping_and_misaligned_entities_live_in_json_lines(
    flavour: str, documents: list[Document], data: st.DataObject
) -> None:
    text = documents[0].text
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    more = [Entity(start, end, "X", text[start:end]), Entity(0, len(text), "Y", text)]
    documents = [documents[0].with_entities([*documents[0].entities, *more]), *documents[1:]]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.jsonl"
        assert write(documents, path, format=flavour) == []
        after = read(path, problems=[]).documents
    for one, other in zip(documents, after, strict=True):
        assert [(e.start, e.end, e.label, e.text) for e in other.entities] == [
            (e.start, e.end, e.label, e.text) for e in one.entities
        ]
        assert other.sentences == one.sentences


@pytest.mark.parametrize("name", SCHEMED)
def test_tags_refuse_overlapping_entities(name: str, tmp_path: Path) -> None:
    text = "New York Times"
    document = Document(text, segment(text)).with_entities(
        [Entity(0, 8, "LOC", "New York"), Entity(0, 14, "ORG", text)]
    )
    with pytest.raises(SchemeError, match="overlapping entities cannot be written as IOB2"):
        write([document], tmp_path / "data", format=name)
    assert not (tmp_path / "data").exists()


def test_a_word_that_columns_cannot_hold_is_refused(tmp_path: Path) -> None:
    for word in ("a b", "", "a\tb", "-DOCSTART-"):
        document = document_from_words([WordSentence((WordRow(word),))])
        with pytest.raises(DataError, match="cannot be written as a CoNLL column"):
            write([document], tmp_path / "data.conll", format="conll")


@pytest.mark.slow
@settings(deadline=None, max_examples=10)
@given(corpora(), st.sampled_from(list(SCHEMES)), st.sampled_from(WORDED))
def test_hub_and_the_others(documents: list[Document], scheme: str, other: str) -> None:
    pytest.importorskip("datasets")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "saved"
        write(documents, path, format="hub", scheme=scheme)
        between = read(path).documents
        after = there_and_back(between, other, None)
        assert between == tuple(documents)
        assert content(after) == content(documents)
