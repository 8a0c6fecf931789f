"""What every system that finds entities can do: texts, streams and Documents in, Documents out.

A system says only how it finds entities in Documents; everything else that a user calls is here,
once: streams, texts, and the steps that follow what was found (`posner.postprocess`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from time import monotonic
from typing import Any, Protocol, overload

from posner.collector import collector_paused
from posner.document import Document
from posner.errors import DataError, UsageError
from posner.segment import Segmenter, segment
from posner.segment.passages import Passage, narrowed, passages, widened

CHUNK_WORDS = 10_000
"""Words that `pipe` gathers before it computes, to sort them by length."""

CHUNK_CHARACTERS = 200_000
"""Characters that it gathers at most: words may be long, and texts may have none."""

CHUNK_SECONDS = 0.5
"""How long it waits, in all, for texts to come before it computes those that came."""

Step = Callable[[Document], Document]
"""Changes what was found in a document: a lexicon's corrections, a threshold. Words stay."""


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
        steps: what becomes of that which it finds, one after the other.
        segmenter: finds the sentences and words of raw text.
        margin: words of neighbouring sentences on each side that a sentence's tags depend on.
        ahead: chunks of words that `pipe` has begun beyond the one that it waits for.
    """

    manifest: ModelFacts
    steps: tuple[Step, ...] = ()
    segmenter: Segmenter = segment
    margin: int = 0
    ahead: int = 0

    def __repr__(self) -> str:
        return f"{type(self).__name__}(labels {' '.join(self.manifest.labels)})"

    @abstractmethod
    def find(self, documents: Sequence[Document]) -> list[Document]:
        """Tag the words of documents; entities, and the tags of other heads, are replaced."""

    def begin(self, documents: Sequence[Document]) -> Callable[[], list[Document]]:
        """Start to find; the function that is returned waits for what `find` gives.

        By default nothing happens before it is called.
        """
        return lambda: self.find(documents)

    def tag(self, documents: Sequence[Document]) -> list[Document]:
        """What the system finds in documents, after all steps."""
        return self._stepped(self.find(documents))

    @collector_paused()
    def _finished(self, finish: Callable[[], list[Document]]) -> list[Document]:
        return self._stepped(finish())

    def _stepped(self, found: list[Document]) -> list[Document]:
        for step in self.steps:
            found = [step(document) for document in found]
        return found

    @overload
    def __call__(self, texts: str) -> Document: ...  # type: ignore[overload-overlap]

    @overload
    def __call__(self, texts: Sequence[str]) -> list[Document]: ...

    def __call__(self, texts: str | Sequence[str]) -> Document | list[Document]:
        """Tag a text, or several; the answers come in the order of the texts.

        Raises:
            UsageError: this is neither.
            DataError: an item is neither a text nor a Document.
        """
        if isinstance(texts, str):
            return self.tag([segmented(texts, self.segmenter)])[0]
        given: object = texts
        if isinstance(given, bytes) or not isinstance(given, Iterable):
            raise UsageError("a text or a list of texts is wanted", got=type(given).__name__)
        return list(self.pipe(texts))

    def predict(self, texts: Iterable[str | Document]) -> list[Document]:
        """What `pipe` gives, in a list; by the name that scikit-learn's users expect.

        Raises:
            UsageError, DataError: as `pipe`.
        """
        return list(self.pipe(texts))

    def pipe(self, texts: Iterable[str | Document]) -> Iterator[Document]:
        """Tag a stream, a bounded number of words at a time, in order.

        A Document keeps its own words; a text is segmented. Chunks of `CHUNK_WORDS` are sorted by
        length inside; while one is computed the next is read, and no more than that. A source that
        was waited for gets its answers at once, before it is asked for more.

        Raises:
            UsageError: this is one text, or nothing that texts come from.
            DataError: an item is neither a text nor a Document; raised where it comes.
        """
        if isinstance(texts, str | bytes) or not isinstance(texts, Iterable):
            raise UsageError(
                "a stream of texts is wanted",
                where="pipe",
                expected="an iterable of str",
                got=type(texts).__name__,
                remedy="give one text in a list, or call the model itself with it",
            )
        return self._piped(texts)

    def _piped(self, texts: Iterable[str | Document]) -> Iterator[Document]:
        begun: deque[Callable[[], list[Document]]] = deque()
        for chunk in _chunks(texts, self.segmenter):
            with collector_paused():
                begun.append(self.begin(chunk.documents))
            while len(begun) > (0 if chunk.is_live else self.ahead):
                yield from self._finished(begun.popleft())
        for finish in begun:
            yield from self._finished(finish)

    def stream(self, text: str | Iterable[str]) -> Iterator[Passage]:
        """Tag one text of any length, part by part, in memory that does not grow with it.

        Parts end at blank lines where there are any within their 65,536 characters, and the words
        around a part are seen where the model sees neighbouring sentences; so the parts' entities
        are those of the whole text, but for words repeated in other parts: what a text says of
        them is shared within a part (`data.repeats`). Where sentences share windows (`data.pack`),
        a part's windows begin anew with it, so that a sentence may share its window with others
        than in the whole text; then entities differ here and there.

        Args:
            text: the text, or pieces of it as they are read.

        Yields:
            each part with its entities; `Passage.entities` count characters of the whole text.
        """
        waiting: deque[Passage] = deque()

        def documents() -> Iterator[Document]:
            parts = passages(text, segmenter=self.segmenter)
            if not self.margin:
                for part in parts:
                    waiting.append(part)
                    yield part.document
                return
            for part, document in widened(parts, self.margin):
                waiting.append(part)
                yield document

        for tagged in self.pipe(documents()):
            part = waiting.popleft()
            yield replace(part, document=narrowed(tagged, part) if self.margin else tagged)


def segmented(text: str, segmenter: Segmenter = segment) -> Document:
    """A raw text as a Document with sentences and words."""
    return Document(text, segmenter(text))


class _Chunk:
    """Documents that are computed together.

    Attributes:
        documents: they, in order.
        is_live: whether their source was waited for, so that what comes next may come late.
    """

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.is_live = False
        self._words = 0
        self._characters = 0
        self._waited = 0.0

    def add(self, document: Document, waited: float) -> None:
        """Add a document that took so many seconds to come."""
        self.documents.append(document)
        self._words += document.word_count + 1  # a stream of empty texts must flow too
        self._characters += len(document.text)  # as must one of blanks, or of endless words
        self._waited += waited
        self.is_live = self._waited >= CHUNK_SECONDS

    @property
    def is_full(self) -> bool:
        """Whether it is time to compute."""
        enough = self._words >= CHUNK_WORDS or self._characters >= CHUNK_CHARACTERS
        return enough or self.is_live


def _chunks(texts: Iterable[str | Document], segmenter: Segmenter) -> Iterator[_Chunk]:
    """Runs of documents, each as long as `_Chunk` says."""
    chunk, asked = _Chunk(), monotonic()
    for number, text in enumerate(texts, 1):
        waited = monotonic() - asked
        chunk.add(_document(text, segmenter, number), waited)
        if chunk.is_full:
            yield chunk
            chunk = _Chunk()
        asked = monotonic()
    if chunk.documents:
        yield chunk


def _document(text: str | Document, segmenter: Segmenter, number: int) -> Document:
    if isinstance(text, str):
        return segmented(text, segmenter)
    if isinstance(text, Document):
        return text
    raise DataError(
        "not a text", where=f"item {number}", expected="str or Document", got=type(text).__name__
    )
