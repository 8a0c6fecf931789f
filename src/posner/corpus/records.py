"""One record of JSON Lines, whatever its flavour: what all flavours parse into and render from.

What a flavour does not know is kept in the metadata of the document or entity, and rendered again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from posner.corpus.container import Layout
from posner.document import Document, Entity
from posner.errors import DataError

Json = dict[str, Any]
WORD_KEYS = frozenset(("text", "tokens", "sentences"))


@dataclass
class Record:
    """One record, parsed but not yet checked against its text.

    Attributes:
        text: the text.
        spans: `start`, `end`, `label` and further keys of each span, as they stand.
        tokens: the record's words, if it has any.
        sentences: what it says about its sentences.
        id: its id as it stands.
        metadata: every key that the flavour does not know.
        notes: problems as (kind, reason, remedy).
        layout: fields of `Layout` that this record tells.
    """

    text: str
    spans: list[Json] = field(default_factory=list)
    tokens: object = None
    sentences: object = None
    id: object = None
    metadata: Json = field(default_factory=dict)
    notes: list[tuple[str, str, str]] = field(default_factory=list)
    layout: Json = field(default_factory=dict)


class Flavour(Protocol):
    """One way of writing a record."""

    name: str

    def matches(self, record: Json) -> bool:
        """Whether the record's keys are this flavour's."""

    def parse(self, record: Json) -> Record:
        """Take a record apart.

        Raises:
            DataError: it is not such a record.
        """

    def render(self, document: Document, layout: Layout) -> Json:
        """The record of a document, without its id and metadata where they have no place."""

    def holds(self, key: str) -> bool:
        """Whether a key of a document's metadata may stand in the record."""


def text_of(record: Mapping[str, Any], key: str = "text") -> str:
    """The text under a key.

    Raises:
        DataError: there is none.
    """
    text = record.get(key)
    if isinstance(text, str):
        return text
    if key in record:
        raise DataError(f"{key!r} is no text", expected="a string", got=json.dumps(text)[:40])
    keys = ", ".join(list(record)[:8]) or "none"
    raise DataError(
        f"the record has no text under {key!r} (its keys: {keys})",
        remedy="name the text `text` and its spans `label`, or the words `tokens` and their tags "
        "`ner_tags`",
    )


def common_record(record: Json, known: frozenset[str]) -> Record:
    """A record whose text, words and id stand at its top; keys not `known` are metadata.

    Old versions of doccano name the text `data`.
    """
    key = "data" if "text" not in record and isinstance(record.get("data"), str) else "text"
    others = {k: v for k, v in record.items() if k not in known | WORD_KEYS | {"id", key}}
    return Record(
        text_of(record, key),
        tokens=record.get("tokens"),
        sentences=record.get("sentences"),
        id=record.get("id"),
        metadata=others,
    )


def start_record(document: Document, flavour: Flavour) -> Json:
    """Id and metadata of a document: what a record begins with."""
    record: Json = {}
    if "id" in document.metadata or document.id is not None:
        record["id"] = document.metadata.get("id", document.id)
    for key, value in document.metadata.items():
        if key != "id" and flavour.holds(key):
            record[key] = value
    return record


def span_json(entity: Entity, keys: tuple[str, str]) -> Json:
    """An entity as an object; `keys` name its start and end."""
    start, end = keys
    record: Json = {start: entity.start, end: entity.end, "label": entity.label}
    if entity.score is not None:
        record["score"] = entity.score
    return {**entity.metadata, **record}


def one_label_each(span: Json) -> list[Json]:
    """A span with `labels` as one span for each of them; one that has none stays as it is."""
    labels = span.get("labels")
    if "label" in span or not isinstance(labels, list) or not labels:
        return [span]
    others = {k: v for k, v in span.items() if k != "labels"}
    return [{**others, "label": label} for label in labels]
