from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posner.evaluation.counts import Counts, Ratios, Score
from posner.evaluation.spans import score_spans
from posner.schemes import Span

Sentences = list[tuple[list[Span], list[Span]]]

spans = st.lists(
    st.builds(
        lambda start, width, label: Span(start, start + width, label),
        st.integers(0, 3),
        st.integers(1, 2),
        st.sampled_from(("PER", "LOC", "ORG")),
    ),
    max_size=6,
)
sentences = st.lists(st.tuples(spans, spans), max_size=6)


def test_ratios_follow_from_counts() -> None:
    counts = Counts(gold=4, predicted=5, correct=3)
    assert (counts.precision, counts.recall) == (0.6, 0.75)
    assert counts.f1 == pytest.approx(2 / 3)
    assert counts.ratios == Ratios(0.6, 0.75, 2 * 3 / 9)


@pytest.mark.parametrize("counts", [Counts(), Counts(gold=2), Counts(predicted=2)])
def test_an_undefined_ratio_is_zero(counts: Counts) -> None:
    assert counts.ratios == Ratios(0.0, 0.0, 0.0)
    assert Score().macro == Ratios(0.0, 0.0, 0.0)


def test_micro_and_macro_by_hand() -> None:
    score = Score({"PER": Counts(2, 2, 2), "LOC": Counts(1, 2, 0), "MISC": Counts(1, 0, 0)})
    assert score.micro == Counts(4, 4, 2)
    assert score.micro.f1 == 0.5
    assert score.macro == Ratios(1 / 3, 1 / 3, 1 / 3)
    assert list(score.to_json()) == ["LOC", "MISC", "PER"]
    assert score.to_json()["PER"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 2}


def test_only_the_exact_span_with_the_exact_label_is_correct() -> None:
    gold = [Span(0, 2, "PER"), Span(3, 4, "LOC"), Span(5, 6, "ORG")]
    predicted = [Span(0, 1, "PER"), Span(3, 4, "ORG"), Span(5, 6, "ORG")]
    assert score_spans([(gold, predicted)]).labels == {
        "PER": Counts(1, 1, 0),
        "LOC": Counts(1, 0, 0),
        "ORG": Counts(1, 2, 1),
    }


def test_a_gold_label_that_the_model_does_not_know_is_missed() -> None:
    score = score_spans([([Span(0, 1, "LAW")], [])])
    assert score.labels == {"LAW": Counts(1, 0, 0)}
    assert score.macro.recall == 0.0


def test_a_repeated_prediction_is_an_error() -> None:
    span = Span(0, 1, "PER")
    assert score_spans([([span], [span, span])]).micro == Counts(1, 2, 1)


def test_a_span_is_never_found_in_another_sentence() -> None:
    span = Span(0, 1, "PER")
    assert score_spans([([span], []), ([], [span])]).micro == Counts(1, 1, 0)


@given(left=sentences, right=sentences)
def test_adding_results_is_scoring_both_sets_together(left: Sentences, right: Sentences) -> None:
    assert score_spans(left) + score_spans(right) == score_spans(left + right)


@given(listed=sentences, seed=st.integers(0, 9))
def test_order_never_matters(listed: Sentences, seed: int) -> None:
    mixed = [(list(gold), list(predicted)) for gold, predicted in listed]
    shuffle = random.Random(seed).shuffle
    shuffle(mixed)
    for gold, predicted in mixed:
        shuffle(gold)
        shuffle(predicted)
    before, after = score_spans(listed), score_spans(mixed)
    assert after == before
    assert after.macro == before.macro
    assert list(after.labels) == list(before.labels)


@given(listed=sentences)
def test_swapping_gold_and_predicted_swaps_precision_and_recall(listed: Sentences) -> None:
    score = score_spans(listed).micro
    swapped = score_spans((predicted, gold) for gold, predicted in listed).micro
    assert (swapped.precision, swapped.recall) == (score.recall, score.precision)
    assert swapped.f1 == score.f1
