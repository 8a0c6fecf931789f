"""A sentence a row, with its words and its tags side by side, as data sets and their exports hold.

Tags are texts, or numbers with names. Each row is a document of its own unless a column `document`
says otherwise: context never crosses from one row to the next. Further columns are carried through.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from posner.corpus.problem import Problem
from posner.corpus.tagged import RowSentence, read_tags
from posner.document import Document, WordRow, document_from_words
from posner.errors import DataError
from posner.schemes import Scheme

WORDS = ("tokens", "words")
TAGS = ("ner_tags", "tags", "ner", "ner_tag", "labels")
_POS = ("pos_tags", "pos")
_CHUNK = ("chunk_tags", "chunk")
_SPANS = ("label", "entities", "spans")
DOCUMENT, NUMBER, ID, EXTRA = "document", "sentence_number", "document_id", "extra_columns"


@dataclass(frozen=True)
class Table:
    """Rows of one file or data set.

    Attributes:
        columns: their names.
        rows: each with its line.
        path: as the user named it.
        names: of columns that hold numbers, what each number means.
    """

    columns: Sequence[str]
    rows: Iterable[tuple[int, Mapping[str, Any]]]
    path: str
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)


def holds_rows(record: object) -> bool:
    """Whether a record of JSON is such a row: words that are texts, and tags."""
    if not isinstance(record, dict):
        return False
    words = next((record[name] for name in WORDS if name in record), None)
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return False
    tags = next((record[name] for name in TAGS if name in record), None)
    return isinstance(tags, list) and all(isinstance(tag, str | int) for tag in tags)


def begins_rows(record: object) -> bool:
    """Whether a file's first record says that all are such rows.

    One with a text may be of another kind, and its words and tags no more than metadata: rows have
    a tag for each word, and no spans.
    """
    if not isinstance(record, dict) or not holds_rows(record):
        return False
    if "text" not in record:
        return True
    words, tags = (next(record[n] for n in names if n in record) for names in (WORDS, TAGS))
    spans = any(isinstance(record.get(name), list) for name in _SPANS)
    return 0 < len(words) == len(tags) and not spans


def read_rows(
    table: Table, scheme: str | None, problems: list[Problem]
) -> tuple[tuple[Document, ...], Scheme]:
    """The documents of a table, and the scheme of its tags.

    Raises:
        DataError: it has no words or no tags, or the tags are numbers without names.
    """
    reader = _Reader(table, problems)
    sentences = [reader.sentence(line, row, i) for i, (line, row) in enumerate(table.rows)]
    tagged = read_tags([s for s, _ in sentences], scheme, table.path, problems)
    documents: list[Document] = []
    pairs = zip(tagged.sentences, (key for _, key in sentences), strict=True)
    for (_, name), group in groupby(pairs, key=lambda pair: pair[1]):
        documents.append(document_from_words([sentence for sentence, _ in group], id=name))
    return tuple(documents), tagged.scheme


class _Reader:
    """Which column is what, and what is wrong with the rows."""

    def __init__(self, table: Table, problems: list[Problem]) -> None:
        self.table = table
        self.problems = problems
        self.words = self._find(WORDS, "words")
        self.tags = self._find(TAGS, "tags")
        self.pos = next((n for n in _POS if n in table.columns), None)
        self.chunk = next((n for n in _CHUNK if n in table.columns), None)
        self.own = {self.words, self.tags, self.pos, self.chunk, DOCUMENT, NUMBER, ID, EXTRA}

    def _find(self, candidates: Sequence[str], what: str) -> str:
        found = next((n for n in candidates if n in self.table.columns), None)
        if found is None:
            raise DataError(
                f"the data set has no {what}",
                where=self.table.path,
                expected=f"a column {' or '.join(candidates)}",
                got=", ".join(self.table.columns),
            )
        return found

    def _texts(self, column: str | None, row: Mapping[str, Any]) -> list[str | None]:
        values = None if column is None else row.get(column)
        if column is None or not isinstance(values, list):
            return []
        names = self.table.names.get(column)
        if names is None:
            return [None if v is None else str(v) for v in values]
        return [v if isinstance(v, str) else _name(v, names) for v in values]

    def sentence(
        self, line: int, row: Mapping[str, Any], index: int
    ) -> tuple[RowSentence, tuple[int, str | None]]:
        """A row's sentence with the document that it belongs to: place and id."""
        self._check_numbers(line, row)
        words = [str(word) for word in row.get(self.words) or []]
        tags = self._texts(self.tags, row)
        if len(tags) != len(words):
            kind = "too-few-columns" if len(tags) < len(words) else "too-many-columns"
            self._report(line, kind, f"{len(tags)} tags for {len(words)} words", "correct the row")
        pos, chunk = self._texts(self.pos, row), self._texts(self.chunk, row)
        extra = row.get(EXTRA) or []
        number, place, name = row.get(NUMBER), row.get(DOCUMENT), row.get(ID)
        metadata = {n: v for n, v in row.items() if n not in self.own and v is not None}
        sentence = RowSentence(number=number if type(number) is int else None, metadata=metadata)
        for at, word in enumerate(words):
            if not word:
                self._report(line, "empty-word", "a word is empty", "fill it in")
                continue
            columns = tuple(extra[at]) if at < len(extra) else ()
            tag = tags[at] if at < len(tags) else "O"
            shown = WordRow(word, _at(pos, at), _at(chunk, at), columns)
            sentence.add(shown, "no name" if tag is None else tag, line)
        key = (place if type(place) is int else index, name if name is None else str(name))
        return sentence, key

    def _check_numbers(self, line: int, row: Mapping[str, Any]) -> None:
        """Refuse tags that are numbers of which nothing says what they mean."""
        values = row.get(self.tags)
        if self.tags in self.table.names or not isinstance(values, list):
            return
        if any(isinstance(value, int) for value in values):
            raise DataError(
                f"{self.tags!r} holds numbers, and nothing says what they mean",
                where=f"{self.table.path}:{line}",
                expected="tags such as B-PER",
                remedy="write their names (of a Hugging Face data set: "
                f"features[{self.tags!r}].feature.names), or read a folder that "
                "save_to_disk wrote",
            )

    def _report(self, line: int, kind: str, reason: str, remedy: str) -> None:
        self.problems.append(Problem(self.table.path, line, kind, reason, remedy))


def _name(value: Any, names: Sequence[str]) -> str | None:
    """What a number means; None where that is not known."""
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else None


def _at(values: Sequence[str | None], place: int) -> str | None:
    return values[place] if place < len(values) else None
