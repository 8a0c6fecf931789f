"""Documents to windows that a model can hold, and the windows' votes back to sentences.

A window is a run of consecutive words of one document. Its *cores* are predicted, each of them a
sentence or a part of one; words around them are context: they are seen, but nothing is predicted
for them. A sentence that fits is one core of one window, alone or with its neighbours (`pack`). A
longer one is covered by overlapping windows; a word that several of them hold gets the mean of
their emissions, weighted by its distance to the nearer cut. `long` says what fits: a model does
badly on lengths that it has hardly learned from, long before its window is full. No word is ever
left out; one word that alone is longer than a window is represented by as many of its pieces as
that holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

import numpy as np
import numpy.typing as npt

from posner.align import EncodedDocument
from posner.errors import RecipeError

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Core:
    """Words `first` to `last` (exclusive) of a document, all of one sentence, to be predicted."""

    sentence: int
    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first


@dataclass(frozen=True, slots=True)
class Window:
    """Words `first` to `last` of a document, of which those of the cores are predicted.

    Attributes:
        document: index of the document.
        first, last: words that the window holds; `last` is exclusive.
        cores: what it predicts, in order.
        pieces: its pieces, special ones included; fewer than its words have where it is a single
            word that is longer than the limit.
    """

    document: int
    first: int
    last: int
    cores: tuple[Core, ...]
    pieces: int

    @property
    def core_words(self) -> int:
        """Words that it predicts."""
        return sum(len(core) for core in self.cores)


@dataclass(frozen=True)
class WindowPlan:
    """How sentences are put into windows.

    Attributes:
        limit: pieces that a window holds at most, special ones included.
        special: special pieces in a window.
        context: pieces of neighbouring sentences of the document on each side.
        overlap: pieces shared by neighbouring windows of one sentence.
        pack: pieces up to which consecutive sentences of a document share a window; 0: none do.
        long: pieces, special ones included, up to which a sentence fits into one window, and which
            the windows have that cover a longer one; 0: `limit`.
    """

    limit: int
    special: int
    context: int = 0
    overlap: int = 64
    pack: int = 0
    long: int = 0

    def __post_init__(self) -> None:
        if self.room < 8:
            raise RecipeError(
                "the window is too small",
                where="data.window",
                expected=f"at least {8 + self.special}",
                got=self.limit,
            )

    @property
    def room(self) -> int:
        """Pieces of words that a window holds."""
        return self.limit - self.special

    @property
    def long_room(self) -> int:
        """Pieces of words of one sentence that a window holds."""
        return min(self.room, max(self.long - self.special, 8)) if self.long else self.room

    def windows(self, documents: Sequence[EncodedDocument]) -> list[Window]:
        """The windows of all sentences that have words, in order."""
        return [w for i, document in enumerate(documents) for w in self.of_document(i, document)]

    def of_document(self, index: int, document: EncodedDocument) -> Iterator[Window]:
        """The windows of one document, which is known by `index`."""
        cores = [
            Core(sentence, int(first), int(last))
            for sentence, (first, last) in enumerate(pairwise(document.sentences))
            if first < last
        ]
        for fits, run in groupby(cores, lambda core: self._fits(document, core)):
            if fits:
                for group in self._packed(document, list(run)):
                    first, last = self._with_context(document, group[0].first, group[-1].last)
                    pieces = document.piece_count(first, last) + self.special
                    yield Window(index, first, last, group, pieces)
            else:
                for core in run:
                    yield from self._overlapping(index, document, core)

    def _fits(self, document: EncodedDocument, core: Core) -> bool:
        return document.piece_count(core.first, core.last) <= self.long_room

    def _packed(
        self, document: EncodedDocument, cores: Sequence[Core]
    ) -> Iterator[tuple[Core, ...]]:
        """Consecutive sentences in groups of about one size, none above `pack` unless alone."""
        most = min(self.pack - self.special, self.room)
        sizes = [document.piece_count(core.first, core.last) for core in cores]
        aim = sum(sizes) / max(1, -(-sum(sizes) // max(most, 1)))
        group: list[Core] = []
        filled = 0
        for core, size in zip(cores, sizes, strict=True):
            if group and (filled + size > most or filled + size / 2 > aim):
                yield tuple(group)
                group, filled = [], 0
            group.append(core)
            filled += size
        yield tuple(group)

    def _overlapping(
        self, index: int, document: EncodedDocument, sentence: Core
    ) -> Iterator[Window]:
        for first, last in self._cuts(document, sentence.first, sentence.last):
            pieces = min(document.piece_count(first, last), self.room) + self.special
            yield Window(index, first, last, (Core(sentence.sentence, first, last),), pieces)

    def _with_context(
        self, document: EncodedDocument, core_first: int, core_last: int
    ) -> tuple[int, int]:
        """Widen by whole words, `context` pieces a side at most, within the room."""
        if not self.context:
            return core_first, core_last
        spare = self.room - document.piece_count(core_first, core_last)
        starts = document.starts
        left = min(self.context, spare // 2, int(starts[core_first]))
        right = min(self.context, spare - left, int(starts[-1] - starts[core_last]))
        left = min(self.context, spare - right, int(starts[core_first]))
        first = int(np.searchsorted(starts, starts[core_first] - left, side="left"))
        last = int(np.searchsorted(starts, starts[core_last] + right, side="right")) - 1
        return first, last

    def _cuts(self, document: EncodedDocument, first: int, last: int) -> Iterable[tuple[int, int]]:
        """Overlapping runs of whole words, each within the long room, covering `first` to `last`.

        Each run goes further than the one before, even if that costs some of the overlap.
        """
        starts = document.starts
        overlap = min(self.overlap, self.long_room // 2)
        while True:
            end = int(np.searchsorted(starts, starts[first] + self.long_room, side="right")) - 1
            end = min(max(end, first + 1), last)
            yield first, end
            if end == last:
                return
            back = int(np.searchsorted(starts, starts[end] - overlap, side="left"))
            reach = int(np.searchsorted(starts, starts[end + 1] - self.long_room, side="left"))
            first = min(max(back, reach), end)


def vote_weights(core: Core, sentence_first: int, sentence_last: int) -> FloatArray:
    """(core words,) each word's distance to the nearer cut of its window.

    A border of the sentence is no cut, so a sentence in one window weighs the same everywhere.
    """
    positions = np.arange(core.first, core.last)
    far = sentence_last - sentence_first + 1
    left = positions - core.first + 1 if core.first > sentence_first else far
    right = core.last - positions if core.last < sentence_last else far
    return np.minimum(left, right).astype(np.float32) * np.ones(len(positions), dtype=np.float32)


def merge_votes(
    cores: Sequence[Core], votes: Sequence[FloatArray], sentence_first: int, sentence_last: int
) -> FloatArray:
    """The emissions of one sentence from those of its cores.

    Args:
        cores: the cores that cover the sentence.
        votes: for each core its emissions, (core words, tags).
        sentence_first, sentence_last: the sentence's words in the document.

    Returns:
        (words, tags) weighted means.
    """
    if len(cores) == 1:
        return votes[0]
    length = sentence_last - sentence_first
    total = np.zeros((length, votes[0].shape[1]), dtype=np.float32)
    weight = np.zeros((length, 1), dtype=np.float32)
    for core, vote in zip(cores, votes, strict=True):
        place = slice(core.first - sentence_first, core.last - sentence_first)
        weights = vote_weights(core, sentence_first, sentence_last)[:, None]
        total[place] += weights * vote
        weight[place] += weights
    merged: FloatArray = total / weight
    return merged


def without_overlap(windows: Sequence[Window]) -> list[Window]:
    """The same windows with cores that share no word, for a loss that counts each word once.

    Neighbouring windows of a long sentence part their overlap in the middle, where the weights
    of their votes cross.
    """
    result = list(windows)
    for i in range(1, len(result)):
        before, after = result[i - 1].cores[-1], result[i].cores[0]
        same = (result[i - 1].document, before.sentence) == (result[i].document, after.sentence)
        if same and before.last > after.first:
            middle = (before.last + after.first) // 2
            middle = min(max(middle, before.first + 1), after.last - 1)
            result[i - 1] = replace(result[i - 1], cores=(replace(before, last=middle),))
            result[i] = replace(result[i], cores=(replace(after, first=middle),))
    return result
