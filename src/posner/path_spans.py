"""The spans of many paths at once, and how probable each of them is.

A span's score is the constrained forward algorithm's (Culotta and McCallum 2004): the share of all
paths' weight that lies on paths in which an entity with this label starts and ends exactly there.
Sentences are rows of arrays, so that Python's own time does not grow with the number of spans.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from posner.align import IntArray
from posner.schemes import Scheme, parse_tag

Float64Array = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PathSpans:
    """Spans of paths, in order of their rows and words: (spans,) each.

    Attributes:
        rows: the sentence.
        firsts, lasts: its words; the last is exclusive.
        labels: index into `TagTable.labels`.
    """

    rows: IntArray
    firsts: IntArray
    lasts: IntArray
    labels: IntArray


@dataclass(frozen=True, slots=True)
class Lattice:
    """Many sentences' recursions, in logarithms; places beyond a sentence's end mean nothing.

    Attributes:
        lengths: (sentences,) words of each.
        emissions, alpha, beta: (sentences, words, tags).
        totals: (sentences,) the weight of all paths.
    """

    lengths: IntArray
    emissions: Float64Array
    alpha: Float64Array
    beta: Float64Array
    totals: Float64Array


class TagTable:
    """What a scheme says of a tag set, as arrays.

    Attributes:
        labels: in the order of the tags.
        label_of: (tags,) index of each tag's label; -1 for `O`.
        inside: (tags, tags) whether both belong to one span.
    """

    def __init__(self, tags: Sequence[str], scheme: Scheme) -> None:
        parsed = [parse_tag(tag) for tag in tags]
        self.labels = tuple(dict.fromkeys(tag.label for tag in parsed if tag.label))
        places = [self.labels.index(tag.label) if tag.label else -1 for tag in parsed]
        self.label_of = np.array(places, dtype=np.int64)
        self.inside = np.array([[scheme.is_inside(a, b) for b in parsed] for a in parsed])

    def spans(self, paths: IntArray, lengths: IntArray) -> PathSpans:
        """The spans of legal paths: (sentences, words) tag indices."""
        words = np.arange(paths.shape[1]) < lengths[:, None]  # (sentences, words)
        labels = np.where(words, self.label_of[paths], -1)
        goes_on = np.zeros_like(words)  # whether a word is inside the span of the one before
        goes_on[:, 1:] = self.inside[paths[:, :-1], paths[:, 1:]] & words[:, 1:]
        stops = np.ones_like(words)
        stops[:, :-1] = ~goes_on[:, 1:]
        rows, firsts = np.nonzero((labels >= 0) & ~goes_on)
        _, last_words = np.nonzero((labels >= 0) & stops)
        return PathSpans(rows, firsts, last_words + 1, labels[rows, firsts])


class SpanScores:
    """The probability of spans.

    Args:
        table: what the scheme says of the tags.
        start, pairs, end: the weights of transitions.
        illegal: the weight of what is forbidden.
    """

    def __init__(
        self,
        table: TagTable,
        start: Float64Array,
        pairs: Float64Array,
        end: Float64Array,
        illegal: float,
    ) -> None:
        self._start, self._end = start, end
        self._within = np.where(table.inside, pairs, illegal)
        self._border = np.where(table.inside, illegal, pairs)
        self._members = [np.flatnonzero(table.label_of == i) for i in range(len(table.labels))]

    def scores(self, spans: PathSpans, lattice: Lattice) -> Float64Array:
        """(spans,) the probability that an entity with this label starts and ends there."""
        result = np.zeros(len(spans.rows))
        for label, members in enumerate(self._members):
            chosen = np.flatnonzero(spans.labels == label)
            if len(chosen):
                rows, firsts, lasts = (a[chosen] for a in (spans.rows, spans.firsts, spans.lasts))
                result[chosen] = self._label_scores(members, rows, firsts, lasts, lattice)
        return result

    def _label_scores(
        self, members: IntArray, rows: IntArray, firsts: IntArray, lasts: IntArray, to: Lattice
    ) -> Float64Array:
        """Spans of one label, whose tags are `members`; weights are (spans, members)."""
        before = to.alpha[rows, firsts - 1][:, :, None]  # of a first word: not looked at
        entered = log_sum(before + self._border[:, members], axis=1)
        weights = np.where((firsts == 0)[:, None], self._start[members], entered)
        weights = weights + to.emissions[rows, firsts][:, members]
        within = self._within[np.ix_(members, members)]
        for word in range(1, int((lasts - firsts).max())):
            on = np.flatnonzero(lasts - firsts > word)
            onward = log_sum(weights[on][:, :, None] + within, axis=1)
            weights[on] = onward + to.emissions[rows[on], firsts[on] + word][:, members]
        after = np.minimum(lasts, to.emissions.shape[1] - 1)
        beyond = (to.emissions[rows, after] + to.beta[rows, after])[:, None, :]
        left = log_sum(self._border[members] + beyond, axis=2)
        at_end = (lasts == to.lengths[rows])[:, None]
        weights = weights + np.where(at_end, self._end[members], left)
        logarithms = log_sum(weights, axis=1) - to.totals[rows]
        probabilities: Float64Array = np.exp(np.minimum(logarithms, 0.0))
        return probabilities


def log_sum(weights: Float64Array, axis: int) -> Float64Array:
    """The logarithm of a sum of exponentials along an axis."""
    peak = weights.max(axis=axis, keepdims=True)
    total = np.log(np.exp(weights - peak).sum(axis=axis)) + peak.squeeze(axis)
    result: Float64Array = total
    return result
