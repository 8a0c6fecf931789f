"""What an evaluation of a model found, as counts that add up, and the way from sentences to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from posner.errors import DataError
from posner.evaluation.counts import Counts, Score
from posner.evaluation.flat import FlatScore, flat_spans
from posner.evaluation.matching import match_spans, words_by_label
from posner.evaluation.readings import Readings
from posner.evaluation.spans import score_spans
from posner.schemes import Span


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The counts of one evaluation; `+` gives what evaluating both sets together would give.

    Attributes:
        strict: exact spans with exact labels.
        flat: words by gold and predicted IOB2 tag.
        pos_correct: words whose predicted part of speech is the gold one.
        pos_total: words with a gold and a predicted part of speech; 0 where the corpus or the
            model knows none.
        words: all words.
        seconds: wall time of the prediction; 0 where it was not measured.
        readings: spans matched strictly, exactly, partially and by type, and words by label.
    """

    strict: Score = field(default_factory=Score)
    flat: FlatScore = field(default_factory=FlatScore)
    pos_correct: int = 0
    pos_total: int = 0
    words: int = 0
    seconds: float = 0.0
    readings: Readings = field(default_factory=Readings)

    def __add__(self, other: Evaluation) -> Evaluation:
        return Evaluation(
            self.strict + other.strict,
            self.flat + other.flat,
            self.pos_correct + other.pos_correct,
            self.pos_total + other.pos_total,
            self.words + other.words,
            self.seconds + other.seconds,
            self.readings + other.readings,
        )

    @property
    def pos_accuracy(self) -> float | None:
        """The share of parts of speech that are right; None where none is known."""
        return self.pos_correct / self.pos_total if self.pos_total else None

    @property
    def words_per_second(self) -> float | None:
        """Words by wall time; None where the time was not measured."""
        return self.words / self.seconds if self.seconds > 0 else None

    @property
    def counts(self) -> Counts:
        """All labels' strict counts."""
        return self.strict.micro

    def to_json(self) -> dict[str, Any]:
        """The figures of `posner evaluate --json`; ratios are fractions from 0 to 1."""
        return {
            "strict": {
                "micro": self.strict.micro.ratios.to_json(),
                "macro": self.strict.macro.to_json(),
                "labels": self.strict.to_json(),
            },
            "flat": self.flat.to_json(),
            "pos": {"accuracy": self.pos_accuracy},
            "words_per_second": self.words_per_second,
            "counts": self.counts.to_json(),
            "modes": self.readings.to_json(),
        }


@dataclass(frozen=True, slots=True)
class JudgedSentence:
    """One sentence's truth beside what was predicted for it.

    Attributes:
        length: its number of words.
        gold: gold spans of words.
        predicted: predicted spans of words.
        gold_pos: gold parts of speech, one a word (None: unknown); empty where the corpus has none.
        predicted_pos: predicted parts of speech, one a word; empty where the model has none.
    """

    length: int
    gold: Sequence[Span]
    predicted: Sequence[Span]
    gold_pos: Sequence[str | None] = ()
    predicted_pos: Sequence[str | None] = ()


def evaluate_sentences(sentences: Iterable[JudgedSentence], *, seconds: float = 0.0) -> Evaluation:
    """Score sentences in all readings, with their parts of speech. Spans may overlap.

    Raises:
        SchemeError: spans that leave their sentence.
        DataError: parts of speech that are not one a word.
    """
    listed = list(sentences)
    evaluation = evaluate_words(listed, seconds=seconds)
    matched = match_spans((s.gold, s.predicted) for s in listed)
    return evaluation + Evaluation(readings=matched)


def evaluate_words(sentences: Sequence[JudgedSentence], *, seconds: float = 0.0) -> Evaluation:
    """`evaluate_sentences` without the readings that match spans one to one."""
    pos = [pair for sentence in sentences for pair in _pos_pairs(sentence)]
    return Evaluation(
        strict=score_spans((s.gold, s.predicted) for s in sentences),
        flat=flat_spans((s.length, s.gold, s.predicted) for s in sentences),
        pos_correct=sum(gold == predicted for gold, predicted in pos),
        pos_total=len(pos),
        words=sum(s.length for s in sentences),
        seconds=seconds,
        readings=Readings(per_word=words_by_label((s.gold, s.predicted) for s in sentences)),
    )


def _pos_pairs(sentence: JudgedSentence) -> list[tuple[str, str | None]]:
    gold, predicted = sentence.gold_pos, sentence.predicted_pos
    for tags in (gold, predicted):
        if tags and len(tags) != sentence.length:
            raise DataError(
                "parts of speech for another number of words",
                expected=sentence.length,
                got=len(tags),
            )
    if not gold or not predicted:
        return []
    return [(g, p) for g, p in zip(gold, predicted, strict=True) if g is not None]
