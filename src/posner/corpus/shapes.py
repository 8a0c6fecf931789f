"""Columns in another order than word first and tag last: which column is what.

A file says so itself: by a row of names at its top (`Token ... NER`), by numbers of words in the
first column (CoNLL-U, GermEval, Universal NER), or by tags that stand in another column than the
last (`O word`, `word B-PER NNP`). Columns that are neither word, tag, part of speech nor tags of
another layer are left out. CoNLL-U holds its tags in the last column (`NER=B-PER|...`), CoNLL-2012
in brackets (`(PERSON*`, `*)`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from posner.corpus.tagged import is_tag

SAMPLE = 2000
"""How many rows tell the shape."""

WORD_NAMES = frozenset(("word", "words", "token", "tokens", "form"))
TAG_NAMES = frozenset(
    [
        "tag",
        "tags",
        "label",
        "labels",
        "ner",
        "nertag",
        "nertags",
        "netag",
        "iob",
        "bio",
        "entity",
        "necoarselit",
    ]
)
_EDGE = " \t"
_INDEX = re.compile(r"\d{1,6}")
_NO_WORD = re.compile(r"\d{1,6}[-.]\d{1,6}")  # CoNLL-U: a range of words, a word left unsaid
_MISC = re.compile(r"(?:^|\|)(?:ner|ne|name|entity)=([^|]+)", re.IGNORECASE)
_BRACKET = re.compile(r"(?:\(([^()*]+))?\*?(\)?)")
_LANGUAGE = re.compile(r"([a-z]{2,3}(?:-[a-z-]+)?:).+")
_CHUNKS = frozenset(("NP", "VP"))
_CONLLU_WIDTH = 10
_CONLLU_HEAD = 6
_2012 = "#begin document"
_2012_WIDTH = 12


def column_name(text: str) -> str:
    """The name of a column as the tables of names spell it."""
    return "".join(c for c in text.lower() if c.isalnum())


@dataclass(frozen=True)
class Shape:
    """Where the columns of a file stand.

    Attributes:
        word: the word's column.
        tag: the tag's; None where no column holds tags.
        pos: the part of speech's, if there is one.
        extra: the columns of further tags.
        tabs: whether only tabs part columns.
        numbered: whether rows begin with the number of their word.
        reading: how a cell tells its tag: `plain`, `misc` or `brackets`.
    """

    word: int
    tag: int | None
    pos: int | None = None
    extra: tuple[int, ...] = ()
    tabs: bool = False
    numbered: bool = True
    reading: str = "plain"

    @property
    def roles(self) -> tuple[str, ...]:
        """What the columns are once `Rows` has put them into order."""
        return ("word", *(("pos",) * (self.pos is not None)), *("extra",) * len(self.extra), "tag")


class Rows:
    """Puts the columns of one file into order: word, part of speech, further ones, tag."""

    def __init__(self, shape: Shape, split: Callable[[str], list[str]]) -> None:
        self.shape = shape
        self.split: Callable[[str], list[str]] = _by_tabs if shape.tabs else split
        self._open: str | None = None
        order = [shape.word, shape.pos, *shape.extra, shape.tag]
        self._order = [place for place in order if place is not None]

    def fields(self, line: str) -> list[str] | None:
        """The row in order; None for one that is no word, a short one for one that lacks some."""
        cells = self.split(line)
        shape = self.shape
        if shape.numbered and _NO_WORD.fullmatch(cells[0]):
            return None
        word = cells[shape.word] if shape.word < len(cells) else ""
        if not word or len(cells) <= (shape.tag or 0):
            return [word or cells[0] or "_"]
        found = [cells[place] if place < len(cells) else "_" for place in self._order]
        found = [cell or "_" for cell in found]
        if shape.reading == "misc":
            match = _MISC.search(found[-1])
            found[-1] = match[1] if match else "O"
        elif shape.reading == "brackets":
            found[-1] = self._bracketed(found[-1])
        return found

    def _bracketed(self, cell: str) -> str:
        match = _BRACKET.fullmatch(cell)
        if match is None:
            return cell
        begins = match[1] is not None
        label = match[1] if begins else self._open
        self._open = None if match[2] else label
        return f"{'B' if begins else 'I'}-{label}" if label else "O"


def find_shape(lines: Sequence[str], split: Callable[[str], list[str]]) -> Shape | None:
    """The shape of a file's lines; None where word and tag stand first and last as usual."""
    sample = list(islice(_sentence_rows(lines), SAMPLE))
    tabs = all("\t" in line for _, line in sample)
    rows = [_by_tabs(line) if tabs else split(line) for _, line in sample]
    if not rows:
        return None
    if lines[0].startswith(_2012) and len(rows[0]) >= _2012_WIDTH:
        return Shape(3, 10, 4, tabs=tabs, reading="brackets")
    if header_names(rows[0]):
        return _found(rows[1:], tabs, rows[0], numbered=_are_numbered(sample[1:], rows[1:]))
    return _found(rows, tabs, None, numbered=_are_numbered(sample, rows))


