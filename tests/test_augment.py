"""Augmentation: what may change in a document, what may not, and how often it does."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import strategies
import tiny
from posner.document import Document, Entity, Token, document_from_words, sentence_spans
from posner.recipe import AugmentRecipe
from posner.training.augment import (
    MentionTable,
    augmented,
    change_case,
    free_mentions,
    replace_mentions,
)

seeds = st.integers(0, 2**32 - 1)


@st.composite
def annotated(draw: st.DrawFn) -> Document:
    """A document with text of its own around the words, and entities anywhere among its own."""
    plain = draw(strategies.documents())
    before, after = draw(st.text(max_size=3)), draw(st.text(max_size=3))
    by = len(before)
    text = before + plain.text + after
    sentences = tuple(
        replace(s, tokens=tuple(_moved(t, by) for t in s.tokens), metadata={"n": i}, number=i)
        for i, s in enumerate(plain.sentences)
    )
    entities = [
        replace(e, start=e.start + by, end=e.end + by, metadata={"id": i})
        for i, e in enumerate(plain.entities)
    ]
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        entities.append(
            Entity(start, end, draw(st.sampled_from(strategies.LABELS)), text[start:end])
        )
    shuffled = draw(st.permutations(entities))
    return Document(text, sentences, tuple(shuffled), "d", {"source": "a test"})


def _moved(token: Token, by: int) -> Token:
    return replace(token, start=token.start + by, end=token.end + by)


corpora = st.lists(annotated(), min_size=1, max_size=3)
lexicons = st.dictionaries(
    st.sampled_from([*strategies.LABELS, "unseen"]),
    st.lists(st.sampled_from(["Ada Marsh", "St. Ives", "O'Neil's", "Aß", "北京"]), unique=True),
)


def replaced(document: Document, table: MentionTable, share: float, seed: int) -> Document:
    return replace_mentions(document, table, share, np.random.default_rng(seed))


def recased(document: Document, share: float, seed: int) -> Document:
    return change_case(document, share, np.random.default_rng(seed))


def free_words(document: Document) -> list[tuple[str, tuple[str, ...]]]:
    """The label and the words of each mention that may be replaced."""
    return [
        (span.label, tuple(sentence.words[span.word_start : span.word_end]))
        for sentence, span in free_mentions(document)
    ]


def outside(document: Document) -> list[list[tuple[str, str | None, str | None]]]:
    """The words of each sentence that stand in no mention that may be replaced."""
    inside = {
        token.start
        for sentence, span in free_mentions(document)
        for token in sentence.tokens[span.word_start : span.word_end]
    }
    return [
        [(t.text, t.pos, t.chunk) for t in sentence.tokens if t.start not in inside]
        for sentence in document.sentences
    ]


def between(document: Document) -> str:
    """The text without the mentions that may be replaced."""
    spans = [
        (s.tokens[x.word_start].start, s.tokens[x.word_end - 1].end)
        for s, x in free_mentions(document)
    ]
    borders = [(0, 0), *spans, (len(document.text), 0)]
    return "|".join(document.text[left[1] : right[0]] for left, right in pairwise(borders))


@given(corpora, lexicons, st.floats(0, 1), seeds)
def test_replacing_changes_only_mentions_and_no_label(
    documents: list[Document], lexicon: dict[str, list[str]], share: float, seed: int
) -> None:
    table = MentionTable.of(documents, lexicon)
    for document in documents:
        new = replaced(document, table, share, seed)
        assert [e.label for e in new.entities] == [e.label for e in document.entities]
        assert [e.metadata for e in new.entities] == [e.metadata for e in document.entities]
        old_spans, new_spans = sentence_spans(document), sentence_spans(new)
        for old_own, new_own in zip(old_spans.spans, new_spans.spans, strict=True):
            assert [s.label for s in new_own] == [s.label for s in old_own]
        texts = [[e.text for e in spans.misaligned] for spans in (old_spans, new_spans)]
        assert texts[0] == texts[1]
        assert outside(new) == outside(document)
        assert between(new) == between(document)
        assert (new.id, new.metadata) == (document.id, document.metadata)
        for old_sentence, new_sentence in zip(document.sentences, new.sentences, strict=True):
            assert new_sentence.number == old_sentence.number
            assert new_sentence.metadata == old_sentence.metadata


@given(corpora, lexicons, seeds)
def test_a_mention_gives_way_to_another_of_its_label(
    documents: list[Document], lexicon: dict[str, list[str]], seed: int
) -> None:
    table = MentionTable.of(documents, lexicon)
    known = {
        label: {mention.words for mention in mentions} for label, mentions in table.mentions.items()
    }
    assert set(known) == {label for d in documents for label, _ in free_words(d)}
    for document in documents:
        new = replaced(document, table, 1.0, seed)
        for (label, old_words), (new_label, new_words) in zip(
            free_words(document), free_words(new), strict=True
        ):
            assert new_label == label
            assert new_words in known[label]
            assert (new_words == old_words) == (len(known[label]) == 1)


@given(corpora, st.floats(0, 1), st.floats(0, 1), seeds, st.integers(0, 99))
def test_an_epoch_is_a_function_of_the_seed_and_its_number(
    documents: list[Document], mentions: float, casing: float, seed: int, epoch: int
) -> None:
    recipe = AugmentRecipe(mentions=mentions, casing=casing)
    results = [
        augmented(documents, MentionTable.of(documents, {}), recipe, seed, epoch) for _ in range(2)
    ]
    assert results[0] == results[1]


@given(annotated(), seeds)
def test_nothing_to_change_gives_the_same_object(document: Document, seed: int) -> None:
    table = MentionTable.of([document], {})
    assert replaced(document, table, 0.0, seed) is document
    assert replaced(document, MentionTable.of([], {}), 1.0, seed) is document
    assert recased(document, 0.0, seed) is document
    (same,) = augmented([document], table, AugmentRecipe(), seed, 0)
    assert same is document


@given(annotated(), st.floats(0, 1), seeds)
def test_case_changes_no_offset_and_no_tag(document: Document, share: float, seed: int) -> None:
    new = recased(document, share, seed)
    assert len(new.text) == len(document.text)
    assert sentence_spans(new) == replace(
        sentence_spans(document), misaligned=sentence_spans(new).misaligned
    )
    for before, after in zip(document.entities, new.entities, strict=True):
        assert replace(after, text=before.text) == before
    for before_t, after_t in zip(document.tokens, new.tokens, strict=True):
        assert replace(after_t, text=before_t.text) == before_t
        text = before_t.text
        ways = {text, text.lower(), text.upper(), text[:1].upper() + text[1:]}
        assert after_t.text in ways | {text[:1].upper() + text[1:].lower()}
    words = {i for t in document.tokens for i in range(t.start, t.end)}
    assert all(c == new.text[i] for i, c in enumerate(document.text) if i not in words)


def test_the_three_cases() -> None:
    def seen(text: str) -> set[str]:
        document = tiny.labelled([(text, [(0, 1, "ORG")])])
        return {recased(document, 1.0, seed).text for seed in range(30)}

    assert seen("EU rejects McCoy 's call") == {
        "eu rejects mccoy 's call",
        "EU REJECTS MCCOY 'S CALL",
        "EU Rejects McCoy 's Call",
    }
    assert seen("LONDON WINS 2-1") == {"london wins 2-1", "LONDON WINS 2-1", "London Wins 2-1"}
    # Their other case is longer or shorter.
    assert seen("Gruß aus İzmir") == {"gruß aus İzmir", "Gruß AUS İZMIR", "Gruß Aus İzmir"}


def test_shares_are_about_right() -> None:
    people = [f"P{i}" for i in range(50)]
    sentences = [(f"{people[i % 50]} met x", [(0, 1, "PER")]) for i in range(4000)]
    document = tiny.labelled(sentences)
    new = replaced(document, MentionTable.of([document], {}), 0.3, 7)
    pairs = zip(document.sentences, new.sentences, strict=True)
    changed = sum(a.words != b.words for a, b in pairs)
    assert abs(changed / 4000 - 0.3) < 0.03
    new = recased(document, 0.1, 7)
    pairs = zip(document.sentences, new.sentences, strict=True)
    changed = sum(a.words != b.words for a, b in pairs)
    assert abs(changed / 4000 - 0.1) < 0.02  # each of the three cases changes these words


def test_mentions_are_drawn_by_type() -> None:
    """A name that stands in 900 sentences is not drawn more often than one that stands in one."""
    names = ["Oslo"] * 900 + ["Lima", "Turin", "Quito"]
    document = tiny.labelled([(f"in {name}", [(1, 2, "LOC")]) for name in names])
    table = MentionTable.of([document], {})
    new = replaced(document, table, 1.0, 3)
    counts = Counter(words[0] for _, words in free_words(new)[:900])
    assert set(counts) == {"Lima", "Turin", "Quito"}
    assert min(counts.values()) > 250
    assert table.size == 4


def test_words_of_a_new_mention() -> None:
    """Training mentions bring their tags and their spacing, names of a lexicon are segmented."""
    rows = tiny.documents(1)[0]
    assert next(rows.tokens).pos == "NNP"
    target = tiny.labelled([("she met Eve Adams .", [(2, 4, "PER")])])
    source = Document("Ada\n Marsh", entities=(Entity(0, 10, "PER", "Ada\n Marsh"),))
    words = (Token("Ada", 0, 3, "NNP", "B-NP"), Token("Marsh", 5, 10, "NNP", "I-NP", ("x",)))
    source = replace(source, sentences=(replace(target.sentences[0], tokens=words),))
    new = replaced(target, MentionTable.of([source], {}), 1.0, 0)
    assert new.text == "she met Ada\n Marsh ."
    assert [(t.text, t.pos, t.chunk, t.extra) for t in new.tokens][2:4] == [
        ("Ada", "NNP", "B-NP", ()),
        ("Marsh", "NNP", "I-NP", ("x",)),
    ]
    new = replaced(target, MentionTable.of([target], {"PER": ["Dr. O'Hara's son"]}), 1.0, 0)
    assert new.text == "she met Dr. O'Hara's son ."
    assert [t.text for t in new.tokens] == ["she", "met", "Dr.", "O'Hara", "'s", "son", "."]
    assert [t.pos for t in new.tokens] == [None] * 7
    assert new.entities[0].text == "Dr. O'Hara's son"


def test_overlapping_mentions_and_lonely_labels_stay() -> None:
    overlapping = tiny.labelled(
        [("Acme Oslo Ltd in Turin", [(0, 3, "ORG"), (1, 2, "LOC"), (4, 5, "LOC")])]
    )
    others = tiny.documents(2)
    table = MentionTable.of([overlapping, *others], {})
    new = replaced(overlapping, table, 1.0, 5)
    assert [e.text for e in new.entities][:2] == ["Acme Oslo Ltd", "Oslo"]
    assert new.entities[2].text != "Turin"
    twice = tiny.labelled([("Oslo wins", [(0, 1, "LOC"), (0, 1, "ORG")])])
    assert replaced(twice, table, 1.0, 5) is twice
    river = tiny.labelled([("the Nile floods", [(1, 2, "RIVER")])])
    assert replaced(river, table, 1.0, 5) is river
    assert replaced(river, MentionTable.of([river], {}), 1.0, 5) is river
    inside = document_from_words([])
    assert replaced(inside, table, 1.0, 5) is inside


def test_epochs_differ_and_so_do_seeds() -> None:
    documents = tiny.documents(10)
    table = MentionTable.of(documents, {})
    recipe = AugmentRecipe(mentions=0.5, casing=0.5)
    results = [augmented(documents, table, recipe, s, e) for s, e in ((1, 0), (1, 1), (2, 0))]
    assert all(a != b for a, b in pairwise([*results, results[0]]))
