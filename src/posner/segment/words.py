"""Where the words of a text stand: one pass of one regular expression, then three small mendings.

What is one word:
    - letters, digits and their combining marks, joined by hyphens (`British-based`), by apostrophes
      between letters (`O'Brien`), and in numbers by `. , : / –` (`1,234.5`, `22/08/1996`, `6-4`);
    - an abbreviation with its dot (`Mr.`, `U.S.`, `e.g.`, the initial of `J. Smith`), and the
      number of a list's item with its dot, at the start of a line (`1. Goals`);
    - `'s 're 've 'll 'd 'm` and `n't`, parted from what they lean on (`do n't`);
    - a URL, e-mail address, host name, @handle or #hashtag;
    - an emoji with its variation selectors, skin tone and everything that joiners tie to it;
    - each character of Chinese, Japanese kana, Thai, Lao, Khmer and Burmese, with its marks: these
      are written without spaces, and a model's pieces are as fine;
    - a run of the same dash, dot, asterisk and the like (`--`, `...`, `**`), and `''` and two
      backquotes;
    - any other character that is not white space, with its marks.

Each alternative takes time linear in what it matches, or looks at a bounded number of characters:
unbounded scans that may fail (an e-mail address without its @) have a limit.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from posner.segment.abbreviations import (
    BEFORE_NAME_ALONE,
    DOT_ENDINGS,
    SENTENCE_STARTERS,
    SPACED,
    is_abbreviation,
)
from posner.segment.lines import BLANK_LINE

Offsets = tuple[int, int]

# Han, kana and bopomofo: one word a character.
_HAN_KANA = (
    "\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u3031-\u3035\u3040-\u3098\u309d-\u30ff\u3100-\u312f"
    "\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9d"
    "\U0001aff0-\U0001b16f\U00020000-\U0003ffff"
)
# Thai, Lao, Burmese and Khmer letters (their digits are words like any number).
_SPACELESS = "\u0e01-\u0e30\u0e32\u0e40-\u0e46\u0e81-\u0eb0\u0eb2\u0ebd-\u0ec6\u0edc-\u0edf"
_SPACELESS += "\u1000-\u103f\u1050-\u108f\u1780-\u17b3\u17d7\u17dc\uaa60-\uaa7f"
# Letters by category, but marks by use: Thai and Lao AM, the half-width voicing marks.
_LETTER_MARKS = "\u0e33\u0eb3\uff9e\uff9f"
# Format characters that shape the letter before them: soft hyphen, (non-)joiners.
_SHAPERS = "\u00ad\u200c\u200d"
_OTHER_MARKS = _LETTER_MARKS + _SHAPERS
# Format characters that may stand inside a word and are words of their own elsewhere.
_INVISIBLE = "\u061c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_HYPHENS = "\\-\u2010\u2011"
_EMOJI = "[\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff\U0001f000-\U0001faff]"
_EMOJI_EXTRA = "[\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
_CLITICS = frozenset(("s", "re", "ve", "ll", "d", "m"))
_BLANKS = " \t\u00a0"
_APOSTROPHES = "'\u2019"
_ABBREVIATED = 12  # letters of a word's end that tell whether it is an abbreviation


HAN_KANA = re.compile(f"[{_HAN_KANA}]")
"""A character of scripts that write neither words nor sentences apart."""


@cache
def _marks() -> str:
    """The body of a character class that holds all combining marks (Unicode category M)."""
    parts = [_OTHER_MARKS]
    begin: int | None = None
    for code in (*range(0x300, 0x20001), *range(0xE0100, 0xE01F1)):
        if unicodedata.category(chr(code)).startswith("M"):
            begin = code if begin is None else begin
        elif begin is not None:
            parts.append(f"{chr(begin)}-{chr(code - 1)}")
            begin = None
    return "".join(parts)


def _has_marks(text: str) -> bool:
    """Whether any of a text's characters is one that `_marks` names."""
    return not text.isascii() and any(
        character in _OTHER_MARKS or unicodedata.category(character).startswith("M")
        for character in set(text)
    )


