"""The road from text to entities, over a tiny network whose weights are random but fixed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import posner.recognizer
import posner.tagger
import tiny
from posner.backends import Emissions
from posner.backends.torch import TorchBackend
from posner.batching import Batch
from posner.decode import Transitions
from posner.document import Document
from posner.recognizer import Recognizer
from posner.segment.passages import PASSAGE
from posner.tagger import segmented


def recognizer(encoder: Path, values: dict[str, Any] | None = None) -> Recognizer:
    model = tiny.untrained(tiny.recipe(encoder, values))
    backend = TorchBackend(model.network, model.manifest)
    return Recognizer(model.manifest, model.tokenizer, backend)


@pytest.fixture(scope="module")
def plain(bert: Path) -> Recognizer:
    return recognizer(bert)


class Counting:
    """A backend that remembers what came through it."""

    def __init__(self, recogniser: Recognizer) -> None:
        self._inner = recogniser.backend
        self.batches: list[Batch] = []

    @property
    def transitions(self) -> Transitions | None:
        return self._inner.transitions

    @property
    def batch_pieces(self) -> int:
        return self._inner.batch_pieces

    def emissions(self, batch: Batch) -> Emissions:
        self.batches.append(batch)
        return self._inner.emissions(batch)


TEXTS = [
    "Ada Marsh lives in Oslo. Ben Hollis works for Brightwater Mills in Lima.",
    "ADA \u00e9t\u00e9 \u65e5\u672c\u8a9e \U0001f600 naïve-co-op 3.14 U.S.A.",
    "  leading and trailing  ",
    "",
    "   ",
    "one",
    "Fennec thanked Emil Stone and left.\nThe boats of Porto belong to Delta Works. " * 3,
    "tab\tand\u00a0hard space and e\u0301 combining",
]


def facts(document: Document) -> list[tuple[int, int, str]]:
    return [(e.start, e.end, e.label) for e in document.entities]


def assert_alike(first: Sequence[Document], second: Sequence[Document]) -> None:
    """The same entities, words and tags; scores within 1e-4."""
    for one, other in zip(first, second, strict=True):
        assert facts(one) == facts(other)
        assert one.sentences == other.sentences
        for left, right in zip(one.entities, other.entities, strict=True):
            assert left.score is not None
            assert left.score == pytest.approx(right.score, abs=1e-4)


@pytest.mark.parametrize("kind", tiny.KINDS)
@pytest.mark.parametrize("head", ["softmax", "crf"])
def test_entities_are_slices_with_probabilities(
    encoders: dict[str, Path], kind: str, head: str
) -> None:
    found = recognizer(encoders[kind], {"heads.entity": head})(TEXTS)
    assert [d.text for d in found] == TEXTS
    assert sum(len(d.entities) for d in found) > 5
    for document in found:
        for entity in document.entities:
            assert document.text[entity.start : entity.end] == entity.text
            assert entity.score is not None
            assert 0 < entity.score <= 1
        for token in document.tokens:
            assert document.text[token.start : token.end] == token.text
            assert token.pos is not None


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"heads.entity": "crf", "attention.layers": 1, "features.characters": True},
        {"data.pooling": "none", "data.label-rule": "all"},
        {"data.pooling": "mean", "data.context": 12},
    ],
)
def test_batches_and_order_change_nothing(
    bert: Path, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    tagger = recognizer(bert, values)
    documents = [segmented(text) for text in TEXTS] + tiny.documents(6)
    many = tagger.tag(documents)
    order = list(np.random.default_rng(1).permutation(len(documents)))
    shuffled = tagger.tag([documents[i] for i in order])
    assert_alike([shuffled[order.index(i)] for i in range(len(documents))], many)
    monkeypatch.setattr(tagger, "batch_pieces", 1)
    assert_alike(tagger.tag(documents), many)
    assert_alike([tagger.tag([document])[0] for document in documents], many)


def test_batches_hold_no_more_than_their_budget(bert: Path) -> None:
    tagger = recognizer(bert)
    tagger.backend = counting = Counting(tagger)
    tagger.tag(tiny.documents(60))
    assert len(counting.batches) > 1
    for batch in counting.batches:
        assert batch.piece_ids.size <= tagger.batch_pieces


@pytest.mark.parametrize("window", [12, 24, 0])
def test_a_long_sentence_comes_back_whole(bert: Path, window: int) -> None:
    tagger = recognizer(bert, {"data.window": window})
    tagger.backend = counting = Counting(tagger)
    words = [f"w{'x' * (i % 5)}" for i in range(200)]
    long = tiny.labelled([(" ".join(words), []), ("Ada met Ben", [])])
    (document,) = tagger.tag([long])
    assert [t.text for t in document.tokens] == [*words, "Ada", "met", "Ben"]
    assert all(t.pos in tagger.manifest.pos_tags for t in document.tokens)
    assert [len(votes.entity) for votes in tagger.votes([long])] == [200, 3]
    limit = window or tagger.manifest.window
    assert all(batch.piece_ids.shape[1] <= limit for batch in counting.batches)
    (alone,) = tagger.tag([tiny.labelled([("Ada met Ben", [])])])
    assert [e.text for e in alone.entities] == [
        e.text for e in document.entities if e.start >= document.sentences[1].start
    ]


def test_a_window_border_leaves_far_words_alone(bert: Path) -> None:
    """What stands beyond a window's reach cannot change a word."""
    tagger = recognizer(bert, {"data.window": 24})
    first, second = (
        tagger.votes([tiny.labelled([(" ".join([*["Oslo"] * 100, last]), [])])])[0].entity
        for last in ("Ada", "zebra")
    )
    np.testing.assert_array_equal(first[:80], second[:80])
    assert not np.array_equal(first[100], second[100])


