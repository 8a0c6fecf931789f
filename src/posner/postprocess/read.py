"""A document's text as its words are read, and where each of its characters stands.

A word that a line's end parts is read without its seam (`Token.form`), so that `Rey-` and `kjavík`
on the next line are the known name `Reykjavík`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from posner.document import Document, form_places


class ReadText:
    """A text without the seams of its words.

    Attributes:
        text: it.
    """

    def __init__(self, document: Document) -> None:
        self.text = document.text
        self._places: Sequence[int] = range(len(document.text))
        dropped: set[int] = set()
        for token in document.tokens:
            if not token.text.isprintable():  # nearly all words have no line break
                kept = {token.start + place for place in form_places(token.text)}
                dropped.update(set(range(token.start, token.end)) - kept)
        if dropped:
            self._places = [place for place in self._places if place not in dropped]
            self.text = "".join(document.text[place] for place in self._places)

    def form(self, start: int, end: int) -> str:
        """What is read at the characters `start` to `end` of the document."""
        return self.text[bisect_left(self._places, start) : bisect_left(self._places, end)]

    def place(self, start: int, end: int) -> tuple[int, int]:
        """The document's characters that the read ones from `start` to `end` are."""
        return self._places[start], self._places[end - 1] + 1
