"""The known name that a misspelt text means, if there is one."""

from __future__ import annotations

from collections.abc import Callable
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

    def same(self, text: str, label: str | None) -> Near | None:
        """The spelling with the same letters in other case, of a label; of any, if it has one."""
        folded = " ".join(text.split()).lower()
        if not edits_allowed(len(folded), self._edits):
            return None
        matcher = self._matcher
        found = [n for n in matcher.same(folded) if matcher.spellings[n].lower() == folded]
        labels = {matcher.name(n).label for n in found}
        if label is not None:
            found = [n for n in found if matcher.name(n).label == label]
        elif len(labels) > 1:
            return None
        return Near(found[0], 0, 1.0) if found else None

    def _look_up(self, text: str, label: str | None) -> Near | None:
        """The nearest spelling of a label; of any, if all that are as near have the same."""
        if not edits_allowed(len(text) + self._edits, self._edits):
            return None
        spaced = " ".join(text.split())
        matcher = self._matcher
        if label is not None:
            return self._best(spaced, lambda n: matcher.name(n).label == label)
        best = self._best(spaced, lambda _: True)
        if best is None:
            return None
        own = matcher.name(best.spelling).label
        rival = self._near.nearest(spaced, lambda n: matcher.name(n).label != own)
        return None if rival is not None and rival.edits == best.edits else best

    def _best(self, text: str, accept: Callable[[int], bool]) -> Near | None:
        """The nearest; of those that are as near, rather one in capitals as the text is or not."""
        best = self._near.nearest(text, accept)
        if best is None:
            return None
        spellings, capitals = self._matcher.spellings, text.isupper()
        if spellings[best.spelling].isupper() == capitals:
            return best
        like = self._near.nearest(text, lambda n: accept(n) and spellings[n].isupper() == capitals)
        return like if like is not None and like.edits == best.edits else best
