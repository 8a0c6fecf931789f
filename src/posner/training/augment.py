"""Training sentences changed a little: mentions replaced by others, and noise in the case of words.

Pure functions of a document and a random generator. A document in which nothing changes comes back
as the same object; every other is a new, self-checking one with the same labels in the same order.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np

from posner.document import Document, Entity, Sentence, Token, entity_order, sentence_spans
from posner.recipe import AugmentRecipe
from posner.schemes import Span
from posner.segment import segment

_STREAM = 1  # parts these draws from others of the same seed and epoch; 0 would not


@dataclass(frozen=True, slots=True)
class Mention:
    """A name that can stand in another's place.

    Attributes:
        text: its characters.
        tokens: its words; their offsets count from its first character.
    """

    text: str
    tokens: tuple[Token, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The texts of its words."""
        return tuple(token.text for token in self.tokens)


@dataclass(frozen=True)
class MentionTable:
    """The distinct mentions of each label, which all have the same chance.

    Drawing by frequency was rejected: it repeats the few names that stand in most sentences
    anyway, while the others are what a small corpus shows too seldom.

    Attributes:
        mentions: by label, in the order in which they were found.
        places: the place of each label's words in its mentions.
    """

    mentions: Mapping[str, Sequence[Mention]]
    places: Mapping[str, Mapping[tuple[str, ...], int]]

    @classmethod
    def of(
        cls, documents: Iterable[Document], lexicon: Mapping[str, Sequence[str]]
    ) -> MentionTable:
        """The mentions of documents, and behind them a lexicon's names of the same labels.

        A mention keeps the part-of-speech and chunk tags of its first occurrence. A name is
        segmented like any text and has none, so the losses of those heads ignore it.
        """
        found: dict[str, dict[tuple[str, ...], Mention]] = {}
        for document in documents:
            for sentence, span in free_mentions(document):
                mention = _mention(document, sentence.tokens[span.word_start : span.word_end])
                found.setdefault(span.label, {}).setdefault(mention.words, mention)
        for label, own in found.items():
            for name in lexicon.get(label, ()):
                tokens = tuple(token for sentence in segment(name) for token in sentence.tokens)
                mention = Mention(name, tokens)
                own.setdefault(mention.words, mention)
        return cls(
            {label: tuple(own.values()) for label, own in found.items()},
            {label: {words: i for i, words in enumerate(own)} for label, own in found.items()},
        )

    @property
    def size(self) -> int:
        """How many distinct mentions there are."""
        return sum(map(len, self.mentions.values()))

    def other(
        self, label: str, words: tuple[str, ...], random: np.random.Generator
    ) -> Mention | None:
        """Any mention of the label with other words; None where there is none."""
        mentions = self.mentions.get(label, ())
        own = self.places.get(label, {}).get(words)
        choices = len(mentions) - (own is not None)
        if choices < 1:
            return None
        drawn = int(random.integers(choices))
        return mentions[drawn + (own is not None and drawn >= own)]


def _mention(document: Document, tokens: Sequence[Token]) -> Mention:
    start, end = tokens[0].start, tokens[-1].end
    return Mention(document.text[start:end], tuple(_moved(token, -start) for token in tokens))


def _moved(token: Token, by: int) -> Token:
    return Token(token.text, token.start + by, token.end + by, token.pos, token.chunk, token.extra)


def free_mentions(document: Document) -> Iterator[tuple[Sentence, Span]]:
    """The mentions that fill whole words of one sentence and share none with another, in order."""
    shared = _overlapping(document.entities)
    spans = sentence_spans(document).spans
    for sentence, own in zip(document.sentences, spans, strict=True):
        for span in own:
            first, last = sentence.tokens[span.word_start], sentence.tokens[span.word_end - 1]
            if (first.start, last.end) not in shared:
                yield sentence, span


def _overlapping(entities: Iterable[Entity]) -> set[tuple[int, int]]:
    """The offsets of entities that share a character with another.

    Going from left to right, whatever an entity overlaps is the one that reaches furthest, or
    was found to overlap before.
    """
    found: set[tuple[int, int]] = set()
    furthest: Entity | None = None
    for entity in sorted(entities, key=entity_order):
        if furthest is not None and entity.start < furthest.end:
            found |= {(entity.start, entity.end), (furthest.start, furthest.end)}
        if furthest is None or entity.end > furthest.end:
            furthest = entity
    return found


@dataclass(frozen=True, slots=True)
class _Swap:
    """A new mention for the characters `start` to `end`."""

    start: int
    end: int
    mention: Mention

    @property
    def growth(self) -> int:
        """Characters that the text gains."""
        return len(self.mention.text) - (self.end - self.start)