def test_a_word_longer_than_a_window_is_tagged(bert: Path) -> None:
    tagger = recognizer(bert)
    endless = "1." * 400
    (document,) = tagger.tag([tiny.labelled([(f"Ada {endless} Oslo", [])])])
    assert [t.pos is not None for t in document.tokens] == [True] * 3


STRANGE = ["\ufe0f", "\x01\x02", "\x00", "\ud800", "\u200b", "\ufffd", "\u0301", "a\ud83d"]


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_words_that_the_tokenizer_drops_are_tagged(encoders: dict[str, Path], kind: str) -> None:
    tagger = recognizer(encoders[kind])
    words = ["Ada", *STRANGE, "Oslo"]
    document = tiny.labelled([(" ".join(words), []), *[(word, []) for word in STRANGE]])
    (tagged,) = tagger.tag([document])
    assert [t.text for t in tagged.tokens] == [*words, *STRANGE]
    assert all(t.pos is not None for t in tagged.tokens)
    pieces = tagger.pieces(document)
    for token in document.tokens:
        assert any(token.start <= p.start and p.end <= token.end for p in pieces)


def test_strange_texts_are_tagged(plain: Recognizer) -> None:
    for text in ["\ufe0f", "a\x00b", "\ud800 Ada", "\r\n\r\n", "\ufeffAda", "x" * 5000, "\n" * 50]:
        document = plain(text)
        assert document.text == text
        assert all(t.pos is not None for t in document.tokens)


def test_nothing_in_nothing_out(plain: Recognizer) -> None:
    assert plain("").entities == ()
    assert plain("   ").word_count == 0
    assert plain([]) == []
    assert plain.tag([]) == []
    assert list(plain.pipe(iter(()))) == []
    assert plain.pieces(Document("")) == []


def test_a_call_takes_a_text_or_several(plain: Recognizer) -> None:
    one, several = plain(TEXTS[0]), plain(TEXTS[:3])
    assert isinstance(one, Document)
    assert isinstance(several, list)
    assert_alike([one], several[:1])
    assert_alike(plain(tuple(TEXTS[:3])), several)


def test_their_representations_are_short(plain: Recognizer) -> None:
    assert repr(plain) == f"Recognizer(labels {' '.join(plain.manifest.labels)})"
    text = "Ada lives in Oslo. " * 50
    document = segmented(text)
    document = document.with_entities([document.entity(0, 3, "PER")])
    begin = repr(text[:40] + "...")
    assert repr(document) == f"Document({begin}, 50 sentences, 250 words, 1 entity)"
    assert repr(Document("")) == "Document('', 0 sentences, 0 words, 0 entities)"


