"""Emissions to the best legal path, and to entities with the probability of exactly that span.

Everything here is NumPy, so every backend shares it. A softmax head is a chain whose legal
transitions weigh nothing; a CRF adds its learned weights. Illegal transitions weigh minus infinity
(a large negative number), so no path that is found can be illegal, trained CRF or not.

The forward and backward recursions are those of Rabiner (1989), in logarithms; `path_spans` says
how spans are scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from posner.align import IntArray
from posner.path_spans import Lattice, PathSpans, SpanScores, TagTable, log_sum
from posner.schemes import OUTSIDE, Scheme, Span, Tag, parse_tag
from posner.windows import FloatArray

Float64Array = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

ILLEGAL = -1e9
"""The weight of a transition that the scheme forbids: finite, so that no NaN can arise."""

GROUP_WEIGHTS = 40_000
"""Sentences that are decoded together, times the square of the number of tags, at most."""

VANISHING = 1e-280
"""Sums of exponentials below this may have lost terms to underflow."""


@dataclass(frozen=True)
class Transitions:
    """Weights between tags; `ILLEGAL` where the scheme forbids them.

    Attributes:
        start: (tags,) weight of beginning a sentence with a tag.
        pairs: (tags, tags) weight of going from the first to the second.
        end: (tags,) weight of ending a sentence with a tag.
    """

    start: Float64Array
    pairs: Float64Array
    end: Float64Array

    def plus(self, start: FloatArray, pairs: FloatArray, end: FloatArray) -> Transitions:
        """These with learned weights added where they are legal."""

        def add(legal: Float64Array, learned: FloatArray) -> Float64Array:
            return np.where(legal <= ILLEGAL, ILLEGAL, legal + learned.astype(np.float64))

        return Transitions(add(self.start, start), add(self.pairs, pairs), add(self.end, end))

    def divided(self, temperature: float) -> Transitions:
        """These divided by a temperature where they are legal."""

        def cool(weights: Float64Array) -> Float64Array:
            return np.where(weights <= ILLEGAL, ILLEGAL, weights / temperature)

        return Transitions(cool(self.start), cool(self.pairs), cool(self.end))


def legal_transitions(tags: Sequence[str], scheme: Scheme) -> Transitions:
    """Zero where the scheme allows a transition, `ILLEGAL` where not."""
    parsed = [parse_tag(tag) for tag in tags]
    border = Tag(OUTSIDE, "")

    def weight(previous: Tag, current: Tag) -> float:
        return 0.0 if scheme.is_legal(previous, current) else ILLEGAL

    return Transitions(
        start=np.array([weight(border, tag) for tag in parsed]),
        pairs=np.array([[weight(before, after) for after in parsed] for before in parsed]),
        end=np.array([weight(tag, border) for tag in parsed]),
    )


@dataclass(frozen=True, slots=True)
class ScoredSpan:
    """A span of words with its probability, 0 to 1."""

    span: Span
    score: float


@dataclass(frozen=True, slots=True)
class DecodedSentence:
    """One sentence's best path.

    Attributes:
        tags: a tag a word.
        spans: the path's entities, in order.
        marginals: (words,) probability of each word's tag; empty unless asked for.
    """

    tags: tuple[str, ...]
    spans: tuple[ScoredSpan, ...]
    marginals: Float64Array


class Decoder:
    """Decodes emissions over a tag set.

    Args:
        tags: in the order of the emissions' last axis.
        scheme: what makes a path legal.
        transitions: learned weights; by default none.
        temperature: divides emissions and transitions alike before they become probabilities, so
            that the order of the paths, and with it the best one, stays.
    """

    def __init__(
        self,
        tags: Sequence[str],
        scheme: Scheme,
        transitions: Transitions | None = None,
        temperature: float = 1.0,
    ) -> None:
        self.tags = tuple(tags)
        self.scheme = scheme
        self.transitions = transitions or legal_transitions(tags, scheme)
        self.temperature = temperature
        self._divided = self.transitions.divided(temperature)
        self._table = TagTable(tags, scheme)
        divided = self._divided
        self._scores = SpanScores(
            self._table, divided.start, divided.pairs, divided.end, illegal=ILLEGAL
        )
        self._group = min(256, max(16, GROUP_WEIGHTS // len(self.tags) ** 2))

    def decode(
        self, emissions: Sequence[FloatArray], *, marginals: bool = False
    ) -> list[DecodedSentence]:
        """Decode sentences, in order.

        Args:
            emissions: for each sentence (words, tags); a sentence without words is fine.
            marginals: fill `DecodedSentence.marginals` too.
        """
        results: list[DecodedSentence] = [DecodedSentence((), (), np.zeros(0)) for _ in emissions]
        filled = [i for i, e in enumerate(emissions) if len(e)]
        filled.sort(key=lambda i: len(emissions[i]))
        for begin in range(0, len(filled), self._group):
            group = filled[begin : begin + self._group]
            padded, lengths = _pad([emissions[i] for i in group])
            for i, decoded in zip(group, self._decode(padded, lengths, marginals), strict=True):
                results[i] = decoded
        return results

    def span_scores(
        self, emissions: Sequence[FloatArray], spans: Sequence[Sequence[Span]]
    ) -> list[list[float]]:
        """The probability of each of the spans that are asked about, sentence by sentence.

        Args:
            emissions: for each sentence (words, tags).
            spans: for each sentence any spans of its words; with the label `O`, that none of these
                words is in an entity; with a label that no tag has, 0.
        """
        scores: list[list[float]] = [[] for _ in spans]
        for place, (emission, asked) in enumerate(zip(emissions, spans, strict=True)):
            if asked:
                lattice = self._lattice(*_pad([emission]))
                scores[place] = [self._any_score(lattice, span) for span in asked]
        return scores

    def _any_score(self, lattice: Lattice, span: Span) -> float:
        """The probability of a span with any label, or of words outside of all entities."""
        first, last, label = span
        if label in self._table.labels:
            places = (0, first, last, self._table.labels.index(label))
            asked = PathSpans(*(np.array([place], dtype=np.int64) for place in places))
            return float(self._scores.scores(asked, lattice)[0])
        if label != OUTSIDE:
            return 0.0
        tag = self.tags.index(OUTSIDE)
        weight = lattice.alpha[0, first, tag] + lattice.emissions[0, first + 1 : last, tag].sum()
        weight += (last - first - 1) * self._divided.pairs[tag, tag] + lattice.beta[
            0, last - 1, tag
        ]
        return float(np.exp(min(float(weight - lattice.totals[0]), 0.0)))

    def _decode(
        self, emissions: Float64Array, lengths: IntArray, marginals: bool
    ) -> list[DecodedSentence]:
        paths = viterbi(emissions, lengths, self.transitions)
        padded = np.zeros(emissions.shape[:2], dtype=np.int64)
        for row, path in enumerate(paths):
            padded[row, : len(path)] = path
        spans = self._table.spans(padded, lengths)
        # Only what is asked for is computed: many sentences of most texts have no entity.
        rows = np.arange(len(paths)) if marginals else np.unique(spans.rows)
        scored: list[list[ScoredSpan]] = [[] for _ in paths]
        certainties = [np.zeros(0)] * len(paths)
        if len(rows):
            lattice = self._lattice(emissions[rows], lengths[rows])
            place = np.searchsorted(rows, spans.rows)
            inner = PathSpans(place, spans.firsts, spans.lasts, spans.labels)
            self._add_scored(scored, spans, self._scores.scores(inner, lattice))
            if marginals:
                certainties = [_certainty(lattice, row, path) for row, path in enumerate(paths)]
        return [
            DecodedSentence(tuple(map(self.tags.__getitem__, path.tolist())), tuple(found), certain)
            for path, found, certain in zip(paths, scored, certainties, strict=True)
        ]

    def _lattice(self, emissions: Float64Array, lengths: IntArray) -> Lattice:
        """The recursions; temperature counts here alone, so that no rounding moves a path."""
        divided = emissions / self.temperature
        alpha = forward(divided, self._divided)
        beta = backward(divided, lengths, self._divided)
        totals = log_partition(alpha, lengths, self._divided)
        return Lattice(lengths, divided, alpha, beta, totals)

    def _add_scored(
        self, scored: list[list[ScoredSpan]], spans: PathSpans, scores: Float64Array
    ) -> None:
        columns = (spans.rows, spans.firsts, spans.lasts, spans.labels, scores)
        labels = self._table.labels
        for row, first, last, label, score in zip(*(c.tolist() for c in columns), strict=True):
            scored[row].append(ScoredSpan(Span(first, last, labels[label]), score))


def _certainty(lattice: Lattice, row: int, path: IntArray) -> Float64Array:
    """(words,) the probability of each word's tag."""
    words = np.arange(len(path))
    both = lattice.alpha[row, words, path] + lattice.beta[row, words, path]
    certainty: Float64Array = np.exp(np.minimum(both - lattice.totals[row], 0.0))
    return certainty


