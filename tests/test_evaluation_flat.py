"""Flat F1 against scikit-learn's, which sklearn-crfsuite's `flat_f1_score` calls."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from posner.errors import DataError, SchemeError
from posner.evaluation.counts import Counts
from posner.evaluation.flat import FlatScore, flat_spans, flat_tags
from posner.schemes import SCHEMES, Scheme, Span, spans_to_tags, tags_to_spans

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

Pairs = list[tuple[list[str], list[str]]]
each_scheme = pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)

tags = st.sampled_from(SCHEMES["IOB2"].tags(("PER", "LOC")))
words = st.tuples(tags, tags) | tags.map(lambda tag: (tag, tag))
pairs = st.lists(
    st.lists(words, max_size=6).map(lambda ws: ([g for g, _ in ws], [p for _, p in ws])),
    max_size=5,
)


@pytest.mark.parametrize("average", ["micro", "weighted"])
@pytest.mark.parametrize("with_o", [True, False])
@given(listed=pairs)
def test_flat_f1_is_scikit_learns(average: str, with_o: bool, listed: Pairs) -> None:
    gold = list(chain.from_iterable(g for g, _ in listed))
    predicted = list(chain.from_iterable(p for _, p in listed))
    labels = sorted({*gold, *predicted} - (set() if with_o else {"O"}))
    score = flat_tags(listed)
    reading = score.micro if average == "micro" else score.weighted
    expected = (
        f1_score(gold, predicted, labels=labels, average=average, zero_division=0)
        if labels
        else 0.0
    )
    assert reading(with_o=with_o) == pytest.approx(expected)


@given(left=pairs, right=pairs)
def test_adding_results_is_scoring_both_sets_together(left: Pairs, right: Pairs) -> None:
    together = flat_tags(left + right)
    assert flat_tags(left) + flat_tags(right) == together
    backwards = flat_tags(reversed(left + right))
    assert backwards == together
    assert backwards.to_json() == together.to_json()


@given(listed=pairs)
def test_with_o_the_micro_reading_is_the_accuracy(listed: Pairs) -> None:
    words = [pair for g, p in listed for pair in zip(g, p, strict=True)]
    accuracy = sum(g == p for g, p in words) / len(words) if words else 0.0
    assert flat_tags(listed).micro(with_o=True) == pytest.approx(accuracy)


@each_scheme
def test_the_scheme_of_the_data_changes_nothing(scheme: Scheme) -> None:
    gold = [Span(0, 2, "PER"), Span(2, 3, "PER"), Span(4, 5, "LOC")]
    predicted = [Span(0, 3, "PER"), Span(4, 5, "LOC")]
    expected = flat_spans([(5, gold, predicted)])
    read_gold, read_predicted = (
        tags_to_spans(spans_to_tags(spans, 5, scheme), scheme) for spans in (gold, predicted)
    )
    assert flat_spans([(5, read_gold, read_predicted)]) == expected
    assert expected.tags == {
        "O": Counts(1, 1, 1),
        "B-PER": Counts(2, 1, 1),
        "I-PER": Counts(1, 2, 1),
        "B-LOC": Counts(1, 1, 1),
    }
    assert expected.micro(with_o=True) == pytest.approx(4 / 5)
    assert expected.micro(with_o=False) == pytest.approx(3 / 4)
    assert expected.weighted(with_o=True) == pytest.approx((1 + 2 * 2 / 3 + 2 / 3 + 1) / 5)
    assert expected.weighted(with_o=False) == pytest.approx((2 * 2 / 3 + 2 / 3 + 1) / 4)


def test_nothing_scores_nothing() -> None:
    assert set(FlatScore().to_json().values()) == {0.0}


def test_a_word_in_several_spans_counts_for_each() -> None:
    gold = [Span(0, 2, "PER"), Span(1, 3, "LOC")]
    score = flat_spans([(4, gold, [Span(1, 3, "LOC")])])
    assert score.tags == {
        "B-PER": Counts(1, 0, 0),
        "I-PER": Counts(1, 0, 0),
        "B-LOC": Counts(1, 1, 1),
        "I-LOC": Counts(1, 1, 1),
        "O": Counts(1, 2, 1),
    }
    assert flat_spans([(4, reversed(gold), [Span(1, 3, "LOC")])]) == score


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(SchemeError, match="sentence"):
        flat_spans([(3, [Span(2, 4, "PER")], [])])
    with pytest.raises(DataError, match="another number of predicted tags"):
        flat_tags([(["O"], [])])
