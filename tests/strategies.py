"""Hypothesis strategies: words, spans, tag sequences and documents."""

from __future__ import annotations

from hypothesis import strategies as st

from posner.document import Document, WordRow, WordSentence, document_from_words
from posner.schemes import SCHEMES, Scheme, Span, spans_to_tags

LABELS = ("PER", "LOC", "geo", "a-b")

# Any characters that a CoNLL column can hold, among them no-break space, `#`, quotes and commas.
column_words = st.text(
    st.one_of(
        st.sampled_from(list("aZ0#=\"',.-_/\\\u00a0\u2028\u3000\ufeff\x85é語😀")),
        st.characters(exclude_characters=" \t\n\r", exclude_categories=["Cs"]),
    ),
    min_size=1,
    max_size=6,
).filter(lambda word: word != "-DOCSTART-")
odd_words = st.sampled_from(
    ["NA", "None", "null", "nan", "#", "##", '"', ",", '""', "5\u00a0storm", "#tag", "O", "B-PER"]
)
words = st.one_of(column_words, odd_words)

# Words that segmentation finds again when they stand between spaces.
plain_words = st.text(st.sampled_from("bcdfgmnrtu"), min_size=2, max_size=6)


@st.composite
def spans(draw: st.DrawFn, length: int) -> tuple[Span, ...]:
    """Spans that do not overlap, some of them touching, in a sentence of `length` words."""
    found = []
    place = 0
    while place < length:
        size = draw(st.integers(1, min(3, length - place)))
        if draw(st.booleans()):
            found.append(Span(place, place + size, draw(st.sampled_from(LABELS))))
        place += size
    return tuple(found)


@st.composite
def tag_sequences(draw: st.DrawFn, scheme: Scheme | None = None) -> tuple[Scheme, list[str]]:
    """A scheme and the legal tags of one sentence in it."""
    chosen = scheme or draw(st.sampled_from(list(SCHEMES.values())))
    length = draw(st.integers(1, 8))
    return chosen, spans_to_tags(draw(spans(length)), length, chosen)


@st.composite
def word_sentences(
    draw: st.DrawFn, word: st.SearchStrategy[str] = words, *, columns: bool = True
) -> WordSentence:
    """A sentence of one to six words with its spans; every word has pos and chunk, or none has."""
    texts = draw(st.lists(word, min_size=1, max_size=6))
    tagged = columns and draw(st.booleans())
    rows = tuple(WordRow(t, "NN" if tagged else None, "I-NP" if tagged else None) for t in texts)
    return WordSentence(rows, draw(spans(len(texts))))


@st.composite
def documents(
    draw: st.DrawFn, word: st.SearchStrategy[str] = words, *, columns: bool = True
) -> Document:
    """A document of one to three sentences, its words joined by spaces."""
    sentences = draw(st.lists(word_sentences(word, columns=columns), min_size=1, max_size=3))
    return document_from_words(sentences)


def corpora(
    word: st.SearchStrategy[str] = words, *, columns: bool = True
) -> st.SearchStrategy[list[Document]]:
    """One to three documents."""
    return st.lists(documents(word, columns=columns), min_size=1, max_size=3)
