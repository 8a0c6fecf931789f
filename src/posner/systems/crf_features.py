"""What the CRF sees of a sentence: the second paper's features of each word, as attributes.

Of the word: its lower-cased form, its last three and last two characters, whether it is all
upper-case, a digit, in title case, and its part of speech. Of the word before: its lower-cased
form, whether it is all upper-case or a digit, and its part of speech; where there is none, `BEG`.
At the last word `END`. `next` adds of the word after what is seen of the one before.
A yes-or-no feature is an attribute that weighs 1 where it holds and 0 where not, which is what
sklearn-crfsuite makes of `True` and `False`. The 0 adds nothing to a word, but while learning it
lets a tag have a weight for the feature that no word with this tag ever has.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

_NEIGHBOUR_KINDS = {"word.isupper": str.isupper, "word.isdigit": str.isdigit}
_OWN_KINDS = {**_NEIGHBOUR_KINDS, "word.istitle": str.istitle}
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


def training_items(rows: Sequence[Sequence[str]], *, next: bool) -> list[dict[str, float]]:
    """The attributes of each word of a sentence with what they weigh, those of 0 among them.

    Args:
        rows: of `sentence_attributes`.
        next: as there.
    """
    items = []
    for i, row in enumerate(rows):
        no = [*_OWN_KINDS]
        no += [f"-1:{kind}" for kind in _NEIGHBOUR_KINDS] if i > 0 else []
        no += [f"+1:{kind}" for kind in _NEIGHBOUR_KINDS] if next and i < len(rows) - 1 else []
        items.append({**dict.fromkeys(no, 0.0), **dict.fromkeys(row, 1.0)})
    return items


@functools.lru_cache(maxsize=100_000)
def _own(word: str) -> tuple[str, ...]:
    named = (f"word.lower={word.lower()}", f"word[-3:]={word[-3:]}", f"word[-2:]={word[-2:]}")
    return (*map(_writable, named), *(kind for kind, holds in _OWN_KINDS.items() if holds(word)))


@functools.lru_cache(maxsize=200_000)
def _neighbour(mark: str, word: str) -> tuple[str, ...]:
    lower = _writable(f"{mark}word.lower={word.lower()}")
    return (lower, *(f"{mark}{kind}" for kind, holds in _NEIGHBOUR_KINDS.items() if holds(word)))


@functools.lru_cache(maxsize=1_000)
def _pos(mark: str, tag: str | None) -> tuple[str, ...]:
    return () if tag is None else (_writable(f"{mark}postag={tag}"),)


def _writable(attribute: str) -> str:
    """Without what CRFsuite's own listing of a model could not hold on one line."""
    clean = _UNWRITABLE.sub("_", attribute)
    return clean.encode("utf-8", "replace").decode("utf-8")
