"""Words and the rows of their vectors; row 0 pads, row 1 stands for every unknown word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from posner.document import Document

PADDING, UNKNOWN = 0, 1
FIRST = 2


@dataclass(frozen=True)
class Vocabulary:
    """The words that have a row.

    Attributes:
        words: from row 2 on.
    """

    words: tuple[str, ...]
    _rows: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rows = {word: i for i, word in enumerate(self.words, start=FIRST)}
        object.__setattr__(self, "_rows", rows)

    def __len__(self) -> int:
        """Rows, those of padding and the unknown among them."""
        return FIRST + len(self.words)

    def row(self, word: str) -> int:
        """The row of a word: its own, that of its lower-cased form, or the unknown word's."""
        found = self._rows.get(word)
        return self._rows.get(word.lower(), UNKNOWN) if found is None else found

    def rows(self, words: Iterable[str]) -> list[int]:
        """The row of each word."""
        return [self.row(word) for word in words]


def word_counts(documents: Sequence[Document]) -> Counter[str]:
    """How often each word occurs."""
    return Counter(token.text for document in documents for token in document.tokens)
