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
    pairs: Counter[tuple[WordTags, WordTags]] = Counter()
    for gold, predicted in sentences:
        if len(gold) != len(predicted):
            raise DataError(
                "a sentence has another number of predicted tags than of gold tags",
                expected=len(gold),
                got=len(predicted),
            )
        pairs.update(((g,), (p,)) for g, p in zip(gold, predicted, strict=True))
    return _flat_score(pairs)


def flat_spans(sentences: Iterable[tuple[int, Iterable[Span], Iterable[Span]]]) -> FlatScore:
    """Count the words of sentences by gold and predicted IOB2 tag.

    A word in several spans counts once for each, with the tag that it has in that span.

    Args:
        sentences: for each sentence its number of words, its gold spans and its predicted spans,
            in any order.

    Raises:
        SchemeError: spans that leave their sentence.
    """
    pairs: Counter[tuple[WordTags, WordTags]] = Counter()
    for length, gold, predicted in sentences:
        pairs.update(
            zip(_tags_by_word(gold, length), _tags_by_word(predicted, length), strict=True)
        )
    return _flat_score(pairs)


WordTags = tuple[str, ...]
"""The tags of one word, sorted: `O`, or one for each span that it is in."""


def _tags_by_word(spans: Iterable[Span], length: int) -> list[WordTags]:
    iob2 = SCHEMES["IOB2"]
    found: list[WordTags] = [(OUTSIDE,)] * length
    for span in spans:
        for word, tag in enumerate(spans_to_tags([span], length, iob2)):
            if tag != OUTSIDE:
                others = found[word] if found[word] != (OUTSIDE,) else ()
                found[word] = tuple(sorted((*others, tag)))
    return found


def _flat_score(pairs: Counter[tuple[WordTags, WordTags]]) -> FlatScore:
    """From how often words have which gold and predicted tags."""
    gold_by_tag: Counter[str] = Counter()
    predicted_by_tag: Counter[str] = Counter()
    correct_by_tag: Counter[str] = Counter()
    for (gold, predicted), times in pairs.items():
        left, right = Counter(gold), Counter(predicted)
        tallies = ((gold_by_tag, left), (predicted_by_tag, right), (correct_by_tag, left & right))
        for by_tag, tags in tallies:
            for tag, count in tags.items():
                by_tag[tag] += count * times
    return FlatScore(counts_by_key(gold_by_tag, predicted_by_tag, correct_by_tag))
