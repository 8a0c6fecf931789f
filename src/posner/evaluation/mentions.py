"""What a training corpus says of a mention's text: seen, ambiguous, or unseen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from posner.document import Document, Sentence

Familiarity = Literal["seen", "ambiguous", "unseen"]


@dataclass(frozen=True)
class KnownMentions:
    """The mentions of a training corpus, their white space made equal.

    Attributes:
        labels: for each mention's text the labels that it carries.
        outside: the mentions that also occur where none of their words is in an entity.
    """

    labels: Mapping[str, frozenset[str]]
    outside: frozenset[str]

    @classmethod
    def of(cls, documents: Sequence[Document]) -> KnownMentions:
        """The mentions of documents."""
        found: dict[str, set[str]] = {}
        for document in documents:
            for entity in document.entities:
                found.setdefault(_plain(entity.text), set()).add(entity.label)
        labels = {text: frozenset(own) for text, own in found.items()}
        lengths = _lengths(documents)
        outside: set[str] = set()
        for document in documents:
            outside.update(_outside(document, labels, lengths))
        return cls(labels, frozenset(outside))

    def familiarity(self, text: str) -> Familiarity:
        """`ambiguous` is a mention with several labels, or one that also occurs outside entities;
        `unseen` is one that never was an entity."""
        plain = _plain(text)
        if plain not in self.labels:
            return "unseen"
        ambiguous = len(self.labels[plain]) > 1 or plain in self.outside
        return "ambiguous" if ambiguous else "seen"


def _plain(text: str) -> str:
    return " ".join(text.split())


def _lengths(documents: Iterable[Document]) -> dict[str, set[int]]:
    """For each word that begins a mention, how many words such mentions have."""
    lengths: dict[str, set[int]] = {}
    for document in documents:
        ends = {e.start: set[int]() for e in document.entities}
        for entity in document.entities:
            ends[entity.start].add(entity.end)
        for sentence in document.sentences:
            for first, token in enumerate(sentence.tokens):
                for end in ends.get(token.start, ()):
                    last = first
                    while last < len(sentence) and sentence.tokens[last].end <= end:
                        last += 1
                    lengths.setdefault(token.text, set()).add(last - first)
    return lengths


def _outside(
    document: Document, known: Collection[str], lengths: Mapping[str, set[int]]
) -> Iterable[str]:
    """The known mentions that occur in a document where no entity is."""
    covered = bytearray(len(document.text))
    for entity in document.entities:
        covered[entity.start : entity.end] = b"\1" * (entity.end - entity.start)
    for sentence in document.sentences:
        for first, token in enumerate(sentence.tokens):
            for count in lengths.get(token.text, ()):
                text = _occurrence(document, sentence, first, count, covered)
                if text in known:
                    yield text


def _occurrence(
    document: Document, sentence: Sentence, first: int, count: int, covered: bytearray
) -> str:
    """The text of some words; empty where they reach beyond the sentence or touch an entity."""
    tokens = sentence.tokens[first : first + count]
    if not tokens or len(tokens) < count:
        return ""
    start, end = tokens[0].start, tokens[-1].end
    return "" if any(covered[start:end]) else _plain(document.text[start:end])
