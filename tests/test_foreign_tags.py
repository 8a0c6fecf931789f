"""What the names of a foreign model's outputs mean."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posner.errors import ModelError
from posner.foreign.tags import ForeignTags, read_names
from posner.schemes import SCHEMES, Scheme


def read(*names: str) -> ForeignTags:
    return read_names(names, "config.json")


@given(
    st.sampled_from([s for s in SCHEMES.values() if s.name not in ("IOB1", "IOE1")]),
    st.lists(st.sampled_from(["PER", "ORG", "x-y", "é", "a b"]), min_size=1, unique=True),
    st.randoms(use_true_random=False),
)
def test_a_whole_tag_set_tells_its_scheme(
    scheme: Scheme, labels: list[str], random: Random
) -> None:
    names = list(scheme.tags(labels))
    random.shuffle(names)
    found = read(*names)
    assert found.scheme is scheme
    assert set(found.labels) == set(labels)
    assert [names[c] for c in found.columns if c is not None] == list(found.tags)
    assert found.left_out == ()


@pytest.mark.parametrize(
    ("names", "scheme", "labels"),
    [
        (["O", "B-MISC", "I-MISC", "I-PER"], "IOB1", ("MISC", "PER")),
        (["O", "I-PER", "I-LOC"], "IOB1", ("PER", "LOC")),
        (["O", "PER", "LOC"], "IOB1", ("PER", "LOC")),
        (["O", "B-PER"], "IOB2", ("PER",)),
        (["O", "B-PER", "I-PER", "B-LOC"], "IOB2", ("PER", "LOC")),
        (["O", "I-A", "E-A", "I-B"], "IOE1", ("A", "B")),
        (["B-A", "I-A", "E-A", "S-A", "O", "S-B"], "BIOES", ("A", "B")),
        (["O", "U-A", "B-A", "L-A"], "BILOU", ("A",)),
        (["O", "B", "I"], "IOB2", ("ENT",)),
        (["O", "art-music", "person-actor"], "IOB1", ("art-music", "person-actor")),
        (["O", "E-mail", "Phone"], "IOB1", ("E-mail", "Phone")),
        (["NOUN", "VERB", "X"], "IOB1", ("NOUN", "VERB")),
    ],
)
def test_the_scheme_is_told(names: Sequence[str], scheme: str, labels: tuple[str, ...]) -> None:
    found = read(*names)
    assert found.scheme.name == scheme
    assert found.labels == labels


def test_plain_labels_are_what_goes_on() -> None:
    found = read("LOC", "O", "PER")
    assert found.tags == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    assert found.columns == (1, None, 0, None, 2)


def test_a_model_without_o_never_predicts_it() -> None:
    assert read("NOUN", "VERB").columns[0] is None


def test_outputs_of_special_pieces_are_left_out() -> None:
    found = read("[PAD]", "O", "B-PER", "I-PER", "[CLS]", "[SEP]", "X")
    assert found.left_out == ("[PAD]", "[CLS]", "[SEP]", "X")
    assert found.columns == (1, 2, 3)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["LABEL_0", "LABEL_1"], "its outputs have no names"),
        (["O", "B-PER", "B-PER"], "two outputs have the same name"),
        (["O", "B-PER", "I-PER", "LOC"], "some outputs are tags, and some are none"),
        (["O", "B-PER", "E-PER", "L-PER"], "the prefixes of its tags are those of no scheme"),
        (["O"], "no output is a label"),
    ],
)
def test_names_without_meaning_are_refused(names: Sequence[str], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        read(*names)
