"""Stands in for a model: marks capitalised words, or finds nothing, without a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from posner.document import Document
from posner.segment import Segmenter, segment


class Echo:
    """Finds each capitalised word, or nothing.

    Args:
        finds: whether it finds anything.
        stop: after so many documents it is stopped, as if by a signal.
    """

    def __init__(self, *, finds: bool = False, stop: int | None = None) -> None:
        self.manifest = None
        self.segmenter: Segmenter = segment
        self.margin = 0
        self._finds = finds
        self._stop = stop

    def pipe(self, documents: Iterable[Document]) -> Iterator[Document]:
        for number, document in enumerate(documents):
            if number == self._stop:
                raise KeyboardInterrupt
            yield self._tagged(document) if self._finds else document

    def _tagged(self, document: Document) -> Document:
        return document.with_entities(
            document.entity(t.start, t.end, "CAP", 0.5)
            for t in document.tokens
            if t.text[0].isupper()
        )
