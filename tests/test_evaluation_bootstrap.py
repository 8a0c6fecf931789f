"""Intervals and paired tests: against slow loops, known cases, and every order of documents."""

from __future__ import annotations

import io
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from posner.errors import DataError
from posner.evaluation.analysis_report import difference_report
from posner.evaluation.bootstrap import Difference, Interval, intervals, paired_differences, ratios
from posner.evaluation.counts import Counts
from posner.evaluation.result import Evaluation, JudgedSentence, evaluate_sentences
from posner.evaluation.unit_counts import UnitCounts
from posner.schemes import Span

IntArray = npt.NDArray[np.int64]


def units(rows: list[tuple[int, int, int]], name: str = "strict") -> UnitCounts:
    return UnitCounts((name,), np.array(rows, dtype=np.int64).reshape(-1, 1, 3))


def random_units(seed: int, count: int = 60, skill: float = 0.7) -> UnitCounts:
    random = np.random.default_rng(seed)
    gold = random.integers(0, 6, count)
    correct = random.binomial(gold, skill)
    return units(list(zip(gold, correct + random.integers(0, 2, count), correct, strict=True)))


rows = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)).map(
        lambda r: (r[0], r[1], min(r))
    ),
    min_size=2,
    max_size=12,
)


@given(listed=rows)
def test_ratios_are_those_of_counts(listed: list[tuple[int, int, int]]) -> None:
    found = ratios(np.array(listed, dtype=np.int64))
    for row, values in zip(listed, found, strict=True):
        own = Counts(*row).ratios
        assert tuple(values) == pytest.approx((own.precision, own.recall, own.f1))


@given(listed=rows, seed=st.integers(0, 5))
def test_the_order_of_documents_never_matters(
    listed: list[tuple[int, int, int]], seed: int
) -> None:
    order = np.random.default_rng(seed).permutation(len(listed))
    first, second = units(listed), units(listed[::-1])
    mixed = [UnitCounts(u.names, u.counts[order]) for u in (first, second)]
    assert intervals(mixed[0], resamples=50) == intervals(first, resamples=50)
    expected = paired_differences(first, second, resamples=50)
    assert paired_differences(*mixed, resamples=50) == expected


def slow_interval(counts: IntArray, resamples: int) -> tuple[float, float]:
    """Documents drawn one by one."""
    random = np.random.default_rng(7)
    values = []
    for _ in range(resamples):
        drawn = counts[random.integers(0, len(counts), len(counts)), 0].sum(axis=0)
        values.append(Counts(*(int(c) for c in drawn)).f1)
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def test_intervals_are_those_of_documents_drawn_one_by_one() -> None:
    drawn = random_units(3)
    found = intervals(drawn, resamples=3000)["strict"].f1
    low, high = slow_interval(drawn.counts, 3000)
    assert found.low == pytest.approx(low, abs=0.01)
    assert found.high == pytest.approx(high, abs=0.01)
    assert found.value == Counts(*(int(c) for c in drawn.counts.sum(axis=(0, 1)))).f1
    assert found.low < found.value < found.high


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """Recall .7 is known here; 90 % intervals of 100 samples should miss it about 10 times."""
    held = 0
    for seed in range(100):
        recall = intervals(random_units(seed), resamples=300, level=0.9)["strict"].recall
        held += recall.low <= 0.7 <= recall.high
    assert 80 <= held <= 98


def test_documents_that_are_all_alike_leave_no_doubt() -> None:
    found = intervals(units([(3, 3, 2)] * 10))["strict"]
    assert (found.f1.low, found.f1.value, found.f1.high) == pytest.approx((2 / 3, 2 / 3, 2 / 3))


@pytest.mark.parametrize("count", [0, 1])
def test_one_document_says_nothing_of_others(count: int) -> None:
    assert intervals(units([(3, 3, 2)] * count)) == {}
    assert paired_differences(units([(3, 3, 2)] * count), units([(3, 3, 2)] * count)) == {}


def test_a_system_does_not_differ_from_itself() -> None:
    own = random_units(1)
    found = paired_differences(own, own)["strict"]
    assert found.difference.to_json() == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert found.p_value == 1.0


