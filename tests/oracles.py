"""Brute force: slow and obvious answers that the fast code is tested against."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from posner.schemes import Scheme, Span, spans_to_tags


def all_span_sets(length: int, labels: Sequence[str]) -> Iterator[list[Span]]:
    """Every set of spans over `length` words that do not overlap, each span with each label."""

    def from_word(start: int) -> Iterator[list[Span]]:
        if start == length:
            yield []
            return
        yield from from_word(start + 1)
        for end, label in product(range(start + 1, length + 1), labels):
            for rest in from_word(end):
                yield [Span(start, end, label), *rest]

    return from_word(0)


def legal_sequences(length: int, labels: Sequence[str], scheme: Scheme) -> set[tuple[str, ...]]:
    """Every tag sequence that says a set of spans in the scheme."""
    return {tuple(spans_to_tags(spans, length, scheme)) for spans in all_span_sets(length, labels)}


def relative_scores(
    queries: Sequence[Sequence[float]],
    keys: Sequence[Sequence[float]],
    vectors: Sequence[Sequence[float]],
    biases: Sequence[float],
    clip: int,
) -> list[list[float]]:
    """One head's positional attention, word by word: the formula of `posner.model.attention`.

    Args:
        queries, keys: (words, head width); all zero where content does not count.
        vectors: (distances, head width), all zero where no position meets content.
        biases: (distances,), all zero where position does not count.
        clip: the largest distance that is told apart.
    """
    scores = []
    for i, query in enumerate(queries):
        row = []
        for j, key in enumerate(keys):
            delta = max(-clip, min(clip, j - i)) + clip
            content = sum(q * k for q, k in zip(query, key, strict=True))
            place = sum(q * r for q, r in zip(query, vectors[delta], strict=True))
            row.append((content + place) / math.sqrt(len(query)) + biases[delta])
        scores.append(row)
    return scores


def path_weight(
    path: Sequence[int],
    emissions: Sequence[Sequence[float]],
    start: Sequence[float],
    pairs: Sequence[Sequence[float]],
    end: Sequence[float],
) -> float:
    """The weight of one path of tags through a chain."""
    weight = start[path[0]] + end[path[-1]]
    weight += sum(emissions[word][tag] for word, tag in enumerate(path))
    return weight + sum(pairs[before][after] for before, after in pairwise(path))


def chain_loss(
    gold: Sequence[int],
    emissions: Sequence[Sequence[float]],
    start: Sequence[float],
    pairs: Sequence[Sequence[float]],
    end: Sequence[float],
    paths: Iterable[Sequence[int]],
) -> float:
    """The negative log-likelihood of a path among `paths`, which are listed one by one."""
    total = sum(math.exp(path_weight(path, emissions, start, pairs, end)) for path in paths)
    return math.log(total) - path_weight(gold, emissions, start, pairs, end)


@dataclass(frozen=True)
class Enumeration:
    """What a chain says when all legal paths are listed one by one.

    Attributes:
        log_total: logarithm of all paths' weight.
        paths: each path, as tag indices, with its probability.
        spans: the probability that an entity with this label starts and ends exactly there.
        marginals: for each word the probability of each tag.
    """

    log_total: float
    paths: dict[tuple[int, ...], float]
    spans: dict[Span, float]
    marginals: list[list[float]]


def enumerate_paths(
    emissions: Sequence[Sequence[float]],
    start: Sequence[float],
    pairs: Sequence[Sequence[float]],
    end: Sequence[float],
    labels: Sequence[str],
    scheme: Scheme,
) -> Enumeration:
    """Weigh every legal path over a sentence's words."""
    length, tags = len(emissions), scheme.tags(labels)
    weights, meaning = {}, {}
    for spans in all_span_sets(length, labels):
        path = tuple(tags.index(tag) for tag in spans_to_tags(spans, length, scheme))
        weights[path] = path_weight(path, emissions, start, pairs, end)
        meaning[path] = spans
    peak = max(weights.values())
    log_total = peak + math.log(sum(math.exp(w - peak) for w in weights.values()))
    paths = {path: math.exp(weight - log_total) for path, weight in weights.items()}
    found: dict[Span, float] = {}
    marginals = [[0.0] * len(tags) for _ in range(length)]
    for path, probability in paths.items():
        for span in meaning[path]:
            found[span] = found.get(span, 0.0) + probability
        for word, tag in enumerate(path):
            marginals[word][tag] += probability
    return Enumeration(log_total, paths, found, marginals)


def edit_distance(one: str, other: str) -> int:
    """Letters added, left out, replaced, or swapped with a neighbour (optimal string alignment)."""
    rows = [
        [i + j if not i or not j else 0 for j in range(len(other) + 1)] for i in range(len(one) + 1)
    ]
    for i, j in product(range(1, len(one) + 1), range(1, len(other) + 1)):
        best = min(
            rows[i - 1][j] + 1,
            rows[i][j - 1] + 1,
            rows[i - 1][j - 1] + (one[i - 1] != other[j - 1]),
        )
        if i > 1 and j > 1 and one[i - 2 : i] == other[j - 1] + other[j - 2]:
            best = min(best, rows[i - 2][j - 2] + 1)
        rows[i][j] = best
    return rows[-1][-1]