@cache
def _pattern(marked: bool) -> re.Pattern[str]:
    """The words of a text, leftmost alternative first.

    The groups `url`, `dotted` (a word and the dot after it) and `clitic` (a word with an
    apostrophe) name what `word_offsets` has to look at again.

    Args:
        marked: whether the text has marks; finding all that there are takes longer than loading
            a model does.
    """
    mark = f"[{_marks()}]" if marked else r"[^\s\S]"
    single = f"{_HAN_KANA}{_SPACELESS}{_LETTER_MARKS}"
    word_char = f"[^\\W{single}]"
    letter = f"[^\\W\\d_{single}]"
    unit = f"{word_char}+(?:(?=[^\\x00-\\x7f]){mark}+{word_char}*)*"
    joint = (
        f"(?:[{_HYPHENS}\u00b7{_INVISIBLE}]|(?<=\\d)[.,:/\u2013](?=\\d)"
        f"|(?<=[^\\W_])[{_APOSTROPHES}](?=[^\\W\\d_])|(?<=[A-Z])&(?=[A-Z])"
        f'|(?<=[\u05d0-\u05ea])["\u05f3\u05f4](?=[\u05d0-\u05ea]))'
    )
    word = f"{unit}(?:{joint}{unit})*"
    mailbox = "A-Za-z0-9_\u00c0-\u024f\u0370-\u052f"
    degree = "(?:Sc|Phil|Ed|Eng|Litt|Div|Com|Tech)"
    alternatives = (
        # Most words of most texts: none of the alternatives below could take more or less.
        r"[A-Za-z]+(?=[ \n,;)])",
        r"(?P<url>(?i:(?:https?|ftps?|file)://|www\.(?=\w))[^\s<>\"\u201c\u201d\u00ab\u00bb]+)",
        rf"[{mailbox}][{mailbox}.+%\-]{{0,63}}+@[{mailbox}\-]{{1,63}}(?:\.[{mailbox}\-]{{1,63}})+",
        rf"(?:[A-Za-z0-9\-]{{1,63}}+\.){{1,8}}(?:{'|'.join(sorted(DOT_ENDINGS))})\b(?!\.\w)(?:/[\w/.\-?&=#%+~@:]*\w)?",
        rf"(?:{letter}|Ph|Sc|Ed)\.(?:D|{degree})\.|EE\.UU\.",
        rf"(?:{letter}\.)+(?:{letter}\.|{letter}(?![\w'\u2019]))(?:[{_HYPHENS}]{unit})*",
        rf"(?P<word>{word})(?P<dotted>\.(?!\.))?",
        rf"(?<![^\s(\[\$£€¥])(?:[+\-\u2212]\.?|\.)(?=\d){word}",
        rf"(?<!\w)[@#](?=\w)(?!\d)\w+(?:{mark}+\w*)*",
        rf"(?<!\S)[{_APOSTROPHES}](?i:s|re|ve|ll|d|m)(?!\w)",
        rf"(?<!\w)[{_APOSTROPHES}]\d0s(?!\w)",
        r"-[LR][RSC]B-",
        "[\U0001f1e6-\U0001f1ff]{2}",
        f"{_EMOJI}{_EMOJI_EXTRA}*(?:\u200d{_EMOJI}{_EMOJI_EXTRA}*)*{mark}*",
        f"[{_SPACELESS}](?:[\u1039\u17d2][{_SPACELESS}]|{mark})*",
        r"(?P<run>[.\-=*~+#<>\u2026\u2014])(?P=run)+|''|``",
        rf"\S{mark}*",
    )
    return re.compile("|".join(alternatives))


def word_offsets(text: str) -> list[Offsets]:
    """Start and exclusive end of each word, in order."""
    offsets: list[Offsets] = []
    add = offsets.append
    finditer = _pattern(_has_marks(text)).finditer
    for match in finditer(text):
        group = match.lastgroup
        start, end = match.span()
        if group == "url":
            end = _url_end(text, start, end)
            add((start, end))
            # What is left of the match is closing punctuation only.
            offsets.extend(tail.span() for tail in finditer(text, end, match.end()))
        elif group == "dotted":
            if _keeps_dot(text, start, end - 1):
                add((start, end))
            else:
                _add_word(offsets, text, start, end - 1)
                add((end - 1, end))
        elif group == "word":
            _add_word(offsets, text, start, end)
        else:
            add((start, end))
    return offsets