def test_pipe_is_tag(plain: Recognizer, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = [*tiny.documents(5), *(segmented(t) for t in TEXTS)]
    expected = plain.tag(documents)
    for words in (1, 30, 10_000):
        monkeypatch.setattr(posner.tagger, "CHUNK_WORDS", words)
        assert_alike(list(plain.pipe(iter(documents))), expected)


@pytest.mark.parametrize("texts", [["Ada met Ben."], [""]])
def test_pipe_is_lazy(plain: Recognizer, texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posner.tagger, "CHUNK_WORDS", 50)
    taken = itertools.count()
    endless = (text for text, _ in zip(tiny.endless(texts), taken, strict=False))
    first = list(itertools.islice(plain.pipe(endless), 3))
    assert [d.text for d in first] == texts * 3
    assert next(taken) < 100


def test_a_documents_own_words_and_facts_stay(plain: Recognizer) -> None:
    (given,) = tiny.documents(1)
    (tagged,) = plain.tag([given])
    assert (tagged.id, tagged.text) == (given.id, given.text)
    assert [s.number for s in tagged.sentences] == [s.number for s in given.sentences]
    assert {t.chunk for t in tagged.tokens} == {None}  # no chunk head, so no chunk is predicted
    assert [t.start for t in tagged.tokens] == [t.start for t in given.tokens]


def sentences(*texts: str) -> Document:
    return tiny.labelled([(text, []) for text in texts])


def test_context_is_seen_within_a_document_and_never_across(bert: Path) -> None:
    own = sentences("Ada lives in Oslo", "the boats left")
    for context in (0, 16):
        tagger = recognizer(bert, {"data.context": context})
        before = tagger.votes([own, sentences("Ben met Clara")])
        after = tagger.votes([own, sentences("zebras run far away today")])
        for index in range(2):
            np.testing.assert_allclose(before[index].entity, after[index].entity, atol=1e-5)
        neighbour = tagger.votes([sentences("Ada lives in Oslo", "zebras run")])
        changed = not np.allclose(neighbour[0].entity, before[0].entity, atol=1e-5)
        assert changed is (context > 0)


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_pieces_slice_right_and_share_their_words_tag(encoders: dict[str, Path], kind: str) -> None:
    tagger = recognizer(encoders[kind])
    (document,) = tagger.tag(tiny.documents(1))
    pieces = tagger.pieces(document)
    tags = {}
    for sentence in document.sentences:
        for token in sentence.tokens:
            own = [p for p in pieces if token.start <= p.start and p.end <= token.end]
            assert len({(p.entity, p.score) for p in own}) == 1
            assert "".join(document.text[p.start : p.end] for p in own) == token.text
            tags[token.start] = own[0].entity
        indices = [p.index for p in pieces if sentence.start <= p.start and p.end <= sentence.end]
        prefix = len(tagger.tokenizer.prefix)
        assert indices == list(range(prefix, prefix + len(indices)))
    for entity in document.entities:
        assert tags[entity.start] == f"B-{entity.label}"
    assert sum(tag.startswith("B-") for tag in tags.values()) == len(document.entities)
    assert all(0 < p.score <= 1 for p in pieces)
    if kind != "roberta":
        spelled = [p.word.removeprefix("##") for p in pieces]
        assert spelled == [document.text[p.start : p.end].lower() for p in pieces]


def test_pieces_of_a_sentence_that_windows_cut(bert: Path) -> None:
    tagger = recognizer(bert, {"data.window": 16})
    document = sentences(" ".join(["Oslo", "abc"] * 30))
    pieces = tagger.pieces(document)
    (tagged,) = tagger.tag([document])
    assert {p.start for p in pieces} >= {t.start for t in document.tokens}
    begins = {p.start for p in pieces if p.entity.startswith("B-")}
    assert begins >= {e.start for e in tagged.entities}


def test_tags_of_the_heads_are_the_most_probable(bert: Path) -> None:
    tagger = recognizer(bert, {"heads.chunk-weight": 0.1})
    (document,) = tagger.tag(tiny.documents(1))
    votes = tagger.votes(tiny.documents(1))
    for sentence, vote in zip(document.sentences, votes, strict=True):
        assert vote.pos is not None
        expected = [tagger.manifest.pos_tags[i] for i in vote.pos.argmax(axis=1)]
        assert [t.pos for t in sentence.tokens] == expected
        assert {t.chunk for t in sentence.tokens} == {"B-NP"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        (" \t\n\r\u00a0\u3000\u2029", 0),
        ("\x00", 1),
        ("Ada\x00Marsh met \x00 Ben", 6),
        ("\ud800", 1),
        ("Ada \udfffMarsh \ud83d met", 5),
        ("a" * 100_000, 1),
        ("Ada " + "É" * 100_000 + " Marsh", 3),
        ("\u0301", 1),
        ("\ufeff", 1),
    ],
    ids=lambda value: ascii(value)[:16],
)
def test_texts_at_the_edge_have_an_answer(plain: Recognizer, text: str, words: int) -> None:
    document = plain(text)
    assert document.text == text
    assert document.word_count == words
    assert [document.text[e.start : e.end] for e in document.entities] == [
        e.text for e in document.entities
    ]
    assert {piece.start for piece in plain.pieces(document)} >= {t.start for t in document.tokens}
    parts = list(plain.stream(text))
    assert "".join(part.document.text for part in parts) == text
    if len(text) <= PASSAGE:
        assert [part.document for part in parts] == [document]