def viterbi(emissions: Float64Array, lengths: IntArray, transitions: Transitions) -> list[IntArray]:
    """The heaviest path of each sentence.

    Args:
        emissions: (sentences, words, tags).
        lengths: (sentences,) words of each, at least 1.
        transitions: weights between tags.

    Returns:
        for each sentence (words,) tag indices.
    """
    rows, words, tags = emissions.shape
    start, pairs, end = (
        np.where(table <= ILLEGAL, -np.inf, table)  # no emission outweighs it, however large
        for table in (transitions.start, transitions.pairs, transitions.end)
    )
    pointers = np.zeros((words, rows, tags), dtype=np.int64)
    best = start + emissions[:, 0]  # (rows, tags)
    final = np.where((lengths == 1)[:, None], best, 0.0)
    for word in range(1, words):
        weights = best[:, :, None] + pairs  # (rows, tags before, tags)
        pointers[word] = weights.argmax(axis=1)
        best = weights.max(axis=1) + emissions[:, word]
        final[lengths == word + 1] = best[lengths == word + 1]
    best_tags = np.zeros((words, rows), dtype=np.int64)
    current = (final + end).argmax(axis=1)
    every = np.arange(rows)
    for word in range(words - 1, -1, -1):
        best_tags[word] = current  # beyond a sentence's end it stays the last word's
        if word:
            current = np.where(word < lengths, pointers[word, every, current], current)
    return [best_tags[:length, row] for row, length in enumerate(lengths.tolist())]


