"""The dev set: tagged along the same road as any text, scored, and its loss."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from posner.align import IntArray
from posner.decode import Transitions, forward, log_partition
from posner.evaluation.bootstrap import intervals_json
from posner.evaluation.model import score_documents
from posner.evaluation.result import Evaluation
from posner.evaluation.unit_counts import UnitCounts
from posner.evaluation.units import unit_counts
from posner.labels import IGNORED
from posner.recognizer import Recognizer, Votes
from posner.training.prepare import PreparedSet
from posner.windows import FloatArray


@dataclass(frozen=True)
class DevResult:
    """What one look at the dev set found.

    Attributes:
        evaluation: its counts.
        loss: the mean entity loss a word.
        units: the counts of each document, for intervals.
        votes: what the model says of each sentence.
    """

    evaluation: Evaluation
    loss: float
    units: UnitCounts
    votes: Sequence[Votes] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """The figures that a model keeps; intervals are there where there are units to draw."""
        figures = self.evaluation.to_json()
        figures.pop("words_per_second")
        drawn = intervals_json(self.units, ["strict"])
        return {"loss": self.loss, **figures, "intervals": drawn}


def evaluate_prepared(recognizer: Recognizer, dev: PreparedSet) -> DevResult:
    """Tag and score a prepared set."""
    begin = time.perf_counter()
    votes = recognizer.votes(dev.documents)
    tagged = recognizer.assemble(dev.documents, votes)
    seconds = time.perf_counter() - begin
    evaluation = score_documents(dev.documents, tagged, bool(recognizer.manifest.pos_tags))
    evaluation += Evaluation(seconds=seconds)
    loss = _mean_loss(votes, dev, recognizer.transitions)
    return DevResult(evaluation, loss, unit_counts(dev.documents, tagged), votes)


def _mean_loss(votes: Sequence[Votes], dev: PreparedSet, transitions: Transitions | None) -> float:
    total, words = 0.0, 0
    remaining = iter(votes)
    for document, gold in zip(dev.encoded, dev.gold, strict=True):
        for first, last in zip(document.sentences, document.sentences[1:], strict=False):
            emissions = next(remaining).entity
            tags = gold.entity[first:last]
            known = tags != IGNORED
            if transitions is not None and not known.all():
                continue  # a path with a tag that the model lacks has no probability
            if not known.any():
                continue
            if transitions is None:
                total += softmax_loss(emissions[known], tags[known])
            else:
                total += chain_loss(emissions, tags, transitions)
            words += int(known.sum())
    return total / words if words else 0.0


def softmax_loss(emissions: FloatArray, tags: IntArray) -> float:
    """Summed over words: (words, tags) against (words,)."""
    shifted = emissions - emissions.max(axis=1, keepdims=True)
    log_total = np.log(np.exp(shifted).sum(axis=1))
    return float((log_total - shifted[np.arange(len(tags)), tags]).sum())


def chain_loss(emissions: FloatArray, tags: IntArray, transitions: Transitions) -> float:
    """The negative log-likelihood of a path, (words,) tags."""
    exact = emissions.astype(np.float64)[None]
    lengths = np.array([len(tags)])
    total = log_partition(forward(exact, transitions), lengths, transitions)[0]
    path = exact[0, np.arange(len(tags)), tags].sum() + transitions.pairs[tags[:-1], tags[1:]].sum()
    return float(total - path - transitions.start[tags[0]] - transitions.end[tags[-1]])
