"""Two columns of tags, read from a file as a tagger for conlleval writes it, sentence by sentence.

Columns are parted by spaces or tabs and by nothing else, lines by line feeds and nothing else: a
word may hold a no-break space or a line separator of Unicode. A blank line parts sentences, and so
does a line that begins with `-DOCSTART-`.
"""

from __future__ import annotations

import gzip
import re
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from posner.corpus.conll import is_comment
from posner.errors import DataError, SchemeError, UsageError
from posner.schemes import OUTSIDE, Scheme, parse_tag

_BLANKS = re.compile("[ \t]+")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DOCUMENT_START = "-DOCSTART-"


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """The gold and the predicted tags of one sentence, and the line of its first word (from 1).

    A sentence's words stand on consecutive lines.
    """

    line: int
    gold: tuple[str, ...]
    predicted: tuple[str, ...]


def read_tag_columns(
    path: Path, *, gold: int | None = None, predicted: int | None = None
) -> Iterator[TaggedSentence]:
    """Read the sentences of a file (gzip-compressed if its name ends in `.gz`) one at a time.

    Args:
        path: a UTF-8 file; a byte order mark and CRLF are understood.
        gold: the column of the gold tags, counted from 1; None is the last but one.
        predicted: the column of the predicted tags; None is the last. Where a column is counted
            from the end, all rows must be of the first row's width, lest it slip.

    Raises:
        UsageError: a column number below 1 (at once, before anything is read).
        DataError: a file that cannot be read, a row with too few columns, what is no UTF-8.
        SchemeError: what is no tag.
    """
    for flag, column in (("--gold", gold), ("--predicted", predicted)):
        if column is not None and column < 1:
            raise UsageError(
                "no such column", where=flag, expected="a number from 1 on", got=column
            )
    return _sentences(path, gold, predicted)


def check_prefixes(
    sentences: Iterable[TaggedSentence], scheme: Scheme, path: Path
) -> Iterator[TaggedSentence]:
    """Pass the sentences on, refusing tags whose prefix the scheme does not know.

    Raises:
        SchemeError: such a tag, with its file and line.
    """
    known = {OUTSIDE}
    for sentence in sentences:
        for tags in (sentence.gold, sentence.predicted):
            for index, tag in enumerate(tags):
                if tag in known:
                    continue
                if parse_tag(tag).prefix not in scheme.prefixes:
                    raise SchemeError(
                        f"not a tag of {scheme.name}",
                        where=f"{path}:{sentence.line + index}",
                        expected=f"O or a prefix of {', '.join(scheme.prefixes)}",
                        got=repr(tag),
                        remedy="correct the tag, or name the file's scheme with --scheme",
                    )
                known.add(tag)
        yield sentence


def _sentences(path: Path, gold: int | None, predicted: int | None) -> Iterator[TaggedSentence]:
    first_line = 0
    width: int | None = None
    gold_tags: list[str] = []
    predicted_tags: list[str] = []
    for number, text in _lines(path):
        columns = _BLANKS.split(text.strip(" \t"))
        if columns == [""] or columns[0].startswith(_DOCUMENT_START):
            if gold_tags:
                yield TaggedSentence(first_line, tuple(gold_tags), tuple(predicted_tags))
                gold_tags, predicted_tags = [], []
            continue
        if columns[0].startswith("#") and not gold_tags and is_comment(text.strip(" \t"), width):
            continue
        width = width or len(columns)
        where = f"{path}:{number}"
        _check_width(columns, width, gold, predicted, where)
        if not gold_tags:
            first_line = number
        gold_tags.append(_tag(columns[gold - 1 if gold else -2], where))
        predicted_tags.append(_tag(columns[predicted - 1 if predicted else -1], where))
    if gold_tags:
        yield TaggedSentence(first_line, tuple(gold_tags), tuple(predicted_tags))


def _check_width(
    columns: Sequence[str], width: int, gold: int | None, predicted: int | None, where: str
) -> None:
    needed = max(gold or 2, predicted or 1)
    if len(columns) < needed:
        raise DataError(
            "too few columns",
            where=where,
            expected=f"at least {needed}, separated by spaces or tabs",
            got=len(columns),
            remedy="correct the row, or name the columns with --gold and --predicted",
        )
    if (gold is None or predicted is None) and len(columns) != width:
        raise DataError(
            "too few columns" if len(columns) < width else "too many columns",
            where=where,
            expected=f"{width}, as in the first row",
            got=len(columns),
            remedy="correct the row, or name both columns with --gold and --predicted",
        )


def _tag(text: str, where: str) -> str:
    """The tag itself, held once in memory however often it occurs."""
    try:
        parse_tag(text)
    except SchemeError as error:
        raise SchemeError(
            error.problem,
            where=where,
            expected=error.expected,
            got=error.got,
            remedy="correct the tag, or name the columns with --gold and --predicted",
        ) from None
    return sys.intern(text)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines with their numbers (from 1), without line ends and byte order mark."""
    try:
        with _open(path) as stream:
            for number, raw in enumerate(stream, start=1):
                line = raw.removeprefix(_BYTE_ORDER_MARK) if number == 1 else raw
                line = line.removesuffix(b"\n").removesuffix(b"\r")
                try:
                    text = line.decode("utf-8")
                except UnicodeDecodeError as error:
                    raise DataError(
                        "not UTF-8",
                        where=f"{path}:{number}",
                        got=f"byte 0x{line[error.start]:02X} at byte {error.start + 1} of the line",
                        remedy="save the file as UTF-8",
                    ) from None
                yield number, text
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            "a damaged gzip file", where=path, got=error, remedy="compress it again"
        ) from None
    except OSError as error:
        raise DataError(
            "the file cannot be read", where=path, got=error.strerror or error
        ) from None


def _open(path: Path) -> BinaryIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return path.open("rb")
