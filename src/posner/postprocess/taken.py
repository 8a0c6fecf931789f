"""Which characters of a text are taken by entities."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from posner.document import Entity


class Taken:
    """Places that are taken.

    Args:
        entities: whose places are to begin with.
    """

    def __init__(self, entities: Sequence[Entity]) -> None:
        taken = sorted((e.start, e.end) for e in entities)
        self._starts = [start for start, _ in taken]
        self._ends: list[int] = []
        for _, end in taken:  # entities may overlap: how far all up to here reach
            self._ends.append(max(end, self._ends[-1]) if self._ends else end)

    def free(self, start: int, end: int) -> bool:
        """Whether nothing touches these characters."""
        before = bisect_left(self._starts, end)
        return before == 0 or self._ends[before - 1] <= start

    def take(self, start: int, end: int) -> bool:
        """Take them, if they are free."""
        if not self.free(start, end):
            return False
        place = bisect_right(self._starts, start)
        self._starts.insert(place, start)
        self._ends.insert(place, end)
        return True
