"""How much a surface CRF weighs beside its network: chosen on labelled documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from posner.calibration.judged import JudgedSpans, SpanScorer
from posner.calibration.threshold import counts_with
from posner.document import Document
from posner.evaluation.counts import Counts
from posner.evaluation.held_out import SurfaceGain
from posner.postprocess.thresholds import NO_THRESHOLDS
from posner.recognizer import Recognizer, Votes
from posner.surface import Surface

WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0)
"""Those that are tried."""
USUAL_SHARES = (
    *(0.0, 0.005, 0.013, 0.015, 0.020, 0.022, 0.025),
    *(0.023, 0.019, 0.008, 0.001, -0.032, -0.114, -0.189),
)
"""What share of the network's errors (1 - strict F1) each takes away: the mean of twelve trainings
on 100 to 2,000 sentences of CoNLL-2003 and GMB (`benchmarks/bench_surface_weight.py`)."""
USUAL_ENTITIES = 2000
"""So many labelled entities tell as much of the weights as `USUAL_SHARES` does."""
LEAST_GAIN = 0.001
"""Of F1, as it is to be expected: less is not worth a file beside the model."""


@dataclass(frozen=True)
class Weighing:
    """The weight of which the most strict F1 is to be expected, and what it is worth.

    Attributes:
        weight: that one; of equal ones the least.
        units: what is held out in turn: documents or sentences.
        without: the counts of the network alone.
        within: the counts with that weight, where it was chosen.
        held_out: the counts on parts that had no say in their weight.
    """

    weight: float
    units: str
    without: Counts
    within: Counts
    held_out: Counts

    @property
    def gain(self) -> SurfaceGain:
        """Its F1s."""
        f1 = (counts.f1 for counts in (self.without, self.within, self.held_out))
        return SurfaceGain(self.weight, self.units, *f1)

    @property
    def is_in_vain(self) -> bool:
        """Whether next to nothing is to be expected of it, by parts that had no say in it."""
        usual = max(USUAL_SHARES)
        return self.weight == 0 or expected_gain(self.held_out, self.without, usual) < LEAST_GAIN

    @property
    def is_on_trust(self) -> bool:
        """Whether it is kept although those parts do not gain: too few entities to tell."""
        return not self.is_in_vain and self.held_out.f1 < self.without.f1 + LEAST_GAIN

    def to_json(self) -> dict[str, object]:
        """The figures as plain values."""
        return {
            "weight": self.weight,
            "units": self.units,
            **{
                name: counts.to_json() | counts.ratios.to_json()
                for name, counts in (
                    ("without", self.without),
                    ("within", self.within),
                    ("held_out", self.held_out),
                )
            },
        }


def weigh(
    recognizer: Recognizer,
    documents: Sequence[Document],
    votes: Sequence[Votes],
    surface: Surface,
    *,
    folds: int = 5,
) -> Weighing:
    """Choose the weight of a surface CRF.

    A few hundred entities tell no weight from another: the best of them there loses elsewhere. So
    the gains found are drawn towards those that are usual, the more the fewer entities there are.

    Args:
        recognizer: the network's, which stays as it is.
        documents: labelled, with the words that it reads.
        votes: what the network alone says of them.
        surface: learned from other documents.
        folds: parts that are held out in turn.
    """
    judged = [
        _judged(recognizer, documents, votes, surface.weighing(weight), folds) for weight in WEIGHTS
    ]
    units = np.arange(judged[0].unit_count)
    everything = _counts(judged, units.tolist())
    held_out = Counts()
    for fold in range(folds):
        own, others = units[units % folds == fold], units[units % folds != fold]
        held_out += _counts(judged, own.tolist())[most_expected(_counts(judged, others.tolist()))]
    best = most_expected(everything)
    return Weighing(WEIGHTS[best], judged[0].unit_name, everything[0], everything[best], held_out)


def _judged(
    recognizer: Recognizer,
    documents: Sequence[Document],
    votes: Sequence[Votes],
    surface: Surface,
    folds: int,
) -> JudgedSpans:
    beside = recognizer.beside(surface)
    both = beside.with_surface(documents, votes)
    return SpanScorer(beside, documents, folds=folds, votes=both).judged


def _counts(judged: Sequence[JudgedSpans], units: Sequence[int]) -> list[Counts]:
    return [counts_with(own, units, NO_THRESHOLDS) for own in judged]


def most_expected(counts: Sequence[Counts]) -> int:
    """The first of `WEIGHTS` of which the most is to be expected."""
    gains = [
        expected_gain(own, counts[0], usual)
        for own, usual in zip(counts, USUAL_SHARES, strict=True)
    ]
    return int(np.argmax(gains))


def expected_gain(found: Counts, without: Counts, usual: float) -> float:
    """The gain in F1 to be expected: that found, and the usual one, the fewer entities the more.

    Args:
        found: the counts with surface features.
        without: those of the network alone.
        usual: the share of its errors that they usually take away.
    """
    gain = without.gold * (found.f1 - without.f1) + USUAL_ENTITIES * usual * (1 - without.f1)
    return gain / (without.gold + USUAL_ENTITIES)
