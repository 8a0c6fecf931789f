"""Where a document's entities stand: their sentences, their words."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from posner.document import Document, Entity, Sentence


class Places:
    """Finds the sentence and the words of a document's entities.

    Args:
        document: its sentences; those without words are passed over.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.sentences = [s for s in document.sentences if s.tokens]
        self._starts = [s.start for s in self.sentences]

    def sentence(self, entity: Entity) -> Sentence | None:
        """The sentence in which an entity begins; None in a document without words."""
        if not self.sentences:
            return None
        return self.sentences[max(bisect_right(self._starts, entity.start) - 1, 0)]

    def words(self, entity: Entity) -> int:
        """How many words an entity touches."""
        first = max(bisect_right(self._starts, entity.start) - 1, 0)
        count = 0
        for sentence in self.sentences[first:]:
            if sentence.start >= entity.end:
                break
            tokens = sentence.tokens
            begin = bisect_right(tokens, entity.start, key=lambda t: t.end)
            count += bisect_left(tokens, entity.end, key=lambda t: t.start) - begin
        return count

    def surroundings(self, entities: Sequence[Entity]) -> tuple[int, int]:
        """First and last character (exclusive) of the sentences that hold the entities."""
        start = min(e.start for e in entities)
        end = max(e.end for e in entities)
        if not self.sentences:
            return 0, len(self.document.text)
        first = max(bisect_right(self._starts, start) - 1, 0)
        last = max(bisect_left(self._starts, end) - 1, first)
        return min(start, self.sentences[first].start), max(end, self.sentences[last].end)
