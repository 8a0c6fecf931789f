"""Gold and predicted spans matched one to one: strict, exact, partial and type.

The four readings of MUC-5 (Chinchor and Sundheim 1993) and SemEval-2013 task 9, as nervaluate
names them. Two spans may be a pair where they overlap. Where several pairings are possible, the
best one counts in each reading (`assign`), so the answer never depends on the order of the spans;
they may overlap and nest. For a label's own figures only the spans with that label are matched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from typing import NamedTuple

from posner.evaluation.assignment import assign
from posner.evaluation.counts import Score, counts_by_key
from posner.evaluation.readings import Matches, Reading, Readings
from posner.schemes import Span


class Group(NamedTuple):
    """Spans that hang together by overlaps, as indices into the gold and predicted lists."""

    gold: list[int]
    predicted: list[int]


class Facts(NamedTuple):
    """What a reading asks of a pair that overlaps."""

    borders: bool
    label: bool


def _strict(pair: Facts, base: int) -> int:
    return base * (pair.borders and pair.label) + 1


def _exact(pair: Facts, base: int) -> int:
    return base * pair.borders + 1


def _partial(pair: Facts, base: int) -> int:
    return base * (1 + pair.borders) + pair.borders


def _type(pair: Facts, base: int) -> int:
    return base * pair.label + 1


_WORTH: dict[str, Callable[[Facts, int], int]] = {
    "strict": _strict,
    "exact": _exact,
    "partial": _partial,
    "type": _type,
}
"""What a pair is worth to each of `MODES`: first all credit counts, then (partial) how many are
correct, or how many are pairs at all. `base` is more than a group can have pairs."""


def match_spans(sentences: Iterable[tuple[Iterable[Span], Iterable[Span]]]) -> Readings:
    """Match the spans of sentences (or whole documents) in all readings but `per_word`.

    Args:
        sentences: gold and predicted spans, in any unit, in any order; they may overlap.
    """
    tally: Tally = Counter()
    for gold, predicted in sentences:
        left, right = list(gold), list(predicted)
        for group in overlap_groups(left, right):
            own = [left[i] for i in group.gold], [right[i] for i in group.predicted]
            _tally(tally, None, *own)
            for label in {span.label for side in own for span in side}:
                of_label = [[s for s in side if s.label == label] for side in own]
                for part in overlap_groups(*of_label):
                    _tally(
                        tally,
                        label,
                        [of_label[0][i] for i in part.gold],
                        [of_label[1][i] for i in part.predicted],
                    )
    return Readings(
        strict=_reading(tally, "strict"),
        exact=_reading(tally, "exact"),
        partial=_reading(tally, "partial"),
        type=_reading(tally, "type"),
    )


def words_by_label(sentences: Iterable[tuple[Iterable[Span], Iterable[Span]]]) -> Score:
    """Count each word with each label that it carries; borders between entities do not matter."""
    gold_by_label: Counter[str] = Counter()
    predicted_by_label: Counter[str] = Counter()
    correct_by_label: Counter[str] = Counter()
    for gold, predicted in sentences:
        left, right = _labelled_words(gold), _labelled_words(predicted)
        gold_by_label.update(label for _, label in left)
        predicted_by_label.update(label for _, label in right)
        correct_by_label.update(label for _, label in left & right)
    return Score(counts_by_key(gold_by_label, predicted_by_label, correct_by_label))


def overlap_groups(gold: Sequence[Span], predicted: Sequence[Span]) -> list[Group]:
    """Split spans into groups between which nothing overlaps, from left to right.

    Within a group the indices are sorted by their spans.
    """
    marks = [(*span, 0, i) for i, span in enumerate(gold)]
    marks += [(*span, 1, i) for i, span in enumerate(predicted)]
    groups: list[Group] = []
    reached = -1
    for start, end, _, side, index in sorted(marks):
        if start >= reached:
            groups.append(Group([], []))
        groups[-1][side].append(index)
        reached = max(reached, end)
    return groups


def best_pairs(
    gold: Sequence[Span], predicted: Sequence[Span], worth: Callable[[Span, Span], int]
) -> list[tuple[int, int]]:
    """The one-to-one pairs of overlapping spans that are worth most together, as indices."""
    return assign(
        [[worth(g, p) if g[0] < p[1] and p[0] < g[1] else 0 for p in predicted] for g in gold]
    )


def closest_pairs(
    gold: Sequence[Span], predicted: Sequence[Span]
) -> list[tuple[int | None, int | None]]:
    """Pair spans one to one as they agree best, for sorting errors and counting confusions.

    As many as possible are the same in borders and label; after that as many as possible are
    pairs, then agree in borders or label, then share as much as possible.

    Returns:
        Indices of gold and predicted spans, None for no partner, from left to right.
    """
    pairs: list[tuple[int | None, int | None]] = []
    for group in overlap_groups(gold, predicted):
        left, right = [gold[i] for i in group.gold], [predicted[i] for i in group.predicted]
        if left and right:
            worth = _closeness(left, right)
            found = best_pairs(left, right, worth)
            pairs += [(group.gold[i], group.predicted[j]) for i, j in found]
        else:
            found = []
        paired_left, paired_right = {i for i, _ in found}, {j for _, j in found}
        pairs += [(i, None) for n, i in enumerate(group.gold) if n not in paired_left]
        pairs += [(None, j) for n, j in enumerate(group.predicted) if n not in paired_right]
    return pairs


def _closeness(gold: Sequence[Span], predicted: Sequence[Span]) -> Callable[[Span, Span], int]:
    """What a pair is worth to `closest_pairs`: four wishes as the digits of one number."""
    base = min(len(gold), len(predicted)) + 1
    widest = 1 + sum(end - start for start, end, _ in gold)

    def worth(g: Span, p: Span) -> int:
        facts = _facts(g, p)
        wishes = (facts.borders and facts.label) * base + 1
        shared = min(g[1], p[1]) - max(g[0], p[0])
        return (wishes * base + (facts.borders or facts.label)) * widest + shared

    return worth


Tally = Counter[tuple[str, str | None, str]]
"""How often a reading (by label, or None for all) came to an outcome."""


def _tally(
    tally: Tally, label: str | None, gold: Sequence[Span], predicted: Sequence[Span]
) -> None:
    """Count the outcomes of one group in all readings."""
    base = min(len(gold), len(predicted)) + 1
    for mode, worth in _WORTH.items():
        if base == 1:
            pairs: list[tuple[int, int]] = []
        elif len(gold) == len(predicted) == 1:
            pairs = [(0, 0)]
        else:
            pairs = best_pairs(gold, predicted, _worth(worth, base))
        for i, j in pairs:
            tally[mode, label, _outcome(mode, _facts(gold[i], predicted[j]))] += 1
        tally[mode, label, "missed"] += len(gold) - len(pairs)
        tally[mode, label, "spurious"] += len(predicted) - len(pairs)


def _worth(of_facts: Callable[[Facts, int], int], base: int) -> Callable[[Span, Span], int]:
    return lambda gold, predicted: of_facts(_facts(gold, predicted), base)


def _facts(gold: Span, predicted: Span) -> Facts:
    return Facts(gold[:2] == predicted[:2], gold.label == predicted.label)


def _outcome(mode: str, pair: Facts) -> str:
    if mode == "partial":
        return "correct" if pair.borders else "partial"
    asked = {"strict": pair.borders and pair.label, "exact": pair.borders, "type": pair.label}
    return "correct" if asked[mode] else "incorrect"


def _reading(tally: Tally, mode: str) -> Reading:
    labels = sorted({label for _, label, _ in tally if label is not None})
    return Reading(
        _matches(tally, mode, None), {label: _matches(tally, mode, label) for label in labels}
    )


def _matches(tally: Tally, mode: str, label: str | None) -> Matches:
    return Matches(*(tally[mode, label, outcome.name] for outcome in fields(Matches)))


def _labelled_words(spans: Iterable[Span]) -> set[tuple[int, str]]:
    return {(word, span.label) for span in spans for word in range(span.word_start, span.word_end)}
