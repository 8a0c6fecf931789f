"""The types that everything speaks: Token, Sentence, Entity, Document. Frozen and self-checking.

Offsets count characters (Unicode code points) of `Document.text`, and ends are exclusive.
Entities hold character offsets, so they may overlap and need not fall on word borders;
`sentence_spans` is the one place where they become spans of words.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from posner.errors import DataError
from posner.plural import counted
from posner.schemes import Span


class _Nothing(Mapping[str, Any]):
    """An empty mapping that stays empty, and that other processes can be sent."""

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "{}"

    def __reduce__(self) -> str:
        return "_EMPTY"


_EMPTY: Mapping[str, Any] = _Nothing()


def _no_metadata() -> Mapping[str, Any]:
    """The shared empty mapping (Python 3.11 takes it for a mutable default)."""
    return _EMPTY


SHOWN = 40
"""Characters of a text that a Document's `repr` shows."""

_BREAK = re.compile("([-\u00ad\u2010\u2011])[ \t]*(?:\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028])[ \t]*")


def form_places(word: str) -> list[int]:
    """Which characters of a word that a line's end parts are read: all but the seam's.

    The hyphen goes with the line break where the word goes on in lower case (`exam-|ple`). It
    stays before a capital or a digit (`Anglo-|Saxon`), and in a word that has another hyphen
    (`sister-in-|law`).
    """
    dropped: set[int] = set()
    seams = list(_BREAK.finditer(word))
    inside = {seam.start(1) for seam in seams}
    compound = any(word[i] in "-\u2010\u2011" and i not in inside for i in range(len(word)))
    for seam in seams:
        soft = seam[1] == "\u00ad"
        keeps = not soft and (compound or not word[seam.end() : seam.end() + 1].islower())
        dropped.update(range(seam.start() + keeps, seam.end()))
    return [i for i in range(len(word)) if i not in dropped]


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a text.

    Attributes:
        text: the exact slice of the document's text.
        start: its first character in the document.
        end: one past its last character.
        pos: part-of-speech tag, if known.
        chunk: chunk tag in the corpus's own scheme, if known.
        extra: further columns, carried through untouched.
    """

    text: str
    start: int
    end: int
    pos: str | None = None
    chunk: str | None = None
    extra: tuple[str, ...] = ()

    @property
    def form(self) -> str:
        """The word as it is read: without the hyphen and line break that may part it."""
        if self.text.isprintable():  # no line break: nearly all words
            return self.text
        return "".join(self.text[place] for place in form_places(self.text))


@dataclass(frozen=True, slots=True)
class Sentence:
    """Consecutive words that are tagged together.

    Attributes:
        tokens: the words, in order.
        number: the corpus's own number of the sentence (`Sentence: N`), if it has one.
        metadata: what the reader does not know but carries through.
    """

    tokens: tuple[Token, ...]
    number: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=_no_metadata)

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def words(self) -> list[str]:
        """The texts of the words."""
        return [token.text for token in self.tokens]

    @property
    def forms(self) -> list[str]:
        """The words as they are read; see `Token.form`."""
        return [token.form for token in self.tokens]

    @property
    def start(self) -> int:
        """First character in the document (0 for a sentence without words)."""
        return self.tokens[0].start if self.tokens else 0

    @property
    def end(self) -> int:
        """One past the last character (0 for a sentence without words)."""
        return self.tokens[-1].end if self.tokens else 0


def shifted(sentence: Sentence, places: int) -> Sentence:
    """The sentence with all its words so many characters further on."""
    if not places or not sentence.tokens:
        return sentence
    tokens = tuple(replace(t, start=t.start + places, end=t.end + places) for t in sentence.tokens)
    return replace(sentence, tokens=tokens)


@dataclass(frozen=True, slots=True)
class Entity:
    """A labelled slice of a document's text.

    Attributes:
        start: first character in the document.
        end: one past the last character.
        label: such as `PER`.
        text: the exact slice.
        score: probability of exactly this span with this label; None for gold entities.
        metadata: what the reader does not know but carries through (ids, annotators).
        corrected: the name as a lexicon spells it, where the text spells it otherwise.
        id: what a lexicon knows the name by.
        changes: what post-processing did to it, in order, each in a few words.
        similarity: how near the text is to the lexicon's name that changed it: 1 less the edits by
            the longer one's characters; 1 for a name as it is known, None where none changed it.
    """

    start: int
    end: int
    label: str
    text: str
    score: float | None = None
    metadata: Mapping[str, Any] = field(default_factory=_no_metadata)
    corrected: str | None = None
    id: str | None = None
    changes: tuple[str, ...] = ()
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A text with its words, sentences and entities.

    Raises:
        DataError: a token or entity is not the slice of the text that it claims to be, or the
            tokens are out of order.
    """

    text: str
    sentences: tuple[Sentence, ...] = ()
    entities: tuple[Entity, ...] = ()
    id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=_no_metadata)

    def __post_init__(self) -> None:
        where = f"document {self.id}" if self.id else "document"
        position = 0
        for token in self.tokens:
            if token.start < position or self.text[token.start : token.end] != token.text:
                raise DataError(
                    "a word is not the slice of the text that it claims to be",
                    where=where,
                    expected=repr(self.text[token.start : token.end][:40]),
                    got=f"{token.text[:40]!r} at characters {token.start} to {token.end}",
                )
            position = token.end
        for entity in self.entities:
            if (
                not 0 <= entity.start < entity.end <= len(self.text)
                or self.text[entity.start : entity.end] != entity.text
            ):
                raise DataError(
                    "an entity is not the slice of the text that it claims to be",
                    where=where,
                    expected=repr(self.text[entity.start : entity.end][:40]),
                    got=f"{entity.text[:40]!r} at characters {entity.start} to {entity.end}",
                )

    def __repr__(self) -> str:
        begin = self.text[:SHOWN] + ("..." if len(self.text) > SHOWN else "")
        sentences = counted(len(self.sentences), "sentence")
        words = counted(self.word_count, "word")
        entities = counted(len(self.entities), "entity", "entities")
        return f"Document({begin!r}, {sentences}, {words}, {entities})"

    @property
    def tokens(self) -> Iterator[Token]:
        """All words, in order."""
        for sentence in self.sentences:
            yield from sentence.tokens

    @property
    def word_count(self) -> int:
        """The number of words."""
        return sum(len(sentence) for sentence in self.sentences)

    def with_entities(self, entities: Iterable[Entity]) -> Document:
        """The same document with other entities, sorted by position."""
        return replace(self, entities=tuple(sorted(entities, key=entity_order)))

    def entity(self, start: int, end: int, label: str, score: float | None = None) -> Entity:
        """An entity over the characters `start` to `end` of this document."""
        return Entity(start, end, label, self.text[start:end], score)

    def span_entity(self, sentence: Sentence, span: Span, score: float | None = None) -> Entity:
        """The entity that covers the words `span` of one of this document's sentences."""
        start = sentence.tokens[span.word_start].start
        return self.entity(start, sentence.tokens[span.word_end - 1].end, span.label, score)


