"""Limits of length: a longer text is bad, or several texts; it is never cut."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from posner.document import Document, Entity, Sentence, entity_order, shifted
from posner.errors import DataError
from posner.segment import Segmenter
from posner.segment.passages import passages
from posner.sources.item import Bad, Item, Text

Placed = TypeVar("Placed", Sentence, Entity)


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a text may be, and what happens to a longer one; it is never cut.

    Attributes:
        characters: of a text, at most.
        policy: `error`: a longer text is bad; `split`: it is several, each of which ends at a
            blank line, else with a sentence, else with a word.
    """

    characters: int
    policy: Literal["error", "split"] = "error"


def limited(items: Iterable[Item], limit: Limit, segmenter: Segmenter) -> Iterator[Iterable[Item]]:
    """What each item becomes under the limit: itself, its parts, or what is wrong with it.

    A part's metadata say which it is (`part`, from 1) and how many characters of the whole text
    stand before it (`offset`).
    """
    for item in items:
        if isinstance(item, Bad) or item.length <= limit.characters:
            yield [item]
        elif limit.policy == "error":
            yield [_too_long(item, limit)]
        elif isinstance(item.content, Document):
            yield _split_words(item, item.content, limit)
        else:
            yield _split(item, limit, segmenter)


def _too_long(item: Text, limit: Limit) -> Bad:
    error = DataError(
        "the text is too long",
        where=item.place,
        expected=f"at most {limit.characters:,} characters",
        got=f"{item.length:,}",
        remedy="allow more with --max-chars, or part it with --over-limit split",
    )
    return Bad(item.place, error, _beginning(item, limit.characters))


def _beginning(item: Text, most: int) -> str:
    """The text; of one that is not held, so many characters."""
    found = ""
    for piece in item.characters():
        found += piece
        if callable(item.content) and len(found) >= most:
            return found[:most]
    return found


def _split(item: Text, limit: Limit, segmenter: Segmenter) -> Iterator[Item]:
    found = passages(item.characters(), limit=limit.characters, strict=True, segmenter=segmenter)
    try:
        # The text is read once more for the parts, so that they are not held together.
        lengths = [len(part.document.text) for part in found]
    except DataError as error:
        where = f"{item.place}, {error.where}"
        moved = DataError(
            error.problem,
            where=where,
            expected=error.expected,
            got=error.got,
            remedy="allow more with --max-chars",
        )
        yield Bad(item.place, moved, _beginning(item, limit.characters))
        return
    start = 0
    for number, text in enumerate(_cut(item.characters(), lengths), start=1):
        metadata = {**item.metadata, "part": number, "offset": start}
        yield replace(item, content=text, length=len(text), metadata=metadata, offset=start)
        start += len(text)


def _cut(pieces: Iterable[str], lengths: Iterable[int]) -> Iterator[str]:
    """The same characters in pieces of those lengths."""
    source = iter(pieces)
    piece, place = "", 0
    for length in lengths:
        parts = [piece[place : place + length]]
        place += length
        while (missing := length - sum(map(len, parts))) > 0:
            piece, place = next(source), missing
            parts.append(piece[:missing])
        yield "".join(parts)


def _split_words(item: Text, document: Document, limit: Limit) -> Iterator[Item]:
    """Parts that end with sentences, which a text that brings its own words has, too."""
    start = 0
    parts = []
    for end in _sentence_borders(document, limit.characters):
        if end - start > limit.characters:
            error = DataError(
                "a sentence is longer than a part may be",
                where=f"{item.place}, character {start}",
                expected=f"at most {limit.characters:,} characters",
                got=f"{end - start:,}",
                remedy="allow more with --max-chars",
            )
            yield Bad(item.place, error, document.text)
            return
        parts.append((start, end))
        start = end
    # A sentence without words has no place; both are in order then, to be found without a walk.
    sentences = tuple(sentence for sentence in document.sentences if sentence.tokens)
    entities = tuple(sorted(document.entities, key=entity_order))
    ordered = replace(document, sentences=sentences, entities=entities)
    for number, (start, end) in enumerate(parts, start=1):
        own = {"part": number, "offset": start}
        part = _between(ordered, start, end)
        part = replace(part, metadata={**document.metadata, **own})
        metadata = {**item.metadata, **own}
        yield replace(item, content=part, length=end - start, metadata=metadata, offset=start)


def _sentence_borders(document: Document, most: int) -> list[int]:
    """Where parts end, each as late as fits: where a sentence begins, and at the end."""
    starts = [sentence.start for sentence in document.sentences if sentence.tokens]
    borders: list[int] = []
    begin = fitting = 0
    for place in (*starts[1:], len(document.text)):
        if place - begin > most and fitting > begin:
            borders.append(fitting)
            begin = fitting
        fitting = place
    return [*borders, len(document.text)]


def _between(document: Document, start: int, end: int) -> Document:
    """What stands between two sentences' borders, of a document whose parts are in order.

    An entity that crosses a border is left out.
    """
    sentences = _within(document.sentences, start, end)
    entities = _within(document.entities, start, end)
    return Document(
        document.text[start:end],
        tuple(shifted(sentence, -start) for sentence in sentences),
        tuple(
            replace(entity, start=entity.start - start, end=entity.end - start)
            for entity in entities
            if entity.end <= end
        ),
        document.id,
    )


def _within(ordered: Sequence[Placed], start: int, end: int) -> Sequence[Placed]:
    """Those that begin there."""
    first, last = (bisect_left(ordered, place, key=lambda one: one.start) for place in (start, end))
    return ordered[first:last]
