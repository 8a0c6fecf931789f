"""Labels that look like slips of other labels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import oracles
import posner
from posner.cli import main
from posner.corpus.slips import one_slip_apart, slips

labels = st.text("ABC", min_size=3, max_size=5)


@given(labels, labels)
@example("LCO", "LOC")
@example("LOCC", "LOC")
@example("AABB", "BBAA")
def test_it_is_the_edit_distance_as_far_as_one(one: str, other: str) -> None:
    assert one_slip_apart(one, other) == (oracles.edit_distance(one, other) <= 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [("B", "C"), ("PER", "ORG"), ("Q1A", "Q2A"), ("TYPE1", "TYPE2"), ("art", "eve")],
)
def test_other_labels_are_no_slips(one: str, other: str) -> None:
    assert not one_slip_apart(one, other)


def test_check_asks_whether_a_rare_label_is_a_slip(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["Oslo B-LOC\nis O\nfar O\n"] * 40 + ["Lima B-LCO\nis O\nnear O\n", "Ada B-PER\n"]
    path, figures = tmp_path / "c.conll", tmp_path / "f.json"
    path.write_text("\n".join(rows), encoding="utf-8")
    assert main(["check", str(path), "--json", str(figures)]) == 0
    assert (
        "note: this label may be a slip: LCO (1, such as 'Lima'): LOC?" in capsys.readouterr().out
    )
    found = json.loads(figures.read_text(encoding="utf-8"))["slips"]
    assert found == [{"label": "LCO", "count": 1, "mention": "Lima", "meant": "LOC"}]
    corpus = posner.read(path, problems=[])
    assert slips(corpus, {"LOC": 19, "LCO": 1}) == []
