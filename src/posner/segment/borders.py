r"""Where the sentences of a text end.

A sentence ends
    - after `. ! ?`, an ellipsis and their kin in other scripts, together with the closing quotes,
      brackets and footnote marks (`[1]`) behind them, where white space follows (Chinese, Japanese
      and Indic marks need none, nor do `!` and `?` between Chinese or Japanese characters) and the
      next word does not begin in lower case;
    - not before what reports the quote that ends there: a Japanese or Korean particle (`」と`), a
      Chinese clause with a verb of saying;
    - after an abbreviation that can end one (`Inc.`, `U.S.`, `p.m.`) only before a word that
      usually begins one (`The`, `He`); after a title or an initial (`Mr.`, `J.`) never;
    - at a blank line or a paragraph separator, always;
    - at a single line break, as headlines and lists want it, except where the text goes on: the
      next line begins in lower case and not with a bullet; the line ends in a comma, an opening
      bracket or a title; or the block is wrapped prose (`_Block`) and the line is full.

Wrapped prose is known by its look: lines of 40 to 120 characters of which at least one goes on in
lower case. A line is full if the next line's first word would not have fitted into the block's
width. Scripts without letter case never show this, so there each line break ends a sentence.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from posner.segment.abbreviations import (
    AFTER_ORDINAL,
    COMPANY_ENDINGS,
    SENTENCE_STARTERS,
    never_ends,
)
from posner.segment.lines import LINE_BREAK
from posner.segment.words import HAN_KANA

Offsets = tuple[int, int]

_ANYWHERE = frozenset("。！？｡।॥")
_ENDERS = frozenset(".!?…؟۔።፧։‼⁇⁈⁉") | _ANYWHERE
_CLOSERS = frozenset("\"'”’»›)]}」』】》〉）］｝〕〗`") | {"''", "-RRB-", "-RSB-", "-RCB-"}
# What may stand before the first word of a sentence.
_OPENERS = frozenset("\"'“‘‚„«»‹›([{「『【《〈（［｛〔〖¿¡-–—") | {"``", "--", "''"}
_GO_ON = frozenset(",;:，；：、")
_LINE_GOES_ON = frozenset(",，、([{（[-–—&/")
_DASHES = frozenset("-–—")
_BULLETS = frozenset("-*•‣◦▪●○·–—+")
_MIN_WIDTH, _MAX_WIDTH = 40, 120
_QUOTES = frozenset("\"'”’»」』") | {"''"}
_NOTE = re.compile(
    r"\[(?:(?:note |nb |n )?\d{1,3}(?:[,–-]\d{1,3})*|[a-z]|citation needed)\]|[¹²³⁰⁴-⁹]{1,3}"
)
# What goes on behind a closing quote: Japanese particles, but not the words that begin like them;
# Chinese clauses with a verb of saying; Korean particles.
_REPORTS = re.compile(
    r"と(?!ころ|ても|き|にかく|りあえず|りわけ|うとう|もかく|もあれ|なり|っさ|つぜん)|って|なんて|など|を"
    r"|の(?![ちぞびりど])"
    r"|[\u4e00-\u9fff]{1,8}?(?:[说說问問喊答叫]|表示)道?[。，：,:]"
    r"|(?:이?라(?:고|며|면서|는)|하고)(?![^\W\d_])"
)


def sentence_ends(text: str, words: Sequence[Offsets]) -> list[int]:
    """For each sentence the index one past its last word, in order; the last is `len(words)`."""
    return _Borders(text, words).find()


class _Borders:
    """One walk over the words of a text."""

    def __init__(self, text: str, words: Sequence[Offsets]) -> None:
        self.text = text
        self.words = words
        self.lines = _Lines(text)

    def find(self) -> list[int]:
        text, words = self.text, self.words
        ends: list[int] = []
        first = index = 0
        open_quote = False
        while index < len(words):
            end = words[index][1]
            last = text[end - 1]
            after = index + 1
            if last == '"':
                open_quote = not open_quote
            is_end = False
            if last in _ENDERS:
                after, is_end = self._after_mark(first, index, open_quote)
                if any(self._word(i) == '"' for i in range(index + 1, after)):
                    open_quote = False
            gap = self._gap(after) if after < len(words) else ""
            if gap not in ("", " "):
                is_end = is_end or self._line_ends(gap, after)
                open_quote = open_quote and not _parts_paragraphs(gap)
            if is_end or after == len(words):
                ends.append(after)
                first = after
            index = after
        return ends

    def _word(self, index: int) -> str:
        start, end = self.words[index]
        return self.text[start:end]

    def _after_mark(self, first: int, index: int, open_quote: bool) -> tuple[int, bool]:
        """Past the mark at `index` and what closes with it; and whether the sentence ends there."""
        word = self._word(index)
        if word[-1] == "." and word.strip("."):
            after = index + 1
            while after < len(self.words) and not self._gap(after) and self._closes(after):
                after += 1
            return after, self._abbreviation_ends(after, word)
        if word == "." and self._is_number(first, index):
            return index + 1, False
        after = self._past_closers(index, open_quote)
        if after == len(self.words):
            return after, True
        if self._goes_on(index, after):
            return after, False
        if any(self._word(i) in _ANYWHERE for i in range(index, after)):
            return after, self._word(after) not in _GO_ON
        gap = self.words[after][0] - self.words[after - 1][1]
        return after, (gap > 0 or self._is_spaceless(index, after)) and self._may_begin(after)

    def _goes_on(self, index: int, after: int) -> bool:
        """Whether the word at `after` belongs to what the mark at `index` stands in all the same.

        It tells who said the quote that ended there, or what kind of company `Yahoo!` is.
        """
        start = self.words[after][0]
        if self._word(index)[0] in "!?" and self._word(after).removesuffix(".") in COMPANY_ENDINGS:
            return True
        quoted = any(self._word(i) in _QUOTES for i in range(index + 1, after))
        return quoted and _REPORTS.match(self.text, start) is not None

    def _closes(self, index: int) -> bool:
        return self._word(index) in _CLOSERS

    def _is_spaceless(self, index: int, after: int) -> bool:
        """Whether a Western `!` or `?` stands between characters that nobody parts by spaces."""
        before = self.text[self.words[index][0] - 1 : self.words[index][0]]
        return (
            self._word(index)[0] in "!?"
            and HAN_KANA.match(before) is not None
            and HAN_KANA.match(self.text, self.words[after][0]) is not None
        )

    def _past_closers(self, index: int, open_quote: bool) -> int:
        """The index after the mark, its repetitions, and the quotes and brackets that close."""
        words = self.words
        index += 1
        while index < len(words):
            word = self._word(index)
            gap = self._gap(index)
            noted = index if gap else self._past_note(index)
            if noted > index:
                index = noted
                continue
            closes = word in _CLOSERS or (word[-1] in _ENDERS and not word.strip(word[-1]))
            if gap and not self._closes_apart(index, gap, open_quote):
                break
            if not closes:
                break
            open_quote = open_quote and word != '"'
            index += 1
        return index

    def _past_note(self, index: int) -> int:
        """The index after the footnote mark at `index`; `index` itself where there is none."""
        note = _NOTE.match(self.text, self.words[index][0])
        if note is None:
            return index
        while index < len(self.words) and self.words[index][0] < note.end():
            index += 1
        return index

    def _closes_apart(self, index: int, gap: str, open_quote: bool) -> bool:
        """Whether the word is a closing quote that a space parts from the mark.

        So it is in French (`« Oui. »`), and in text written word by word (`said . " He`).
        """
        end = self.words[index][1]
        if self.text[end : end + 1].strip() or LINE_BREAK.search(gap):
            return False
        word = self._word(index)
        return (word == '"' and open_quote) or (word == "»" and len(gap) == 1)

    def _may_begin(self, index: int) -> bool:
        """Whether a sentence may begin at that word: not in lower case, nor with a comma."""
        if self._word(index) in _GO_ON:
            return False
        return not self._first_word(index)[:1].islower()

    def _first_word(self, index: int) -> str:
        """The word at `index`, or the one behind the quotes and brackets that open there.

        Empty where a paragraph ends before one: what the next begins with says nothing here.
        """
        for ahead in range(index, min(index + 4, len(self.words))):
            word = self._word(ahead)
            if word not in _OPENERS:
                return word
            if ahead + 1 == len(self.words) or _parts_paragraphs(self._gap(ahead + 1)):
                break
        return ""

    def _gap(self, index: int) -> str:
        """What stands before the word at `index`, behind the one before it."""
        return self.text[self.words[index - 1][1] : self.words[index][0]]

    def _abbreviation_ends(self, after: int, word: str) -> bool:
        if after == len(self.words):
            return True
        return not never_ends(word) and self._first_word(after) in SENTENCE_STARTERS

    def _is_number(self, first: int, index: int) -> bool:
        """Whether the dot makes an ordinal, or opens a list's item (`3. Oktober`, `a. Goals`)."""
        if index == first or self.words[index - 1][1] != self.words[index][0]:
            return False
        word = self._word(index - 1)
        following = self._first_word(index + 1).removesuffix(".")
        if word.isdigit() and len(word) <= 2 and following in AFTER_ORDINAL:
            return True
        return index == first + 1 and len(word) == 1 and word.isalpha()

    def _line_ends(self, gap: str, after: int) -> bool:
        """Whether line breaks in the white space `gap` before the word `after` end a sentence."""
        if not LINE_BREAK.search(gap):
            return False
        if _parts_paragraphs(gap) or self._is_bullet(after):
            return True
        if self._first_word(after)[:1].islower():
            return False
        word = self._word(after - 1)
        if self._ends_row(after):
            return True
        if word in _LINE_GOES_ON or (word[-1] == "." and word != "." and never_ends(word)):
            return False
        return not self.lines.is_wrapped(self.words[after - 1][1] - 1)

    def _ends_row(self, after: int) -> bool:
        """Whether the line before ends as a row of figures with an empty last column (`.556 -`)."""
        if after < 2 or self._word(after - 1) not in _DASHES:
            return False
        if LINE_BREAK.search(self._gap(after - 1)):
            return False  # the figure stands on a line before
        return self._word(after - 2)[-1].isdigit() and not self._first_word(after)[:1].isdigit()

    def _is_bullet(self, index: int) -> bool:
        words = self.words
        word, end = self._word(index), words[index][1]
        if word.isdigit() and len(word) <= 3 and self.text[end : end + 1] == ")":
            end += 1
        elif word[-1] == "." and len(word) <= 4 and word[:-1].isdigit():
            pass
        elif word not in _BULLETS:
            return False
        return self.text[end : end + 1].isspace()


