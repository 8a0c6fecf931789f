"""Finding a million known names in text at once (Aho-Corasick).

The automaton runs over words rather than letters: every known word has a number, a name is a
sequence of numbers, and a number is written as three symbols. So a match begins and ends at word
borders by construction, white space does not matter, and there is little to sift; an automaton over
letters finds `an`, `ana` and `nan` inside `banana` first. The symbols are few (128 after the first)
because the automaton looks through a node's children one by one.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from posner.collector import collector_paused
from posner.extras import needs_extra
from posner.postprocess.names import Name

if TYPE_CHECKING:
    import ahocorasick

Case = Literal["headline", "exact", "ignore"]
"""How a name may be written: as it is spelt; `headline` (also in capitals, from 4 letters on); or
in any letter case."""

HEADLINE_LETTERS = 4
"""Shorter names in capitals are too often something else: `IT`, `US`, `WHO`."""

# A run of letters and digits, one sign, or one letter of a script that writes words without spaces:
# Thai and Lao, Myanmar, Khmer, kana, ideographs.
_WORD = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uf900-\ufaff\U00020000-\U0003ffff]|\w+|[^\w\s]"
)
_SYMBOLS = 3
_UNKNOWN = "\0\0\0"  # begins with no first symbol, so no name goes on over it


class Match(NamedTuple):
    """Where names stand in a text: characters `start` to `end`, and the spellings' numbers."""

    start: int
    end: int
    spellings: tuple[int, ...]


class Matcher:
    """Finds names.

    Args:
        names: what is known.
        case: how they may be written.

    Attributes:
        names: as given.
        spellings: every name and alias.
        owners: for each spelling the place of its entry in `names`.

    Raises:
        MissingExtraError: pyahocorasick is not installed.
    """

    @collector_paused()
    def __init__(self, names: Sequence[Name], *, case: Case = "headline") -> None:
        with needs_extra("matching names", "lexicon"):
            import ahocorasick
        self.names = names
        self.case = case
        self.spellings: list[str] = []
        self.owners = array("I")
        self._codes: dict[str, str] = {}
        self._lengths = array("H")
        self._twins: dict[int, tuple[int, ...]] = {}
        automaton = ahocorasick.Automaton(ahocorasick.STORE_INTS)
        for owner, name in enumerate(names):
            for spelling in name.spellings:
                self._add(automaton, spelling, owner)
        automaton.make_automaton()
        self._automaton = automaton

    def _add(self, automaton: ahocorasick.Automaton, spelling: str, owner: int) -> None:
        words = [word.lower() for word in _WORD.findall(spelling)]
        number = len(self.spellings)
        self.spellings.append(spelling)
        self.owners.append(owner)
        self._lengths.append(min(len(words), 65535))
        pattern = "".join([self._code(word) for word in words])
        if not pattern or len(words) > 65535:
            return
        first: int = automaton.get(pattern, -1)
        if first < 0:
            automaton.add_word(pattern, number)
        else:
            self._twins[first] = (*self._twins.get(first, (first,)), number)

    def _code(self, word: str) -> str:
        code = self._codes.get(word)
        if code is None:
            number = len(self._codes)
            code = chr(128 + (number >> 14)) + chr((number >> 7) & 127) + chr(number & 127)
            self._codes[word] = code
        return code

    def knows(self, text: str) -> bool:
        """Whether each word of a text is a word of some name, whatever the letter case."""
        return all(word.lower() in self._codes for word in _WORD.findall(text))

    def same(self, text: str) -> tuple[int, ...]:
        """The spellings with just the words of a text, whatever the letter case."""
        words = _WORD.findall(text)
        pattern = "".join([self._codes.get(word.lower(), _UNKNOWN) for word in words])
        first: int = self._automaton.get(pattern, -1) if pattern else -1
        return () if first < 0 else self._twins.get(first, (first,))

    def find(self, text: str) -> Iterator[Match]:
        """Every place of every name, by where it ends; places may overlap."""
        words = list(_WORD.finditer(text))
        codes = self._codes
        sequence = "".join([codes.get(word[0].lower(), _UNKNOWN) for word in words])
        for last_symbol, first in self._automaton.iter(sequence) if sequence and codes else ():
            end = (last_symbol + 1) // _SYMBOLS
            begin = words[end - self._lengths[first]].start()
            finish = words[end - 1].end()
            written = text[begin:finish]
            numbers = self._twins.get(first, (first,))
            if self.case != "ignore":
                numbers = tuple(n for n in numbers if self._is_written(self.spellings[n], written))
            if numbers:
                yield Match(begin, finish, numbers)

    def _is_written(self, spelling: str, written: str) -> bool:
        if written == spelling:
            return True
        spaced = " ".join(written.split())
        if spaced == spelling:
            return True
        return (
            self.case == "headline"
            and written.isupper()
            and sum(map(str.isalpha, spelling)) >= HEADLINE_LETTERS
        )

    def name(self, spelling: int) -> Name:
        """The entry of a spelling."""
        return self.names[self.owners[spelling]]
