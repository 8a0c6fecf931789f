"""What a word tells besides its pieces: the class of its shape, and its characters."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Mapping

from posner.document import Document

SHAPES = (
    "none",
    "lower",
    "capitalised",
    "upper",
    "single upper",
    "mixed, upper first",
    "mixed, lower first",
    "upper with dots",
    "digits",
    "digits and signs",
    "digits and letters",
    "signs",
    "letters without case",
)
"""Classes of a word's shape; index 0 is for special pieces and padding."""

CHARACTERS_PER_WORD = 20
"""The character CNN sees a word's first and last ten characters."""
CHARACTER_PADDING, CHARACTER_UNKNOWN = 0, 1


CACHED_LETTERS = 100
"""Longer words are not remembered: they hardly come again, and their length has no bound."""


def shape_of(word: str) -> int:
    """The index in `SHAPES` of a word's shape."""
    return _known_shape(word) if len(word) <= CACHED_LETTERS else _shape(word)


def _shape(word: str) -> int:
    digits = any(c.isdigit() for c in word)
    letters = [c for c in word if c.isalpha()]
    if not letters:
        if not digits:
            return SHAPES.index("signs")
        return SHAPES.index("digits" if all(c.isdigit() for c in word) else "digits and signs")
    if digits:
        return SHAPES.index("digits and letters")
    upper = sum(c.isupper() or c.istitle() for c in letters)
    lower = sum(c.islower() for c in letters)
    if not upper:
        return SHAPES.index("lower" if lower else "letters without case")
    if not lower:
        if len(letters) == 1 and len(word) <= 2:
            return SHAPES.index("single upper")
        return SHAPES.index("upper with dots" if "." in word else "upper")
    first_is_upper = letters[0].isupper() or letters[0].istitle()
    if first_is_upper and upper == 1:
        return SHAPES.index("capitalised")
    return SHAPES.index("mixed, upper first" if first_is_upper else "mixed, lower first")


_known_shape = functools.lru_cache(maxsize=65_536)(_shape)


def alphabet_index(alphabet: str) -> dict[str, int]:
    """The index of each character of an alphabet, behind those of padding and the unknown."""
    return {c: i for i, c in enumerate(alphabet, start=CHARACTER_UNKNOWN + 1)}


def character_row(word: str, index: Mapping[str, int]) -> list[int]:
    """`CHARACTERS_PER_WORD` indices: a word's characters, or its two ends, and padding."""
    half = CHARACTERS_PER_WORD // 2
    seen = word if len(word) <= CHARACTERS_PER_WORD else word[:half] + word[-half:]
    row = [index.get(c, CHARACTER_UNKNOWN) for c in seen]
    return row + [CHARACTER_PADDING] * (CHARACTERS_PER_WORD - len(row))


def alphabet_of(documents: Iterable[Document], *, minimum: int = 2) -> str:
    """The characters that occur at least `minimum` times in the documents' words, sorted."""
    counts: Counter[str] = Counter()
    for document in documents:
        for token in document.tokens:
            counts.update(token.text)
    return "".join(sorted(c for c, n in counts.items() if n >= minimum and c.isprintable()))
