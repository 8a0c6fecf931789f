"""JSON Lines with character spans, as doccano, Prodigy and Label Studio export them.

A file is one record a line, or one JSON array of records. Spans may overlap. A record's words are
its `tokens` where it has them, else what segmentation finds. Records with words and tags side by
side (`tokens` and `ner_tags`, as data sets are exported) are read as rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from posner.corpus.container import Corpus, Layout
from posner.corpus.files import head_text, read_text
from posner.corpus.flavours import FLAVOURS, flavour_of
from posner.corpus.json_records import json_records
from posner.corpus.problem import Problem
from posner.corpus.records import Flavour, Record
from posner.corpus.rows import Table, begins_rows, holds_rows, read_rows
from posner.corpus.tagged import Losses
from posner.corpus.words import (
    TOKEN_METADATA,
    TokenList,
    read_tokens,
    report_misaligned,
    segmented,
)
from posner.document import Document, Entity
from posner.errors import DataError
from posner.files import write_text

_PAIR = r'\[\s*"(?:[^"\\\n]|\\.)*+(?:"\s*,\s*\{|\Z)'  # its text may be longer than a file's head
_BEGINS = re.compile(r'\s*(?:\{\s*["}]|\[\s*(?:[{\]]|' + _PAIR + "))")
_SPAN_KEYS = frozenset(("start", "end", "label", "text", "score"))


def detects(path: Path, head: bytes) -> bool:
    """Whether the file begins as a JSON object, an array of objects, or pairs of texts and such."""
    del path
    return _BEGINS.match(head_text(head)) is not None


def read_jsonl(path: Path, flavour: str | None, problems: list[Problem]) -> Corpus:
    """Read a file of records; without `flavour` each record's keys tell its own.

    Raises:
        DataError: it cannot be read at all.
    """
    file = read_text(path, problems)
    reader = _Reader(str(path), None if flavour is None else FLAVOURS[flavour], problems)
    array = file.text.lstrip()[:1] == "["
    records = json_records(file, str(path), problems)
    first = next(records, None)
    documents: tuple[Document, ...]
    if flavour is None and first is not None and begins_rows(first[1]):
        documents = _from_rows(chain([first], records), str(path), problems)
    else:
        every = records if first is None else chain([first], records)
        read = (reader.document(line, value) for line, value in every)
        documents = tuple(document for document in read if document is not None)
    layout = replace(
        reader.layout, array=array, encoding=file.encoding, mark=file.mark, newline=file.newline
    )
    return Corpus(documents, "jsonl", path, layout)


def _from_rows(
    records: Iterable[tuple[int, Any]], path: str, problems: list[Problem]
) -> tuple[Document, ...]:
    """The documents of records that hold words and tags side by side."""
    rows = []
    for line, value in records:
        if holds_rows(value):
            rows.append((line, value))
        else:
            reason = "the record has no list of words with a list of tags, as the first one has"
            problems.append(Problem(path, line, "malformed-record", reason, "correct or remove it"))
    return read_rows(Table(tuple(rows[0][1]), rows, path), None, problems)[0]


@dataclass
class _Reader:
    """Turns records into documents; the first tells the layout."""

    path: str
    flavour: Flavour | None
    problems: list[Problem]
    layout: Layout = field(default_factory=Layout)

    def document(self, line: int, value: Any) -> Document | None:
        """The document of one record, or None where it cannot be one."""
        if not isinstance(value, dict):
            self._report(line, "malformed-record", "the record is no JSON object", "remove it")
            return None
        flavour = self.flavour or flavour_of(value)
        try:
            record = flavour.parse(value)
        except DataError as error:
            remedy = error.remedy or "correct or remove the record"
            self._report(line, "malformed-record", error.problem, remedy)
            return None
        if self.layout.flavour is None:
            self.layout = replace(self.layout, flavour=flavour.name, **record.layout)
        for kind, reason, remedy in record.notes:
            self._report(line, kind, reason, remedy)
        entities = [e for span in record.spans if (e := self._entity(record.text, span, line))]
        return self._build(record, entities, line)

    def _build(self, record: Record, entities: list[Entity], line: int) -> Document:
        metadata = record.metadata
        words: TokenList | None = None
        if record.tokens is not None:
            try:
                words = read_tokens(record.text, record.tokens, record.sentences)
            except DataError as error:
                self._report(line, "malformed-tokens", error.line(), "correct or remove `tokens`")
        if words is None:
            words = TokenList(segmented(record.text, entities), ())
        elif words.metadata:
            metadata = {**metadata, TOKEN_METADATA: list(words.metadata)}
        if record.id is not None and not isinstance(record.id, str):
            metadata = {"id": record.id, **metadata}
        name = None if record.id is None else str(record.id)
        document = Document(record.text, words.sentences, tuple(entities), name, metadata)
        report_misaligned(document, self.path, lambda _: line, self.problems)
        return document

    def _entity(self, text: str, span: dict[str, Any], line: int) -> Entity | None:
        start, end, label = span.get("start"), span.get("end"), span.get("label")
        if type(start) is not int or type(end) is not int or not isinstance(label, str):
            shown = json.dumps(span.get("got", span), ensure_ascii=False)[:80]
            remedy = "write whole numbers for start and end, and a label"
            self._report(line, "malformed-span", f"no span: {shown}", remedy)
            return None
        quoted = span.get("text")
        if isinstance(quoted, str) and text[max(start, 0) : max(end, 0)] != quoted:
            start, end = self._requoted(text, start, end, label, quoted, line)
        if not 0 <= start < end <= len(text):
            reason = f"{label} at characters {start} to {end} of a text of {len(text)}"
            self._report(line, "span-outside-text", reason, "correct start and end")
            return None
        score = span.get("score")
        number = float(score) if isinstance(score, int | float) else None
        known = _SPAN_KEYS if number is not None or score is None else _SPAN_KEYS - {"score"}
        metadata = {k: v for k, v in span.items() if k not in known}
        return Entity(start, end, label, text[start:end], number, metadata)

    def _requoted(
        self, text: str, start: int, end: int, label: str, quoted: str, line: int
    ) -> tuple[int, int]:
        """Offsets that fit the quoted text: browsers count UTF-16 units, where an emoji is two."""
        units = text.encode("utf-16-le", errors="surrogatepass")
        try:
            first = len(units[: 2 * max(start, 0)].decode("utf-16-le", errors="surrogatepass"))
            last = len(units[: 2 * max(end, 0)].decode("utf-16-le", errors="surrogatepass"))
        except UnicodeDecodeError:
            first, last = start, end
        if text[first:last] == quoted:
            return first, last
        shown = text[max(start, 0) : max(end, 0)][:40]
        reason = f"{label} at characters {start} to {end} is {shown!r}, not {quoted[:40]!r}"
        self._report(line, "span-text-mismatch", reason, "correct start and end")
        return start, end

    def _report(self, line: int, kind: str, reason: str, remedy: str) -> None:
        self.problems.append(Problem(self.path, line, kind, reason, remedy))


def write_jsonl(corpus: Corpus, path: Path, flavour_name: str | None) -> list[str]:
    """Write records in a flavour (the corpus's own, else doccano's); returns what it lost.

    Raises:
        DataError: the target cannot be written.
    """
    layout = corpus.layout
    same = flavour_name in (None, layout.flavour)
    flavour = FLAVOURS[flavour_name or layout.flavour or "doccano"]
    losses = Losses(flavour.name)
    if not same:
        layout = replace(Layout(), array=False)
    records = []
    for document in corpus.documents:
        placed = {"id", TOKEN_METADATA} | _own_places(flavour)
        for key in document.metadata:
            if key not in placed and not flavour.holds(key):
                losses.add(f"the metadata {key!r} of {{n}} documents is not held")
        records.append(flavour.render(document, layout))
    array = (
        layout.array
        if same and layout.flavour
        else path.name.lower().endswith((".json", ".json.gz"))
    )
    try:
        lines = [_dump(record, layout.encoding) for record in records]
    except (TypeError, ValueError) as error:
        raise DataError("metadata that JSON cannot hold", where=path, got=error) from error
    text = "[\n" + ",\n".join(lines) + "\n]\n" if array else "".join(f"{r}\n" for r in lines)
    if layout.newline != "\n":
        text = text.replace("\n", layout.newline)
    write_text(path, text, layout.encoding, layout.mark)
    return losses.lines()


def _dump(record: dict[str, Any], encoding: str) -> str:
    """A record as one line; half a surrogate pair, which no encoding holds, is escaped."""
    line = json.dumps(record, ensure_ascii=False)
    try:
        line.encode(encoding)
    except UnicodeEncodeError:
        return json.dumps(record)
    return line


def _own_places(flavour: Flavour) -> set[str]:
    """Metadata that a flavour puts in a place of its own."""
    carried = {"data", "annotation", "other_annotations", "other_results"}
    return carried if flavour.name == "labelstudio" else set()
