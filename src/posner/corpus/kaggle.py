"""Words with tags in a csv, as the Groningen Meaning Bank on Kaggle: `Sentence #,Word,POS,Tag`.

Other names (`sentence_id,words,labels`), further columns, semicolons and tabs are read as well, and
rows without names, the word first and the tag last; see `posner.corpus.csv_columns`.

Windows-1252, although everyone calls it Latin-1 (a file that is clearly UTF-8 is read as such).
Every cell is a word as it stands: `NA`, `None`, `null`, `nan`, a quote, a comma. A sentence begins
where the first column says `Sentence: N`; a file that repeats N on each row is read the same. In a
file without such a column empty rows part sentences.

The file knows no documents, and its neighbouring sentences come from unrelated texts, so each
sentence is a document of its own: context never crosses from one to the next.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from posner.corpus.container import Corpus, Layout
from posner.corpus.csv_columns import Columns, cells_of, find_columns, named_columns
from posner.corpus.files import HEAD_SIZE, WINDOWS, guess_encoding, head_text, read_text
from posner.corpus.problem import Problem
from posner.corpus.tagged import Losses, RowSentence, document_name, document_tags, read_tags
from posner.document import Document, Sentence, Token, WordRow, document_from_words
from posner.errors import DataError
from posner.files import encode_text, write_bytes
from posner.schemes import scheme_named

HEADER = ("Sentence #", "Word", "POS", "Tag")
_NUMBER = re.compile(r"(?:Sentence: *)?(\d{1,18})(?:\.0)?")


def detects(path: Path, head: bytes) -> bool:
    """Whether the first line names such columns, or the rows are such without names."""
    del path
    lines = head_text(head).split("\n")
    return find_columns(lines[:-1] if len(head) >= HEAD_SIZE else lines) is not None


class _Reader:
    def __init__(self, path: str, lines: Sequence[str], problems: list[Problem]) -> None:
        self.path = path
        self.problems = problems
        columns = find_columns(lines)
        if columns is None:
            raise DataError(
                "not the Kaggle csv",
                where=f"{path}:1",
                expected=",".join(HEADER),
                got=lines[0][:80],
                remedy="add the header, or name the format with --format",
            )
        self.columns = columns
        self.sentences: list[RowSentence] = []
        self.border = ""

    def read(self, lines: Sequence[str]) -> list[RowSentence]:
        """The sentences of all lines."""
        columns, extras = self.columns, self.columns.extra
        delimiter, width, place = columns.delimiter, len(columns.names), columns.sentence
        word, tag, pos_column = columns.word, columns.tag, columns.pos
        begins = True
        start = int(columns.headed)
        for number, line in enumerate(lines[start:], start + 1):
            cells = line.split(delimiter)
            if '"' in line:
                cells = cells_of(line, delimiter)
            if len(cells) != width:
                if not line.strip():
                    begins = True
                    continue
                cells = self._mended(cells, number)
            if place is None:
                if not any(cells):
                    begins = True
                    continue
            else:
                if cells[place] and cells[place] != self.border:
                    self._begin(cells[place], number)
                begins = not self.sentences
            if begins:
                self.sentences.append(RowSentence())
                begins = False
            if not cells[word]:
                self._report(number, "empty-word", "the word is empty", "fill in the word")
                continue
            pos = None if pos_column is None else cells[pos_column] or None
            extra = tuple(sys.intern(cells[i]) for i in extras) if extras else ()
            self.sentences[-1].add(WordRow(cells[word], pos, None, extra), cells[tag], number)
        return [sentence for sentence in self.sentences if sentence.rows]

    def _begin(self, cell: str, line: int) -> None:
        self.border = cell
        match = _NUMBER.fullmatch(cell.strip())
        if match is None:
            self._report(
                line, "sentence-number", f"{cell[:40]!r} is no sentence number", "write Sentence: N"
            )
        self.sentences.append(RowSentence(number=int(match[1]) if match else None))

    def _mended(self, cells: list[str], line: int) -> list[str]:
        count, width = len(cells), len(self.columns.names)
        few = count < width
        self._report(
            line,
            "too-few-columns" if few else "too-many-columns",
            f"{count} column{'s' if count > 1 else ''} where the file has {width}",
            'add what is missing; a quote is written as """"' if few else "quote the comma",
        )
        mended = cells[: width - 1] if few else cells[:width]
        mended += [""] * (width - len(mended))
        mended[self.columns.tag] = "O" if few else cells[-1]
        return mended

    def _report(self, line: int, kind: str, reason: str, remedy: str) -> None:
        self.problems.append(Problem(self.path, line, kind, reason, remedy))


def read_kaggle(path: Path, scheme: str | None, problems: list[Problem]) -> Corpus:
    """Read the csv; each sentence becomes a document.

    Raises:
        DataError: it cannot be read, has no header, or the scheme is unknown.
    """
    file = read_text(path, problems, usual=WINDOWS)
    lines = file.lines()
    reader = _Reader(str(path), lines, problems)
    tagged = read_tags(reader.read(lines), scheme, str(path), problems)
    layout = Layout(
        scheme=tagged.scheme.name,
        columns=reader.columns.names,
        separator=reader.columns.delimiter,
        encoding=file.encoding,
        mark=file.mark,
        newline=file.newline,
    )
    documents = tuple(document_from_words([sentence]) for sentence in tagged.sentences)
    return Corpus(documents, "kaggle", path, layout)


