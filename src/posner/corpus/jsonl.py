"""JSON Lines with character spans, as doccano, Prodigy and Label Studio export them.

A file is one record a line, or one JSON array of records. Spans may overlap. A record's words are
its `tokens` where it has them, else what segmentation finds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from posner.corpus.container import Corpus, Layout
from posner.corpus.files import TextFile, head_text, read_text
from posner.corpus.flavours import FLAVOURS, flavour_of
from posner.corpus.problem import Problem
from posner.corpus.records import Flavour, Record
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

_SPAN_KEYS = frozenset(("start", "end", "label", "text", "score"))
_SPACE = " \t\r\n"
_CLOSING = {"{": "}", "[": "]"}
_MARK = re.compile(r'"(?:[^"\\\r\n]++|\\[^\r\n])*+"|[][{}"]')  # a string, a bracket, a stray quote
_NEXT = re.compile(r"[ \t\r\n]*[],]")


def detects(path: Path, head: bytes) -> bool:
    """Whether the file begins as a JSON object, or an array of objects."""
    del path
    start = head_text(head).lstrip()
    following = {"{": '"}', "[": "{]"}.get(start[:1], "")
    return bool(following) and start[1:].lstrip()[:1] in (*following,)


def read_jsonl(path: Path, flavour: str | None, problems: list[Problem]) -> Corpus:
    """Read a file of records; without `flavour` each record's keys tell its own.

    Raises:
        DataError: it cannot be read at all.
    """
    file = read_text(path, problems)
    reader = _Reader(str(path), None if flavour is None else FLAVOURS[flavour], problems)
    array = file.text.lstrip(_SPACE)[:1] == "["
    records = _array(file, str(path), problems) if array else _lines(file, str(path), problems)
    documents = []
    for line, value in records:
        document = reader.document(line, value)
        if document is not None:
            documents.append(document)
    layout = replace(
        reader.layout, array=array, encoding=file.encoding, mark=file.mark, newline=file.newline
    )
    return Corpus(tuple(documents), "jsonl", path, layout)


def _lines(file: TextFile, path: str, problems: list[Problem]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(file.lines(), 1):
        if not line.strip(_SPACE):
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            problems.append(_bad_json(path, number, error))


def _array(file: TextFile, path: str, problems: list[Problem]) -> Iterator[tuple[int, Any]]:
    """The records of an array, each with the line that it begins on.

    One that is not JSON is passed over where its brackets surely tell its end.
    """
    text = file.text
    decoder = json.JSONDecoder()
    place = text.index("[") + 1
    counted, line = 0, 1
    while True:
        while place < len(text) and text[place] in _SPACE + ",":
            place += 1
        counted, line = place, line + text.count("\n", counted, place)
        if text[place : place + 1] in ("]", ""):
            problems += _array_end(text, place, path, line)
            return
        try:
            value, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            bad = _bad_json(path, getattr(error, "lineno", line), error)
            end = _record_end(text, place)
            if end is None:
                problems.append(_rest_unread(bad, len(text) - place))
                return
            problems.append(bad)
            place = end
        else:
            yield line, value


def _record_end(text: str, place: int) -> int | None:
    """Where a record ends that is not JSON; None where its quotes and brackets do not match."""
    if text[place] not in _CLOSING:
        return None
    awaited: list[str] = []
    for match in _MARK.finditer(text, place):
        mark = match[0]
        if mark in _CLOSING:
            awaited.append(_CLOSING[mark])
        elif mark == '"' or (mark in _CLOSING.values() and awaited.pop() != mark):
            return None
        if not awaited:
            return match.end() if _NEXT.match(text, match.end()) else None
    return None


def _rest_unread(bad: Problem, count: int) -> Problem:
    """The problem of a bad record after which no other can be found."""
    rest = f"the {count:,} characters from this record to the end of the file are left out"
    reason = f"{bad.reason}; {rest}, since its own end cannot be told"
    return replace(bad, kind="malformed-array", reason=reason, remedy="correct the record")


def _array_end(text: str, place: int, path: str, line: int) -> list[Problem]:
    """What is wrong at the end of an array: it has none, or something follows."""
    rest = text[place + 1 :].strip(_SPACE)
    if place < len(text) and not rest:
        return []
    reason = f"{len(rest):,} characters follow the end of the array: {rest[:40]!r}"
    remedy = "write one array, or one record a line without brackets around them"
    if place == len(text):
        reason, remedy = "the array has no end: its ] is missing", "look whether the file was cut"
    return [Problem(path, line, "malformed-array", reason, remedy)]


def _bad_json(path: str, line: int, error: Exception) -> Problem:
    reason = error.msg if isinstance(error, json.JSONDecodeError) else type(error).__name__
    column = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
    return Problem(
        path, line, "malformed-json", f"not JSON: {reason}{column}", "correct or remove the record"
    )


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
            self._report(line, "malformed-record", error.problem, "correct or remove the record")
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
