"""The classes of words' shapes, and the alphabet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posner.document import Document, WordRow, WordSentence, document_from_words
from posner.word_features import CACHED_LETTERS, SHAPES, _known_shape, alphabet_of, shape_of


@pytest.mark.parametrize(
    ("shape", "examples"),
    [
        ("lower", "london don't é ß über e-mail ﬃ"),
        ("capitalised", "London Émile O'neill Straße Ǆungla"),
        ("upper", "NATO USA É-É AT&T ÜBER O'B"),
        ("single upper", "A É A, Ω"),
        ("mixed, upper first", "McDonald O'Brien LaTeX Jean-Luc"),
        ("mixed, lower first", "iPhone eBay d'Artagnan vanGogh"),
        ("upper with dots", "U.S. A.B. J.R.R."),
        ("digits", "7 1996 ٣٤ ²"),
        ("digits and signs", "3.14 1-0 10% $5 12:30"),
        ("digits and letters", "1st B2B 3M F16 1990s"),
        ("signs", ". -- “ 😀 ½ \ufe0f"),
        ("letters without case", "語 ירושלים القاهرة 東京"),
    ],
)
def test_shapes(shape: str, examples: str) -> None:
    assert {word: SHAPES[shape_of(word)] for word in examples.split(" ")} == dict.fromkeys(
        examples.split(" "), shape
    )


@given(st.text(st.characters(), min_size=1))
def test_every_word_has_a_shape(word: str) -> None:
    assert 1 <= shape_of(word) < len(SHAPES)


def document_of(*sentences: str) -> Document:
    return document_from_words(
        [WordSentence(tuple(WordRow(w) for w in s.split())) for s in sentences]
    )


def test_the_alphabet_is_what_occurs_often_enough() -> None:
    assert alphabet_of([document_of("abba c"), document_of("c d")]) == "abc"
    assert alphabet_of([document_of("ab", "\x01\x01b")], minimum=1) == "ab"
    assert alphabet_of([]) == ""


def test_endless_words_are_not_remembered() -> None:
    endless = "X" * (CACHED_LETTERS + 1)
    kept = _known_shape.cache_info().currsize
    assert SHAPES[shape_of(endless)] == "upper"
    assert _known_shape.cache_info().currsize == kept
