"""The Kaggle csv of the Groningen Meaning Bank: `Sentence #,Word,POS,Tag`.

Windows-1252, although everyone calls it Latin-1 (a file that is clearly UTF-8 is read as such).
Every cell is a word as it stands: `NA`, `None`, `null`, `nan`, a quote, a comma. A sentence begins
where the first column says `Sentence: N`; a file that repeats N on each row is read the same.

The file knows no documents, and its neighbouring sentences come from unrelated texts, so each
sentence is a document of its own: context never crosses from one to the next.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from posner.corpus.container import Corpus, Layout
from posner.corpus.files import WINDOWS, guess_encoding, head_text, read_text
from posner.corpus.problem import Problem
from posner.corpus.tagged import Losses, RowSentence, document_name, document_tags, read_tags
from posner.document import Document, Sentence, Token, WordRow, document_from_words
from posner.errors import DataError
from posner.files import encode_text, write_bytes
from posner.schemes import scheme_named

HEADER = ("Sentence #", "Word", "POS", "Tag")
_NUMBER = re.compile(r"Sentence: *(\d{1,18})")


def detects(path: Path, head: bytes) -> bool:
    """Whether the first line is the header."""
    del path
    first = head_text(head).split("\n", 1)[0].strip("\r")
    names = [name.strip().lower() for name in _cells(first)]
    return names[:2] == ["sentence #", "word"] and "tag" in names


def _cells(line: str) -> list[str]:
    """The cells of one line; a quote that never closes spoils no line but its own."""
    if '"' not in line:
        return line.split(",")
    try:
        return next(csv.reader([line]), [""])
    except csv.Error:  # a cell beyond csv's own limit
        return line.split(",")


class _Reader:
    def __init__(self, path: str, header: str, problems: list[Problem]) -> None:
        self.path = path
        self.problems = problems
        self.columns = tuple(name.strip() for name in _cells(header))
        names = [name.lower() for name in self.columns]
        if "word" not in names or "tag" not in names:
            raise DataError(
                "not the Kaggle csv",
                where=f"{path}:1",
                expected=",".join(HEADER),
                got=header[:80],
                remedy="add the header, or name the format with --format",
            )
        self.word, self.tag = names.index("word"), names.index("tag")
        self.pos = names.index("pos") if "pos" in names else None
        known = {0, self.word, self.tag, self.pos}
        self.extra = [i for i in range(len(names)) if i not in known]
        self.sentences: list[RowSentence] = []
        self.border = ""

    def read(self, lines: Sequence[str]) -> list[RowSentence]:
        width, word, tag, pos_column = len(self.columns), self.word, self.tag, self.pos
        for number, line in enumerate(lines, 2):
            cells = line.split(",")
            if '"' in line:
                cells = _cells(line)
            if len(cells) != width:
                if not line.strip():
                    continue
                cells = self._mended(cells, number)
            if cells[0] and cells[0] != self.border:
                self._begin(cells[0], number)
            elif not self.sentences:
                self.sentences.append(RowSentence())
            if not cells[word]:
                self._report(number, "empty-word", "the word is empty", "fill in the word")
                continue
            pos = None if pos_column is None else cells[pos_column] or None
            extra = tuple(cells[i] for i in self.extra) if self.extra else ()
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
        count, width = len(cells), len(self.columns)
        few = count < width
        self._report(
            line,
            "too-few-columns" if few else "too-many-columns",
            f"{count} column{'s' if count > 1 else ''} where the file has {width}",
            'add what is missing; a quote is written as """"' if few else "quote the comma",
        )
        mended = cells[: width - 1] if few else cells[:width]
        mended += [""] * (width - len(mended))
        mended[self.tag] = "O" if few else cells[-1]
        return mended

    def _report(self, line: int, kind: str, reason: str, remedy: str) -> None:
        self.problems.append(Problem(self.path, line, kind, reason, remedy))


def read_kaggle(path: Path, scheme: str | None, problems: list[Problem]) -> Corpus:
    """Read the csv; each sentence becomes a document.

    Raises:
        DataError: it cannot be read, has no header, or the scheme is unknown.
    """
    file = read_text(path, problems, usual=WINDOWS)
    header, *lines = file.lines()
    reader = _Reader(str(path), header, problems)
    tagged = read_tags(reader.read(lines), scheme, str(path), problems)
    layout = Layout(
        scheme=tagged.scheme.name,
        columns=reader.columns,
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
    plan = _RowPlan(corpus.layout.columns or HEADER)
    buffer = io.StringIO(newline="")
    newline = corpus.layout.newline if corpus.layout.columns else "\r\n"
    rows = csv.writer(buffer, lineterminator=newline)
    rows.writerow(plan.columns)
    tag_scheme = scheme_named(scheme or corpus.layout.scheme or "IOB2")
    numbers = _numbers(corpus, losses)
    for index, document in enumerate(corpus.documents):
        losses.add_unheld(document)
        plan.count_losses(document, losses)
        where = document_name(document, index)
        count = 0
        for sentence, tags in document_tags(document, tag_scheme, losses, where):
            count += 1
            border = f"Sentence: {next(numbers)}"
            for token, tag in zip(sentence.tokens, tags, strict=True):
                cells = plan.cells(border, token, tag)
                if not token.text or "\n" in "".join(cells) or "\r" in "".join(cells):
                    raise _unwritable(cells, where)
                rows.writerow(cells)
                border = ""
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


class _RowPlan:
    """Which cell of a row holds what."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        names = [name.lower() for name in columns]
        self.columns = columns
        self.word, self.tag = names.index("word"), names.index("tag")
        self.pos = names.index("pos") if "pos" in names else None
        taken = {0, self.word, self.tag, self.pos}
        self.extra = [place for place in range(len(names)) if place not in taken]

    def cells(self, border: str, token: Token, tag: str) -> list[str]:
        """The cells of one word."""
        cells = [""] * len(self.columns)
        cells[0], cells[self.word], cells[self.tag] = border, token.text, tag
        if self.pos is not None:
            cells[self.pos] = token.pos or ""
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
            if self.pos is None:
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