def forward(emissions: Float64Array, transitions: Transitions) -> Float64Array:
    """(sentences, words, tags): log weight of all paths that reach a tag at a word."""
    alpha = np.empty_like(emissions)
    alpha[:, 0] = transitions.start + emissions[:, 0]
    for word in range(1, emissions.shape[1]):
        alpha[:, word] = _step(alpha[:, word - 1], transitions.pairs) + emissions[:, word]
    return alpha


def backward(emissions: Float64Array, lengths: IntArray, transitions: Transitions) -> Float64Array:
    """(sentences, words, tags): log weight of all paths onward from a tag, its word not counted.

    Places beyond a sentence's end hold the weight of ending.
    """
    words = emissions.shape[1]
    beta = np.empty_like(emissions)
    beta[:] = transitions.end
    for word in range(words - 2, -1, -1):
        onward = _step(beta[:, word + 1] + emissions[:, word + 1], transitions.pairs.T)
        inner = (word < lengths - 1)[:, None]
        beta[:, word] = np.where(inner, onward, transitions.end)
    return beta


def log_partition(alpha: Float64Array, lengths: IntArray, transitions: Transitions) -> Float64Array:
    """(sentences,) the logarithm of all legal paths' weight."""
    last = alpha[np.arange(len(lengths)), lengths - 1]  # (sentences, tags)
    return log_sum(last + transitions.end, axis=1)


def _step(weights: Float64Array, pairs: Float64Array) -> Float64Array:
    """`log(exp(weights) @ exp(pairs))`, safely: (sentences, tags) by (tags, tags).

    A matrix product is fast, and exact unless all ways to a tag are so light that they vanish
    beside the heaviest; only then is each sum taken relative to its own peak.
    """
    peak = weights.max(axis=1, keepdims=True)
    reached = np.exp(weights - peak) @ np.exp(pairs)
    if reached.min() < VANISHING:
        return log_sum(weights[:, :, None] + pairs, axis=1)
    summed: Float64Array = np.log(reached) + peak
    return summed


def _pad(emissions: Sequence[FloatArray]) -> tuple[Float64Array, IntArray]:
    """(sentences, words, tags) zero-padded, and (sentences,) lengths."""
    lengths = np.array([len(e) for e in emissions], dtype=np.int64)
    padded = np.zeros((len(emissions), int(lengths.max()), emissions[0].shape[1]))
    for row, emission in enumerate(emissions):
        padded[row, : len(emission)] = emission
    return padded, lengths
