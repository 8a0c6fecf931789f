"""Scoring a document's predicted entities against its gold ones."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from posner.document import Document, Entity, sentence_spans
from posner.errors import DataError
from posner.evaluation.matching import match_spans
from posner.evaluation.result import Evaluation, JudgedSentence, evaluate_words
from posner.evaluation.spans import score_spans
from posner.schemes import Span


def evaluate_document(
    gold: Document,
    predicted: Document,
    *,
    predicted_pos: Sequence[Sequence[str]] | None = None,
    seconds: float = 0.0,
) -> Evaluation:
    """Score a document's predicted entities against its gold ones.

    Both must have the same words in the same sentences. Entities may overlap. One that no span of
    words can express (it begins inside a word, or crosses a sentence's border) still counts, by
    its characters; only the readings by word cannot hold it.

    Args:
        gold: the document as it was annotated; its words' `pos` are the gold parts of speech.
        predicted: the same document with predicted entities.
        predicted_pos: predicted parts of speech by sentence and word. They are asked for here
            because the predicted document may well carry the gold ones along.
        seconds: wall time of the prediction.

    Raises:
        DataError: the two documents do not have the same words.
    """
    if gold.text != predicted.text or _word_places(gold) != _word_places(predicted):
        raise DataError(
            "the predicted document has other words than the gold document",
            where=f"document {gold.id}" if gold.id else None,
            remedy="predict over the gold document's own words",
        )
    gold_spans, predicted_spans = sentence_spans(gold), sentence_spans(predicted)
    pos = predicted_pos if predicted_pos is not None else [()] * len(gold.sentences)
    if len(pos) != len(gold.sentences):
        raise DataError(
            "parts of speech for another number of sentences",
            expected=len(gold.sentences),
            got=len(pos),
        )
    inside = evaluate_words(
        [
            JudgedSentence(len(s), g, p, [t.pos for t in s.tokens], q)
            for s, g, p, q in zip(
                gold.sentences, gold_spans.spans, predicted_spans.spans, pos, strict=True
            )
        ],
        seconds=seconds,
    )
    misaligned = score_spans(
        [(character_spans(gold_spans.misaligned), character_spans(predicted_spans.misaligned))]
    )
    matched = match_spans([(character_spans(gold.entities), character_spans(predicted.entities))])
    return inside + Evaluation(strict=misaligned, readings=matched)


@dataclass(frozen=True)
class ScoringUnits:
    """What a bootstrap draws: a gold part and a predicted part of the data each.

    Attributes:
        unit: `documents`, or `sentences` where the data are one document.
        pairs: gold and predicted.
    """

    unit: Literal["documents", "sentences"]
    pairs: tuple[tuple[Document, Document], ...]


def scoring_units(gold: Sequence[Document], predicted: Sequence[Document]) -> ScoringUnits:
    """The documents, or a lone document's sentences; those that an entity joins are one unit.

    Raises:
        DataError: not as many predicted documents as gold ones.
    """
    if len(gold) != len(predicted):
        raise DataError(
            "another number of predicted documents than of gold documents",
            expected=len(gold),
            got=len(predicted),
        )
    if len(gold) == 1:
        return ScoringUnits("sentences", tuple(_sentence_units(gold[0], predicted[0])))
    return ScoringUnits("documents", tuple(zip(gold, predicted, strict=True)))


def _sentence_units(gold: Document, predicted: Document) -> Iterable[tuple[Document, Document]]:
    filled = [i for i, s in enumerate(gold.sentences) if s.tokens]
    starts = [gold.sentences[i].start for i in filled]
    if not filled:
        yield gold, predicted
        return
    reach = list(range(len(filled)))  # the last sentence that an entity joins to each
    for entity in (*gold.entities, *predicted.entities):
        first = max(bisect_right(starts, entity.start) - 1, 0)
        reach[first] = max(reach[first], bisect_left(starts, entity.end) - 1)
    borders, end = [0], reach[0]
    for place in range(1, len(filled)):
        if place > end:
            borders.append(place)
        end = max(end, reach[place])
    parted = [_by_border(document, [starts[b] for b in borders]) for document in (gold, predicted)]
    for (first, last), *own in zip(pairwise([*borders, len(filled)]), *parted, strict=True):
        kept = filled[first:last]
        left, right = (
            replace(
                document,
                sentences=tuple(document.sentences[i] for i in kept),
                entities=tuple(entities),
            )
            for document, entities in zip((gold, predicted), own, strict=True)
        )
        yield left, right


def _by_border(document: Document, starts: Sequence[int]) -> list[list[Entity]]:
    """A document's entities by the unit in which they begin."""
    parted: list[list[Entity]] = [[] for _ in starts]
    for entity in document.entities:
        parted[max(bisect_right(starts, entity.start) - 1, 0)].append(entity)
    return parted


def _word_places(document: Document) -> list[list[tuple[int, int]]]:
    return [[(t.start, t.end) for t in sentence.tokens] for sentence in document.sentences]


def character_spans(entities: Iterable[Entity]) -> list[Span]:
    """Entities as spans of characters."""
    return [Span(entity.start, entity.end, entity.label) for entity in entities]