def replace_mentions(
    document: Document, table: MentionTable, share: float, random: np.random.Generator
) -> Document:
    """The document with each mention, at a chance of `share`, replaced by another of its label.

    Mentions that overlap, that fall off the words' borders, or whose label has no other mention
    stay. So does the text between mentions, and everything that documents, sentences and entities
    carry besides; metadata that count words or characters go on speaking of the old text.
    """
    if not share:
        return document
    mentions = list(free_mentions(document))
    swaps = []
    for (sentence, span), draw in zip(mentions, random.random(len(mentions)), strict=True):
        if draw < share:
            tokens = sentence.tokens[span.word_start : span.word_end]
            other = table.other(span.label, tuple(t.text for t in tokens), random)
            if other is not None:
                swaps.append(_Swap(tokens[0].start, tokens[-1].end, other))
    return _swapped(document, swaps) if swaps else document


def _swapped(document: Document, swaps: Sequence[_Swap]) -> Document:
    """The document with its mentions swapped; `swaps` are in order and overlap no other entity."""
    parts = []
    place = 0
    for swap in swaps:
        parts += [document.text[place : swap.start], swap.mention.text]
        place = swap.end
    text = "".join([*parts, document.text[place:]])
    starts = [swap.start for swap in swaps]
    shifts = list(accumulate((swap.growth for swap in swaps), initial=0))

    def moved(entity: Entity) -> Entity:
        before = bisect_left(starts, entity.start)
        start = entity.start + shifts[before]
        swap = swaps[before] if before < len(swaps) else None
        inside = swap is not None and swap.start == entity.start
        end = entity.end + shifts[before + inside]
        return replace(entity, start=start, end=end, text=text[start:end])

    return Document(
        text,
        _swapped_sentences(document.sentences, swaps),
        tuple(moved(entity) for entity in document.entities),
        document.id,
        document.metadata,
    )


def _swapped_sentences(
    sentences: Iterable[Sentence], swaps: Sequence[_Swap]
) -> tuple[Sentence, ...]:
    """All sentences, with the words of the swapped mentions exchanged and the others moved."""
    waiting = iter(swaps)
    next_swap = next(waiting, None)
    shift = 0
    covered = 0  # words that begin before this character went with their mention
    changed = []
    for sentence in sentences:
        tokens: list[Token] = []
        for token in sentence.tokens:
            if next_swap is not None and token.start == next_swap.start:
                tokens += [_moved(new, token.start + shift) for new in next_swap.mention.tokens]
                shift += next_swap.growth
                covered = next_swap.end
                next_swap = next(waiting, None)
            elif token.start >= covered:
                tokens.append(_moved(token, shift) if shift else token)
        changed.append(replace(sentence, tokens=tuple(tokens)))
    return tuple(changed)


def _title(word: str) -> str:
    return word[:1].upper() + word[1:]


def _title_lowered(word: str) -> str:
    return word[:1].upper() + word[1:].lower()


def change_case(document: Document, share: float, random: np.random.Generator) -> Document:
    """The document with each sentence, at a chance of `share`, in another case.

    That is lower case, capitals, or a headline's, each as likely. Words whose length would
    change (`\u00df` in capitals) stay as they are, so every offset does; tags stay too.
    """
    if not share:
        return document
    draws = random.random(len(document.sentences))
    styles = random.integers(3, size=len(document.sentences))
    sentences = tuple(
        _recased(sentence, int(style)) if draw < share else sentence
        for sentence, draw, style in zip(document.sentences, draws, styles, strict=True)
    )
    if all(new is old for new, old in zip(sentences, document.sentences, strict=True)):
        return document
    parts = []
    place = 0
    for sentence in sentences:
        for token in sentence.tokens:
            parts += [document.text[place : token.start], token.text]
            place = token.end
    text = "".join([*parts, document.text[place:]])
    entities = tuple(replace(e, text=text[e.start : e.end]) for e in document.entities)
    return replace(document, text=text, sentences=sentences, entities=entities)


def _recased(sentence: Sentence, style: int) -> Sentence:
    """The sentence in lower case, in capitals, or each word with a capital first.

    Headlines keep capitals inside words (`EU`, `McCoy`) unless the sentence has nothing else.
    """
    all_capitals = not any(c.islower() for token in sentence.tokens for c in token.text)
    ways: tuple[Callable[[str], str], ...] = (
        str.lower,
        str.upper,
        _title_lowered if all_capitals else _title,
    )
    texts = [ways[style](token.text) for token in sentence.tokens]
    tokens = tuple(
        replace(token, text=text) if len(text) == len(token.text) else token
        for token, text in zip(sentence.tokens, texts, strict=True)
    )
    return sentence if tokens == sentence.tokens else replace(sentence, tokens=tokens)


def augmented(
    documents: Sequence[Document], table: MentionTable, recipe: AugmentRecipe, seed: int, epoch: int
) -> list[Document]:
    """The documents as epoch `epoch`, counted from 0, learns them."""
    random = np.random.default_rng([seed, epoch, _STREAM])
    return [
        change_case(replace_mentions(d, table, recipe.mentions, random), recipe.casing, random)
        for d in documents
    ]
