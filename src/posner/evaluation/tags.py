"""Scoring tags against tags, under both of seqeval's policies at once.

`default` repairs an ill-formed chunk, as conlleval does; `strict` discards it. Where all tags are
legal in the scheme, both are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from posner.errors import DataError
from posner.evaluation.counts import Counts, Score
from posner.evaluation.matching import match_spans, words_by_label
from posner.evaluation.readings import Readings
from posner.evaluation.spans import score_spans
from posner.schemes import Policy, Scheme, Span, tags_to_spans

TagPair = tuple[Sequence[str], Sequence[str]]
# Bounds what is held in memory at once where the sentences come from a stream.
_SENTENCES_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class TagScore:
    """What two columns of tags have in common.

    Attributes:
        default: ill-formed chunks repaired (conlleval, seqeval's default mode).
        strict: ill-formed chunks discarded (seqeval's strict mode).
        words: the number of words.
        words_correct: words whose two tags are the same.
        readings: spans under the default policy, matched in all ways.
    """

    default: Score = field(default_factory=Score)
    strict: Score = field(default_factory=Score)
    words: int = 0
    words_correct: int = 0
    readings: Readings = field(default_factory=Readings)

    def __add__(self, other: TagScore) -> TagScore:
        return TagScore(
            self.default + other.default,
            self.strict + other.strict,
            self.words + other.words,
            self.words_correct + other.words_correct,
            self.readings + other.readings,
        )

    @property
    def accuracy(self) -> float:
        """The share of words whose two tags are the same; 0.0 without words."""
        return self.words_correct / self.words if self.words else 0.0

    @property
    def counts(self) -> Counts:
        """All labels' counts under the default policy."""
        return self.default.micro

    def to_json(self) -> dict[str, Any]:
        """The figures of `posner score --json`; ratios are fractions from 0 to 1."""
        return {
            "default": {"micro": self.default.micro.ratios.to_json()},
            "strict": {"micro": self.strict.micro.ratios.to_json()},
            "accuracy": self.accuracy,
            "counts": self.counts.to_json(),
            "modes": self.readings.to_json(),
        }


def score_tags(
    gold: Iterable[Sequence[str]], predicted: Iterable[Sequence[str]], scheme: Scheme
) -> TagScore:
    """Score the predicted tags of sentences against the gold ones.

    Raises:
        DataError: the two differ in their number of sentences or of words in a sentence.
        SchemeError: a tag that is no tag, or whose prefix the scheme does not know.
    """
    return score_tag_pairs(_paired(gold, predicted), scheme)


def score_tag_pairs(sentences: Iterable[TagPair], scheme: Scheme) -> TagScore:
    """`score_tags` over a stream of sentences, each its gold and its predicted tags."""
    total = TagScore()
    block: list[TagPair] = []
    for sentence in sentences:
        block.append(sentence)
        if len(block) == _SENTENCES_AT_ONCE:
            total += _score_block(block, scheme)
            block = []
    return total + _score_block(block, scheme)


def _score_block(block: Sequence[TagPair], scheme: Scheme) -> TagScore:
    words = words_correct = 0
    for gold, predicted in block:
        if len(gold) != len(predicted):
            raise DataError(
                "a sentence has another number of predicted tags than of gold tags",
                expected=len(gold),
                got=len(predicted),
            )
        words += len(gold)
        words_correct += sum(g == p for g, p in zip(gold, predicted, strict=True))
    repaired = _spans(block, scheme, "repair")
    return TagScore(
        score_spans(repaired),
        score_spans(_spans(block, scheme, "strict")),
        words,
        words_correct,
        match_spans(repaired) + Readings(per_word=words_by_label(repaired)),
    )


def _spans(
    block: Sequence[TagPair], scheme: Scheme, policy: Policy
) -> list[tuple[list[Span], list[Span]]]:
    return [
        (tags_to_spans(gold, scheme, policy), tags_to_spans(predicted, scheme, policy))
        for gold, predicted in block
    ]


def _paired(gold: Iterable[Sequence[str]], predicted: Iterable[Sequence[str]]) -> Iterable[TagPair]:
    """Both in step; a plain strict `zip` would end in a `ValueError`, which no user understands."""
    gold_sentences, predicted_sentences = list(gold), list(predicted)
    if len(gold_sentences) != len(predicted_sentences):
        raise DataError(
            "another number of predicted sentences than of gold sentences",
            expected=len(gold_sentences),
            got=len(predicted_sentences),
        )
    return zip(gold_sentences, predicted_sentences, strict=True)
