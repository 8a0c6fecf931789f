"""Meanings of tags."""

from __future__ import annotations

import pytest

from posner.meanings import (
    CHUNK_LABELS,
    CONLL_LABELS,
    GMB_LABELS,
    MEANINGS,
    PARTS_OF_SPEECH,
    meaning,
)


def test_each_set_is_whole_and_no_key_stands_in_two() -> None:
    assert len(PARTS_OF_SPEECH) == 45
    assert list(CONLL_LABELS) == ["PER", "ORG", "LOC", "MISC"]
    assert list(GMB_LABELS) == ["art", "eve", "geo", "gpe", "nat", "org", "per", "tim"]
    sets = (PARTS_OF_SPEECH, CONLL_LABELS, GMB_LABELS, CHUNK_LABELS)
    assert len(MEANINGS) == 1 + sum(map(len, sets))


@pytest.mark.parametrize("tag", MEANINGS)
def test_every_meaning_is_a_short_phrase(tag: str) -> None:
    found = meaning(tag)
    assert found
    assert found == found.strip()
    assert len(found) < 70


@pytest.mark.parametrize(
    ("tag", "same_as"),
    [("B-PER", "PER"), ("I-NP", "NP"), ("L-geo", "geo"), ("-LRB-", "("), ('"', "''"), (";", ":")],
)
def test_prefixes_and_spellings_do_not_matter(tag: str, same_as: str) -> None:
    assert meaning(tag) == MEANINGS[same_as]


def test_joined_tags_mean_both() -> None:
    assert meaning("NN|SYM") == f"{MEANINGS['NN']} or {MEANINGS['SYM']}"


@pytest.mark.parametrize("tag", ["", "X", "per-son", "B-", "B-DRUG", "NN|", "|", "Per", "B-B-PER"])
def test_unknown_tags_have_none(tag: str) -> None:
    assert meaning(tag) is None
