"""What the CRF sees of a sentence: the second paper's features of each word, as attributes.

Of the word: its lower-cased form, its last three and last two characters, whether it is all
upper-case, a digit, in title case, and its part of speech. Of the word before: its lower-cased
form, whether it is all upper-case or a digit, and its part of speech; where there is none, `BEG`.
At the last word `END`. `next` adds of the word after what is seen of the one before.
A yes-or-no feature is an attribute where it holds, and nothing where not, which is what
sklearn-crfsuite makes of `True` and `False`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

_UNWRITABLE = re.compile(r"[\s\x00]")


def sentence_attributes(
    words: Sequence[str], pos: Sequence[str | None], *, next: bool
) -> list[list[str]]:
    """The attributes of each word.

    Args:
        words: of one sentence.
        pos: part of speech of each word; None where it is not known.
        next: whether the word after is seen.
    """
    if not words:
        return []
    own = [[*_own(word), *_pos("", tag)] for word, tag in zip(words, pos, strict=True)]
    as_before, as_after = (
        [[*_neighbour(mark, word), *_pos(mark, tag)] for word, tag in zip(words, pos, strict=True)]
        if wanted
        else []
        for mark, wanted in (("-1:", True), ("+1:", next))
    )
    last = len(words) - 1
    for i, attributes in enumerate(own):
        attributes += as_before[i - 1] if i > 0 else ["BEG"]
        if i == last:
            attributes.append("END")
        elif next:
            attributes += as_after[i + 1]
    return own


@functools.lru_cache(maxsize=100_000)
def _own(word: str) -> tuple[str, ...]:
    named = (f"word.lower={word.lower()}", f"word[-3:]={word[-3:]}", f"word[-2:]={word[-2:]}")
    kinds = (
        ("word.isupper", word.isupper()),
        ("word.isdigit", word.isdigit()),
        ("word.istitle", word.istitle()),
    )
    return (*map(_writable, named), *(name for name, holds in kinds if holds))


@functools.lru_cache(maxsize=200_000)
def _neighbour(mark: str, word: str) -> tuple[str, ...]:
    kinds = (("word.isupper", word.isupper()), ("word.isdigit", word.isdigit()))
    lower = _writable(f"{mark}word.lower={word.lower()}")
    return (lower, *(f"{mark}{name}" for name, holds in kinds if holds))


@functools.lru_cache(maxsize=1_000)
def _pos(mark: str, tag: str | None) -> tuple[str, ...]:
    return () if tag is None else (_writable(f"{mark}postag={tag}"),)


def _writable(attribute: str) -> str:
    """Without what CRFsuite's own listing of a model could not hold on one line."""
    clean = _UNWRITABLE.sub("_", attribute)
    return clean.encode("utf-8", "replace").decode("utf-8")
