"""Finding the known name that a misspelt one means, by bounded edit distance.

A name is cut into one part more than it may have edits, so in a misspelling at least one part is
whole, moved by no more than the edits before it (the pigeonhole principle; Navarro 2001). The
hashes of the parts stand in one sorted array, and only names that share a part are compared, all
in one call. Two neighbouring letters that changed places are one edit but harm two parts where a
border lies between them; so each stretch of the text is also looked up with the pair at either of
its ends put back. With one such pair put back, the edits that are left harm too few parts for none
to be whole.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from posner.collector import collector_paused
from posner.extras import needs_extra

MOST_EDITS = 2
"""The longest names may be this many edits away."""

_SHORTEST = {1: 5, 2: 11}
"""Letters that a name must have for so many edits; a shorter one is soon another name."""


def edits_allowed(length: int, most: int = MOST_EDITS) -> int:
    """How many edits a name of so many characters may be away."""
    return max((edits for edits in range(1, most + 1) if length >= _SHORTEST[edits]), default=0)


@dataclass(frozen=True, slots=True)
class Near:
    """The nearest spelling.

    Attributes:
        spelling: its number.
        edits: letters added, left out, replaced, or swapped with their neighbour.
        similarity: 1 less the edits by the longer one's characters.
    """

    spelling: int
    edits: int
    similarity: float


class NearNames:
    """Looks up misspelt names; letter case does not count.

    Args:
        spellings: known ones.
        most: edits at most, 1 or 2.

    Raises:
        MissingExtraError: rapidfuzz is not installed.
    """

    @collector_paused()
    def __init__(self, spellings: Sequence[str], *, most: int = MOST_EDITS) -> None:
        with needs_extra("correcting names", "lexicon"):
            from rapidfuzz.distance import OSA
            from rapidfuzz.process import cdist
        self._distances = partial(
            cdist, scorer=OSA.distance, score_cutoff=most, dtype=np.uint8, workers=1
        )
        self._spellings = spellings
        self._most = most
        keys, owners = array("q"), array("I")
        for number, spelling in enumerate(spellings):
            folded = spelling.lower()
            for key in self._part_keys(folded):
                keys.append(key)
                owners.append(number)
        order = np.argsort(np.frombuffer(keys, dtype=np.int64) if keys else np.zeros(0, np.int64))
        self._keys = np.array(keys, dtype=np.int64)[order]
        self._owners = np.array(owners, dtype=np.uint32)[order]

    def _part_keys(self, folded: str) -> Iterator[int]:
        length = len(folded)
        edits = edits_allowed(length, self._most)
        for part in range(edits + 1 if edits else 0):
            begin, end = _part(length, edits, part)
            yield hash((length, part, folded[begin:end]))

    def nearest(self, text: str, accept: Callable[[int], bool]) -> Near | None:
        """The nearest spelling that is accepted, the first of several; None where none is near."""
        folded = text.lower()
        numbers = self._candidates(folded)
        if not numbers:
            return None
        spelled = [self._spellings[number].lower() for number in numbers]
        distances = self._distances([folded], spelled)[0]  # (candidates,)
        for edits in range(self._most + 1):
            for place in np.flatnonzero(distances == edits).tolist():
                length, number = len(spelled[place]), numbers[place]
                if edits <= edits_allowed(length, self._most) and accept(number):
                    return Near(number, edits, 1 - edits / max(len(folded), length))
        return None

    def _candidates(self, folded: str) -> list[int]:
        """Every spelling that shares a part with the text, in order."""
        keys: set[int] = set()
        for length in range(max(1, len(folded) - self._most), len(folded) + self._most + 1):
            edits = edits_allowed(length, self._most)
            if edits >= abs(length - len(folded)) and edits:
                keys.update(_shifted_keys(folded, length, edits))
        wanted = np.fromiter(keys, dtype=np.int64, count=len(keys))
        first = np.searchsorted(self._keys, wanted, side="left")
        inside = first < len(self._keys)
        wanted, first = wanted[inside], first[inside]
        present = self._keys[first] == wanted
        last = np.searchsorted(self._keys, wanted[present], side="right")
        ranges = zip(first[present], last, strict=True)
        found = [self._owners[begin:end] for begin, end in ranges]
        return np.unique(np.concatenate(found)).tolist() if found else []


def _part(length: int, edits: int, part: int) -> tuple[int, int]:
    """Where a part of a name of that length begins and ends."""
    parts = edits + 1
    return length * part // parts, length * (part + 1) // parts


def _shifted_keys(folded: str, length: int, edits: int) -> Iterator[int]:
    """The keys of all places where a part of a name of that length can stand in the text.

    A part that moved by `shift` took as many edits before it, and after it as many as it takes to
    come from the name's length to the text's.
    """
    longer = len(folded) - length
    for part in range(edits + 1):
        first, last = _part(length, edits, part)
        for shift in range(-edits, edits + 1):
            begin, end = first + shift, last + shift
            if begin < 0 or end > len(folded) or abs(shift) + abs(longer - shift) > edits:
                continue
            yield hash((length, part, folded[begin:end]))
            if begin > 0:
                yield hash((length, part, folded[begin - 1] + folded[begin + 1 : end]))
            if end < len(folded):
                yield hash((length, part, folded[begin : end - 1] + folded[end]))
