"""Flat F1: each word's tag counts by itself, as sklearn-crfsuite's `flat_f1_score` has it.

Published NER results often use it; it is kinder than strict F1, above all with `O` counted. Tags
are compared in IOB2 whatever scheme the data use, so that the figure does not depend on the scheme.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum

from posner.errors import DataError
from posner.evaluation.counts import Counts, add_by_key, counts_by_key
from posner.schemes import OUTSIDE, SCHEMES, Span, spans_to_tags


@dataclass(frozen=True, slots=True)
class FlatScore:
    """Counts of words for each tag that occurs in the gold data or among the predictions."""

    tags: Mapping[str, Counts] = field(default_factory=dict)

    def __add__(self, other: FlatScore) -> FlatScore:
        return FlatScore(add_by_key(self.tags, other.tags))

    def micro(self, *, with_o: bool) -> float:
        """F1 over all tags together; with `O` this is the share of words tagged rightly."""
        return sum(self._counts(with_o), Counts()).f1

    def weighted(self, *, with_o: bool) -> float:
        """The mean of the tags' F1, each weighted by its number of gold words."""
        counts = self._counts(with_o)
        support = sum(c.gold for c in counts)
        return fsum(c.f1 * c.gold for c in counts) / support if support else 0.0

    def to_json(self) -> dict[str, float]:
        """The four readings under their names."""
        return {
            "micro_with_o": self.micro(with_o=True),
            "micro_without_o": self.micro(with_o=False),
            "weighted_with_o": self.weighted(with_o=True),
            "weighted_without_o": self.weighted(with_o=False),
        }

    def _counts(self, with_o: bool) -> list[Counts]:
        return [counts for tag, counts in self.tags.items() if with_o or tag != OUTSIDE]


def flat_tags(sentences: Iterable[tuple[Sequence[str], Sequence[str]]]) -> FlatScore:
    """Count the words of sentences by gold and predicted tag.

    The tags are compared as they stand; `flat_spans` is the way from any scheme.

    Raises:
        DataError: a sentence with another number of predicted tags than of gold tags.
    """
    gold_by_tag: Counter[str] = Counter()
    predicted_by_tag: Counter[str] = Counter()
    correct_by_tag: Counter[str] = Counter()
    for gold, predicted in sentences:
        if len(gold) != len(predicted):
            raise DataError(
                "a sentence has another number of predicted tags than of gold tags",
                expected=len(gold),
                got=len(predicted),
            )
        gold_by_tag.update(gold)
        predicted_by_tag.update(predicted)
        correct_by_tag.update(g for g, p in zip(gold, predicted, strict=True) if g == p)
    return FlatScore(counts_by_key(gold_by_tag, predicted_by_tag, correct_by_tag))


def flat_spans(sentences: Iterable[tuple[int, Iterable[Span], Iterable[Span]]]) -> FlatScore:
    """Count the words of sentences by gold and predicted IOB2 tag.

    Args:
        sentences: for each sentence its number of words, its gold spans and its predicted spans.

    Raises:
        SchemeError: spans that overlap or leave their sentence: no tag can say so.
    """
    iob2 = SCHEMES["IOB2"]
    return flat_tags(
        (spans_to_tags(gold, length, iob2), spans_to_tags(predicted, length, iob2))
        for length, gold, predicted in sentences
    )