def test_a_long_text_in_parts_has_the_entities_of_the_whole(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "\n\n".join(TEXTS[i % len(TEXTS)] for i in range(24))
    for context in (0, 12):
        tagger = recognizer(bert, {"data.context": context, "data.repeats": 0.0})
        whole = tagger(text)
        monkeypatch.setattr("posner.segment.passages.PASSAGE", 300)
        parts = list(tagger.stream(text))
        monkeypatch.setattr("posner.segment.passages.PASSAGE", PASSAGE)
        assert len(parts) > 5
        assert "".join(part.document.text for part in parts) == text
        found = [entity for part in parts for entity in part.entities]
        assert [(e.start, e.end, e.label) for e in found] == facts(whole)
        for one, other in zip(found, whole.entities, strict=True):
            assert one.score == pytest.approx(other.score, abs=1e-4)


def test_a_text_is_tagged_while_it_is_read(
    plain: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("posner.segment.passages.PASSAGE", 300)
    monkeypatch.setattr(posner.tagger, "CHUNK_WORDS", 50)
    read = itertools.count()
    chunks = (f"{text}\n\n" for text, _ in zip(tiny.endless(TEXTS[:1]), read, strict=False))
    first = next(plain.stream(chunks))
    assert first.entities
    assert next(read) < 40


def test_a_sentence_that_fits_scores_as_it_does_alone(bert: Path) -> None:
    tagger = recognizer(bert, {"data.repeats": 0.0})
    long = " ".join(["Oslo", "abc"] * 200)
    together = tagger("Ada Marsh lives in Oslo.\n\n" + long + "\n\nBen met Clara Voss.")
    for text in ("Ada Marsh lives in Oslo.", "Ben met Clara Voss."):
        alone = tagger(text)
        start = together.text.index(text)
        inside = [e for e in together.entities if start <= e.start < start + len(text)]
        assert [(e.start - start, e.end - start, e.label) for e in inside] == facts(alone)
        for one, other in zip(inside, alone.entities, strict=True):
            assert one.score == pytest.approx(other.score, abs=1e-5)


def test_steps_follow_what_was_found_in_their_order(bert: Path) -> None:
    tagger = recognizer(bert, {})
    found = tagger.tag(tiny.documents(2))
    assert sum(len(document.entities) for document in found) > 2

    def noted(note: str) -> Callable[[Document], Document]:
        return lambda document: document.with_entities(
            replace(entity, changes=(*entity.changes, note)) for entity in document.entities
        )

    tagger.steps = (noted("first"), noted("second"))
    for plain, changed in zip(found, tagger.tag(tiny.documents(2)), strict=True):
        assert facts(changed) == facts(plain)
        assert {entity.changes for entity in changed.entities} <= {("first", "second")}
    assert tagger.find(tiny.documents(2)) == found
