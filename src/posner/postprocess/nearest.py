"""The known name that a misspelt text means, if there is one."""

from __future__ import annotations

from functools import lru_cache

from posner.postprocess.matcher import Matcher
from posner.postprocess.near import Near, NearNames, edits_allowed

REMEMBERED = 100_000
"""Texts whose nearest names are remembered."""


class NearestName:
    """Looks up texts in a lexicon.

    Args:
        matcher: the lexicon.
        edits: how far a misspelling may be from its name.

    Raises:
        MissingExtraError: rapidfuzz is not installed.
    """

    def __init__(self, matcher: Matcher, edits: int) -> None:
        self._matcher = matcher
        self._edits = edits
        self._near = NearNames(matcher.spellings, most=edits)
        self.of = lru_cache(maxsize=REMEMBERED)(self._look_up)

    def _look_up(self, text: str, label: str | None) -> Near | None:
        """The nearest spelling of a label; of any, if all that are as near have the same."""
        if not edits_allowed(len(text) + self._edits, self._edits):
            return None
        spaced = " ".join(text.split())
        matcher = self._matcher
        if label is not None:
            return self._near.nearest(spaced, lambda n: matcher.name(n).label == label)
        best = self._near.nearest(spaced, lambda _: True)
        if best is None:
            return None
        own = matcher.name(best.spelling).label
        rival = self._near.nearest(spaced, lambda n: matcher.name(n).label != own)
        return None if rival is not None and rival.edits == best.edits else best
