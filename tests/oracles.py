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


def best_assignment(weights: Sequence[Sequence[int]]) -> int:
    """The greatest sum of weights of rows and columns paired at most once each."""
    if not weights:
        return 0
    rest = weights[1:]
    best = best_assignment(rest)
    for column, weight in enumerate(weights[0]):
        others = [[w for c, w in enumerate(row) if c != column] for row in rest]
        best = max(best, weight + best_assignment(others))
    return best


def pairings(gold: Sequence[Span], predicted: Sequence[Span]) -> Iterator[list[tuple[Span, Span]]]:
    """Every way to pair overlapping spans one to one, the empty one among them."""
    if not gold:
        yield []
        return
    first, *rest = gold
    yield from pairings(rest, predicted)
    for place, other in enumerate(predicted):
        if first.word_start < other.word_end and other.word_start < first.word_end:
            others = [*predicted[:place], *predicted[place + 1 :]]
            for pairs in pairings(rest, others):
                yield [(first, other), *pairs]


def conlleval(rows: Iterable[tuple[str, str] | None]) -> str:
    """What the Perl script prints: its loop over rows of two tags, None for a sentence border.

    Written after the description in the CoNLL-2000 shared task and the script's published rules:
    a chunk ends and starts by pairs of neighbouring prefixes, or by a change of type.
    """
    found: dict[str, list[int]] = {}  # type: gold, predicted, correct
    words = right = 0
    inside: str | None = None
    last = (("O", ""), ("O", ""))
    for row in [*rows, None]:
        gold, predicted = (
            (("O", ""), ("O", "")) if row is None else tuple(_conlleval_tag(t) for t in row)
        )
        ends = [_conlleval_ends(*pair) for pair in zip(last, (gold, predicted), strict=True)]
        starts = [_conlleval_starts(*pair) for pair in zip(last, (gold, predicted), strict=True)]
        if inside is not None:
            if all(ends) and last[0][1] == last[1][1]:
                found[inside][2] += 1
                inside = None
            elif ends[0] != ends[1] or gold[1] != predicted[1]:
                inside = None
        if all(starts) and gold[1] == predicted[1]:
            inside = gold[1]
        for side, (kind, begins) in enumerate(zip((gold[1], predicted[1]), starts, strict=True)):
            if begins:
                found.setdefault(kind, [0, 0, 0])[side] += 1
        if row is not None:
            words, right = words + 1, right + (gold == predicted)
        last = (gold, predicted)
    total = [sum(counts[i] for counts in found.values()) for i in range(3)]
    text = f"processed {words} tokens with {total[0]} phrases; "
    text += f"found: {total[1]} phrases; correct: {total[2]}.\n"
    if words:
        text += f"accuracy: {100 * right / words:6.2f}%; {_conlleval_ratios(*total)}\n"
    for kind in sorted(found):
        text += f"{kind:>17}: {_conlleval_ratios(*found[kind])}  {found[kind][1]}\n"
    return text


def _conlleval_tag(tag: str) -> tuple[str, str]:
    prefix, hyphen, kind = tag.partition("-")
    return (prefix, kind) if hyphen else (tag, "")


def _conlleval_ends(before: tuple[str, str], now: tuple[str, str]) -> bool:
    pairs = ("BB", "BO", "IB", "IO", "EE", "EI", "EO")
    return before[0] + now[0] in pairs or (before[0] != "O" and before[1] != now[1])


def _conlleval_starts(before: tuple[str, str], now: tuple[str, str]) -> bool:
    pairs = ("BB", "IB", "OB", "OI", "EE", "EI", "OE")
    return before[0] + now[0] in pairs or (now[0] != "O" and before[1] != now[1])


def _conlleval_ratios(gold: int, predicted: int, correct: int) -> str:
    precision = 100 * correct / predicted if predicted else 0.0
    recall = 100 * correct / gold if gold else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return f"precision: {precision:6.2f}%; recall: {recall:6.2f}%; FB1: {f1:6.2f}"


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