def header_names(cells: Sequence[str]) -> bool:
    """Whether a row names columns: one of them the word's, and none of its cells is a tag."""
    names = {column_name(cell) for cell in cells}
    return len(cells) > 1 and not WORD_NAMES.isdisjoint(names) and not any(map(is_tag, cells))


def language_mark(lines: Sequence[str]) -> str:
    """What stands before each word (`en:`, as in WikiANN); nothing where some word lacks it.

    One row is never enough, nor are numbers alone (`go:0001`).
    """
    found = ""
    spelt = 0
    number = -1
    for number, (_, line) in enumerate(islice(_sentence_rows(lines), SAMPLE)):
        match = _LANGUAGE.match(line)
        if match is None or (number and match[1] != found):
            return ""
        found = match[1]
        spelt += line[len(found)].isalpha()
    return found if number > 0 and spelt else ""


def _found(
    rows: Sequence[list[str]], tabs: bool, header: list[str] | None, *, numbered: bool
) -> Shape | None:
    if not rows:
        return None
    width = max(len(row) for row in rows)
    usual = sorted(len(row) for row in rows)[len(rows) // 2]
    tagged = [i for i in range(width) if 20 * _tag_count(rows, i) >= 19 * len(rows)]
    named = [i for i, name in enumerate(header or ()) if column_name(name) in TAG_NAMES]
    named = [i for i in named if 4 * _tag_count(rows, i) >= len(rows)]
    if numbered:
        inner = [i for i in tagged if i]
        tags = named or [i for i in inner if not _is_chunk(rows, i)] or inner
        if not tags:
            return _conllu(rows, width) if tabs and width == _CONLLU_WIDTH else None
    elif named and named[0] != usual - 1:
        tags = named
    else:
        tags = tagged[-1:]
        if not tags or len(rows) < 2 or usual < 2 or 4 * _tag_count(rows, usual - 1) >= len(rows):
            return None
    tag = tags[0]
    word, *others = (i for i in range(numbered, max(width, tag + 2)) if i != tag)
    if numbered and header is None and not _are_words(rows, word):
        return None
    pos = next((i for i in others if i not in tagged and _is_pos(rows, i)), None)
    return Shape(word, tag, pos, tuple(i for i in others if i in tagged), tabs, numbered)


def _conllu(rows: Sequence[list[str]], width: int) -> Shape | None:
    heads = (row[_CONLLU_HEAD] for row in rows if len(row) == width)
    if not all(head == "_" or head.isdigit() for head in heads):
        return None
    last = width - 1
    marks = (m[1] for row in rows if (m := _MISC.search(row[-1])))
    return Shape(1, last if any(map(is_tag, marks)) else None, 3, tabs=True, reading="misc")


def _sentence_rows(lines: Sequence[str]) -> Iterator[tuple[bool, str]]:
    """The rows (no comments), each with whether it begins a sentence."""
    begins = True
    for line in lines:
        if not line or not line.strip(_EDGE):
            begins = True
        elif not (begins and line[0] == "#") and not line.startswith("-DOCSTART-"):
            yield begins, line
            begins = False


def _are_numbered(sample: Sequence[tuple[bool, str]], rows: Sequence[list[str]]) -> bool:
    """Whether the first column counts the words of each sentence, from 0 or 1."""
    last = -1
    counted = False
    for (begins, _), row in zip(sample, rows, strict=True):
        if _NO_WORD.fullmatch(row[0]):
            continue
        if not _INDEX.fullmatch(row[0]) or len(row) < 3:
            return False
        number = int(row[0])
        if number > 1 if begins or last < 0 else number != last + 1:
            return False
        counted |= not begins
        last = number
    return counted


def _tag_count(rows: Sequence[list[str]], place: int) -> int:
    return sum(place < len(row) and is_tag(row[place]) for row in rows)


def _is_chunk(rows: Sequence[list[str]], place: int) -> bool:
    return any(row[place][2:] in _CHUNKS for row in rows if place < len(row))


def _are_words(rows: Sequence[list[str]], place: int) -> bool:
    """Whether a column has letters beside capitals; parts of speech and scores have none."""
    cells = (row[place] for row in rows if place < len(row))
    return any(c.isalpha() and not "A" <= c <= "Z" for cell in cells for c in cell)


def _is_pos(rows: Sequence[list[str]], place: int) -> bool:
    """Whether a column has parts of speech: texts in capitals, if they have letters at all."""
    values = {row[place] for row in rows if place < len(row)}
    return any(v.isalpha() for v in values) and all(v == v.upper() for v in values)


def _by_tabs(line: str) -> list[str]:
    return [cell.strip(" ") for cell in line.rstrip(_EDGE).split("\t")]
