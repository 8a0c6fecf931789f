"""Documents to windows that a model can hold, and the windows' votes back to sentences.

A window is a run of consecutive words of one document. Its *core* is predicted; words around the
core are context: they are seen, but nothing is predicted for them. A sentence that fits has one
window. A longer one is covered by overlapping windows; a word that several of them hold gets the
mean of their emissions, weighted by its distance to the nearer cut. No word is ever left out; one
word that alone is longer than a window is represented by as many of its pieces as that holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from posner.align import EncodedDocument
from posner.errors import RecipeError

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Window:
    """Words `first` to `last` of a document, of which `core_first` to `core_last` are predicted.

    Attributes:
        document: index of the document.
        sentence: index of the sentence in the document.
        first, last: words that the window holds; `last` is exclusive.
        core_first, core_last: words that it predicts.
        pieces: its pieces, special ones included; fewer than its words have where it is a single
            word that is longer than the limit.
    """

    document: int
    sentence: int
    first: int
    last: int
    core_first: int
    core_last: int
    pieces: int


@dataclass(frozen=True)
class WindowPlan:
    """How sentences are cut.

    Attributes:
        limit: pieces that a window holds at most, special ones included.
        special: special pieces in a window.
        context: pieces of neighbouring sentences of the document on each side.
        overlap: pieces shared by neighbouring windows of one sentence.
    """

    limit: int
    special: int
    context: int = 0
    overlap: int = 64

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

    def windows(self, documents: Sequence[EncodedDocument]) -> list[Window]:
        """The windows of all sentences that have words, in order."""
        return [w for i, document in enumerate(documents) for w in self._of_document(i, document)]

    def _of_document(self, index: int, document: EncodedDocument) -> Iterable[Window]:
        for sentence in range(len(document.sentences) - 1):
            core_first = int(document.sentences[sentence])
            core_last = int(document.sentences[sentence + 1])
            if core_first == core_last:
                continue
            if document.piece_count(core_first, core_last) <= self.room:
                first, last = self._with_context(document, core_first, core_last)
                pieces = document.piece_count(first, last) + self.special
                yield Window(index, sentence, first, last, core_first, core_last, pieces)
            else:
                for first, last in self._cuts(document, core_first, core_last):
                    pieces = min(document.piece_count(first, last), self.room) + self.special
                    yield Window(index, sentence, first, last, first, last, pieces)

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
        """Overlapping runs of whole words, each within the room, covering `first` to `last`.

        Each run goes further than the one before, even if that costs some of the overlap.
        """
        starts = document.starts
        overlap = min(self.overlap, self.room // 2)
        while True:
            end = int(np.searchsorted(starts, starts[first] + self.room, side="right")) - 1
            end = min(max(end, first + 1), last)
            yield first, end
            if end == last:
                return
            back = int(np.searchsorted(starts, starts[end] - overlap, side="left"))
            reach = int(np.searchsorted(starts, starts[end + 1] - self.room, side="left"))
            first = min(max(back, reach), end)


def vote_weights(window: Window, sentence_first: int, sentence_last: int) -> FloatArray:
    """(core words,) each word's distance to the nearer cut of its window.

    A border of the sentence is no cut, so a sentence in one window weighs the same everywhere.
    """
    positions = np.arange(window.core_first, window.core_last)
    far = sentence_last - sentence_first + 1
    left = positions - window.core_first + 1 if window.core_first > sentence_first else far
    right = window.core_last - positions if window.core_last < sentence_last else far
    return np.minimum(left, right).astype(np.float32) * np.ones(len(positions), dtype=np.float32)


def merge_votes(
    windows: Sequence[Window], votes: Sequence[FloatArray], sentence_first: int, sentence_last: int
) -> FloatArray:
    """The emissions of one sentence from those of its windows.

    Args:
        windows: the windows of the sentence.
        votes: for each window its emissions, (core words, tags).
        sentence_first, sentence_last: the sentence's words in the document.

    Returns:
        (words, tags) weighted means.
    """
    if len(windows) == 1:
        return votes[0]
    length = sentence_last - sentence_first
    total = np.zeros((length, votes[0].shape[1]), dtype=np.float32)
    weight = np.zeros((length, 1), dtype=np.float32)
    for window, vote in zip(windows, votes, strict=True):
        place = slice(window.core_first - sentence_first, window.core_last - sentence_first)
        weights = vote_weights(window, sentence_first, sentence_last)[:, None]
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
        before, after = result[i - 1], result[i]
        same = (before.document, before.sentence) == (after.document, after.sentence)
        if same and before.core_last > after.core_first:
            middle = (before.core_last + after.core_first) // 2
            middle = min(max(middle, before.core_first + 1), after.core_last - 1)
            result[i - 1] = replace(before, core_last=middle)
            result[i] = replace(after, core_first=middle)
    return result
