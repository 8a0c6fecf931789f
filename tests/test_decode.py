"""Decoding against lists of all legal paths: best path, partition, span scores, marginals."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import Enumeration, enumerate_paths, path_weight
from posner.decode import (
    ILLEGAL,
    DecodedSentence,
    Decoder,
    Float64Array,
    Transitions,
    backward,
    forward,
    legal_transitions,
    log_partition,
    viterbi,
)
from posner.schemes import SCHEMES, Scheme, Span, illegal_positions, tags_to_spans
from posner.windows import FloatArray

SMALL = [("IOB2", 2), ("IOB1", 2), ("IOE2", 2), ("BIOES", 1), ("BILOU", 1), ("IOE1", 1)]
small_cases = pytest.mark.parametrize(("name", "label_count"), SMALL)
learned = pytest.mark.parametrize("crf", [False, True], ids=["softmax", "crf"])
each_scheme = pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)


def random_transitions(
    tags: tuple[str, ...], scheme: Scheme, random: np.random.Generator, *, crf: bool
) -> Transitions:
    legal = legal_transitions(tags, scheme)
    if not crf:
        return legal
    count = len(tags)
    return legal.plus(
        random.normal(size=count).astype(np.float32),
        random.normal(size=(count, count)).astype(np.float32),
        random.normal(size=count).astype(np.float32),
    )


def enumerated(
    emissions: FloatArray | Float64Array,
    transitions: Transitions,
    labels: tuple[str, ...],
    scheme: Scheme,
) -> Enumeration:
    return enumerate_paths(
        emissions.astype(np.float64).tolist(),
        transitions.start.tolist(),
        transitions.pairs.tolist(),
        transitions.end.tolist(),
        labels,
        scheme,
    )


def weight_of(tags: tuple[str, ...], emissions: FloatArray, decoder: Decoder) -> float:
    path = [decoder.tags.index(tag) for tag in tags]
    tables = (decoder.transitions.start, decoder.transitions.pairs, decoder.transitions.end)
    return path_weight(path, emissions.astype(np.float64).tolist(), *(t.tolist() for t in tables))


def check_against_enumeration(
    emissions: FloatArray, decoder: Decoder, labels: tuple[str, ...]
) -> None:
    """Everything that is decoded from one sentence is what the list of all paths says."""
    expected = enumerated(emissions, decoder.transitions, labels, decoder.scheme)
    decoded = decoder.decode([emissions], marginals=True)[0]
    path = tuple(decoder.tags.index(tag) for tag in decoded.tags)
    assert expected.paths[path] == pytest.approx(max(expected.paths.values()), abs=1e-9)
    spans = [scored.span for scored in decoded.spans]
    assert spans == tags_to_spans(decoded.tags, decoder.scheme)
    for scored in decoded.spans:
        assert scored.score == pytest.approx(expected.spans[scored.span], abs=1e-6)
    for word, tag in enumerate(path):
        assert decoded.marginals[word] == pytest.approx(expected.marginals[word][tag], abs=1e-6)


@learned
@small_cases
@given(seed=st.integers(0, 2**32 - 1), length=st.integers(1, 4), scale=st.sampled_from([0, 1, 9]))
def test_all_paths_agree(
    name: str, label_count: int, crf: bool, seed: int, length: int, scale: int
) -> None:
    scheme, labels = SCHEMES[name], ("X", "Y")[:label_count]
    tags = scheme.tags(labels)
    random = np.random.default_rng(seed)
    transitions = random_transitions(tags, scheme, random, crf=crf)
    emissions = (scale * random.normal(size=(length, len(tags)))).astype(np.float32)
    check_against_enumeration(emissions, Decoder(tags, scheme, transitions), labels)


@learned
@small_cases
@given(seed=st.integers(0, 2**32 - 1), length=st.integers(1, 4), temperature=st.floats(0.25, 8.0))
def test_a_temperature_divides_everything_and_moves_no_path(
    name: str, label_count: int, crf: bool, seed: int, length: int, temperature: float
) -> None:
    scheme, labels = SCHEMES[name], ("X", "Y")[:label_count]
    tags = scheme.tags(labels)
    random = np.random.default_rng(seed)
    transitions = random_transitions(tags, scheme, random, crf=crf)
    emissions = (3 * random.normal(size=(length, len(tags)))).astype(np.float32)
    decoder = Decoder(tags, scheme, transitions, temperature)
    (found,) = decoder.decode([emissions], marginals=True)
    (plain,) = Decoder(tags, scheme, transitions).decode([emissions])
    assert found.tags == plain.tags
    expected = enumerated(emissions / temperature, transitions.divided(temperature), labels, scheme)
    for scored in found.spans:
        assert scored.score == pytest.approx(expected.spans[scored.span], abs=1e-6)
    for word, tag in enumerate(found.tags):
        probability = expected.marginals[word][decoder.tags.index(tag)]
        assert found.marginals[word] == pytest.approx(probability, abs=1e-6)


@learned
@small_cases
def test_the_recursions_agree_at_every_word(name: str, label_count: int, crf: bool) -> None:
    scheme, labels = SCHEMES[name], ("X", "Y")[:label_count]
    tags = scheme.tags(labels)
    random = np.random.default_rng(3)
    transitions = random_transitions(tags, scheme, random, crf=crf)
    lengths = np.array([4, 1, 3])
    emissions = random.normal(size=(3, 4, len(tags)))
    alpha = forward(emissions, transitions)
    beta = backward(emissions, lengths, transitions)
    totals = log_partition(alpha, lengths, transitions)
    for row, length in enumerate(lengths):
        own = emissions[row, :length]
        expected = enumerated(own, transitions, labels, scheme)
        assert totals[row] == pytest.approx(expected.log_total, abs=1e-6)
        marginals = np.exp(alpha[row, :length] + beta[row, :length] - totals[row])
        np.testing.assert_allclose(marginals, expected.marginals, atol=1e-6)


@pytest.mark.parametrize("size", [1e2, 1e4, 1e6])
@learned
@small_cases
def test_extreme_emissions_stay_exact(name: str, label_count: int, crf: bool, size: float) -> None:
    scheme, labels = SCHEMES[name], ("X", "Y")[:label_count]
    tags = scheme.tags(labels)
    random = np.random.default_rng(7)
    decoder = Decoder(tags, scheme, random_transitions(tags, scheme, random, crf=crf))
    for _ in range(20):
        emissions = random.choice([-size, 0, size], size=(3, len(tags))).astype(np.float32)
        check_against_enumeration(emissions, decoder, labels)


def test_a_light_way_in_does_not_vanish_beside_a_heavy_dead_end() -> None:
    scheme, tags = SCHEMES["IOB2"], ("O", "B-X", "I-X")
    emissions = np.array([[1e4, -1e4, 0], [0, 0, 1e5]], dtype=np.float32)
    decoded = Decoder(tags, scheme).decode([emissions], marginals=True)[0]
    assert decoded.tags == ("B-X", "I-X")
    assert decoded.spans[0].score == pytest.approx(1)
    assert decoded.marginals.tolist() == pytest.approx([1, 1])


def sentences(
    random: np.random.Generator, lengths: list[int], tags: int, scale: float = 3
) -> list[FloatArray]:
    return [(scale * random.normal(size=(n, tags))).astype(np.float32) for n in lengths]


def same(one: DecodedSentence, other: DecodedSentence) -> bool:
    return (
        one.tags == other.tags
        and [s.span for s in one.spans] == [s.span for s in other.spans]
        and np.allclose([s.score for s in one.spans], [s.score for s in other.spans], atol=1e-9)
        and np.allclose(one.marginals, other.marginals, atol=1e-9)
    )


@learned
@each_scheme
@given(seed=st.integers(0, 2**32 - 1), lengths=st.lists(st.integers(0, 12), max_size=8))
def test_company_and_order_change_nothing(
    scheme: Scheme, crf: bool, seed: int, lengths: list[int]
) -> None:
    tags = scheme.tags(["PER", "LOC", "a-b"])
    random = np.random.default_rng(seed)
    decoder = Decoder(tags, scheme, random_transitions(tags, scheme, random, crf=crf))
    emissions = sentences(random, lengths, len(tags))
    alone = [decoder.decode([e], marginals=True)[0] for e in emissions]
    together = decoder.decode(emissions, marginals=True)
    backwards = decoder.decode(emissions[::-1], marginals=True)[::-1]
    for one, two, three, length in zip(alone, together, backwards, lengths, strict=True):
        assert same(one, two)
        assert same(one, three)
        assert len(one.tags) == len(one.marginals) == length


def test_more_sentences_than_a_group_holds() -> None:
    scheme = SCHEMES["BIOES"]
    tags = scheme.tags(["X"])
    random = np.random.default_rng(5)
    emissions = sentences(random, [int(n) for n in random.integers(0, 30, size=150)], len(tags))
    decoder = Decoder(tags, scheme)
    for found, emission in zip(decoder.decode(emissions), emissions, strict=True):
        assert same(found, decoder.decode([emission])[0])


def best_weight(emissions: FloatArray, transitions: Transitions) -> float:
    """The heaviest legal path's weight, word by word with plain loops."""
    tags = range(len(transitions.start))
    best = [transitions.start[t] + float(emissions[0, t]) for t in tags]
    for row in emissions[1:]:
        best = [max(best[s] + transitions.pairs[s, t] for s in tags) + float(row[t]) for t in tags]
    return float(max(best[t] + transitions.end[t] for t in tags))