def _add_word(offsets: list[Offsets], text: str, start: int, end: int) -> None:
    """Add one word, or its stem and the clitics at its end (`should`, `n't`, `'ve`)."""
    clitics: list[Offsets] = []
    while (cut := _clitic_start(text, start, end)) is not None:
        clitics.append((cut, end))
        end = cut
    offsets.append((start, end))
    offsets.extend(reversed(clitics))


def _clitic_start(text: str, start: int, end: int) -> int | None:
    """Where the clitic at the end of a word begins, if it ends in one and is not one itself."""
    for mark in range(max(start + 1, end - 3), end - 1):
        if text[mark] not in _APOSTROPHES:
            continue
        tail = text[mark + 1 : end].lower()
        if tail in _CLITICS:
            return mark
        if tail == "t" and text[mark - 1] in "nN" and mark - 1 > start:
            return mark - 1
    return None


def _url_end(text: str, start: int, end: int) -> int:
    """The end of a URL without the punctuation of the sentence around it.

    A closing bracket stays where its opening one is part of the URL.
    """
    spare = {
        closing: text.count(closing, start, end) - text.count(opening, start, end)
        for opening, closing in ("()", "[]", "{}")
    }
    while end - start > 1:
        last = text[end - 1]
        if last in spare:
            if spare[last] <= 0:
                break
            spare[last] -= 1
        elif last not in ".,;:!?'\u2019\u2026*_`。，！？；：、）」』】":
            break
        end -= 1
    return end


def _keeps_dot(text: str, start: int, dot: int) -> bool:
    """Whether the dot at `dot` belongs to the word before it: an abbreviation or an initial."""
    word = text[max(start, dot - _ABBREVIATED) : dot]
    # What stands in another paragraph tells nothing: `passages` may have parted it from this one.
    after = BLANK_LINE.split(text[dot + 1 : dot + 26], maxsplit=1)[0]
    next_words = after.split(None, 1)
    if is_abbreviation(word, following=next_words[0] if next_words else ""):
        return True
    if len(word) <= 2 and _is_spaced(text, dot):
        return True
    if word in BEFORE_NAME_ALONE:
        before = text[max(0, start - 5) : start].rstrip(_BLANKS)[-1:]
        alone = not before.isdigit() and before != "."
        return alone and bool(next_words) and next_words[0][0].isupper()
    if word.isdigit():
        return (
            _opens_line(text, start)
            and len(word) <= 3
            and after[:1] in _BLANKS
            and bool(next_words)
        )
    return len(word) == 1 and word.isupper() and _is_initial(text, start, after)


def _is_spaced(text: str, dot: int) -> bool:
    """Whether the dot is one of an abbreviation with a space inside (`z. B.`)."""
    begin = max(0, dot - 8)
    return any(
        found.end() > dot - begin and "." in found[0] and found.start() < dot - begin
        for found in SPACED.finditer(text[begin : dot + 9])
    )


def _opens_line(text: str, start: int) -> bool:
    """Whether nothing but a little indentation stands before `start` on its line."""
    before = text[max(0, start - 9) : start].rstrip(_BLANKS)
    return before[-1].isspace() if before else start < 9


def _is_initial(text: str, start: int, after: str) -> bool:
    """Whether a single capital with a dot stands for a name: a name follows on the same line.

    `I` after a word in lower case is the pronoun (`he and I. Later ...`).
    """
    follower = after.lstrip(_BLANKS)
    if not follower or not (follower[0].isupper() or follower[0] == "-"):
        return False
    next_word = re.split(r"[^\w]", follower, maxsplit=1)[0]
    # A one-letter follower is the next initial (`A. I. Smith`) rather than a word.
    if len(next_word) > 1 and next_word in SENTENCE_STARTERS:
        return False
    if text[start] == "I":
        before = BLANK_LINE.split(text[max(0, start - 25) : start])[-1].split()
        return not (before and before[-1].islower())
    return True
