"""Strict scoring of spans: a prediction is correct only with exactly the gold borders and label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from posner.evaluation.counts import Score, counts_by_key
from posner.schemes import Span


def score_spans(sentences: Iterable[tuple[Iterable[Span], Iterable[Span]]]) -> Score:
    """Score the predicted spans of sentences against the gold ones.

    Spans may overlap. A span given twice counts twice, so a repeated prediction is an error. The
    labels are those of the data, never those of a model: a gold label that the model does not know
    is counted as missed.

    Args:
        sentences: for each sentence its gold spans and its predicted spans, in any order.
    """
    gold_by_label: Counter[str] = Counter()
    predicted_by_label: Counter[str] = Counter()
    correct_by_label: Counter[str] = Counter()
    for gold, predicted in sentences:
        gold_spans, predicted_spans = Counter(gold), Counter(predicted)
        _count(gold_by_label, gold_spans)
        _count(predicted_by_label, predicted_spans)
        _count(correct_by_label, gold_spans & predicted_spans)
    return Score(counts_by_key(gold_by_label, predicted_by_label, correct_by_label))


def _count(by_label: Counter[str], spans: Counter[Span]) -> None:
    for span, times in spans.items():
        by_label[span.label] += times
