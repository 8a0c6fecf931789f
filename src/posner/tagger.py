"""What every system that finds entities can do: texts, streams and Documents in, Documents out.

A system says only how it tags Documents; everything else that a user calls is here, once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, overload

from posner.document import Document
from posner.segment import segment

CHUNK_WORDS = 20_000
"""Words that `pipe` gathers before it computes, to sort them by length."""


class ModelFacts(Protocol):
    """What every model says of itself."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Entity labels, such as `PER`."""

    @property
    def pos_tags(self) -> tuple[str, ...]:
        """Part-of-speech tags that it predicts; empty where it predicts none."""

    @property
    def chunk_tags(self) -> tuple[str, ...]:
        """Chunk tags that it predicts; empty where it predicts none."""

    @property
    def figures(self) -> dict[str, Any]:
        """What its training measured."""


class Tagger(ABC):
    """A system that finds entities in Documents.

    Attributes:
        manifest: what the model is.
    """

    manifest: ModelFacts

    @abstractmethod
    def tag(self, documents: Sequence[Document]) -> list[Document]:
        """Tag the words of documents; entities, and the tags of other heads, are replaced."""

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
