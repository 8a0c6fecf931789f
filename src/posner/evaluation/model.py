"""Scoring a recogniser on a labelled corpus."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from posner.corpus.words import resegmented
from posner.document import Document
from posner.errors import DataError
from posner.evaluation.documents import evaluate_document
from posner.evaluation.result import Evaluation
from posner.tagger import Tagger


def as_read_by(tagger: Tagger, documents: Sequence[Document]) -> list[Document]:
    """Gold documents with the words that a model finds in them; see `resegmented`.

    Whatever scores a model goes through here first, so that all figures are of the same words.
    """
    return [resegmented(document, tagger.segmenter) for document in documents]


def with_labels(documents: Sequence[Document], labels: Sequence[str]) -> list[Document]:
    """Documents with the entities of some labels; with all where none is named."""
    wanted = frozenset(labels)
    if not wanted:
        return list(documents)
    return [
        replace(document, entities=tuple(e for e in document.entities if e.label in wanted))
        for document in documents
    ]


def timed_tagging(tagger: Tagger, documents: Sequence[Document]) -> tuple[list[Document], float]:
    """The documents as a model tags them, and the seconds that this took."""
    begin = time.perf_counter()
    tagged = list(tagger.pipe(documents))
    return tagged, time.perf_counter() - begin


def evaluate_documents(tagger: Tagger, documents: Sequence[Document]) -> Evaluation:
    """Tag the words of gold documents and score what was found."""
    documents = as_read_by(tagger, documents)
    tagged, seconds = timed_tagging(tagger, documents)
    evaluation = score_documents(documents, tagged, bool(tagger.manifest.pos_tags))
    return evaluation + Evaluation(seconds=seconds)


def score_documents(
    gold: Sequence[Document], tagged: Sequence[Document], has_pos: bool
) -> Evaluation:
    """Score tagged documents against gold ones with the same words."""
    return sum(evaluate_each(gold, tagged, has_pos), Evaluation())


def evaluate_each(
    gold: Sequence[Document], tagged: Sequence[Document], has_pos: bool
) -> Iterator[Evaluation]:
    """Each tagged document's evaluation; `has_pos`: its parts of speech were predicted.

    Raises:
        DataError: not as many tagged documents as gold ones.
    """
    if len(gold) != len(tagged):
        raise DataError(
            "another number of predicted documents than of gold documents",
            expected=len(gold),
            got=len(tagged),
        )
    for truth, found in zip(gold, tagged, strict=True):
        pos = [[t.pos or "" for t in s.tokens] for s in found.sentences] if has_pos else None
        yield evaluate_document(truth, found, predicted_pos=pos)
