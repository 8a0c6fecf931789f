"""Emissions to the best legal path, and to entities with the probability of exactly that span.

Everything here is NumPy, so every backend shares it. A softmax head is a chain whose legal
transitions weigh nothing; a CRF adds its learned weights. Illegal transitions weigh minus infinity
(a large negative number), so no path that is found can be illegal, trained CRF or not.

The forward and backward recursions are those of Rabiner (1989), in logarithms. A span's score is
the constrained forward algorithm's (Culotta and McCallum 2004): the share of all paths' weight
that lies on paths in which an entity with this label starts and ends exactly there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from posner.align import IntArray
from posner.schemes import OUTSIDE, Scheme, Span, Tag, parse_tag, tags_to_spans
from posner.windows import FloatArray

Float64Array = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

ILLEGAL = -1e9
"""The weight of a transition that the scheme forbids: finite, so that no NaN can arise."""

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
        parsed = [parse_tag(tag) for tag in tags]
        self._inside = np.array([[scheme.is_inside(a, b) for b in parsed] for a in parsed])
        self._label_tags: dict[str, IntArray] = {}
        for label in dict.fromkeys(tag.label for tag in parsed if tag.label):
            members = [i for i, tag in enumerate(parsed) if tag.label == label]
            self._label_tags[label] = np.array(members, dtype=np.int64)

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
        for begin in range(0, len(filled), 64):
            group = filled[begin : begin + 64]
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
            for chain in self._chains(*_pad([emission])) if asked else ():
                scores[place] = [self._any_score(chain, span) for span in asked]
        return scores

    def _decode(
        self, emissions: Float64Array, lengths: IntArray, marginals: bool
    ) -> list[DecodedSentence]:
        paths = viterbi(emissions, lengths, self.transitions)
        all_tags = [tuple(self.tags[t] for t in path) for path in paths]
        all_spans = [tags_to_spans(tags, self.scheme) for tags in all_tags]
        if not marginals and not any(all_spans):
            return [DecodedSentence(tags, (), np.zeros(0)) for tags in all_tags]
        chains = self._chains(emissions, lengths)
        result = []
        for chain, path, tags, spans in zip(chains, paths, all_tags, all_spans, strict=True):
            scored = tuple(ScoredSpan(span, self._span_score(chain, span)) for span in spans)
            certainty = np.zeros(0)
            if marginals:
                words = np.arange(len(path))
                weight = chain.alpha[words, path] + chain.beta[words, path] - chain.total
                certainty = np.exp(np.minimum(weight, 0.0))
            result.append(DecodedSentence(tags, scored, certainty))
        return result

    def _chains(self, emissions: Float64Array, lengths: IntArray) -> list[_Chain]:
        """Each sentence's recursions, without the padding."""
        divided = emissions / self.temperature  # the path was found without: no rounding moves it
        alpha = forward(divided, self._divided)
        beta = backward(divided, lengths, self._divided)
        totals = log_partition(alpha, lengths, self._divided)
        return [
            _Chain(divided[row, :n], alpha[row, :n], beta[row, :n], float(totals[row]))
            for row, n in enumerate(lengths)
        ]

    def _any_score(self, chain: _Chain, span: Span) -> float:
        """The probability of a span with any label, or of words outside of all entities."""
        if span.label != OUTSIDE:
            return self._span_score(chain, span) if span.label in self._label_tags else 0.0
        first, last, _ = span
        tag = self.tags.index(OUTSIDE)
        weight = chain.alpha[first, tag] + chain.emissions[first + 1 : last, tag].sum()
        weight += (last - first - 1) * self._divided.pairs[tag, tag] + chain.beta[last - 1, tag]
        return float(np.exp(min(float(weight) - chain.total, 0.0)))

    def _span_score(self, chain: _Chain, span: Span) -> float:
        """The probability that an entity with this label starts and ends exactly here."""
        first, last, label = span
        members = self._label_tags[label]
        pairs = self._divided.pairs
        inside = np.where(self._inside, pairs, ILLEGAL)[np.ix_(members, members)]
        border = np.where(self._inside, ILLEGAL, pairs)
        if first == 0:
            weight = self._divided.start[members]
        else:
            weight = _log_sum(chain.alpha[first - 1][:, None] + border[:, members], axis=0)
        weight = weight + chain.emissions[first, members]
        for word in range(first + 1, last):
            weight = _log_sum(weight[:, None] + inside, axis=0) + chain.emissions[word, members]
        if last == len(chain.emissions):
            weight = weight + self._divided.end[members]
        else:
            after = chain.emissions[last] + chain.beta[last]
            weight = weight + _log_sum(border[members] + after, axis=1)
        return float(np.exp(min(float(_log_sum(weight, axis=0)) - chain.total, 0.0)))


@dataclass(frozen=True, slots=True)
class _Chain:
    """One sentence's recursions: (words, tags) each, and the logarithm of all paths' weight."""

    emissions: Float64Array
    alpha: Float64Array
    beta: Float64Array
    total: float


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
    paths = []
    for row, length in enumerate(lengths):
        path = np.zeros(length, dtype=np.int64)
        path[-1] = (final[row] + end).argmax()
        for word in range(length - 1, 0, -1):
            path[word - 1] = pointers[word, row, path[word]]
        paths.append(path)
    return paths


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
    return _log_sum(last + transitions.end, axis=1)


def _step(weights: Float64Array, pairs: Float64Array) -> Float64Array:
    """`log(exp(weights) @ exp(pairs))`, safely: (sentences, tags) by (tags, tags).

    A matrix product is fast, and exact unless all ways to a tag are so light that they vanish
    beside the heaviest; only then is each sum taken relative to its own peak.
    """
    peak = weights.max(axis=1, keepdims=True)
    reached = np.exp(weights - peak) @ np.exp(pairs)
    if reached.min() < VANISHING:
        return _log_sum(weights[:, :, None] + pairs, axis=1)
    summed: Float64Array = np.log(reached) + peak
    return summed


def _log_sum(weights: Float64Array, axis: int) -> Float64Array:
    peak = weights.max(axis=axis, keepdims=True)
    total = np.log(np.exp(weights - peak).sum(axis=axis)) + peak.squeeze(axis)
    result: Float64Array = total
    return result


def _pad(emissions: Sequence[FloatArray]) -> tuple[Float64Array, IntArray]:
    """(sentences, words, tags) zero-padded, and (sentences,) lengths."""
    lengths = np.array([len(e) for e in emissions], dtype=np.int64)
    padded = np.zeros((len(emissions), int(lengths.max()), emissions[0].shape[1]))
    for row, emission in enumerate(emissions):
        padded[row, : len(emission)] = emission
    return padded, lengths