@dataclass(frozen=True, slots=True)
class PieceTag:
    """One sub-word piece and the tag that the model gave its word.

    Attributes:
        entity: the tag, such as `B-PER`.
        score: probability of that tag at its word.
        index: the piece's place in the model's input, special pieces counted.
        word: the piece as the vocabulary spells it (`##ing`).
        start: its first character in the document.
        end: one past its last character.
    """

    entity: str
    score: float
    index: int
    word: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SentenceSpans:
    """A document's entities as spans of words, sentence by sentence.

    Attributes:
        spans: for each sentence its spans, sorted; they may overlap.
        misaligned: entities that begin or end inside a word, cover no word, or cross a
            sentence's border, each of which no span of words can express.
    """

    spans: tuple[tuple[Span, ...], ...]
    misaligned: tuple[Entity, ...]


def sentence_spans(document: Document) -> SentenceSpans:
    """Turn character entities into spans of words."""
    sentences = document.sentences
    borders = [s.start for s in sentences if s.tokens]
    filled = [i for i, s in enumerate(sentences) if s.tokens]
    spans: list[list[Span]] = [[] for _ in sentences]
    misaligned: list[Entity] = []
    starts: dict[int, dict[int, int]] = {}
    ends: dict[int, dict[int, int]] = {}
    for entity in document.entities:
        rank = bisect_right(borders, entity.start) - 1
        index = filled[rank] if rank >= 0 else -1
        if index >= 0 and index not in starts:
            starts[index] = {t.start: i for i, t in enumerate(sentences[index].tokens)}
            ends[index] = {t.end: i + 1 for i, t in enumerate(sentences[index].tokens)}
        first = starts[index].get(entity.start) if index >= 0 else None
        last = ends[index].get(entity.end) if index >= 0 else None
        if first is None or last is None or last <= first:
            misaligned.append(entity)
        else:
            spans[index].append(Span(first, last, entity.label))
    return SentenceSpans(tuple(tuple(sorted(s)) for s in spans), tuple(misaligned))


def snap_to_words(document: Document, entity: Entity) -> Entity | None:
    """The entity widened to the words that it touches, or None where it touches none.

    An entity that crosses a sentence border keeps only its words in the first sentence.
    """
    for sentence in document.sentences:
        tokens = sentence.tokens
        if not tokens or sentence.end <= entity.start:
            continue
        first = bisect_right([t.end for t in tokens], entity.start)
        last = bisect_left([t.start for t in tokens], entity.end)
        if first < last:
            start, end = tokens[first].start, tokens[last - 1].end
            return replace(entity, start=start, end=end, text=document.text[start:end])
    return None


def entity_order(entity: Entity) -> tuple[int, int, str]:
    """Sort key: by start, longer first, then by label."""
    return entity.start, -entity.end, entity.label


@dataclass(frozen=True, slots=True)
class WordRow:
    """One word of a corpus that knows words but no text; see `document_from_words`."""

    text: str
    pos: str | None = None
    chunk: str | None = None
    extra: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WordSentence:
    """One sentence of a corpus that knows words but no text, with its spans of words."""

    rows: tuple[WordRow, ...]
    spans: tuple[Span, ...] = ()
    number: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=_no_metadata)


def document_from_words(
    sentences: Sequence[WordSentence],
    *,
    id: str | None = None,
    metadata: Mapping[str, Any] = _EMPTY,
) -> Document:
    """A document whose text is its words joined by a space, its sentences by a line break."""
    parts: list[str] = []
    built: list[Sentence] = []
    entities: list[Entity] = []
    position = 0
    for source in sentences:
        tokens: list[Token] = []
        for row in source.rows:
            if parts:
                parts.append(" " if tokens else "\n")
                position += 1
            end = position + len(row.text)
            tokens.append(Token(row.text, position, end, row.pos, row.chunk, row.extra))
            parts.append(row.text)
            position = end
        words = [row.text for row in source.rows]
        for first, last, label in source.spans:
            entities.append(
                Entity(
                    tokens[first].start, tokens[last - 1].end, label, " ".join(words[first:last])
                )
            )
        built.append(Sentence(tuple(tokens), source.number, source.metadata))
    return Document("".join(parts), tuple(built), tuple(entities), id, metadata)
