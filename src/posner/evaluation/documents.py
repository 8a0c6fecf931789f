"""Scoring a document's predicted entities against its gold ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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


def _word_places(document: Document) -> list[list[tuple[int, int]]]:
    return [[(t.start, t.end) for t in sentence.tokens] for sentence in document.sentences]


def character_spans(entities: Iterable[Entity]) -> list[Span]:
    """Entities as spans of characters."""
    return [Span(entity.start, entity.end, entity.label) for entity in entities]
