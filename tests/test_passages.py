"""Long texts in parts: nothing lost, nothing cut, the same words and sentences."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from posner.document import Document, Sentence
from posner.errors import DataError
from posner.segment import Segmenter, segment
from posner.segment.passages import PASSAGE, Passage, narrowed, passages, widened

ANY_TEXT = st.text(st.characters(codec=None), max_size=60)
RULE_TEXT = st.lists(
    st.sampled_from(
        [
            *"aI.,!?'\"()-5 \n\r\t…。わ",
            *("U.S.", "Mr", "No.", "The", "it", "\r\n", "\n\n", "\u2029", "\x85", "- ", "word "),
            *("Oktober", "1.", "he and I.", "Smith", "exam-\nple", "\n \n", "\r\r"),
        ]
    ),
    max_size=60,
).map("".join)


def places(sentences: tuple[Sentence, ...], start: int = 0) -> list[list[tuple[int, int]]]:
    return [[(t.start + start, t.end + start) for t in s.tokens] for s in sentences]


def all_places(parts: list[Passage]) -> list[list[tuple[int, int]]]:
    return [s for part in parts for s in places(part.document.sentences, part.start)]


@given(st.one_of(ANY_TEXT, RULE_TEXT), st.integers(1, 40), st.booleans())
@example(":.0", 1, False)
@example("NO. 5", 2, False)
def test_parts_are_the_text_and_never_part_a_word(text: str, limit: int, hyphens: bool) -> None:
    segmenter = Segmenter(hyphens)
    parts = list(passages(text, limit=limit, segmenter=segmenter))
    assert "".join(part.document.text for part in parts) == text
    whole = [w for sentence in places(segmenter(text)) for w in sentence]
    position = 0
    for part in parts:
        assert part.start == position
        position += len(part.document.text)
        assert part.document.text or not text
        if len(part.document.text) > limit:
            # One word, by itself or in the whole text: `No.` is two alone, and one before a 5;
            # `.0` is one alone, and two behind a colon.
            in_whole = sum(part.start <= start < position for start, _ in whole)
            assert 1 in (part.document.word_count, in_whole)
    assert [part.last for part in parts] == [False] * (len(parts) - 1) + [True]
    words = [w for sentence in all_places(parts) for w in sentence]
    # A word of the whole text is never in two parts.
    borders = {part.start for part in parts}
    assert not any(start < border < end for start, end in whole for border in borders)
    assert "".join(text[s:e] for s, e in words) == "".join(text[s:e] for s, e in whole)


@given(st.lists(RULE_TEXT, max_size=6), st.integers(1, 50))
def test_paragraphs_that_fit_are_segmented_as_in_the_whole(texts: list[str], spare: int) -> None:
    text = "\n\n".join(texts)
    # Each paragraph with the blank lines around it fits.
    limit = 2 * max(map(len, texts), default=1) + 4 + spare
    parts = list(passages(text, limit=limit))
    assert all_places(parts) == places(segment(text))


@given(RULE_TEXT, st.integers(1, 30), st.lists(st.integers(0, 9), max_size=30))
def test_it_does_not_matter_how_a_text_is_read(text: str, limit: int, sizes: list[int]) -> None:
    ends = [0, *itertools.accumulate(sizes), len(text)]
    chunks = [text[a:b] for a, b in itertools.pairwise(ends)]
    if ends[-2] > len(text):
        chunks = [text]
    assert list(passages(iter(chunks), limit=limit)) == list(passages(text, limit=limit))


def test_an_empty_text_has_one_part() -> None:
    assert list(passages("")) == [Passage(0, Document(""), True)]
    assert list(passages(iter(()))) == [Passage(0, Document(""), True)]


def test_only_what_is_needed_is_read() -> None:
    read = itertools.count()

    def endless() -> Iterator[str]:
        for _ in read:
            yield "A line that is one of many.\n\n" * 100

    first = next(passages(endless()))
    assert PASSAGE - 100 < len(first.document.text) <= PASSAGE
    assert next(read) < 40


def test_a_long_paragraph_ends_with_a_sentence_and_a_long_sentence_with_a_word() -> None:
    prose = "He came to the small town. " * 200
    cuts = [p.document.text.rstrip()[-1] for p in passages(prose, limit=100)]
    assert set(cuts) == {"."}
    words = "alpha beta gamma " * 200
    parts = [p.document.text for p in passages(words, limit=100)]
    assert all(part.split()[-1] in ("alpha", "beta", "gamma") for part in parts)
    assert max(map(len, parts)) <= 100
    assert [p.document.text for p in passages(" " * 250, limit=100)] == [" " * 100] * 2 + [" " * 50]


def test_a_word_longer_than_a_part_is_whole_or_refused() -> None:
    text = "short " + "x" * 5_000 + " words"
    assert [len(p.document.text) for p in passages(text, limit=100)] == [5, 5_001, 6]
    with pytest.raises(DataError, match="at most 100 characters") as caught:
        list(passages(text, limit=100, strict=True))
    assert caught.value.where == "character 6"


@given(st.lists(RULE_TEXT, max_size=5), st.integers(1, 9), st.integers(5, 40))
def test_neighbours_come_and_go(texts: list[str], words: int, limit: int) -> None:
    parts = list(passages("\n\n".join(texts), limit=limit))
    seen = list(widened(parts, words))
    assert [part for part, _ in seen] == parts
    for index, (part, wide) in enumerate(seen):
        before = list(parts[index - 1].document.tokens)[-words:] if index else []
        behind = list(parts[index + 1].document.tokens)[:words] if index + 1 < len(parts) else []
        assert wide.sentences[0].words == [t.text for t in before]
        assert wide.sentences[-1].words == [t.text for t in behind]
        assert wide.text.find(part.document.text) >= 0
        everything = [wide.entity(t.start, t.end, "X", 0.5) for t in wide.tokens]
        narrow = narrowed(wide.with_entities(everything), part)
        assert narrow.sentences == part.document.sentences
        assert [(e.start, e.end) for e in narrow.entities] == [
            (t.start, t.end) for t in part.document.tokens
        ]


def test_entities_count_characters_of_the_whole_text() -> None:
    text = "One Oslo.\n\nTwo Oslo.\n\nThree Oslo."
    found = []
    for part in passages(text, limit=12):
        start = part.document.text.index("Oslo")
        entity = part.document.entity(start, start + 4, "LOC")
        found += Passage(part.start, part.document.with_entities([entity]), part.last).entities
    assert [text[e.start : e.end] for e in found] == ["Oslo"] * 3
    assert [e.start for e in found] == [4, 15, 28]
