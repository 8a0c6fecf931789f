"""Entities that corpora may hold and tags of words cannot: sharing words, or off their borders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from posner.corpus.container import Corpus
from posner.document import Document, Entity, Sentence, sentence_spans, snap_to_words
from posner.schemes import Span


@dataclass(frozen=True)
class SharedWords:
    """Two entities of a document that share words.

    Attributes:
        document: its id, or its beginning where it has none.
        first: the one that begins first, with its label.
        second: the other one.
    """

    document: str
    first: str
    second: str

    def line(self) -> str:
        """The whole of it on one line."""
        return " ".join(f"{self.document}: {self.second} over {self.first}".split())

    def to_json(self) -> dict[str, str]:
        """As JSON holds it."""
        return asdict(self)


def shared_words(corpus: Corpus) -> list[SharedWords]:
    """Each entity that shares words with one before it, and the one that it shares them with."""
    return [pair for document in corpus.documents for pair in _of_document(document)]


def flat(corpus: Corpus) -> tuple[Corpus, int]:
    """The corpus with no two entities that share words, and how many were left out.

    Of those that do, the longest stays; of equally long ones the first.
    """
    return _changed(corpus, _flat_document)


def on_words(corpus: Corpus) -> tuple[Corpus, int]:
    """The corpus with entities on the borders of words, and how many were off them.

    These are widened to whole words; one that touches no word is left out.
    """
    misaligned = sum(len(sentence_spans(document).misaligned) for document in corpus.documents)
    found, _ = _changed(corpus, _document_on_words) if misaligned else (corpus, 0)
    return found, misaligned


def _changed(corpus: Corpus, change: Callable[[Document], Document]) -> tuple[Corpus, int]:
    """The changed documents, and how many entities they lost."""
    documents = tuple(change(document) for document in corpus.documents)
    before, after = (sum(len(d.entities) for d in found) for found in (corpus.documents, documents))
    return replace(corpus, documents=documents), before - after


def _document_on_words(document: Document) -> Document:
    off = sentence_spans(document).misaligned
    if not off:
        return document
    kept = [snap_to_words(document, e) if e in off else e for e in document.entities]
    return document.with_entities([entity for entity in kept if entity is not None])


def _flat_document(document: Document) -> Document:
    kept: list[Entity] = []
    for entity in sorted(document.entities, key=lambda e: (e.start - e.end, e.start)):
        if not any(entity.start < other.end and other.start < entity.end for other in kept):
            kept.append(entity)
    if len(kept) == len(document.entities):
        return document
    return document.with_entities(sorted(kept, key=lambda e: e.start))


def _of_document(document: Document) -> list[SharedWords]:
    name = document.id or repr(document.text[:30])
    found = []
    for sentence, spans in zip(document.sentences, sentence_spans(document).spans, strict=True):
        widest: Span | None = None
        for span in spans:
            if widest is not None and span.word_start < widest.word_end:
                pair = (_named(document, sentence, widest), _named(document, sentence, span))
                found.append(SharedWords(name, *pair))
            if widest is None or span.word_end > widest.word_end:
                widest = span
    return found


def _named(document: Document, sentence: Sentence, span: Span) -> str:
    start = sentence.tokens[span.word_start].start
    end = sentence.tokens[span.word_end - 1].end
    return f"{span.label} {document.text[start:end][:40]!r}"
