"""From a corpus's entities to the tags that a system learns: which labels, B and I or one tag."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from posner.corpus import Corpus
from posner.document import Document, sentence_spans
from posner.errors import DataError
from posner.evaluation.model import with_labels
from posner.schemes import OUTSIDE, SCHEMES, Span, spans_to_tags


def tag_set(labels: Iterable[str], *, merge: bool) -> tuple[str, ...]:
    """All tags of a label set; merged, a label has one tag, and every order of tags is legal."""
    if merge:
        return (OUTSIDE, *(f"I-{label}" for label in labels))
    return SCHEMES["IOB2"].tags(labels)


def gold_tags(document: Document, *, merge: bool) -> list[tuple[str, ...]]:
    """The tags of a document's words, sentence by sentence.

    Raises:
        SchemeError: entities that overlap.
    """
    return [
        _merged(spans, len(sentence))
        if merge
        else tuple(spans_to_tags(spans, len(sentence), SCHEMES["IOB2"]))
        for sentence, spans in zip(document.sentences, sentence_spans(document).spans, strict=True)
    ]


def _merged(spans: Sequence[Span], length: int) -> tuple[str, ...]:
    tags = [OUTSIDE] * length
    for start, end, label in spans:
        tags[start:end] = [f"I-{label}"] * (end - start)
    return tuple(tags)


def only_labels(corpus: Corpus, kept: Sequence[str], *, known: Iterable[str] = ()) -> Corpus:
    """The corpus with the entities of some labels; with all where none is named.

    Args:
        corpus: whose entities are chosen.
        kept: the labels.
        known: labels that it may lack, since a model or another corpus has them.

    Raises:
        DataError: no entity has one of the labels, or has any of them.
    """
    if not kept:
        return corpus
    missing = [label for label in kept if label not in corpus.labels]
    unknown = [label for label in missing if label not in set(known)]
    if unknown or len(missing) == len(kept):
        raise DataError(
            "holds no entity of these labels",
            where=corpus.path,
            expected=f"some of {' '.join(corpus.labels)}",
            got=" ".join(unknown or missing),
        )
    return replace(corpus, documents=tuple(with_labels(corpus.documents, kept)))
