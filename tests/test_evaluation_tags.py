"""The two policies against seqeval itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import seqeval.scheme
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import accuracy_score
from seqeval.metrics.sequence_labeling import precision_recall_fscore_support as default_mode
from seqeval.metrics.v1 import precision_recall_fscore_support as strict_mode

from posner.errors import DataError, SchemeError
from posner.evaluation.counts import Counts, Ratios, Score
from posner.evaluation.tags import TagScore, score_tag_pairs, score_tags
from posner.schemes import SCHEMES, Scheme

# seqeval imports scikit-learn, whose deprecations are not ours.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

Pairs = list[tuple[list[str], list[str]]]
SEQEVAL_NAMES = {"BIOES": "IOBES"}
each_scheme = pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)


def tag_pairs(scheme: Scheme) -> st.SearchStrategy[Pairs]:
    """Sentences with gold and predicted tags, most of them ill-formed."""
    tag = st.sampled_from(scheme.tags(("X", "Y", "A-B")))
    word = st.tuples(tag, tag) | tag.map(lambda t: (t, t))
    sentence = st.lists(word, min_size=1, max_size=8).map(
        lambda words: ([g for g, _ in words], [p for _, p in words])
    )
    return st.lists(sentence, min_size=1, max_size=5)


def columns(pairs: Pairs) -> tuple[list[list[str]], list[list[str]]]:
    return [gold for gold, _ in pairs], [predicted for _, predicted in pairs]


def known_to_seqeval(tags: list[str]) -> list[str]:
    """seqeval's default mode does not know BILOU's L and U: written as E and S it reads them."""
    return [tag.replace("L-", "E-", 1).replace("U-", "S-", 1) for tag in tags]


def assert_equals_seqeval(
    score: Score, seqeval_says: Callable[[str | None], tuple[object, ...]]
) -> None:
    by_label = flat(seqeval_says(None))
    if not score.labels:  # seqeval averages nothing at all to NaN
        assert by_label == []
        return
    labels = [score.labels[label] for label in sorted(score.labels)]
    assert by_label == pytest.approx(
        [c.precision for c in labels]
        + [c.recall for c in labels]
        + [c.f1 for c in labels]
        + [c.gold for c in labels]
    )
    support = score.micro.gold
    assert flat(seqeval_says("micro")) == pytest.approx(prf(score.micro.ratios, support))
    assert flat(seqeval_says("macro")) == pytest.approx(prf(score.macro, support))


def flat(figures: tuple[object, ...]) -> list[float]:
    """seqeval's four figures, or four arrays of figures, in one row."""
    return [float(x) for figure in figures for x in np.atleast_1d(np.asarray(figure))]


def prf(ratios: Ratios, support: int) -> list[float]:
    return [ratios.precision, ratios.recall, ratios.f1, support]


@each_scheme
@given(data=st.data())
def test_the_default_policy_is_seqevals_default_mode(scheme: Scheme, data: st.DataObject) -> None:
    gold, predicted = columns(data.draw(tag_pairs(scheme)))
    score = score_tags(gold, predicted, scheme)
    left, right = ([known_to_seqeval(tags) for tags in column] for column in (gold, predicted))

    def seqeval_says(average: str | None) -> tuple[object, ...]:
        found: tuple[object, ...] = default_mode(left, right, average=average, zero_division=0)
        return found

    assert_equals_seqeval(score.default, seqeval_says)
    assert score.accuracy == pytest.approx(accuracy_score(gold, predicted))


@each_scheme
@given(data=st.data())
def test_the_strict_policy_is_seqevals_strict_mode(scheme: Scheme, data: st.DataObject) -> None:
    gold, predicted = columns(data.draw(tag_pairs(scheme)))
    score = score_tags(gold, predicted, scheme)
    table = getattr(seqeval.scheme, SEQEVAL_NAMES.get(scheme.name, scheme.name))

    def seqeval_says(average: str | None) -> tuple[object, ...]:
        found: tuple[object, ...] = strict_mode(
            gold, predicted, average=average, zero_division=0, scheme=table
        )
        return found

    assert_equals_seqeval(score.strict, seqeval_says)


@each_scheme
@given(data=st.data())
def test_adding_scores_is_scoring_both_sets_together(scheme: Scheme, data: st.DataObject) -> None:
    left, right = data.draw(tag_pairs(scheme)), data.draw(tag_pairs(scheme))
    together = score_tag_pairs(left + right, scheme)
    assert score_tag_pairs(left, scheme) + score_tag_pairs(right, scheme) == together
    assert score_tag_pairs(reversed(left + right), scheme) == together


def test_a_stream_longer_than_a_block_is_scored_whole() -> None:
    sentence = (["B-X", "O"], ["B-X", "B-X"])
    score = score_tag_pairs((sentence for _ in range(2500)), SCHEMES["IOB2"])
    assert score.counts == Counts(2500, 5000, 2500)
    assert (score.words, score.words_correct) == (5000, 2500)


def test_the_policies_by_hand() -> None:
    score = score_tags([["B-X", "I-X", "O"]], [["I-X", "I-X", "O"]], SCHEMES["IOB2"])
    assert score.default.labels == {"X": Counts(1, 1, 1)}
    assert score.strict.labels == {"X": Counts(1, 0, 0)}
    figures = score.to_json()
    assert figures.pop("modes") == score.readings.to_json()
    assert figures == {
        "default": {"micro": {"precision": 1.0, "recall": 1.0, "f1": 1.0}},
        "strict": {"micro": {"precision": 0.0, "recall": 0.0, "f1": 0.0}},
        "accuracy": 2 / 3,
        "counts": {"gold": 1, "predicted": 1, "correct": 1},
    }


def test_nothing_scores_nothing() -> None:
    score = score_tags([], [], SCHEMES["IOB2"])
    assert score == TagScore()
    assert score.accuracy == 0.0


def test_columns_that_do_not_match_are_refused() -> None:
    with pytest.raises(DataError, match=r"predicted tags than of gold tags.*expected 1, got 2"):
        score_tags([["O"]], [["O", "O"]], SCHEMES["IOB2"])
    with pytest.raises(DataError, match="another number of predicted sentences"):
        score_tags([["O"], ["O"]], [["O"]], SCHEMES["IOB2"])
    with pytest.raises(SchemeError, match="not a tag of IOB2"):
        score_tags([["O"]], [["S-X"]], SCHEMES["IOB2"])
