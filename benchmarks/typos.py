"""A copy of labelled documents with a random typo in some of their names."""

from __future__ import annotations

import random
import string
from collections.abc import Sequence
from dataclasses import dataclass

from posner.document import (
    Document,
    Sentence,
    WordRow,
    WordSentence,
    document_from_words,
    sentence_spans,
)
from posner.schemes import Span

SHORTEST = 4
"""Letters of a word that gets a typo."""


@dataclass(frozen=True)
class Misspelt:
    """Documents with typos.

    Attributes:
        documents: the same words and entities but for the typos; their text is the words joined.
        names: what each misspelt entity was called, by document, first character and last.
    """

    documents: list[Document]
    names: dict[tuple[int, int, int], str]


def misspell(documents: Sequence[Document], share: float, seed: int) -> Misspelt:
    """Make one edit in one word of a share of the entities, drawn at random."""
    source = random.Random(seed)
    changed: list[Document] = []
    names: dict[tuple[int, int, int], str] = {}
    for number, document in enumerate(documents):
        sentences, originals = [], []
        aligned = sentence_spans(document).spans
        for sentence, spans in zip(document.sentences, aligned, strict=True):
            words = sentence.words
            for span in spans:
                before = " ".join(words[span.word_start : span.word_end])
                hit = source.random() < share and _one_typo(words, span, source)
                originals.append(before if hit else None)
            sentences.append(_with_words(sentence, words, spans))
        copy = document_from_words(sentences, id=document.id)
        for entity, original in zip(copy.entities, originals, strict=True):
            if original is not None:
                names[number, entity.start, entity.end] = original
        changed.append(copy)
    return Misspelt(changed, names)


def _with_words(sentence: Sentence, words: Sequence[str], spans: Sequence[Span]) -> WordSentence:
    rows = [
        WordRow(word, token.pos, token.chunk, token.extra)
        for word, token in zip(words, sentence.tokens, strict=True)
    ]
    return WordSentence(tuple(rows), tuple(spans), sentence.number)


def _one_typo(words: list[str], span: Span, source: random.Random) -> bool:
    """Misspell one word of a span in place; False where all are too short."""
    long = [i for i in range(span.word_start, span.word_end) if len(words[i]) >= SHORTEST]
    if not long:
        return False
    chosen = source.choice(long)
    words[chosen] = typo(words[chosen], source)
    return True


def typo(word: str, source: random.Random) -> str:
    """The word with a letter left out, doubled by another, replaced, or swapped with the next."""
    while True:
        place = source.randrange(len(word))
        letter = source.choice(string.ascii_lowercase)
        letter = letter.upper() if word.isupper() else letter
        head, tail = word[:place], word[place + 1 :]
        made = source.choice(
            (
                head + tail,
                head + word[place] + letter + tail,
                head + letter + tail,
                head + tail[:1] + word[place] + tail[1:],
            )
        )
        if made != word:
            return made
