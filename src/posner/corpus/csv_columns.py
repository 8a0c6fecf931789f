"""What the columns of a csv file are: by the names in its first row, or by tags in the last column.

Cells are parted by commas, semicolons or tabs, whichever the first row has most of.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from posner.corpus.shapes import TAG_NAMES, column_name
from posner.corpus.tagged import is_tag

_WORD_NAMES = frozenset(("word", "words", "token", "form"))
_SENTENCE_NAMES = frozenset(("sentence", "sentenceid", "sentenceidx", "sentid", "sentidx"))
_POS_NAMES = frozenset(("pos", "postag", "upos", "xpos"))
_DELIMITERS = ",;\t"
_SAMPLE = 200
"""How many rows tell whether a column holds what its name says."""
_MENTION = re.compile(r"[BIESLUM]-[^\W\d_].*")


@dataclass(frozen=True)
class Columns:
    """The columns of a csv file.

    Attributes:
        names: all of them, in order.
        delimiter: what parts them.
        word: the word's place.
        tag: the tag's place.
        sentence: the place of what tells where a sentence begins; None: empty rows part sentences.
        pos: the part of speech's place, if there is one.
        headed: whether the first row holds the names.
    """

    names: tuple[str, ...]
    delimiter: str
    word: int
    tag: int
    sentence: int | None = None
    pos: int | None = None
    headed: bool = True

    @property
    def extra(self) -> list[int]:
        """The places of all other columns."""
        own = (self.word, self.tag, self.sentence, self.pos)
        return [place for place in range(len(self.names)) if place not in own]

    @property
    def numbers_each_row(self) -> bool:
        """Whether the sentence's number stands in each row, not `Sentence: N` in its first."""
        return self.sentence is not None and column_name(self.names[self.sentence]) != "sentence"


def cells_of(line: str, delimiter: str) -> list[str]:
    """The cells of one line; a quote that never closes spoils no line but its own."""
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter), [""])
    except csv.Error:  # a cell beyond csv's own limit
        return line.split(delimiter)


def named_columns(names: Sequence[str], delimiter: str = ",") -> Columns | None:
    """The columns of those names; None where no word or no tag is among them."""
    keys = [column_name(name) for name in names]
    usual = _is_usual(keys)
    places = [
        keys.index(name) if usual and name in keys else _place(keys, known)
        for name, known in (
            ("word", _WORD_NAMES),
            ("tag", TAG_NAMES),
            ("sentence", _SENTENCE_NAMES),
            ("pos", _POS_NAMES),
        )
    ]
    word, tag, sentence, pos = places
    if word is None or tag is None:
        return None
    return Columns(tuple(names), delimiter, word, tag, sentence, pos)


def _is_usual(keys: Sequence[str]) -> bool:
    """Whether columns begin as the Groningen Meaning Bank's, whose names mean what they say."""
    return [*keys[:2]] == ["sentence", "word"] and "tag" in keys


def _place(keys: Sequence[str], known: frozenset[str]) -> int | None:
    return next((i for i, key in enumerate(keys) if key in known), None)


def find_columns(lines: Sequence[str]) -> Columns | None:
    """The columns of a csv file, by its first lines; None where they are those of no such file.

    Tabs without a column that numbers sentences are those of CoNLL columns. A file without names
    has a tag in the last cell of nearly each row, some of them of an entity, and rows of one width.
    """
    first = lines[0] if lines else ""
    if first.lstrip()[:1] in ("{", "["):
        return None  # JSON
    delimiters = sorted(_DELIMITERS, key=first.count, reverse=True)
    for delimiter in delimiters:
        names = [name.strip() for name in cells_of(first, delimiter)]
        found = named_columns(names, delimiter)
        if found is not None and _hold_words(found, lines[1 : _SAMPLE + 1]):
            return None if delimiter == "\t" and found.sentence is None else found
    delimiter = delimiters[0]
    names = cells_of(first, delimiter)
    if delimiter == "\t" or len(names) < 2:
        return None
    rows = [row for line in lines if any(row := cells_of(line, delimiter))]
    good = sum(len(row) == len(names) and is_tag(row[-1]) for row in rows)
    if len(rows) < 2 or 20 * good < 19 * len(rows):
        return None
    if not any(_MENTION.fullmatch(row[-1]) for row in rows):
        return None
    middle = ["pos", *(f"column {i}" for i in range(3, len(names)))][: len(names) - 2]
    pos = 1 if middle else None
    return Columns(("word", *middle, "tag"), delimiter, 0, len(names) - 1, None, pos, headed=False)


def _hold_words(columns: Columns, lines: Sequence[str]) -> bool:
    """Whether columns hold what their names say: a quarter of the tags are tags, as in columns.

    A table of texts may have such names as well (`sentence,word,label`).
    """
    if columns.sentence == 0 and _is_usual([column_name(name) for name in columns.names]):
        return True
    rows = (cells_of(line, columns.delimiter) for line in lines)
    tags = [row[columns.tag] for row in rows if len(row) == len(columns.names) and any(row)]
    return 0 < len(tags) <= 4 * sum(map(is_tag, tags))
