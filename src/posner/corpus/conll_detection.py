"""Whether a file holds CoNLL columns, and how surely."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from posner.corpus.conll import DOCSTART, SUFFIXES, fields_of
from posner.corpus.files import HEAD_SIZE, head_text, plain_suffix
from posner.corpus.shapes import find_shape
from posner.corpus.tagged import is_tag
from posner.schemes import OUTSIDE

_TAG = re.compile(r"O|[BIESLUM]-([^\W\d_](?:[\w.&/-]*\w)?)")


def detects(path: Path, head: bytes) -> bool:
    """Whether the suffix says so, or a quarter of the rows have a tag in the last of their columns.

    Columns in another order, which nearly all rows must have, are told by `find_shape`.

    Rows decide for every suffix that other texts use too (`.txt`, `.train`); a quarter is enough,
    since prose has next to none and a spoilt file should be read, and told what is wrong with it.
    """
    if plain_suffix(path) in SUFFIXES:
        return True
    text = head_text(head)
    lines = text.split("\n")[:-1] or [text]
    rows = [f for line in lines if line[:1] != "#" and (f := fields_of(line))]
    rows = rows or [f for line in lines if (f := fields_of(line))]
    if plain_suffix(path) == ".csv" and "," in lines[0] and len(set(map(len, rows))) > 1:
        return False  # a cell of many tags may end each row
    good = sum(len(f) > 1 and is_tag(f[-1]) for f in rows)
    if rows and 4 * good >= len(rows):
        return True
    return find_shape(lines, fields_of) is not None


def is_sure(path: Path, head: bytes) -> bool:
    """Whether the suffix or the rows leave no doubt, however the file begins."""
    return plain_suffix(path) in SUFFIXES or has_only_rows(head)


def has_only_rows(head: bytes) -> bool:
    """Whether nearly every row of a file's head has the same columns, with a tag in the last.

    A line of prose may end in `Vitamin O` or `U-Bahn`. So one row is never enough, nor are two
    columns without a mention; and where no row is outside, labels have all their letters alike.
    Rows that count their words and have tags in some column are sure, and so are rows with tabs of
    which every other one ends in `O`, and the others in more than a letter (or all in `B` and `I`).
    """
    lines = head_text(head).split("\n")
    if len(head) >= HEAD_SIZE:
        del lines[-1]  # cut, perhaps
    shape = find_shape(lines, fields_of)
    if shape is not None and shape.numbered and shape.tag is not None:
        cells = [f[shape.tag] for line in lines if len(f := fields_of(line)) > shape.tag]
        if shape.reading != "plain" or any(_TAG.fullmatch(cell) for cell in cells):
            return True
    rows = [f for line in lines if line[:1] != "#" and (f := fields_of(line))]
    rows = [fields for fields in rows if fields[0] != DOCSTART]
    if len(rows) < 2:
        return False
    width = Counter(map(len, rows)).most_common(1)[0][0]
    if _labels_alone(lines, rows, width):
        return True
    tags = [m for f in rows if len(f) == width and (m := _TAG.fullmatch(f[-1]))]
    if width < 2 or 20 * len(tags) < 19 * len(rows):
        return False
    labels = {tag[1] for tag in tags}
    if None in labels:
        return len(labels) > 1 or width > 2
    return all(label in (label.upper(), label.lower()) for label in labels)


def _labels_alone(lines: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> bool:
    alike = sum(len(fields) == width for fields in rows)
    outside = sum(fields[-1] == OUTSIDE for fields in rows)
    tabs = all("\t" in line for line in lines if line.strip() and line[0] != "#")
    others = {fields[-1] for fields in rows} - {OUTSIDE}
    labels = others and (others <= {"B", "I"} or all(len(label) > 1 for label in others))
    usual = width > 1 and 20 * alike >= 19 * len(rows) and 2 * outside >= len(rows)
    return tabs and usual and bool(labels)
