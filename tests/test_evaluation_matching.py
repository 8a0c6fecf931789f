"""One-to-one matching against brute force, nervaluate and seqeval; order and addition."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nervaluate.evaluator import Evaluator
from seqeval.metrics.sequence_labeling import precision_recall_fscore_support

from oracles import best_assignment, pairings
from posner.evaluation.assignment import assign
from posner.evaluation.counts import Counts
from posner.evaluation.matching import (
    closest_pairs,
    match_spans,
    overlap_groups,
    words_by_label,
)
from posner.evaluation.readings import MODES, Matches, Readings
from posner.schemes import SCHEMES, Span, spans_to_tags

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

Sentences = list[tuple[list[Span], list[Span]]]
LABELS = ("PER", "LOC", "ORG")


@st.composite
def any_spans(draw: st.DrawFn, most: int = 4) -> list[Span]:
    """Spans that may overlap, nest and repeat."""
    count = draw(st.integers(0, most))
    spans = []
    for _ in range(count):
        start = draw(st.integers(0, 7))
        spans.append(Span(start, start + draw(st.integers(1, 4)), draw(st.sampled_from(LABELS))))
    return spans


@st.composite
def flat_spans(draw: st.DrawFn, length: int = 9) -> list[Span]:
    """Spans that do not overlap."""
    borders = sorted(draw(st.sets(st.integers(0, length), max_size=6)))
    pairs = zip(borders[::2], borders[1::2], strict=False)
    return [Span(start, end, draw(st.sampled_from(LABELS))) for start, end in pairs]


sentences = st.lists(st.tuples(any_spans(), any_spans()), max_size=4)
weights = st.integers(0, 4).flatmap(
    lambda columns: st.lists(
        st.lists(st.integers(0, 6), min_size=columns, max_size=columns), max_size=4
    )
)


def overlap(left: Span, right: Span) -> bool:
    return left.word_start < right.word_end and right.word_start < left.word_end


@given(table=weights)
def test_an_assignment_is_one_to_one_and_best(table: list[list[int]]) -> None:
    pairs = assign(table)
    assert len({row for row, _ in pairs}) == len(pairs) == len({column for _, column in pairs})
    assert all(table[row][column] > 0 for row, column in pairs)
    assert sum(table[row][column] for row, column in pairs) == best_assignment(table)


def test_an_assignment_is_exact_beyond_a_floats_digits() -> None:
    large = 10**40
    assert assign([[large + 1, large], [large + 1, large + 1]]) == [(0, 0), (1, 1)]


def credit(mode: str) -> Callable[[Span, Span], tuple[int, int]]:
    """Half points of a pair, and whether it is correct."""

    def of(gold: Span, predicted: Span) -> tuple[int, int]:
        borders, label = gold[:2] == predicted[:2], gold.label == predicted.label
        right = {"strict": borders and label, "exact": borders, "partial": borders, "type": label}
        return (2 if right[mode] else int(mode == "partial")), int(right[mode])

    return of


def best_by_brute_force(gold: Sequence[Span], predicted: Sequence[Span], mode: str) -> Matches:
    """The best of all pairings: most credit, then most correct, then most pairs."""
    value = credit(mode)

    def worth(pairs: list[tuple[Span, Span]]) -> tuple[int, int, int]:
        values = [value(*pair) for pair in pairs]
        return sum(v[0] for v in values), sum(v[1] for v in values), len(pairs)

    _, correct, count = max(worth(pairs) for pairs in pairings(gold, predicted))
    others = count - correct
    return Matches(
        correct,
        0 if mode == "partial" else others,
        others if mode == "partial" else 0,
        len(gold) - count,
        len(predicted) - count,
    )


@given(gold=any_spans(), predicted=any_spans())
def test_each_reading_is_the_best_of_all_pairings(gold: list[Span], predicted: list[Span]) -> None:
    readings = match_spans([(gold, predicted)])
    for mode in MODES:
        reading = getattr(readings, mode)
        assert reading.total == best_by_brute_force(gold, predicted, mode)
        for label in LABELS:
            left, right = ([s for s in side if s.label == label] for side in (gold, predicted))
            expected = best_by_brute_force(left, right, mode)
            assert reading.labels.get(label, Matches()) == expected


@given(listed=sentences, seed=st.integers(0, 9))
def test_order_never_matters(listed: Sentences, seed: int) -> None:
    mixed = [(list(gold), list(predicted)) for gold, predicted in listed]
    shuffle = random.Random(seed).shuffle
    shuffle(mixed)
    for gold, predicted in mixed:
        shuffle(gold)
        shuffle(predicted)
    assert match_spans(mixed) == match_spans(listed)
    assert match_spans(mixed).to_json() == match_spans(listed).to_json()
    assert words_by_label(mixed) == words_by_label(listed)


@given(left=sentences, right=sentences)
def test_adding_results_is_scoring_both_sets_together(left: Sentences, right: Sentences) -> None:
    assert match_spans(left) + match_spans(right) == match_spans(left + right)
    assert words_by_label(left) + words_by_label(right) == words_by_label(left + right)


@given(gold=any_spans(), predicted=any_spans())
def test_every_span_is_counted_once(gold: list[Span], predicted: list[Span]) -> None:
    readings = match_spans([(gold, predicted)])
    for mode in MODES:
        total = getattr(readings, mode).total
        assert (total.gold, total.predicted) == (len(gold), len(predicted))


@given(gold=flat_spans(), predicted=flat_spans())
def test_one_to_one_overlaps_are_scored_as_nervaluate_does(
    gold: list[Span], predicted: list[Span]
) -> None:
    kept_gold = [g for g in gold if sum(overlap(g, p) for p in predicted) <= 1]
    kept = [p for p in predicted if sum(overlap(g, p) for g in kept_gold) <= 1]
    kept_gold = [g for g in kept_gold if sum(overlap(g, p) for p in kept) <= 1]
    readings = match_spans([(kept_gold, kept)])
    found = nervaluate(kept_gold, kept)
    for name, mode in (("strict", "strict"), ("exact", "exact"), ("partial", "partial")):
        assert_same(found["overall"][name], getattr(readings, mode).total)
    assert_same(found["overall"]["ent_type"], readings.type.total)
    for label, by_mode in found["entities"].items():
        for name in ("strict", "exact", "partial"):
            assert_same(by_mode[name], getattr(readings, name).labels[label])
        assert_same(by_mode["ent_type"], readings.type.labels[label])


def nervaluate(gold: list[Span], predicted: list[Span]) -> dict[str, dict[str, Any]]:
    """What nervaluate says of one sentence; its ends are inclusive."""

    def entities(spans: list[Span]) -> list[list[dict[str, object]]]:
        return [[{"label": s.label, "start": s[0], "end": s[1] - 1} for s in spans]]

    evaluator = Evaluator(entities(gold), entities(predicted), list(LABELS), loader="dict")
    results: dict[str, dict[str, Any]] = evaluator.evaluate()
    return results


def assert_same(theirs: Any, ours: Matches) -> None:
    for name in ("correct", "incorrect", "partial", "missed", "spurious"):
        assert getattr(theirs, name) == getattr(ours, name)
    assert theirs.precision == pytest.approx(ours.ratios.precision)
    assert theirs.recall == pytest.approx(ours.ratios.recall)
    assert theirs.f1 == pytest.approx(ours.ratios.f1)


def test_an_ambiguous_pairing_does_not_hang_on_the_order() -> None:
    """nervaluate takes the first partner that it meets, and loses one that fits better."""
    gold = [Span(0, 3, "PER"), Span(3, 6, "PER")]
    predicted = [Span(2, 4, "PER"), Span(0, 2, "PER")]
    assert match_spans([(gold, predicted)]).type.total == Matches(correct=2)
    assert match_spans([(gold, predicted[::-1])]).type.total == Matches(correct=2)
    theirs = [nervaluate(gold, p)["overall"]["ent_type"] for p in (predicted, predicted[::-1])]
    assert [t.correct for t in theirs] == [1, 2]


@given(listed=st.lists(st.tuples(flat_spans(), flat_spans()), min_size=1, max_size=4))
def test_the_strict_reading_is_seqevals(listed: Sentences) -> None:
    iob2 = SCHEMES["IOB2"]
    gold, predicted = ([spans_to_tags(pair[i], 9, iob2) for pair in listed] for i in range(2))
    strict = match_spans(listed).strict
    if strict.total.gold + strict.total.predicted == 0:
        return
    theirs = precision_recall_fscore_support(gold, predicted, average="micro", zero_division=0)
    ratios = strict.total.ratios
    assert theirs[:3] == pytest.approx((ratios.precision, ratios.recall, ratios.f1))


@given(gold=any_spans(), predicted=any_spans())
def test_closest_pairs_hold_every_span_once(gold: list[Span], predicted: list[Span]) -> None:
    pairs = closest_pairs(gold, predicted)
    assert sorted(i for i, _ in pairs if i is not None) == list(range(len(gold)))
    assert sorted(j for _, j in pairs if j is not None) == list(range(len(predicted)))
    same = [(i, j) for i, j in pairs if i is not None and j is not None and gold[i] == predicted[j]]
    assert len(same) == match_spans([(gold, predicted)]).strict.total.correct


def test_the_closest_pairs_are_those_that_a_reader_would_see() -> None:
    gold = [Span(0, 4, "PER"), Span(4, 6, "LOC")]
    predicted = [Span(0, 2, "ORG"), Span(1, 5, "PER")]
    # Both predictions could go with the first gold span; as many pairs as possible are made.
    assert closest_pairs(gold, predicted) == [(0, 0), (1, 1)]
    assert closest_pairs(gold[:1], predicted) == [(0, 1), (None, 0)]
    assert closest_pairs([], predicted) == [(None, 0), (None, 1)]


def test_readings_by_hand() -> None:
    gold = [Span(0, 2, "PER"), Span(3, 5, "LOC"), Span(6, 7, "ORG"), Span(8, 9, "ORG")]
    predicted = [Span(0, 2, "PER"), Span(3, 4, "LOC"), Span(6, 7, "LOC"), Span(10, 11, "PER")]
    readings = match_spans([(gold, predicted)])
    assert readings.strict.total == Matches(1, 2, 0, 1, 1)
    assert readings.exact.total == Matches(2, 1, 0, 1, 1)
    assert readings.partial.total == Matches(2, 0, 1, 1, 1)
    assert readings.type.total == Matches(2, 1, 0, 1, 1)
    assert readings.partial.total.ratios.f1 == 2.5 / 4
    assert readings.type.labels["ORG"] == Matches(missed=2)
    assert words_by_label([(gold, predicted)]).labels == {
        "PER": Counts(2, 3, 2),
        "LOC": Counts(2, 2, 1),
        "ORG": Counts(2, 0, 0),
    }


def test_spans_that_only_touch_are_apart() -> None:
    assert len(overlap_groups([Span(0, 2, "PER")], [Span(2, 3, "PER")])) == 2
    assert overlap_groups([], []) == []


def test_nothing_scores_nothing() -> None:
    assert match_spans([]) == Readings()
    assert Matches().ratios.f1 == 0.0