@learned
@each_scheme
@given(seed=st.integers(0, 2**32 - 1), length=st.integers(1, 30))
def test_long_sentences(scheme: Scheme, crf: bool, seed: int, length: int) -> None:
    tags = scheme.tags(["PER", "LOC"])
    random = np.random.default_rng(seed)
    decoder = Decoder(tags, scheme, random_transitions(tags, scheme, random, crf=crf))
    emission = sentences(random, [length], len(tags))[0]
    found = decoder.decode([emission], marginals=True)[0]
    assert illegal_positions(found.tags, scheme) == []
    best = best_weight(emission, decoder.transitions)
    assert weight_of(found.tags, emission, decoder) == pytest.approx(best, abs=1e-6)
    scores = [s.score for s in found.spans]
    assert all(0 <= score <= 1 for score in [*scores, *found.marginals])
    if scheme.name not in ("IOB1", "IOE1"):  # there a span's tags depend on its neighbours
        for scored in found.spans:
            own = found.marginals[scored.span.word_start : scored.span.word_end]
            assert scored.score <= own.min() + 1e-9


@pytest.mark.parametrize("size", [1e1, 1e4, 1e9, 1e12, 1e30])
@each_scheme
def test_a_path_is_legal_whatever_the_emissions_prefer(scheme: Scheme, size: float) -> None:
    tags = scheme.tags(["X", "Y"])
    transitions = legal_transitions(tags, scheme)
    illegal_starts = [i for i in range(len(tags)) if transitions.start[i] <= ILLEGAL]
    decoder = Decoder(tags, scheme)
    for first in illegal_starts or [0]:
        for last in range(len(tags)):
            emission = np.zeros((4, len(tags)), dtype=np.float32)
            emission[0, first], emission[1:, last] = size, size
            found = decoder.decode([emission], marginals=True)[0]
            assert illegal_positions(found.tags, scheme) == []
            assert all(0 <= s.score <= 1 for s in found.spans)


