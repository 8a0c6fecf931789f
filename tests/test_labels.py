"""Tags of words put onto their pieces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posner.labels import IGNORED, LabelRule, inside_table, project_labels
from posner.schemes import SCHEMES

TAGS = SCHEMES["IOB2"].tags(["PER", "a-b"])


def test_the_tag_that_goes_on() -> None:
    assert [TAGS[i] for i in inside_table(TAGS)] == ["O", "I-PER", "I-PER", "I-a-b", "I-a-b"]
    for scheme in SCHEMES.values():
        tags = scheme.tags(["X"])
        assert {tags[i] for i in inside_table(tags)} == {"O", "I-X"}


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
