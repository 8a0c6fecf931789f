"""Windows to batches: every array against plain loops, and budgets that hold."""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posner.align import EncodedDocument, PieceTokenizer
from posner.batching import (
    Batch,
    budget_batches,
    collate,
    padding_share,
    shuffled_batches,
    sorted_batches,
)
from posner.windows import Window, WindowPlan


class Specials:
    """As much of a tokenizer as batching needs."""

    def __init__(self, prefix: tuple[int, ...], suffix: tuple[int, ...], padding: int) -> None:
        self.prefix, self.suffix, self.padding = prefix, suffix, padding


def tokenizer_of(prefix: tuple[int, ...], suffix: tuple[int, ...]) -> PieceTokenizer:
    return cast(PieceTokenizer, Specials(prefix, suffix, padding=7))


@st.composite
def encoded_documents(draw: st.DrawFn, *, characters: bool) -> EncodedDocument:
    sentences = draw(st.lists(st.lists(st.integers(1, 20), max_size=12), min_size=1, max_size=4))
    counts = [count for sentence in sentences for count in sentence]
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    random = np.random.default_rng(draw(st.integers(0, 1000)))
    return EncodedDocument(
        ids=random.integers(10, 99, size=int(starts[-1])),
        starts=starts,
        sentences=np.concatenate([[0], np.cumsum([len(s) for s in sentences])]).astype(np.int64),
        shapes=random.integers(1, 13, size=len(counts)),
        characters=random.integers(1, 9, size=(len(counts), 5)) if characters else None,
    )


@st.composite
def cases(
    draw: st.DrawFn,
) -> tuple[list[Window], list[EncodedDocument], PieceTokenizer]:
    """Some windows of some documents in any order, with context and cuts."""
    characters = draw(st.booleans())
    documents = draw(st.lists(encoded_documents(characters=characters), min_size=1, max_size=3))
    prefix, suffix = draw(st.sampled_from([((), ()), ((1,), (2,)), ((1, 3), (2,)), ((), (2, 4))]))
    plan = WindowPlan(
        pack=draw(st.sampled_from([0, 12, 40])),
        limit=draw(st.integers(12, 40)),
        special=len(prefix) + len(suffix),
        context=draw(st.integers(0, 12)),
        overlap=draw(st.integers(0, 12)),
    )
    windows = draw(st.permutations(plan.windows(documents)))
    return list(windows), documents, tokenizer_of(prefix, suffix)


def plain_row(
    window: Window, document: EncodedDocument, tokenizer: PieceTokenizer
) -> dict[str, list[object]]:
    """One window's row without its padding."""
    ids, owners, firsts = list(tokenizer.prefix), [-1] * len(tokenizer.prefix), []
    room = window.pieces - len(tokenizer.prefix) - len(tokenizer.suffix)
    taken = 0
    for index, word in enumerate(range(window.first, window.last)):
        firsts.append(len(ids))
        for piece in document.ids[document.starts[word] : document.starts[word + 1]]:
            if taken < room:
                ids.append(int(piece))
                owners.append(index)
                taken += 1
    return {
        "piece_ids": [*ids, *tokenizer.suffix],
        "piece_words": [*owners, *([-1] * len(tokenizer.suffix))],
        "word_pieces": list(firsts),
        "shapes": document.shapes[window.first : window.last].tolist(),
    }


@given(cases())
def test_a_batch_is_its_windows_padded(
    case: tuple[list[Window], list[EncodedDocument], PieceTokenizer],
) -> None:
    windows, documents, tokenizer = case
    if not windows:
        return
    batch = collate(windows, documents, tokenizer)
    rows = [plain_row(w, documents[w.document], tokenizer) for w in windows]
    for name, padding, mask in (
        ("piece_ids", tokenizer.padding, batch.piece_mask),
        ("piece_words", -1, batch.piece_mask),
        ("word_pieces", 0, batch.word_mask),
        ("shapes", 0, batch.word_mask),
    ):
        table = getattr(batch, name)
        width = max(len(row[name]) for row in rows)
        assert table.shape == mask.shape == (len(rows), width)
        assert table.dtype == np.int64
        for row, expected in enumerate(rows):
            count = len(expected[name])
            assert table[row].tolist() == expected[name] + [padding] * (width - count)
            assert mask[row].tolist() == [True] * count + [False] * (width - count)
    check_cores(batch, windows)
    check_characters(batch, windows, documents)


