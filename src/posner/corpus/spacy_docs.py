"""spaCy's `Doc`, and files of them (`DocBin`, `.spacy`), to Documents and back.

A Doc's words stay its words, but for those of white space alone, which are none here. Entities are
its `ents` and the spans of its span groups, each once; they may overlap.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from posner.corpus.container import Corpus, Layout
from posner.corpus.files import plain_suffix
from posner.corpus.problem import Problem
from posner.corpus.tagged import Losses
from posner.corpus.words import by_segmentation
from posner.document import Document, Entity, Sentence, Token, entity_order
from posner.errors import DataError
from posner.extras import needs_extra
from posner.files import write_bytes

SUFFIX = ".spacy"
SPANS_KEY = "sc"
"""The span group that spaCy's own span categoriser uses; overlapping entities are written to it."""
SCORE = "score"
"""The extension attribute of spans (`span._.score`) that holds a score."""
CHANGED = ("corrected", "similarity", "changes")
"""Those that hold what a lexicon and other steps made of an entity, named as `Entity` does."""


def spacy_module() -> Any:
    """The spacy package, with the attributes for scores and changes made known to it.

    Raises:
        MissingExtraError: it is not installed.
    """
    with needs_extra("reading and writing spaCy's documents", "spacy"):
        import spacy
    for name in (SCORE, *CHANGED):
        if not spacy.tokens.Span.has_extension(name):
            spacy.tokens.Span.set_extension(name, default=None)
    return spacy


def document_from_doc(doc: Any, *, id: str | None = None) -> Document:
    """A Document with a Doc's words, sentences, fine-grained tags and entities.

    Where the Doc has no sentences, segmentation parts its words.

    Args:
        doc: a `spacy.tokens.Doc`.
        id: the Document's id.
    """
    text = doc.text
    spacy_module()
    if doc.has_annotation("SENT_START"):
        groups = [tuple(_tokens(sentence)) for sentence in doc.sents]
        sentences = tuple(Sentence(tokens) for tokens in groups if tokens)
    else:
        sentences = by_segmentation(text, list(_tokens(doc)))
    found: dict[tuple[int, int, str], Entity] = {}
    for span in chain(doc.ents, *doc.spans.values()):
        entity = _entity(span)
        if entity is not None:
            found.setdefault((entity.start, entity.end, entity.label), entity)
    metadata = {"cats": dict(doc.cats)} if doc.cats else {}
    entities = tuple(sorted(found.values(), key=entity_order))
    return Document(text, sentences, entities, id, metadata)


def _tokens(words: Any) -> Iterator[Token]:
    """The words of a Doc or a Span that are not white space."""
    for token in words:
        if token.text.strip():  # `is_space` needs a language
            tag = token.tag_ or token.pos_ or None
            yield Token(token.text, token.idx, token.idx + len(token.text), tag)


def _entity(span: Any) -> Entity | None:
    if span.start_char >= span.end_char:
        return None
    score = span._.get(SCORE)
    return Entity(
        span.start_char,
        span.end_char,
        span.label_,
        span.text,
        float(score) if isinstance(score, int | float) else None,
        {"kb_id": span.kb_id_} if span.kb_id_ else {},
        id=span.id_ or None,
    )


def doc_from_document(document: Document, vocab: Any, losses: Losses | None = None) -> Any:
    """A `spacy.tokens.Doc` with a Document's words, text, sentences and entities.

    Entities that do not overlap are its `ents`; where some do, all are in the span group `sc`.

    Args:
        document: what to write.
        vocab: the vocabulary that the Doc shall share.
        losses: counts what a Doc cannot hold.

    Raises:
        DataError: the text holds a lone surrogate, which spaCy cannot store.
        MissingExtraError: spaCy is not installed.
    """
    spacy = spacy_module()
    words, spaces, tags, begins = _columns(document)
    try:
        doc = spacy.tokens.Doc(vocab, words=words, spaces=spaces, tags=tags, sent_starts=begins)
    except UnicodeEncodeError as error:
        raise DataError(
            "a lone surrogate, which spaCy cannot store",
            where=f"document {document.id}" if document.id else None,
            got=f"character {error.start} of a word",
        ) from error
    if doc.text != document.text:
        raise AssertionError("spaCy's text is not the document's")
    spans = [span for entity in document.entities if (span := _span(doc, entity, losses))]
    if len(spacy.util.filter_spans(spans)) == len(spans):
        doc.set_ents(spans, default="outside")
    else:
        doc.set_ents([], default="outside")
        doc.spans[SPANS_KEY] = spans
    cats = document.metadata.get("cats")
    if isinstance(cats, dict):
        doc.cats = dict(cats)
    return doc


