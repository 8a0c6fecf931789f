"""Two columns of tags, read from a file as a tagger for conlleval writes it, sentence by sentence.

Columns are separated by spaces or tabs and by nothing else, lines by line feeds and nothing else: a
word may hold a no-break space or a line separator of Unicode. A blank line ends a sentence, and so
does a line that begins with `-DOCSTART-`.
"""

from __future__ import annotations

import gzip
import re
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from posner.corpus.conll import comment_metadata, is_comment
from posner.errors import DataError, SchemeError, UsageError
from posner.schemes import OUTSIDE, Scheme, parse_tag

_BLANKS = re.compile("[ \t]+")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DOCUMENT_START = "-DOCSTART-"


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """The gold and the predicted tags of one sentence, whose words stand on consecutive lines.

    Attributes:
        line: that of its first word, from 1.
        gold: a tag a word.
        predicted: a tag a word.
        words: the first column; empty unless asked for.
        document: how many rows that begin a document stand before it.
        metadata: what the comment lines before it say, with its words.
    """

    line: int
    gold: tuple[str, ...]
    predicted: tuple[str, ...]
    words: tuple[str, ...] = ()
    document: int = 0
    metadata: Mapping[str, Any] = field(default_factory=dict)


def read_tag_columns(
    path: Path,
    *,
    gold: int | None = None,
    predicted: int | None = None,
    words: bool = False,
    document_rows: bool = False,
) -> Iterator[TaggedSentence]:
    """Read the sentences of a file (gzip-compressed if its name ends in `.gz`) one at a time.

    Args:
        path: a UTF-8 file; a byte order mark and CRLF are understood.
        gold: the column of the gold tags, counted from 1; None is the last but one.
        predicted: the column of the predicted tags; None is the last. Where a column is counted
            from the end, all rows must be of the first row's width, lest it slip.
        words: keep the first column, and the comments as metadata.
        document_rows: read a row `-DOCSTART-` as a sentence of one word, as conlleval does, where
            it has as many columns as the others.

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
    return _Reader(path, gold, predicted, words, document_rows).sentences()


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


@dataclass(frozen=True, slots=True)
class _Row:
    """One word: its place in the file, its two tags, and the word itself where it is kept."""

    line: int
    gold: str
    predicted: str
    word: str


@dataclass
class _Reader:
    """Turns lines into sentences; see `read_tag_columns`."""

    path: Path
    gold: int | None
    predicted: int | None
    words: bool
    document_rows: bool
    width: int | None = None
    documents: int = 0
    comments: list[str] = field(default_factory=list)

    def sentences(self) -> Iterator[TaggedSentence]:
        rows: list[_Row] = []
        for number, text in _lines(self.path):
            columns = _BLANKS.split(text.strip(" \t"))
            begins = columns[0].startswith(_DOCUMENT_START)
            if columns == [""] or begins:
                if rows:
                    yield self._sentence(rows)
                    rows = []
                self.documents += begins
                if begins and self.document_rows and len(columns) >= self._needed:
                    yield self._sentence([self._row(columns, number)])
                continue
            line = text.strip(" \t")
            if columns[0].startswith("#") and not rows and is_comment(line, self.width):
                self.comments.append(line)
                continue
            self.width = self.width or len(columns)
            where = f"{self.path}:{number}"
            _check_width(columns, self.width, self.gold, self.predicted, where)
            rows.append(self._row(columns, number))
        if rows:
            yield self._sentence(rows)

    @property
    def _needed(self) -> int:
        """Columns that a row must have."""
        return max(self.gold or 2, self.predicted or 1, self.width or 0)

    def _row(self, columns: Sequence[str], number: int) -> _Row:
        where = f"{self.path}:{number}"
        gold = _tag(columns[self.gold - 1 if self.gold else -2], where)
        predicted = _tag(columns[self.predicted - 1 if self.predicted else -1], where)
        return _Row(number, gold, predicted, sys.intern(columns[0]) if self.words else "")

    def _sentence(self, rows: Sequence[_Row]) -> TaggedSentence:
        comments, self.comments = self.comments, []
        return TaggedSentence(
            rows[0].line,
            tuple(row.gold for row in rows),
            tuple(row.predicted for row in rows),
            tuple(row.word for row in rows) if self.words else (),
            self.documents,
            comment_metadata(comments) if self.words else {},
        )


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


def _open(path: Path) -> BinaryIO | gzip.GzipFile:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