def check_cores(batch: Batch, windows: list[Window]) -> None:
    cores = [(row, window, core) for row, window in enumerate(windows) for core in window.cores]
    assert batch.core_window.tolist() == [row for row, _, _ in cores]
    assert batch.core_lengths.tolist() == [len(core) for _, _, core in cores]
    assert batch.core.shape == batch.core_mask.shape == (len(cores), max(batch.core_lengths))
    for row, (_, window, core) in enumerate(cores):
        places = [word - window.first for word in range(core.first, core.last)]
        assert batch.core[row, batch.core_mask[row]].tolist() == places
        assert batch.core_mask[row, : len(core)].all()
        assert not batch.core[row, len(core) :].any()


def check_characters(batch: Batch, windows: list[Window], documents: list[EncodedDocument]) -> None:
    if documents[0].characters is None:
        assert batch.characters is None
        return
    assert batch.characters is not None
    for row, window in enumerate(windows):
        table = documents[window.document].characters
        assert table is not None
        count = window.last - window.first
        assert (batch.characters[row, :count] == table[window.first : window.last]).all()
        assert not batch.characters[row, count:].any()


def test_each_word_begins_where_its_first_piece_is() -> None:
    document = EncodedDocument(
        ids=np.arange(10, 16),
        starts=np.array([0, 2, 3, 6]),
        sentences=np.array([0, 1, 3]),
        shapes=np.array([1, 2, 3]),
        characters=None,
    )
    windows = WindowPlan(limit=10, special=2, context=3).windows([document])
    batch = collate(windows, [document], tokenizer_of((1,), (2,)))
    assert batch.piece_ids.tolist() == [[1, 10, 11, 12, 2, 7, 7, 7], [1, 10, 11, 12, 13, 14, 15, 2]]
    assert batch.piece_words.tolist() == [[-1, 0, 0, 1, -1, -1, -1, -1], [-1, 0, 0, 1, 2, 2, 2, -1]]
    assert batch.word_pieces.tolist() == [[1, 3, 0], [1, 3, 4]]
    assert batch.core.tolist() == [[0, 0], [1, 2]]
    assert batch.core_mask.tolist() == [[True, False], [True, True]]


lengths_and_budgets = st.tuples(st.lists(st.integers(1, 80), max_size=60), st.integers(1, 300))


def check_batches(lengths: list[int], batches: list[list[int]], budget: int) -> None:
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        assert batch
        if len(batch) > 1:
            assert max(lengths[i] for i in batch) * len(batch) <= budget


@given(lengths_and_budgets, st.integers(0, 2**31))
def test_budgets_hold_and_nothing_is_left_out(case: tuple[list[int], int], seed: int) -> None:
    lengths, budget = case
    for batches in (
        budget_batches(lengths, range(len(lengths)), budget),
        sorted_batches(lengths, budget),
        shuffled_batches(lengths, budget, seed),
    ):
        check_batches(lengths, batches, budget)
        assert 0 <= padding_share(lengths, batches) < 1


@given(lengths_and_budgets)
def test_consecutive_batches_are_as_full_as_the_budget_lets_them(
    case: tuple[list[int], int],
) -> None:
    lengths, budget = case
    batches = budget_batches(lengths, range(len(lengths)), budget)
    assert [i for batch in batches for i in batch] == list(range(len(lengths)))
    for batch, following in pairwise(batches):
        joined = [*batch, following[0]]
        assert max(lengths[i] for i in joined) * len(joined) > budget


@given(lengths_and_budgets)
def test_prediction_takes_the_longest_first(case: tuple[list[int], int]) -> None:
    lengths, budget = case
    order = [lengths[i] for batch in sorted_batches(lengths, budget) for i in batch]
    assert order == sorted(lengths, reverse=True)


def realistic_lengths() -> list[int]:
    """Pieces of 5,000 sentences as newspapers have them: 5 to 60, most about 20."""
    drawn = np.random.default_rng(0).lognormal(np.log(20), 0.55, size=5000)
    return [int(n) for n in np.clip(drawn, 5, 60)]


def test_a_seed_names_an_epoch() -> None:
    lengths = realistic_lengths()
    once, again, other = (shuffled_batches(lengths, 768, seed) for seed in (1, 1, 2))
    assert once == again
    assert once != other
    company = {frozenset(batch) for batch in once}
    assert len(company & {frozenset(batch) for batch in other}) < len(company) / 10


@pytest.mark.parametrize("seed", range(5))
def test_little_of_an_epoch_is_padding(seed: int) -> None:
    lengths = realistic_lengths()
    batches = shuffled_batches(lengths, 768, seed)
    share = padding_share(lengths, batches)
    assert share < 0.05
    padded = sum(max(lengths[i] for i in batch) * len(batch) for batch in batches)
    assert share == pytest.approx(1 - sum(lengths) / padded)


def test_no_batches_have_no_padding() -> None:
    assert shuffled_batches([], 768, 1) == sorted_batches([], 768) == []
    assert padding_share([], []) == 0
