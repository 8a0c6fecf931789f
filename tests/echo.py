"""Stands in for a model: marks capitalised words, or finds nothing, without a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from posner.document import Document
from posner.folder import Manifest
from posner.recipe import Recipe
from posner.tagger import Tagger


class Echo(Tagger):
    """Finds each capitalised word, or nothing.

    Args:
        finds: whether it finds anything.
        stop: after so many documents it is stopped, as if by a signal.
    """

    def __init__(self, *, finds: bool = False, stop: int | None = None) -> None:
        self.manifest = Manifest(recipe=Recipe(), labels=("CAP",), window=512)
        self._finds = finds
        self._stop = stop

    def pipe(self, texts: Iterable[str | Document]) -> Iterator[Document]:
        for number, text in enumerate(texts):
            if number == self._stop:
                raise KeyboardInterrupt
            assert isinstance(text, Document)
            yield from self.tag([text])

    def find(self, documents: Sequence[Document]) -> list[Document]:
        return [self._tagged(document) if self._finds else document for document in documents]

    def _tagged(self, document: Document) -> Document:
        return document.with_entities(
            document.entity(t.start, t.end, "CAP", 0.5)
            for t in document.tokens
            if t.text[0].isupper()
        )
