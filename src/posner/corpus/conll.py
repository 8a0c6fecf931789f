"""CoNLL columns: one word a row, the tag last, a blank line after each sentence.

Columns are parted by spaces and tabs only: a no-break space belongs to its word. The first column
is the word and the last the tag; between them stand `pos` (three columns), `pos chunk` (four), or
further columns that are carried through (of more than four the second is `pos` where it looks like
one). Columns in another order are put into this one; see `posner.corpus.shapes`. A row whose word
is `-DOCSTART-` begins a document, and so does a comment `# newdoc`, `#begin document` or
`###MEDLINE:`; a file without them is one document. A mark of the language before each word (`en:`)
is no part of it.

A `#` line before the first word of a sentence is a comment unless it is a row: as many columns as
the file has, the last a tag, and not of the form `# key = value`. Such a pair becomes metadata of
the sentence, any other comment is kept under `comments`; both are written back.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from posner.corpus.container import Corpus, Layout
from posner.corpus.files import read_text
from posner.corpus.problem import Problem
from posner.corpus.shapes import Rows, find_shape, header_names, language_mark
from posner.corpus.tagged import RowSentence, is_tag, read_tags
from posner.document import Document, WordRow, document_from_words
from posner.errors import DataError

DOCSTART = "-DOCSTART-"
ABSENT = "_"
_ABSENT = (ABSENT, "-X-")  # not a set: hashing each cell takes longer
SUFFIXES = (".conll", ".iob", ".iob2", ".bio", ".bioes", ".bilou")
COMMENTS = "comments"
_NEW_DOCUMENT = re.compile(r"# newdoc\b|#begin document\b|###MEDLINE:")
_PAIR = re.compile(r"# ([^\s=]+) = (.*)")
_EDGE = " \t"


def fields_of(line: str) -> list[str]:
    """The columns of a row."""
    if "\t" in line:
        line = line.replace("\t", " ")
    fields = line.split(" ")
    return [f for f in fields if f] if "" in fields else fields


def comment_pair(line: str) -> tuple[str, str] | None:
    """Key and value of a `# key = value` line."""
    match = _PAIR.fullmatch(line)
    return (match[1], match[2]) if match and match[2] == match[2].strip() else None


def is_comment(line: str, width: int | None) -> bool:
    """Whether a line that begins with `#`, before a sentence's first word, is a comment.

    Args:
        line: the line.
        width: how many columns the file has; None while no row has told.
    """
    if comment_pair(line):
        return True
    fields = fields_of(line)
    if len(fields) == (width or max(2, len(fields))):
        return not is_tag(fields[-1])
    # `#winning` alone is a word that lost its columns; reported as such, not swallowed.
    return len(fields) != 1 or len(line.strip("#" + _EDGE)) == 0 or "=" in line or line[:3] == "###"


def column_roles(width: int, second_column: Callable[[], Iterable[str]]) -> tuple[str, ...]:
    """What the columns of a file of that width are; one that holds tags is no part of speech."""
    if width in (3, 4) and _all_tags(second_column()):
        return ("word", *("extra",) * (width - 2), "tag")
    usual: dict[int, tuple[str, ...]] = {
        2: ("word", "tag"),
        3: ("word", "pos", "tag"),
        4: ("word", "pos", "chunk", "tag"),
    }
    if width in usual:
        return usual[width]
    values = set(second_column())
    is_pos = any(v.isalpha() for v in values) and all(v == v.upper() for v in values)
    extras = width - (3 if is_pos else 2)
    return ("word", *(("pos",) if is_pos else ()), *("extra",) * extras, "tag")


def _all_tags(values: Iterable[str]) -> bool:
    """Whether all values are tags, some of them of an entity."""
    found = False
    for value in values:
        if not is_tag(value):
            return False
        found = found or value != "O"
    return found


@dataclass
class _Pages:
    """The sentences of a file, document by document, while it is read."""

    documents: list[list[RowSentence]] = field(default_factory=list)
    metadata: list[dict[str, Any]] = field(default_factory=list)

    def open(self, metadata: dict[str, Any]) -> None:
        self.documents.append([])
        self.metadata.append(metadata)

    def add(self, sentence: RowSentence) -> None:
        if not self.documents:
            self.open({})
        self.documents[-1].append(sentence)


class _Reader:
    """Reads the lines of one file; `problems` grows as it goes."""

    def __init__(self, path: str, lines: Sequence[str], problems: list[Problem]) -> None:
        self.path = path
        self.lines = lines
        self.problems = problems
        shape = find_shape(lines, fields_of)
        self.rows: Rows | None = None
        if shape is None:
            self.width = file_width(lines)
            self.roles = column_roles(self.width, self._second_column)
        else:
            if shape.tag is None:
                raise _untagged(path)
            self.rows = Rows(shape, fields_of)
            self.roles = shape.roles
            self.width = len(self.roles)
        self.mark = language_mark(lines)
        self.pos = self.roles.index("pos") if "pos" in self.roles else None
        self.chunk = self.roles.index("chunk") if "chunk" in self.roles else None
        self.extra = slice(self.width - 1 - self.roles.count("extra"), self.width - 1)
        self.docstart: tuple[str, ...] | None = None
        self.begins = False
        self.pages = _Pages()

    def _second_column(self) -> Iterator[str]:
        rows = (fields_of(line) for line in self.lines if line and line[0] != "#")
        return (f[1] for f in rows if len(f) == self.width and f[0] != DOCSTART)

    def read(self) -> _Pages:
        sentence = RowSentence()
        comments: list[str] = []
        for number, line in enumerate(self.lines, 1):
            if not line or not line.strip(_EDGE):
                if sentence.rows:
                    self.pages.add(sentence)
                    sentence = RowSentence()
                continue
            if line[0] == "#" and not sentence.rows and self._is_comment(line):
                comments.append(line)
                self.begins = self.begins or _NEW_DOCUMENT.match(line) is not None
                continue
            fields = fields_of(line) if self.rows is None else self._fields(line, self.rows)
            if fields is None:
                continue
            if fields[0] == DOCSTART:
                if sentence.rows:
                    self.pages.add(sentence)
                    sentence = RowSentence()
                self._open_document(fields, comments)
                comments = []
                continue
            if not sentence.rows:
                if self._is_header(fields):
                    continue
                self._begin_document()
            if comments:
                sentence.metadata = comment_metadata(comments)
                comments = []
            self._add_row(sentence, fields, number)
        if sentence.rows:
            self.pages.add(sentence)
        if comments:
            if not self.pages.documents:
                self.pages.open({})
            self.pages.metadata[-1]["trailing_comments"] = comments
        return self.pages

    def _is_comment(self, line: str) -> bool:
        if self.rows is not None and self.rows.shape.numbered:
            return True
        return is_comment(line, self.width)

    def _fields(self, line: str, rows: Rows) -> list[str] | None:
        """The columns of a row in their usual order; None where it is no word."""
        return fields_of(line) if line.startswith(DOCSTART) else rows.fields(line)

    def _is_header(self, fields: Sequence[str]) -> bool:
        """Whether the file's first row names its columns."""
        return not self.pages.documents and header_names(fields)

    def _begin_document(self) -> None:
        """Open the document that a comment announced, unless it is the file's first."""
        if self.begins and self.pages.documents and self.pages.documents[-1]:
            self.pages.open({})
        self.begins = False

    def _open_document(self, fields: list[str], comments: list[str]) -> None:
        if self.docstart is None:
            self.docstart = tuple(fields)
        self.begins = False
        metadata: dict[str, Any] = {} if not comments else {COMMENTS: comments}
        if tuple(fields) != self.docstart:
            metadata["docstart"] = tuple(fields)
        self.pages.open(metadata)

    def _add_row(self, sentence: RowSentence, fields: list[str], number: int) -> None:
        tag = fields[-1]
        if len(fields) != self.width:
            fields, tag = self._mended(fields, number)
        pos = None if self.pos is None else fields[self.pos]
        chunk = None if self.chunk is None else fields[self.chunk]
        word = fields[0]
        if self.mark and len(word) > len(self.mark):
            word = word.removeprefix(self.mark)
        row = WordRow(
            word,
            None if pos in _ABSENT else pos,
            None if chunk in _ABSENT else chunk,
            tuple(fields[self.extra]),
        )
        sentence.add(row, tag, number)

    def _mended(self, fields: list[str], number: int) -> tuple[list[str], str]:
        """A row of the wrong width with the right one; reported."""
        count, width = len(fields), self.width
        few = count < width
        self.problems.append(
            Problem(
                self.path,
                number,
                "too-few-columns" if few else "too-many-columns",
                f"{count} column{'s' if count > 1 else ''} where the file has {width}",
                "add what is missing" if few else "remove what is too much",
            )
        )
        if few:
            return [fields[0], *[ABSENT] * (width - 2), "O"], "O"
        tag = fields[-1] if is_tag(fields[-1]) else "O"
        return [*fields[: width - 1], tag], tag


