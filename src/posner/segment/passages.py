"""A text of any length in parts that fit into memory, with the characters that stand before each.

A part ends at a blank line, and is then segmented exactly as within the whole text. Where a
paragraph alone is longer than a part, that ends with a sentence; where a sentence alone is, with a
word. A word is never parted. All parts together are the text, character by character.

Memory: a part, what is read ahead, and the words of both; a word that alone is longer than a part
is held whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from posner.document import Document, Entity, Sentence, shifted
from posner.errors import DataError
from posner.segment import Segmenter, segment
from posner.segment.lines import BLANK_LINE

PASSAGE = 65_536
"""Characters of a part at most."""

AHEAD = 512
"""Characters behind a part that are looked at, since what follows decides where a sentence ends."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One part of a text.

    Attributes:
        start: characters of the text that stand before it.
        document: the part itself; its offsets count from its own beginning.
        last: whether the text ends with it.
    """

    start: int
    document: Document
    last: bool

    @property
    def entities(self) -> list[Entity]:
        """Its entities, with offsets that count characters of the whole text."""
        return [
            replace(entity, start=entity.start + self.start, end=entity.end + self.start)
            for entity in self.document.entities
        ]


def passages(
    text: str | Iterable[str],
    *,
    limit: int | None = None,
    strict: bool = False,
    segmenter: Segmenter = segment,
) -> Iterator[Passage]:
    """The parts of a text, in order; an empty text has one.

    Args:
        text: the text, or pieces of it as they are read, of any size.
        limit: characters of a part at most, at least 1; by default `PASSAGE`.
        strict: refuse a word that alone is longer than that, instead of a longer part.
        segmenter: finds sentences and words.

    Raises:
        DataError: `strict`, and a word is longer than the limit.
    """
    limit = limit or PASSAGE
    reader = _Reader([text] if isinstance(text, str) else text)
    start = 0
    while True:
        ended = reader.fill(limit + AHEAD)
        if ended and len(reader.buffer) <= limit:
            part, last = reader.take(len(reader.buffer)), True
        else:
            part = reader.take(_cut(reader, limit, strict, segmenter, start))
            last = reader.fill(1) and not reader.buffer
        yield Passage(start, Document(part, segmenter(part)), last)
        if last:
            return
        start += len(part)


class _Reader:
    """A text that is read as far as it is needed."""

    def __init__(self, chunks: Iterable[str]) -> None:
        self._chunks = (
            chunk[place : place + PASSAGE]
            for chunk in chunks
            for place in range(0, len(chunk), PASSAGE)
        )
        self._ended = False
        self.buffer = ""

    def fill(self, count: int) -> bool:
        """Hold so many characters, or all that are left; whether nothing comes after them."""
        waiting = [self.buffer]
        size = len(self.buffer)
        while size < count and not self._ended:
            chunk = next(self._chunks, None)
            self._ended = chunk is None
            waiting.append(chunk or "")
            size += len(waiting[-1])
        self.buffer = "".join(waiting)
        return self._ended

    def take(self, count: int) -> str:
        """The first characters of the buffer, which then goes on behind them."""
        part, self.buffer = self.buffer[:count], self.buffer[count:]
        return part


def _cut(reader: _Reader, limit: int, strict: bool, segmenter: Segmenter, start: int) -> int:
    """How many characters the next part has."""
    blank = list(BLANK_LINE.finditer(reader.buffer, 0, limit))
    if blank:
        return blank[-1].end()
    if not reader.buffer[:limit].strip():
        return limit
    found = segmenter(reader.buffer)
    # Where more is to come, it may still belong to the last word and sentence.
    surely = None if reader.fill(0) else -1
    sentences = [sentence.end for sentence in found][:surely]
    words = [token.end for sentence in found for token in sentence.tokens][:surely]
    for ends in (sentences, words):
        fitting = [end for end in ends if end <= limit]
        if fitting:
            return fitting[-1]
    if strict:
        blank_before = found[0].start
        if blank_before:  # without it the word may fit
            return blank_before
        raise DataError(
            "a word is longer than a part may be",
            where=f"character {start + found[0].start}",
            expected=f"at most {limit:,} characters",
            got=f"{found[0].tokens[0].text[:20]!r}...",
            remedy="allow more characters",
        )
    return _first_word_end(reader, segmenter)


def _first_word_end(reader: _Reader, segmenter: Segmenter) -> int:
    """Where the first word ends, however much has to be read to know."""
    while True:
        ended = reader.fill(2 * len(reader.buffer))
        found = segmenter(reader.buffer)
        end = found[0].tokens[0].end
        if ended or end <= len(reader.buffer) // 2:
            return end


def widened(parts: Iterable[Passage], words: int) -> Iterator[tuple[Passage, Document]]:
    """Each part, and a document that has up to so many words of its neighbours around it.

    A model that sees neighbouring sentences sees them across the parts' borders then. The words
    of the part before are the document's first sentence, those of the part behind its last; either
    may have no words. `narrowed` takes them off again.
    """
    waiting = iter(parts)
    before: Passage | None = None
    current = next(waiting, None)
    while current is not None:
        after = next(waiting, None)
        lead = Sentence(tuple(before.document.tokens)[-words:] if before else ())
        trail = Sentence(tuple(after.document.tokens)[:words] if after else ())
        text = before.document.text[lead.start :] if before and lead.tokens else ""
        end = len(text) + len(current.document.text)
        sentences = (
            shifted(lead, -lead.start),
            *(shifted(sentence, len(text)) for sentence in current.document.sentences),
            shifted(trail, end),
        )
        text += current.document.text + (after.document.text[: trail.end] if after else "")
        yield current, Document(text, sentences)
        before, current = current, after


def narrowed(tagged: Document, part: Passage) -> Document:
    """A part of what `widened` gave, tagged, without the words of its neighbours."""
    inner = tagged.sentences[1:-1]
    if not inner:
        return part.document
    begin = inner[0].start - part.document.sentences[0].start
    length = len(part.document.text)
    entities = tuple(
        replace(e, start=e.start - begin, end=e.end - begin)
        for e in tagged.entities
        if begin <= e.start and e.end <= begin + length
    )
    sentences = tuple(shifted(sentence, -begin) for sentence in inner)
    return Document(part.document.text, sentences, entities)
