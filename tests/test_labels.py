"""Tags of words put onto their pieces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posner.labels import IGNORED, LabelRule, inside_table, project_labels
from posner.schemes import SCHEMES, Span, spans_to_tags, tags_to_spans

TAGS = SCHEMES["IOB2"].tags(["PER", "a-b"])


@pytest.mark.parametrize(
    ("scheme", "words", "later"),
    [
        ("IOB2", "O B I", "O I I"),
        ("IOB1", "O B I", "O I I"),
        ("IOE1", "O I E", "O I E"),
        ("IOE2", "O I E", "O I E"),
        ("BIOES", "O B I E S", "O I I E S"),
        ("BILOU", "O B I L U", "O I I L U"),
    ],
)
def test_the_tag_of_later_pieces(scheme: str, words: str, later: str) -> None:
    tags = SCHEMES[scheme].tags(["a-b", "B-I"])
    after = dict(zip(words.split(), later.split(), strict=True))
    found = {tag: tags[i] for tag, i in zip(tags, inside_table(tags), strict=True)}
    assert found == {tag: after[tag[0]] + tag[1:] for tag in tags}


@st.composite
def sentences(draw: st.DrawFn) -> tuple[list[Span], list[int]]:
    """Spans of words, and the number of pieces of each word."""
    spans, end = [], 0
    for gap, length, label in draw(
        st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.sampled_from("XY")))
    ):
        spans.append(Span(end + gap, end + gap + length, label))
        end = spans[-1].word_end
    return spans, draw(st.lists(st.integers(1, 4), min_size=end, max_size=end + 2))


@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.parametrize("rule", ["all", "all-inside"])
@given(sentence=sentences())
def test_pieces_that_are_sure_of_their_labels_give_their_words_spans_back(
    name: str, rule: LabelRule, sentence: tuple[list[Span], list[int]]
) -> None:
    spans, counts = sentence
    scheme = SCHEMES[name]
    tags = scheme.tags(["X", "Y"])
    gold = [tags.index(tag) for tag in spans_to_tags(spans, len(counts), scheme)]
    inside = inside_table(tags) if rule == "all-inside" else np.arange(len(tags))
    words, pieces = np.array(gold, dtype=np.int64), np.array(counts, dtype=np.int64)
    sure = iter(np.eye(len(tags))[project_labels(words, pieces, rule, inside)])
    found = []
    for count in counts:  # as the network folds them: see `Network._piece_outputs`
        first = next(sure)
        votes = sum((next(sure)[inside] for _ in range(count - 1)), first)
        found.append(tags[int(np.argmax(votes))])
        assert (votes == votes.max()).sum() == 1
    assert tags_to_spans(found, scheme) == spans


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("first", [1, IGNORED, IGNORED, 2, 0, IGNORED, IGNORED, IGNORED]),
        ("all", [1, 1, 1, 2, 0, 0, IGNORED, IGNORED]),
        ("all-inside", [1, 2, 2, 2, 0, 0, IGNORED, IGNORED]),
    ],
)
def test_labels_on_pieces(rule: LabelRule, expected: list[int]) -> None:
    labels = project_labels(
        np.array([1, 2, 0, IGNORED]), np.array([3, 1, 2, 2]), rule, inside_table(TAGS)
    )
    assert labels.tolist() == expected


@given(
    st.lists(st.tuples(st.integers(0, len(TAGS) - 1), st.integers(1, 5))),
    st.sampled_from(["first", "all", "all-inside"]),
)
def test_the_first_piece_keeps_the_words_tag(given: list[tuple[int, int]], rule: LabelRule) -> None:
    tags = np.array([tag for tag, _ in given], dtype=np.int64)
    counts = np.array([count for _, count in given], dtype=np.int64)
    labels = iter(project_labels(tags, counts, rule, inside_table(TAGS)).tolist())
    for tag, count in given:
        assert next(labels) == tag
        later = {next(labels) for _ in range(count - 1)}
        allowed = {"first": IGNORED, "all": tag, "all-inside": int(inside_table(TAGS)[tag])}
        assert later <= {allowed[rule]}
    assert list(labels) == []
