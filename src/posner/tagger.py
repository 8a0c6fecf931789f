"""What every system that finds entities can do: texts, streams and Documents in, Documents out.

A system says only how it finds entities in Documents; everything else that a user calls is here,
once: streams, texts, and the steps that follow what was found (`posner.postprocess`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import overload

from posner.document import Document
from posner.folder import Manifest
from posner.segment import segment

CHUNK_WORDS = 20_000
"""Words that `pipe` gathers before it computes, to sort them by length."""

Step = Callable[[Document], Document]
"""Changes what was found in a document: a lexicon's corrections, a threshold. Words stay."""


class Tagger(ABC):
    """A system that finds entities in Documents.

    Attributes:
        manifest: what the model is.
        steps: what becomes of that which it finds, one after the other.
    """

    manifest: Manifest
    steps: tuple[Step, ...] = ()

    @abstractmethod
    def find(self, documents: Sequence[Document]) -> list[Document]:
        """Tag the words of documents; entities, and the tags of other heads, are replaced."""

    def tag(self, documents: Sequence[Document]) -> list[Document]:
        """What the system finds in documents, after all steps."""
        found = self.find(documents)
        for step in self.steps:
            found = [step(document) for document in found]
        return found

    @overload
    def __call__(self, texts: str) -> Document: ...  # type: ignore[overload-overlap]

    @overload
    def __call__(self, texts: Sequence[str]) -> list[Document]: ...

    def __call__(self, texts: str | Sequence[str]) -> Document | list[Document]:
        """Tag a text, or several; the answers come in the order of the texts."""
        if isinstance(texts, str):
            return self.tag([segmented(texts)])[0]
        return list(self.pipe(texts))

    def pipe(self, texts: Iterable[str | Document]) -> Iterator[Document]:
        """Tag a stream, a bounded number of words at a time, in order.

        A Document keeps its own words; a text is segmented.
        """
        chunk: list[Document] = []
        words = 0
        for text in texts:
            document = segmented(text) if isinstance(text, str) else text
            chunk.append(document)
            words += document.word_count + 1  # a stream of empty texts must flow too
            if words >= CHUNK_WORDS:
                yield from self.tag(chunk)
                chunk, words = [], 0
        yield from self.tag(chunk)


def segmented(text: str) -> Document:
    """A raw text as a Document with sentences and words."""
    return Document(text, segment(text))
