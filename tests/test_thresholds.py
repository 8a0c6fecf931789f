"""Thresholds: what stays, what is counted, what is refused."""

from __future__ import annotations

import argparse
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posner.cli.thresholds import add_threshold_flag, thresholds_from_flag
from posner.document import Document
from posner.errors import DataError, UsageError
from posner.postprocess.thresholds import (
    NO_THRESHOLDS,
    Thresholds,
    ThresholdStep,
    threshold_steps,
)
from posner.tagger import segmented

scores = st.floats(0, 1)


def found(*scored: tuple[str, float | None]) -> Document:
    """A document with a one-word entity for each label and score."""
    document = segmented(" ".join("Oslo" for _ in scored))
    entities = [
        document.entity(5 * i, 5 * i + 4, label, score) for i, (label, score) in enumerate(scored)
    ]
    return document.with_entities(entities)


def test_a_label_goes_by_its_own_threshold_and_others_by_the_overall_one() -> None:
    step = ThresholdStep(Thresholds(0.5, {"PER": 0.9}))
    document = found(("LOC", 0.5), ("LOC", 0.49), ("PER", 0.89), ("PER", 0.9), ("PER", None))
    kept = step(document)
    assert [(e.label, e.score) for e in kept.entities] == [
        ("LOC", 0.5),
        ("PER", 0.9),
        ("PER", None),
    ]
    assert step.removed == {"LOC": 1, "PER": 1}
    step(document)
    line = "4 entities below the threshold 0.5, PER 0.9 left out (LOC 2, PER 2)"
    assert step.report() == line


def test_nothing_below_nothing_told() -> None:
    document = found(("LOC", 0.7))
    step = ThresholdStep(Thresholds(0.7))
    assert step(document) is document
    assert step.report() is None
    assert threshold_steps(NO_THRESHOLDS) == ()
    assert threshold_steps(Thresholds(0.0, {"PER": 0.0})) == ()
    assert len(threshold_steps(Thresholds(0.0, {"PER": 0.1}))) == 1


@given(scores, st.lists(st.tuples(st.sampled_from(["PER", "LOC"]), scores), max_size=5))
def test_removed_and_kept_are_all(least: float, scored: list[tuple[str, float]]) -> None:
    document = found(*scored)
    step = ThresholdStep(Thresholds(least))
    kept = step(document)
    assert len(kept.entities) + step.removed.total() == len(document.entities)
    assert all(e.score is not None and e.score >= least for e in kept.entities)
    assert replace(kept, entities=document.entities) == document


@given(scores, st.dictionaries(st.text(max_size=3), scores))
def test_they_are_read_as_they_were_written(overall: float, labels: dict[str, float]) -> None:
    thresholds = Thresholds(overall, labels)
    assert Thresholds.from_json(thresholds.to_json()) == thresholds


@pytest.mark.parametrize(
    "value",
    [1.5, [], {"labels": 3}, {"overall": -0.1}, {"overall": True}, {"labels": {"PER": "0.5"}}],
)
def test_other_values_are_refused(value: object) -> None:
    with pytest.raises(DataError, match=r"thresholds?"):
        Thresholds.from_json(value)


def flag(*values: str) -> Thresholds | None:
    parser = argparse.ArgumentParser()
    add_threshold_flag(parser, "what")
    return thresholds_from_flag(
        parser.parse_args([part for value in values for part in ("--threshold", value)])
    )


def test_the_flag() -> None:
    assert flag() is None
    assert flag("0.5") == Thresholds(0.5)
    assert flag("0") == NO_THRESHOLDS
    assert flag("a=b=0.25", "0.5", "PER=1") == Thresholds(0.5, {"a=b": 0.25, "PER": 1.0})


@pytest.mark.parametrize("values", [["x"], ["1.1"], ["nan"], ["PER="], ["0.5", "0.6"]])
def test_the_flag_refuses_what_is_no_score(values: list[str]) -> None:
    with pytest.raises(UsageError, match="--threshold"):
        flag(*values)