def _untagged(path: str) -> DataError:
    return DataError(
        "no column holds tags",
        where=path,
        expected="tags as O and B-PER, in CoNLL-U as NER=B-PER in the last column",
        remedy="add a column with the tags",
    )


def file_width(lines: Sequence[str]) -> int:
    """The number of columns of most rows (at least two)."""
    widths: Counter[int] = Counter()
    marked: Counter[int] = Counter()
    for line in lines:
        if line and not line.startswith(DOCSTART):
            if line[0] != "#":
                widths[len(fields_of(line))] += 1
            elif is_tag((fields_of(line) or [""])[-1]):
                marked[len(fields_of(line))] += 1
    found = widths or marked
    found.pop(0, None)
    return max(2, found.most_common(1)[0][0]) if found else 2


def comment_metadata(comments: Sequence[str]) -> dict[str, Any]:
    """The metadata that comment lines hold: pairs by key, all others under `comments`."""
    metadata: dict[str, Any] = {}
    others: list[str] = []
    for line in comments:
        pair = comment_pair(line)
        if pair and pair[0] not in metadata and pair[0] != COMMENTS and not others:
            metadata[pair[0]] = pair[1]
        else:
            others.append(line)
    return {**metadata, COMMENTS: others} if others else metadata


def read_conll(path: Path, scheme: str | None, problems: list[Problem]) -> Corpus:
    """Read a CoNLL file.

    Raises:
        DataError: it cannot be read, or the scheme is unknown.
    """
    file = read_text(path, problems)
    reader = _Reader(str(path), file.lines(), problems)
    pages = reader.read()
    flat = [sentence for page in pages.documents for sentence in page]
    tagged = read_tags(flat, scheme, str(path), problems)
    documents: list[Document] = []
    start = 0
    for page, metadata in zip(pages.documents, pages.metadata, strict=True):
        own = tagged.sentences[start : start + len(page)]
        start += len(page)
        documents.append(document_from_words(own, metadata=metadata))
    text = "\n".join(reader.lines)
    layout = Layout(
        scheme=tagged.scheme.name,
        columns=reader.roles,
        separator=_separator(text),
        encoding=file.encoding,
        mark=file.mark,
        newline=file.newline,
        final_newlines=len(text) - len(text.rstrip("\n")),
        docstart=reader.docstart,
    )
    return Corpus(tuple(documents), "conll", path, layout)


def _separator(text: str) -> str:
    row = next((line for line in text.split("\n") if line and line[0] != "#"), "")
    return "\t" if "\t" in row else " "