def test_without_words() -> None:
    decoder = Decoder(("O", "B-X", "I-X"), SCHEMES["IOB2"])
    assert decoder.decode([]) == []
    empty = decoder.decode([np.zeros((0, 3), dtype=np.float32)], marginals=True)[0]
    assert (empty.tags, empty.spans, len(empty.marginals)) == ((), (), 0)


def test_one_word_by_hand() -> None:
    decoder = Decoder(("O", "B-X", "I-X"), SCHEMES["IOB2"])
    found = decoder.decode([np.log([[1, 3, 90]]).astype(np.float32)], marginals=True)[0]
    assert found.tags == ("B-X",)  # I-X may not begin a sentence, so three of four go to B-X
    assert found.spans[0].span == Span(0, 1, "X")
    assert found.spans[0].score == pytest.approx(0.75)
    assert found.marginals.tolist() == pytest.approx([0.75])


def test_two_words_by_hand() -> None:
    """Paths: OO OB BO BB BI; emissions weigh B twice and I four times O."""
    decoder = Decoder(("O", "B-X", "I-X"), SCHEMES["IOB2"])
    found = decoder.decode([np.log([[1, 2, 1], [1, 2, 4]]).astype(np.float32)])[0]
    assert found.tags == ("B-X", "I-X")
    assert found.spans[0].score == pytest.approx(8 / (1 + 2 + 2 + 4 + 8))
    assert len(found.marginals) == 0


@each_scheme
def test_transitions_are_the_schemes(scheme: Scheme) -> None:
    tags = scheme.tags(["X", "Y"])
    table = legal_transitions(tags, scheme)
    for i, before in enumerate(tags):
        assert (table.start[i] == 0) == (0 not in illegal_positions([before], scheme))
        assert (table.end[i] == 0) == (1 not in illegal_positions([before], scheme))
        for j, after in enumerate(tags):
            legal = 1 not in illegal_positions([before, after], scheme)
            assert table.pairs[i, j] == (0 if legal else ILLEGAL)


def test_learned_weights_never_make_the_illegal_legal() -> None:
    legal = legal_transitions(("O", "B-X", "I-X"), SCHEMES["IOB2"])
    high = np.full((3, 3), 1e6, dtype=np.float32)
    both = legal.plus(high[0], high, high[0])
    for before, after in ((legal.start, both.start), (legal.pairs, both.pairs)):
        assert ((before == ILLEGAL) == (after == ILLEGAL)).all()
        assert (after[before == 0] == 1e6).all()
    assert legal.pairs.max() == 0  # the original is as it was


def test_long_chains_neither_overflow_nor_vanish() -> None:
    scheme, tags = SCHEMES["IOB2"], ("O", "B-X", "I-X")
    emissions: Float64Array = np.zeros((1, 3000, 3))
    transitions = legal_transitions(tags, scheme)
    total = log_partition(forward(emissions, transitions), np.array([3000]), transitions)[0]
    counts, log_count = [1.0, 1.0, 0.0], 0.0  # paths that end in O, B, I; rescaled as they grow
    for _ in range(2999):
        o, b, i = counts
        grown = [o + b + i, o + b + i, b + i]
        log_count += math.log(sum(grown))
        counts = [count / sum(grown) for count in grown]
    assert total == pytest.approx(log_count, rel=1e-9)
    path = viterbi(emissions, np.array([3000]), transitions)[0].tolist()
    assert all((a, b) != (0, 2) for a, b in pairwise(path))
