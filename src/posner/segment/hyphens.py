"""Words that a hyphen parts at the end of a line, as books and PDF files have them, joined.

The offsets stay those of the text: `exam-` and `ple` on the next line become one word whose text
is the slice with the hyphen and the line break, and whose `Token.form` is `example`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

Offsets = tuple[int, int]

_HYPHENS = frozenset("-\u2010\u2011")
_SOFT = "\u00ad"
_GAP = re.compile(r"[ \t]*(?:\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028])[ \t]*")
# `pre- \n and post-war`: the hyphen stands for what comes later, the word is complete.
_GO_ON = frozenset(
    ("and", "or", "to", "und", "oder", "bis", "et", "ou", "y", "o", "e", "i", "en", "of", "и")
)


def joined_lines(text: str, offsets: Sequence[Offsets]) -> list[Offsets]:
    """The words with the two halves of each word that a line's end parts made one.

    A hyphen joins where it stands directly behind a letter or digit, then nothing but one line
    break and blanks, then a letter or digit; not before `and`, `or` and the like.
    """
    result: list[Offsets] = []
    for start, end in offsets:
        if result and _continues(text, result, start, end):
            if text[result[-1][0] : result[-1][1]] in _HYPHENS:
                result.pop()
            result[-1] = (result[-1][0], end)
        else:
            result.append((start, end))
    return result


def _continues(text: str, before: Sequence[Offsets], start: int, end: int) -> bool:
    """Whether the word from `start` to `end` goes on with a word of the line before."""
    first, last = before[-1]
    if not text[start].isalnum() or text[start:end].lower() in _GO_ON:
        return False
    if not _GAP.fullmatch(text, last, start):
        return False
    if text[last - 1] == _SOFT:
        return last - first > 1 and text[last - 2].isalnum()
    if text[last - 1] not in _HYPHENS:
        return False
    if last - first > 1:  # a hyphen that is part of its word
        return text[last - 2].isalnum()
    return len(before) > 1 and before[-2][1] == first and text[first - 1].isalnum()
