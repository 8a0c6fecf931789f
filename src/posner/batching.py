"""Windows to batches of arrays, by a budget of pieces, so that little of a batch is padding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from posner.align import EncodedDocument, IntArray, PieceTokenizer
from posner.windows import Window

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Batch:
    """Several windows, padded on the right. B windows, P pieces, W words; R cores of C words.

    Attributes:
        piece_ids: (B, P) vocabulary indices.
        piece_mask: (B, P) true on real pieces.
        piece_words: (B, P) the word of each piece, counted within the window; -1 on special ones.
        word_pieces: (B, W) the first piece of each word.
        word_mask: (B, W) true on real words.
        shapes: (B, W) word shapes.
        characters: (B, W, characters) or None.
        core: (R, C) the words to predict, as indices into W.
        core_mask: (R, C) true on real core words.
        core_window: (R,) the window of each core; the cores come window by window, in order.
        windows: the windows themselves.
    """

    piece_ids: IntArray
    piece_mask: BoolArray
    piece_words: IntArray
    word_pieces: IntArray
    word_mask: BoolArray
    shapes: IntArray
    characters: IntArray | None
    core: IntArray
    core_mask: BoolArray
    core_window: IntArray
    windows: tuple[Window, ...]

    @property
    def core_lengths(self) -> IntArray:
        """(R,) words of each core."""
        return np.asarray(np.count_nonzero(self.core_mask, axis=1), dtype=np.int64)


def collate(
    windows: Sequence[Window], documents: Sequence[EncodedDocument], tokenizer: PieceTokenizer
) -> Batch:
    """Put windows into one batch."""
    rows = len(windows)
    pieces = max(w.pieces for w in windows)
    words = max(w.last - w.first for w in windows)
    piece_ids = np.full((rows, pieces), tokenizer.padding, dtype=np.int64)
    piece_mask = np.zeros((rows, pieces), dtype=bool)
    piece_words = np.full((rows, pieces), -1, dtype=np.int64)
    word_pieces = np.zeros((rows, words), dtype=np.int64)
    word_mask = np.zeros((rows, words), dtype=bool)
    shapes = np.zeros((rows, words), dtype=np.int64)
    table = documents[windows[0].document].characters
    characters = None if table is None else np.zeros((rows, words, table.shape[1]), dtype=np.int64)
    prefix, suffix = tokenizer.prefix, tokenizer.suffix
    for row, window in enumerate(windows):
        document = documents[window.document]
        begin = int(document.starts[window.first])
        inner = slice(len(prefix), window.pieces - len(suffix))
        length = inner.stop - inner.start  # fewer than the words' pieces: see `Window.pieces`
        count = window.last - window.first
        starts = document.starts[window.first : window.last + 1] - begin
        piece_ids[row, : inner.start] = prefix
        piece_ids[row, inner] = document.ids[begin : begin + length]
        piece_ids[row, inner.stop : window.pieces] = suffix
        piece_mask[row, : window.pieces] = True
        piece_words[row, inner] = np.repeat(np.arange(count), np.diff(starts))[:length]
        word_pieces[row, :count] = starts[:-1] + len(prefix)
        word_mask[row, :count] = True
        shapes[row, :count] = document.shapes[window.first : window.last]
        if characters is not None and document.characters is not None:
            characters[row, :count] = document.characters[window.first : window.last]
    return Batch(
        piece_ids,
        piece_mask,
        piece_words,
        word_pieces,
        word_mask,
        shapes,
        characters,
        *_cores(windows),
        tuple(windows),
    )


def _cores(windows: Sequence[Window]) -> tuple[IntArray, BoolArray, IntArray]:
    """`core`, `core_mask` and `core_window` of a batch."""
    cores = [(row, core, w.first) for row, w in enumerate(windows) for core in w.cores]
    longest = max(len(core) for _, core, _ in cores)
    places = np.zeros((len(cores), longest), dtype=np.int64)
    mask = np.zeros((len(cores), longest), dtype=bool)
    for i, (_, core, begin) in enumerate(cores):
        places[i, : len(core)] = np.arange(core.first, core.last) - begin
        mask[i, : len(core)] = True
    return places, mask, np.array([row for row, _, _ in cores], dtype=np.int64)


def budget_batches(lengths: Sequence[int], order: Iterable[int], budget: int) -> list[list[int]]:
    """Consecutive runs of `order` whose padded size stays within the budget.

    Args:
        lengths: pieces of each item.
        order: indices of the items; sorted by length they need little padding.
        budget: padded pieces a batch; an item that is longer than it has a batch of its own.
    """
    batches: list[list[int]] = []
    current: list[int] = []
    longest = 0
    for index in order:
        longest = max(longest, lengths[index])
        if current and longest * (len(current) + 1) > budget:
            batches.append(current)
            current, longest = [], lengths[index]
        current.append(index)
    if current:
        batches.append(current)
    return batches


def sorted_batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Batches for prediction: longest first, so that memory peaks at once."""
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    return budget_batches(lengths, order, budget)


def shuffled_batches(lengths: Sequence[int], budget: int, seed: int) -> list[list[int]]:
    """Batches for one epoch: alike in length, random in company and order.

    Lengths are blurred a little before sorting, so that an item meets others in each epoch.
    """
    random = np.random.default_rng(seed)
    exact = np.asarray(lengths, dtype=np.float64)
    blurred = exact + random.random(len(exact)) * (1 + 0.05 * exact)
    batches = budget_batches(lengths, (int(i) for i in np.argsort(blurred)), budget)
    return [batches[i] for i in random.permutation(len(batches))]


def padding_share(lengths: Sequence[int], batches: Sequence[Sequence[int]]) -> float:
    """The share of all batches' places that hold padding, 0 to 1."""
    padded = sum(max(lengths[i] for i in batch) * len(batch) for batch in batches)
    return 1 - sum(lengths[i] for batch in batches for i in batch) / padded if padded else 0.0
