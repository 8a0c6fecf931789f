"""Words of Chinese, Japanese and Thai from a dictionary, where its package is installed.

Without one each character is a word (see `words`), which any model can be trained on. With one the
characters that a dictionary's script is written in, as far as they stand side by side, are cut by
it; everything else, and every offset, stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise

from posner.errors import UsageError
from posner.extras import needs_extra

Offsets = tuple[int, int]
Cut = Callable[[str], list[str]]

RUN = 5_000
"""Characters that a dictionary sees at once at most: some take memory and time beyond that."""


@dataclass(frozen=True, slots=True)
class Dictionary:
    """One package that cuts text into words.

    Attributes:
        language: what it is for.
        characters: one character of its script, as a regular expression; of the characters that
            `words` gives as words of their own, those that it may join.
        load: gives the function that cuts; imported only when it is needed.
    """

    language: str
    characters: str
    load: Callable[[], Cut]


def _chinese() -> Cut:
    import rjieba

    return lambda text: list(rjieba.cut(text))


def _japanese() -> Cut:
    from sudachipy import Dictionary as Sudachi
    from sudachipy import SplitMode

    # Short units: `東京 都`, so that a name's words are not hidden in a longer one.
    tokenizer = Sudachi(dict="small").tokenizer(mode=SplitMode.A)
    return lambda text: [morpheme.surface() for morpheme in tokenizer.tokenize(text)]


def _thai() -> Cut:
    from pythainlp.tokenize import word_tokenize

    return lambda text: list(word_tokenize(text, engine="newmm", keep_whitespace=True))


_HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
DICTIONARIES: dict[str, Dictionary] = {
    "chinese": Dictionary("Chinese", f"[{_HAN}]", _chinese),
    "japanese": Dictionary(
        "Japanese", f"[{_HAN}\u3031-\u3035\u3040-\u309f\u30a1-\u30ff\uff66-\uff9f]", _japanese
    ),
    "thai": Dictionary("Thai", "[\u0e01-\u0e4e]", _thai),
}


def dictionary_named(name: str) -> Dictionary:
    """The dictionary of a language.

    Raises:
        UsageError: there is none of that name.
    """
    found = DICTIONARIES.get(name)
    if found is None:
        raise UsageError("no such dictionary", expected=" or ".join(DICTIONARIES), got=repr(name))
    return found


@cache
def _cut(name: str) -> Cut:
    dictionary = dictionary_named(name)
    feature = f"finding {dictionary.language} words by a dictionary"
    with needs_extra(feature, "words"):
        return dictionary.load()


@cache
def _run(name: str) -> re.Pattern[str]:
    return re.compile(dictionary_named(name).characters + "+")


def joined_by(name: str, text: str, offsets: Sequence[Offsets]) -> list[Offsets]:
    """The words with those of the dictionary's script cut as it says.

    A word stays whole where the dictionary's cut would fall inside of it: the given words are
    joined, never parted.

    Raises:
        MissingExtraError: the dictionary's package is not installed.
        UsageError: there is no such dictionary.
    """
    runs = [match.span() for match in _run(name).finditer(text)]
    if not runs:
        return list(offsets)
    borders = {border for first, last in runs for border in _borders(name, text, first, last)}
    result: list[Offsets] = []
    place = 0
    for start, end in offsets:
        while place < len(runs) and runs[place][1] <= start:
            place += 1
        inside = place < len(runs) and runs[place][0] <= start and end <= runs[place][1]
        if inside and result and result[-1][1] == start and start not in borders:
            result[-1] = (result[-1][0], end)
        else:
            result.append((start, end))
    return result


def _borders(name: str, text: str, first: int, last: int) -> list[int]:
    """Where words begin in a run of the script, its beginning and its end included."""
    places: list[int] = [last]
    for begin, end in pairwise([*range(first, last, RUN), last]):
        words = _cut(name)(text[begin:end])
        begins = list(accumulate((len(word) for word in words), initial=begin))
        # A dictionary that changes or drops characters would put its words in wrong places.
        exact = begins[-1] == end and "".join(words) == text[begin:end]
        places += begins if exact else range(begin, end)
    return places
