"""What a bootstrap draws: the documents, or their sentences where the documents are few."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from posner.document import Document, Entity
from posner.evaluation.documents import evaluate_document
from posner.evaluation.result import Evaluation
from posner.evaluation.unit_counts import LEAST_DOCUMENTS, UnitCounts


def unit_counts(
    gold: Sequence[Document],
    predicted: Sequence[Document],
    each: Sequence[Evaluation] | None = None,
) -> UnitCounts:
    """What each document, or each sentence of few documents, adds to the counts.

    Args:
        gold: documents as annotated.
        predicted: the same documents with predicted entities.
        each: their evaluations, where they are known.
    """
    pairs = list(zip(gold, predicted, strict=True))
    whole = [evaluate_document(g, p) for g, p in pairs] if each is None else each
    if len(pairs) >= LEAST_DOCUMENTS:
        return UnitCounts.of(whole)
    parts = [part for pair in pairs for part in sentence_units(*pair)]
    return UnitCounts.of(whole, [evaluate_document(g, p) for g, p in parts])


def sentence_units(gold: Document, predicted: Document) -> Iterator[tuple[Document, Document]]:
    """A document's sentences with what was found in them; those that a gold entity joins are one.

    A predicted entity counts in the unit in which it begins. If it joined sentences too, the units
    would be others for each system, and no two could be compared on them.
    """
    filled = [i for i, s in enumerate(gold.sentences) if s.tokens]
    starts = [gold.sentences[i].start for i in filled]
    if not filled:
        yield gold, predicted
        return
    reach = list(range(len(filled)))  # the last sentence that a gold entity joins to each
    for entity in gold.entities:
        first = max(bisect_right(starts, entity.start) - 1, 0)
        reach[first] = max(reach[first], bisect_left(starts, entity.end) - 1)
    borders, end = [0], reach[0]
    for place in range(1, len(filled)):
        if place > end:
            borders.append(place)
        end = max(end, reach[place])
    split = [_by_border(document, [starts[b] for b in borders]) for document in (gold, predicted)]
    for (first, last), *own in zip(pairwise([*borders, len(filled)]), *split, strict=True):
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
    split: list[list[Entity]] = [[] for _ in starts]
    for entity in document.entities:
        split[max(bisect_right(starts, entity.start) - 1, 0)].append(entity)
    return split
