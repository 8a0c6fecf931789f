"""Documents to windows and votes back: every word once or more, nothing longer than the limit."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posner.align import EncodedDocument
from posner.errors import RecipeError
from posner.windows import (
    Core,
    FloatArray,
    Window,
    WindowPlan,
    merge_votes,
    vote_weights,
    without_overlap,
)
from posner.word_features import CHARACTERS_PER_WORD


def encoded(sentences: list[list[int]]) -> EncodedDocument:
    """A document whose words have these numbers of pieces."""
    counts = [count for sentence in sentences for count in sentence]
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return EncodedDocument(
        ids=np.arange(100, 100 + int(starts[-1])),
        starts=starts,
        sentences=np.concatenate([[0], np.cumsum([len(s) for s in sentences])]).astype(np.int64),
        shapes=np.ones(len(counts), dtype=np.int64),
        characters=np.ones((len(counts), CHARACTERS_PER_WORD), dtype=np.int64),
    )


word = st.one_of(st.integers(1, 3), st.integers(1, 3), st.integers(1, 30))
corpora = st.lists(st.lists(st.lists(word, max_size=30), max_size=5), max_size=3)
plans = st.builds(
    WindowPlan,
    limit=st.integers(10, 40),
    special=st.integers(0, 2),
    context=st.integers(0, 40),
    overlap=st.integers(0, 40),
    pack=st.sampled_from([0, 0, 1, 5, 12, 25, 60]),
    long=st.sampled_from([0, 0, 1, 10, 15, 30, 100]),
)


def by_sentence(windows: list[Window]) -> dict[tuple[int, int], list[tuple[Window, Core]]]:
    found: dict[tuple[int, int], list[tuple[Window, Core]]] = {}
    for window in windows:
        for core in window.cores:
            found.setdefault((window.document, core.sentence), []).append((window, core))
    return found


@given(corpora, plans)
def test_windows_cover_every_sentence_within_the_limit(
    corpus: list[list[list[int]]], plan: WindowPlan
) -> None:
    documents = [encoded(sentences) for sentences in corpus]
    windows = plan.windows(documents)
    found = by_sentence(windows)
    assert list(found) == [
        (d, s) for d, sentences in enumerate(corpus) for s, words in enumerate(sentences) if words
    ]
    for window in windows:
        check_window(documents[window.document], window, plan)
    for (d, s), own in found.items():
        document = documents[d]
        first, last = int(document.sentences[s]), int(document.sentences[s + 1])
        if document.piece_count(first, last) <= plan.long_room:
            assert [(core.first, core.last) for _, core in own] == [(first, last)]
            check_context(document, own[0][0], plan)
        else:
            assert all((w.first, w.last) == (core.first, core.last) for w, core in own)
            check_cuts(document, [window for window, _ in own], first, last, plan)


def check_window(document: EncodedDocument, window: Window, plan: WindowPlan) -> None:
    """Its cores are neighbours within it; its pieces are within the limit and the pack."""
    cores = window.cores
    assert 0 <= window.first <= cores[0].first < cores[-1].last <= window.last
    assert all(core.first < core.last for core in cores)
    assert all(before.last == after.first for before, after in pairwise(cores))
    assert window.last <= document.sentences[-1]
    assert window.core_words == sum(core.last - core.first for core in cores)
    held = document.piece_count(window.first, window.last)
    assert window.pieces <= plan.limit
    if held <= plan.room:
        assert window.pieces == held + plan.special
    else:  # one word that is longer than the window: as many of its pieces as that holds
        assert window.last == window.first + 1
        assert window.pieces == plan.limit
    if len(cores) > 1:
        packed = document.piece_count(cores[0].first, cores[-1].last) + plan.special
        assert packed <= plan.pack


def check_context(document: EncodedDocument, window: Window, plan: WindowPlan) -> None:
    """Within `context` pieces a side, and no further word would have fitted on either."""
    core_first, core_last = window.cores[0].first, window.cores[-1].last
    left = document.piece_count(window.first, core_first)
    right = document.piece_count(core_last, window.last)
    assert left <= plan.context
    assert right <= plan.context
    if not plan.context:
        return
    spare = plan.limit - window.pieces
    core = document.piece_count(core_first, core_last)
    if plan.room - core >= 2 * plan.context:  # room for all: each side takes whole words
        if window.first > 0:
            assert document.piece_count(window.first - 1, core_first) > plan.context
        if window.last < document.sentences[-1]:
            assert document.piece_count(core_last, window.last + 1) > plan.context
    assert spare >= 0


def check_cuts(
    document: EncodedDocument, windows: list[Window], first: int, last: int, plan: WindowPlan
) -> None:
    """Each goes further than the one before, leaves nothing out, and overlaps as it should."""
    assert len(windows) > 1 or last == first + 1
    assert windows[0].first == first
    assert windows[-1].last == last
    for before, after in pairwise(windows):
        assert before.first < after.first <= before.last < after.last
        assert document.piece_count(after.first, before.last) <= min(plan.overlap, plan.room // 2)


def test_overlap_is_what_the_plan_says() -> None:
    document = encoded([[1] * 1000])
    windows = WindowPlan(limit=102, special=2, overlap=40).windows([document])
    assert [(w.first, w.last) for w in windows[:3]] == [(0, 100), (60, 160), (120, 220)]
    assert {w.pieces for w in windows[:-1]} == {102}


def test_a_sentence_beyond_the_long_window_is_covered_though_a_window_would_hold_it() -> None:
    document = encoded([[1] * 40, [1] * 41])
    windows = WindowPlan(limit=102, special=2, overlap=64, long=42).windows([document])
    assert [(w.first, w.last) for w in windows] == [(0, 40), (40, 80), (60, 81)]
    word = WindowPlan(limit=102, special=2, long=42).windows([encoded([[1, 60, 1] * 2])])
    assert {(w.first, w.last) for w in word} >= {(1, 2), (4, 5)}  # longer than one, and whole
    assert word[1].pieces == 62


def test_context_may_fill_more_than_the_long_window() -> None:
    plan = WindowPlan(limit=102, special=2, context=30, long=42)
    windows = plan.windows([encoded([[1] * 40] * 3)])
    assert [(w.first, w.last) for w in windows] == [(0, 70), (10, 110), (50, 120)]


def test_context_grows_into_the_room_that_the_other_side_leaves() -> None:
    document = encoded([[1] * 4, [1] * 10, [1] * 50])
    windows = WindowPlan(limit=42, special=2, context=20).windows([document])
    assert (windows[1].first, windows[1].last) == (0, 34)  # 4 to the left are all there are
    assert (windows[0].first, windows[0].last) == (0, 24)  # none to the left
    assert windows[2].first == windows[2].cores[0].first  # a long sentence leaves no room
    both = WindowPlan(limit=32, special=2, context=20).windows([encoded([[1] * 30] * 3)])[1]
    assert (both.first, both.last) == (30, 60)
    tight = WindowPlan(limit=22, special=2, context=20).windows([encoded([[1] * 10] * 3)])[1]
    assert (tight.first, tight.last) == (5, 25)


def test_context_takes_whole_words() -> None:
    document = encoded([[5], [1], [5]])
    window = WindowPlan(limit=12, special=2, context=4).windows([document])[1]
    assert (window.first, window.last) == (1, 2)
    window = WindowPlan(limit=22, special=2, context=5).windows([document])[1]
    assert (window.first, window.last) == (0, 3)


@pytest.mark.parametrize("overlap", [0, 1, 1000])
def test_the_smallest_window_ends_whatever_the_words(overlap: int) -> None:
    document = encoded([[100] * 5 + [1] * 20 + [100], [100], [7, 100, 7]])
    windows = WindowPlan(limit=10, special=2, overlap=overlap).windows([document])
    assert max(w.pieces for w in windows) == 10
    covered = Counter(i for w in windows for c in w.cores for i in range(c.first, c.last))
    assert sorted(covered) == list(range(30))


@pytest.mark.parametrize("limit", [0, 2, 9])
def test_a_window_without_room_is_refused(limit: int) -> None:
    with pytest.raises(RecipeError, match="too small") as caught:
        WindowPlan(limit=limit, special=2)
    assert (caught.value.where, caught.value.expected) == ("data.window", "at least 10")


@given(corpora, plans)
def test_without_overlap_each_word_is_in_one_core(
    corpus: list[list[list[int]]], plan: WindowPlan
) -> None:
    documents = [encoded(sentences) for sentences in corpus]
    windows = plan.windows(documents)
    parted = without_overlap(windows)
    cores = [(w.document, i) for w in parted for c in w.cores for i in range(c.first, c.last)]
    assert cores == [(d, i) for d, e in enumerate(documents) for i in range(len(e.shapes))]
    for before, after in zip(windows, parted, strict=True):
        assert (before.first, before.last, before.pieces) == (after.first, after.last, after.pieces)
        for old, new in zip(before.cores, after.cores, strict=True):
            assert old.first <= new.first < new.last <= old.last


def test_neighbours_share_a_window_in_groups_of_about_one_size() -> None:
    document = encoded([[1] * 10] * 7 + [[1] * 100] + [[1] * 30] * 2)
    windows = WindowPlan(limit=82, special=2, pack=42).windows([document])
    sentences = [[core.sentence for core in window.cores] for window in windows]
    assert sentences[:2] == [[0, 1, 2, 3], [4, 5, 6]]  # not four and a rest of one
    assert sentences[-2:] == [[8], [9]]
    assert {s for own in sentences[2:-2] for s in own} == {7}


@given(st.integers(0, 5), st.integers(1, 20), st.integers(0, 5), st.integers(0, 7))
def test_weights_rise_from_cuts(before: int, length: int, after: int, first: int) -> None:
    core = Core(0, first + before, first + before + length)
    last = first + before + length + after
    weights = vote_weights(core, first, last)
    assert weights.shape == (length,)
    assert weights.dtype == np.float32
    assert (weights >= 1).all()
    if before:
        assert weights[0] == 1
    if after:
        assert weights[-1] == 1
    if bool(before) == bool(after):
        assert (weights == weights[::-1]).all()
    if not before and not after:
        assert len(set(weights.tolist())) == 1
    mirrored = vote_weights(Core(0, first + after, first + after + length), first, last)
    assert (mirrored[::-1] == weights).all()


@st.composite
def long_sentences(draw: st.DrawFn) -> tuple[list[Core], int, int]:
    """The cores of one sentence, and its first and last word in the document."""
    counts = draw(st.lists(st.integers(1, 12), min_size=1, max_size=40))
    lead = draw(st.integers(0, 3))
    document = encoded([[1] * lead, counts])
    overlap = draw(st.integers(0, 20))
    windows = WindowPlan(limit=draw(st.integers(8, 30)), special=0, overlap=overlap)
    own = [c for w in windows.windows([document]) for c in w.cores if c.sentence == 1]
    return own, lead, lead + len(counts)


@given(long_sentences(), st.integers(0, 2**32 - 1))
def test_merged_votes_are_weighted_means(sentence: tuple[list[Core], int, int], seed: int) -> None:
    cores, first, last = sentence
    random = np.random.default_rng(seed)
    votes: list[FloatArray] = [
        random.normal(size=(len(core), 3)).astype(np.float32) for core in cores
    ]
    merged = merge_votes(cores, votes, first, last)
    assert merged.shape == (last - first, 3)
    assert merged.dtype == np.float32
    for place in range(first, last):
        total, weight = np.zeros(3), 0.0
        for core, vote in zip(cores, votes, strict=True):
            if core.first <= place < core.last:
                cuts = [last - first + 1]
                if core.first > first:
                    cuts.append(place - core.first + 1)
                if core.last < last:
                    cuts.append(core.last - place)
                total += min(cuts) * vote[place - core.first].astype(np.float64)
                weight += min(cuts)
        np.testing.assert_allclose(merged[place - first], total / weight, atol=1e-5)


@given(long_sentences(), st.integers(0, 2**32 - 1))
def test_windows_that_agree_are_left_alone(
    sentence: tuple[list[Core], int, int], seed: int
) -> None:
    cores, first, last = sentence
    whole = np.random.default_rng(seed).normal(size=(last - first, 4)).astype(np.float32)
    votes = [whole[c.first - first : c.last - first] for c in cores]
    np.testing.assert_allclose(merge_votes(cores, votes, first, last), whole, rtol=1e-5)