def _span(doc: Any, entity: Entity, losses: Losses | None) -> Any:
    span = doc.char_span(
        entity.start,
        entity.end,
        label=entity.label,
        kb_id=str(entity.metadata.get("kb_id", "")),
        span_id=entity.id or "",
        alignment_mode="expand",
    )
    if (span.start_char, span.end_char) != (entity.start, entity.end) and losses is not None:
        losses.add("{n} entities off the words' borders are changed to whole words")
    if entity.score is not None:
        span._.set(SCORE, entity.score)
    return span


def _columns(
    document: Document,
) -> tuple[list[str], list[bool], list[str], list[bool]]:
    """Words, whether a space follows, tags, and whether a sentence begins, as a Doc wants them.

    A Doc's text is its words with single spaces: all else between words becomes words of its own.
    """
    words: list[str] = []
    spaces: list[bool] = []
    tags: list[str] = []
    begins: list[bool] = []

    def gap(start: int, end: int) -> None:
        between = document.text[start:end]
        if words and between.startswith(" "):
            spaces[-1] = True
            between = between[1:]
        if between:
            add(between, "", begin=not words)

    def add(word: str, tag: str, *, begin: bool) -> None:
        words.append(word)
        spaces.append(False)
        tags.append(tag)
        begins.append(begin)

    place = 0
    for sentence in document.sentences:
        for i, token in enumerate(sentence.tokens):
            gap(place, token.start)
            add(token.text, token.pos or "", begin=i == 0)
            place = token.end
    gap(place, len(document.text))
    return words, spaces, tags, begins


def detects(path: Path, head: bytes) -> bool:
    """Whether a file is one of spaCy's, which its suffix tells."""
    del head
    return plain_suffix(path) == SUFFIX


def read_docbin(path: Path, problems: list[Problem]) -> Corpus:
    """Read a file of Docs.

    Raises:
        DataError: it is damaged or no such file.
        MissingExtraError: spaCy is not installed.
    """
    spacy = spacy_module()
    try:
        stored = spacy.tokens.DocBin().from_disk(path)
        docs = list(stored.get_docs(spacy.vocab.Vocab()))
    # zlib, msgpack and spaCy each raise errors of their own for a file that is none.
    except Exception as error:
        raise DataError(
            "not a file of spaCy's documents", where=path, expected="a DocBin", got=error
        ) from error
    documents = []
    for number, doc in enumerate(docs, 1):
        if not doc.has_annotation("ENT_IOB") and not doc.spans:
            reason = f"document {number} has neither entities nor words marked as outside of them"
            remedy = "annotate it, or set its ents to an empty list"
            problems.append(Problem(str(path), None, "no-annotation", reason, remedy))
        documents.append(document_from_doc(doc))
    return Corpus(tuple(documents), "spacy", path, Layout())


def write_docbin(corpus: Corpus, path: Path) -> list[str]:
    """Write a file of Docs, in order; returns what it could not hold.

    Raises:
        DataError: the target cannot be written, or a text holds a lone surrogate.
        MissingExtraError: spaCy is not installed.
    """
    spacy = spacy_module()
    losses = Losses("spacy")
    vocab = spacy.vocab.Vocab()
    stored = spacy.tokens.DocBin(store_user_data=True)
    for document in corpus.documents:
        losses.add("the ids of {n} documents are not held", int(document.id is not None))
        for name in document.metadata:
            if name not in ("id", "cats"):
                losses.add(f"the metadata {name!r} of {{n}} documents is not held")
        held = ("kb_id",)
        extra = sum(any(k not in held for k in e.metadata) for e in document.entities)
        losses.add("the metadata of {n} entities is not held", extra)
        chunks = sum(t.chunk is not None or bool(t.extra) for t in document.tokens)
        losses.add("the chunk tags and further columns of {n} words are not held", chunks)
        stored.add(doc_from_document(document, vocab, losses))
    write_bytes(path, stored.to_bytes())
    return losses.lines()