def _parts_paragraphs(gap: str) -> bool:
    """Whether white space holds a blank line or a paragraph separator."""
    return "\u2029" in gap or len(LINE_BREAK.findall(gap)) > 1


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines between two blank lines.

    Attributes:
        width: characters of the longest line.
        goes_on: whether some line but the first begins in lower case.
    """

    width: int
    goes_on: bool


class _Lines:
    """The lines of a text and their blocks, read only once a single line break needs them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines: list[str] = []
        self.starts: list[int] = []
        self.blocks: list[_Block] = []

    def is_wrapped(self, position: int) -> bool:
        """Whether the line of the character `position` is a full one of wrapped prose."""
        if not self.lines:
            self._read()
        index = bisect_right(self.starts, position) - 1
        block = self.blocks[index]
        if not block.goes_on or not _MIN_WIDTH <= block.width <= _MAX_WIDTH:
            return False
        following = self.lines[index + 1].split(None, 1)
        return len(self.lines[index]) + 1 + len(following[0]) > block.width

    def _read(self) -> None:
        breaks = [m.span() for m in LINE_BREAK.finditer(self.text)]
        borders = [(0, 0), *breaks, (len(self.text), len(self.text))]
        self.starts = [end for _, end in borders[:-1]]
        self.lines = [self.text[a[1] : b[0]].rstrip() for a, b in pairwise(borders)]
        numbers = list(accumulate(int(not line) for line in self.lines))
        widths: dict[int, int] = {}
        going_on: set[int] = set()
        previous = -1
        for number, line in zip(numbers, self.lines, strict=True):
            widths[number] = max(widths.get(number, 0), len(line))
            if line and number == previous and line.lstrip()[0].islower():
                going_on.add(number)
            previous = number if line else -1
        self.blocks = [_Block(widths[n], n in going_on) for n in numbers]
