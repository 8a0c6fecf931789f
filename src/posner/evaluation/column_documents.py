"""Sentences of tag columns as gold and predicted documents, for all that looks at words."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from posner.document import Document, WordRow, WordSentence, document_from_words
from posner.evaluation.columns import TaggedSentence
from posner.evaluation.pairs import DocumentPairs
from posner.schemes import SCHEMES, tags_to_spans


def column_documents(sentences: Iterable[TaggedSentence]) -> DocumentPairs:
    """The documents of a file, split where its rows say so; ill-formed tags are repaired.

    Args:
        sentences: with their words (see `read_tag_columns`).
    """
    gold, predicted = [], []
    for _, group in groupby(sentences, key=lambda sentence: sentence.document):
        own = list(group)
        gold.append(_document(own, [s.gold for s in own]))
        predicted.append(_document(own, [s.predicted for s in own]))
    return DocumentPairs(tuple(gold), tuple(predicted))


def _document(sentences: list[TaggedSentence], tags: list[tuple[str, ...]]) -> Document:
    scheme = SCHEMES["IOB2"]  # repairing ignores it
    return document_from_words(
        [
            WordSentence(
                tuple(WordRow(word) for word in sentence.words),
                tuple(tags_to_spans(own, scheme, "repair")),
                metadata=sentence.metadata,
            )
            for sentence, own in zip(sentences, tags, strict=True)
        ]
    )
