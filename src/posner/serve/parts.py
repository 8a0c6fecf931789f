"""Long texts part by part, so that others are answered between, and what is late is left off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from posner.document import Document
from posner.segment.passages import Passage, narrowed, passages, widened
from posner.serve.work import Found, Place, Task
from posner.tagger import Tagger
from posner.uncertainty import likely_wrong, rated


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a text that is to be tagged now.

    Attributes:
        passage: the part; its `start` counts from where the part before it begins.
        seen: what the model is given: the part, and words around it where it sees neighbours.
        start: characters of the text that stand before the part.
        rest: where the text goes on, if it does.
    """

    passage: Passage
    seen: Document
    start: int
    rest: Place | None

    @property
    def is_widened(self) -> bool:
        """Whether there are words of neighbouring parts in `seen`."""
        return self.seen is not self.passage.document

    def own(self, tagged: Document) -> Document:
        """The part itself of `seen`, tagged."""
        return narrowed(tagged, self.passage) if self.is_widened else tagged

    def own_records(self, records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those of the records of `seen` that lie in the part, with the part's offsets."""
        if not self.is_widened:
            return list(records)
        inner = self.passage.document
        if not inner.sentences:
            return []
        begin = self.seen.sentences[1].start - inner.sentences[0].start
        end = begin + len(inner.text)
        return [
            r | {"start": r["start"] - begin, "end": r["end"] - begin}
            for r in records
            if begin <= r["start"] and r["end"] <= end
        ]


def part_of(task: Task, model: Tagger) -> Part:
    """The part at a task's place; where it ends is told by the text alone, as `Tagger.stream`."""
    place = task.place
    parts = passages(task.text[place.before :], segmenter=model.segmenter)
    if model.margin:
        both = widened(parts, model.margin)
    else:
        both = ((passage, passage.document) for passage in parts)
    passage, seen = next(both)
    if place.start > place.before:
        passage, seen = next(both)
    elif passage.last:  # the whole text has no neighbours
        seen = passage.document
    start = place.before + passage.start
    rest = None if passage.last else Place(start, start + len(passage.document.text))
    return Part(passage, seen, start, rest)


def moved(found: Found, start: int) -> Found:
    """With offsets that count from so many characters before."""
    if not start:
        return found
    return replace(
        found,
        entities=[
            e | {"start": e["start"] + start, "end": e["end"] + start} for e in found.entities
        ],
        words=None
        if found.words is None
        else [(begin + start, end + start, sentence) for begin, end, sentence in found.words],
    )


def joined(parts: Sequence[Found]) -> Found:
    """What was found in a text, of what was found in its parts."""
    if len(parts) == 1:
        return parts[0]
    return replace(
        parts[-1],
        entities=[entity for part in parts for entity in part.entities],
        word_count=sum(part.word_count for part in parts),
        raw=tuple(entity for part in parts for entity in part.raw),
        words=None if parts[-1].words is None else _joined_words(parts),
        uncertainty=None if parts[-1].uncertainty is None else _joined_uncertainty(parts),
    )


def _joined_words(parts: Sequence[Found]) -> list[tuple[int, int, int]]:
    words: list[tuple[int, int, int]] = []
    for part in parts:
        first = words[-1][2] + 1 if words else 0
        words += [(start, end, sentence + first) for start, end, sentence in part.words or ()]
    return words


def _joined_uncertainty(parts: Sequence[Found]) -> float:
    """That of the whole text, of those of its parts."""
    wrong = sum(likely_wrong(part.uncertainty or 0.0, part.word_count) for part in parts)
    return rated(wrong, sum(part.word_count for part in parts))