def test_a_clear_difference_has_a_small_p_value_and_noise_a_large_one() -> None:
    good, bad = random_units(1, skill=0.95), random_units(1, skill=0.4)
    found = paired_differences(good, bad, resamples=500)["strict"]
    assert found.difference.low > 0
    assert found.p_value == 1 / 501
    assert paired_differences(bad, good, resamples=500)["strict"].p_value == 1 / 501
    p_values = [
        paired_differences(random_units(2 * s), random_units(2 * s + 1), resamples=200)[
            "strict"
        ].p_value
        for s in range(40)
    ]
    assert sum(p < 0.1 for p in p_values) <= 10


def test_other_data_are_refused() -> None:
    with pytest.raises(DataError, match="not scored on the same data"):
        paired_differences(units([(1, 1, 1)]), units([(1, 1, 1)] * 2))
    sentences = UnitCounts(("strict",), units([(1, 1, 1)]).counts, units([(1, 1, 1)] * 2).counts)
    with pytest.raises(DataError, match="2 sentences"):
        paired_differences(units([(1, 1, 1)] * 2), sentences)


@given(listed=rows, seed=st.integers(0, 5))
def test_who_comes_first_never_matters(listed: list[tuple[int, int, int]], seed: int) -> None:
    first, second = (
        units(listed),
        units(listed[seed % len(listed) :] + listed[: seed % len(listed)]),
    )
    there = paired_differences(first, second, resamples=50)["strict"]
    back = paired_differences(second, first, resamples=50)["strict"]
    assert back.p_value == there.p_value
    if there.difference.value:
        assert back.difference.low == pytest.approx(-there.difference.high)


def test_no_difference_is_written_as_below_zero() -> None:
    first, other = units([(2, 1, 1)] * 2), units([(1, 2, 1)] * 2)  # the same F1
    for one, two in ((first, other), (other, first)):
        found = paired_differences(one, two, resamples=50)["strict"].difference
        assert not any(np.signbit(v) and v == 0 for v in (found.value, found.low, found.high))
    for value in (-0.0, -1e-9, 0.0):
        found_of = Difference(0.5, 0.5, Interval(value, value, value), 1.0)
        console = Console(file=io.StringIO(), width=100)
        console.print(difference_report({"strict": found_of}, "one", "other"))
        told = cast(io.StringIO, console.file).getvalue()
        assert told.count("+0.00") == 3
        assert "-0.00" not in told


def test_a_figure_has_the_same_interval_whatever_others_are_there() -> None:
    own, other = random_units(1), random_units(2)
    beside = UnitCounts(
        ("strict", "strict.LOC"), np.concatenate([own.counts, other.counts], axis=1)
    )
    assert intervals(beside, resamples=50)["strict"] == intervals(own, resamples=50)["strict"]
    alone = paired_differences(own, other, resamples=50)["strict"]
    assert paired_differences(beside, other, resamples=50)["strict"] == alone


def test_a_figure_that_only_one_system_has_is_zero_in_the_other() -> None:
    left, right = units([(2, 2, 2)] * 3, "strict.PER"), units([(2, 1, 1)] * 3, "strict.LOC")
    found = paired_differences(left, right, resamples=10)
    assert (found["strict.PER"].first, found["strict.PER"].second) == (1.0, 0.0)
    added = left + right
    assert added.names == ("strict.PER", "strict.LOC")
    assert added.counts.sum(axis=0).tolist() == [[6, 6, 6], [6, 3, 3]]


def test_the_figures_of_evaluations() -> None:
    sentence = JudgedSentence(5, [Span(0, 2, "PER"), Span(3, 4, "LOC")], [Span(0, 1, "PER")])
    found = UnitCounts.of([evaluate_sentences([sentence]), Evaluation()])
    assert found.counts.shape == (2, len(found.names), 3)
    first = dict(zip(found.names, found.counts[0].tolist(), strict=True))
    assert first == {
        "strict": [2, 1, 0],
        "exact": [4, 2, 0],
        "partial": [4, 2, 1],
        "type": [4, 2, 2],
        "per_word": [3, 1, 1],
        "flat": [3, 1, 1],
        "strict.LOC": [1, 0, 0],
        "strict.PER": [1, 1, 0],
    }
    assert not found.counts[1].any()