def write_kaggle(corpus: Corpus, path: Path, scheme: str | None) -> list[str]:
    """Write the csv; returns what it could not hold.

    Raises:
        DataError: overlapping entities, or a word that a row of the csv cannot hold.
    """
    losses = Losses("kaggle")
    plan = _plan(corpus.layout)
    buffer = io.StringIO(newline="")
    newline = corpus.layout.newline if corpus.layout.columns else "\r\n"
    rows = csv.writer(buffer, lineterminator=newline, delimiter=plan.columns.delimiter)
    rows.writerow(plan.columns.names)
    start = buffer.tell()
    tag_scheme = scheme_named(scheme or corpus.layout.scheme or "IOB2")
    numbers = _numbers(corpus, losses)
    for index, document in enumerate(corpus.documents):
        losses.add_unheld(document)
        plan.count_losses(document, losses)
        where = document_name(document, index)
        count = 0
        for sentence, tags in document_tags(document, tag_scheme, losses, where):
            count += 1
            border = plan.border(next(numbers))
            if plan.columns.sentence is None and buffer.tell() > start:
                rows.writerow([])
            for token, tag in zip(sentence.tokens, tags, strict=True):
                cells = plan.cells(border, token, tag)
                if not token.text or "\n" in "".join(cells) or "\r" in "".join(cells):
                    raise _unwritable(cells, where)
                rows.writerow(cells)
                border = border if plan.columns.numbers_each_row else ""
        if count != 1:
            losses.add("the borders of {n} documents are not held")
    _write(buffer.getvalue(), corpus, path, losses)
    return losses.lines()


def _numbers(corpus: Corpus, losses: Losses) -> Iterator[int]:
    filled: list[Sentence] = [s for s in corpus.sentences if s.tokens]
    own = [s.number for s in filled if s.number is not None]
    if len(own) == len(filled) and all(a != b for a, b in pairwise(own)):
        return iter(own)
    losses.add("the numbers of {n} sentences are not held", len(own))
    return iter(range(1, len(filled) + 1))


def _plan(layout: Layout) -> _RowPlan:
    columns = named_columns(layout.columns, layout.separator) if layout.columns else None
    return _RowPlan(columns or Columns(HEADER, ",", word=1, tag=3, sentence=0, pos=2))


class _RowPlan:
    """Which cell of a row holds what."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.extra = columns.extra

    def border(self, number: int) -> str:
        """What tells that a sentence begins."""
        return str(number) if self.columns.numbers_each_row else f"Sentence: {number}"

    def cells(self, border: str, token: Token, tag: str) -> list[str]:
        """The cells of one word."""
        columns = self.columns
        cells = [""] * len(columns.names)
        cells[columns.word], cells[columns.tag] = token.text, tag
        if columns.sentence is not None:
            cells[columns.sentence] = border
        if columns.pos is not None:
            cells[columns.pos] = token.pos or ""
        for place, value in zip(self.extra, token.extra, strict=False):
            cells[place] = value
        return cells

    def count_losses(self, document: Document, losses: Losses) -> None:
        """Count what the columns have no place for."""
        for sentence in document.sentences:
            for name in sentence.metadata:
                losses.add(f"the metadata {name!r} of {{n}} sentences is not held")
            tokens = sentence.tokens
            chunks = sum(token.chunk is not None for token in tokens)
            losses.add("the chunk tags of {n} words are not held", chunks)
            room = len(self.extra)
            surplus = sum(len(token.extra) > room for token in tokens)
            losses.add("further columns of {n} words are not held", surplus)
            if self.columns.pos is None:
                tagged = sum(token.pos is not None for token in tokens)
                losses.add("the parts of speech of {n} words are not held", tagged)


def _unwritable(cells: list[str], where: str) -> DataError:
    return DataError(
        "a word cannot be written as a row of the csv",
        where=where,
        expected="neither empty nor with a line break",
        got=repr(cells)[:80],
        remedy="write another format, such as jsonl",
    )


def _write(text: str, corpus: Corpus, path: Path, losses: Losses) -> None:
    encoding = corpus.layout.encoding if corpus.layout.columns else WINDOWS
    mark = corpus.layout.mark
    if encoding == WINDOWS:
        data = text.encode(WINDOWS, errors="replace")
        # Bytes that a reader would take for UTF-8, or that lack a character, go as marked UTF-8.
        if guess_encoding(data, WINDOWS) != WINDOWS or data.decode(WINDOWS) != text:
            losses.add("not Windows-1252: a character needs UTF-8, written with a mark")
            encoding, mark = "utf-8", True
    write_bytes(path, encode_text(text, encoding, mark, path))
