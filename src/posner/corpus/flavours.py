"""The three flavours of JSON Lines: how doccano, Prodigy and Label Studio write one record.

Each flavour parses a JSON object into a `Record` and renders a document as one. What a flavour
does not know is kept in the metadata of the document or entity, and rendered again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from posner.corpus.container import Layout
from posner.corpus.words import TOKEN_METADATA, tokens_json
from posner.document import Document, Entity, sentence_spans
from posner.errors import DataError

Json = dict[str, Any]
_WORDS = frozenset(("text", "tokens", "sentences"))


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


def _text(record: Mapping[str, Any], key: str = "text") -> str:
    text = record.get(key)
    if not isinstance(text, str):
        raise DataError(f"the record has no text under {key!r}")
    return text


def _common(record: Json, known: frozenset[str]) -> Record:
    others = {k: v for k, v in record.items() if k not in known | _WORDS | {"id"}}
    return Record(
        _text(record),
        tokens=record.get("tokens"),
        sentences=record.get("sentences"),
        id=record.get("id"),
        metadata=others,
    )


def _start_record(document: Document, flavour: Flavour) -> Json:
    """Id and metadata of a document: what a record begins with."""
    record: Json = {}
    if "id" in document.metadata or document.id is not None:
        record["id"] = document.metadata.get("id", document.id)
    for key, value in document.metadata.items():
        if key != "id" and flavour.holds(key):
            record[key] = value
    return record


def _span_json(entity: Entity, keys: tuple[str, str]) -> Json:
    start, end = keys
    record: Json = {start: entity.start, end: entity.end, "label": entity.label}
    if entity.score is not None:
        record["score"] = entity.score
    return {**entity.metadata, **record}


class Doccano:
    """`{"id", "text", "label"|"labels"|"entities"}`; spans are triples or objects."""

    name = "doccano"
    keys = ("label", "labels", "entities")

    def matches(self, record: Json) -> bool:
        """Whether one of doccano's keys for spans is there."""
        return any(isinstance(record.get(key), list) for key in self.keys)

    def parse(self, record: Json) -> Record:
        """Take a record apart; see `Flavour`."""
        key = next((k for k in self.keys if isinstance(record.get(k), list)), None)
        if key is None:
            return _common(record, frozenset())
        parsed = _common(record, frozenset((key,)))
        parsed.layout = {"spans_key": key}
        for span in record[key]:
            if isinstance(span, list) and len(span) == 3:
                parsed.spans.append(dict(zip(("start", "end", "label"), span, strict=True)))
            elif isinstance(span, dict):
                renamed = {"start_offset": "start", "end_offset": "end"}
                named = {str(renamed.get(k, k)): v for k, v in span.items()}
                parsed.spans += _one_label_each(named)
            else:
                parsed.spans.append({"start": None, "end": None, "label": None, "got": span})
        return parsed

    def render(self, document: Document, layout: Layout) -> Json:
        """One record; objects where an entity has more than a label, else triples."""
        record = _start_record(document, self)
        record["text"] = document.text
        if any(e.metadata or e.score is not None for e in document.entities):
            key = "entities" if layout.spans_key == "label" else layout.spans_key
            offsets = ("start_offset", "end_offset")
            record[key] = [_span_json(entity, offsets) for entity in document.entities]
        else:
            record[layout.spans_key] = [[e.start, e.end, e.label] for e in document.entities]
        return record | tokens_json(document)

    def holds(self, key: str) -> bool:
        """All but what would be taken for text, words or spans."""
        return key not in _WORDS | {TOKEN_METADATA, "spans", "annotations", *self.keys}


class Prodigy:
    """`{"text", "tokens", "spans": [{"start", "end", "label"}], "answer"}`."""

    name = "prodigy"

    def matches(self, record: Json) -> bool:
        """Whether the record has spans, or what only Prodigy writes."""
        return "spans" in record or (
            "annotations" not in record and ("_input_hash" in record or "answer" in record)
        )

    def parse(self, record: Json) -> Record:
        """Take a record apart; see `Flavour`."""
        parsed = _common(record, frozenset(("spans",)))
        spans = record.get("spans") or []
        if not isinstance(spans, list):
            raise DataError("`spans` is no list")
        derived = ("token_start", "token_end")  # found again from the words
        for span in spans:
            known = span if isinstance(span, dict) else {"got": span}
            parsed.spans.append({k: v for k, v in known.items() if k not in derived})
        answer = record.get("answer", "accept")
        if answer != "accept":
            parsed.notes.append(
                (
                    "not-accepted",
                    f"the annotator's answer is {answer!r}, not 'accept'",
                    "leave the record out, or accept it",
                )
            )
        return parsed

    def render(self, document: Document, layout: Layout) -> Json:
        """One record; spans on word borders also count words, both ends inclusive."""
        del layout
        record = _start_record(document, self)
        places = _token_places(document)
        spans = []
        for entity in document.entities:
            span = _span_json(entity, ("start", "end"))
            place = places.get((entity.start, entity.end, entity.label))
            if place is not None:
                span["token_start"], span["token_end"] = place
            spans.append(span)
        return {"text": document.text, **record, "spans": spans, **tokens_json(document)}

    def holds(self, key: str) -> bool:
        """All but what would be taken for text, words or spans."""
        return key not in _WORDS | {TOKEN_METADATA, "spans", "annotations"}


def _token_places(document: Document) -> dict[tuple[int, int, str], tuple[int, int]]:
    """First and last word of each entity on word borders, counted through the document."""
    places = {}
    before = 0
    for sentence, spans in zip(document.sentences, sentence_spans(document).spans, strict=True):
        for first, last, label in spans:
            start, end = sentence.tokens[first].start, sentence.tokens[last - 1].end
            places[start, end, label] = (before + first, before + last - 1)
        before += len(sentence)
    return places


class LabelStudio:
    """A task: `data` with the text, and `annotations` whose results hold the spans.

    The first annotation that was not cancelled counts; others, and results that are no spans, are
    carried through.
    """

    name = "labelstudio"
    _value_keys = frozenset(("start", "end", "text", "labels"))

    def matches(self, record: Json) -> bool:
        """Whether the record is a task."""
        if isinstance(record.get("annotations"), list):
            return True
        return isinstance(record.get("data"), dict) and "text" not in record

    def parse(self, record: Json) -> Record:
        """Take a task apart; see `Flavour`."""
        data = record.get("data")
        if not isinstance(data, dict):
            raise DataError("the task has no `data`")
        texts = [key for key, value in data.items() if isinstance(value, str)]
        key = "text" if "text" in data or len(texts) != 1 else texts[0]
        parsed = Record(
            _text(data, key),
            tokens=data.get("tokens"),
            sentences=data.get("sentences"),
            id=record.get("id"),
            metadata={k: v for k, v in record.items() if k not in ("id", "data", "annotations")},
            layout={"text_key": key},
        )
        others = {k: v for k, v in data.items() if k not in (key, "tokens", "sentences")}
        if others:
            parsed.metadata["data"] = others
        self._annotations(record.get("annotations") or [], parsed)
        return parsed

    def _annotations(self, annotations: object, parsed: Record) -> None:
        if not isinstance(annotations, list) or not all(isinstance(a, dict) for a in annotations):
            raise DataError("`annotations` is no list of objects")
        chosen = next((a for a in annotations if not a.get("was_cancelled")), None)
        rest = [a for a in annotations if a is not chosen]
        if rest:
            parsed.metadata["other_annotations"] = rest
        if chosen is None:
            parsed.notes.append(
                (
                    "no-annotation",
                    "the task has no annotation that was not cancelled",
                    "annotate it, or leave it out",
                )
            )
            return
        results = chosen.get("result") or []
        if not isinstance(results, list):
            raise DataError("an annotation's `result` is no list")
        kept = {k: v for k, v in chosen.items() if k != "result"}
        if kept:
            parsed.metadata["annotation"] = kept
        strange = [result for result in results if not self._is_span(result)]
        if strange:
            parsed.metadata["other_results"] = strange
        for result in results:
            if self._is_span(result):
                parsed.spans += self._span(result)

    def _is_span(self, result: object) -> bool:
        return (
            isinstance(result, dict)
            and result.get("type", "labels") == "labels"
            and isinstance(result.get("value"), dict)
        )

    def _span(self, result: Json) -> list[Json]:
        value = result["value"]
        span = {k: v for k, v in result.items() if k not in ("value", "type")}
        others = {k: v for k, v in value.items() if k not in self._value_keys}
        if others:
            span["value"] = others
        span |= {k: value[k] for k in self._value_keys if k in value}
        return _one_label_each(span)

    def render(self, document: Document, layout: Layout) -> Json:
        """One task with one annotation, and those that were carried through."""
        record = _start_record(document, self)
        metadata = document.metadata
        carried = metadata.get("data")
        data: Json = {layout.text_key: document.text}
        if isinstance(carried, dict):
            data |= {k: v for k, v in carried.items() if k not in {*_WORDS, layout.text_key}}
        record["data"] = data | tokens_json(document)
        results = [self._result(entity, index) for index, entity in enumerate(document.entities)]
        results += _list(metadata.get("other_results"))
        kept = metadata.get("annotation")
        annotation = {**(kept if isinstance(kept, dict) else {}), "result": results}
        others = _list(metadata.get("other_annotations"))
        unannotated = bool(others) and kept is None and not document.entities
        record["annotations"] = others if unannotated else [annotation, *others]
        return record

    def _result(self, entity: Entity, index: int) -> Json:
        carried = {k: v for k, v in entity.metadata.items() if k not in ("value", "type")}
        value = entity.metadata.get("value")
        score = {} if entity.score is None else {"score": entity.score}
        return {
            "id": str(index),
            "from_name": "label",
            "to_name": "text",
            **carried,
            **score,
            "type": "labels",
            "value": {
                **(value if isinstance(value, dict) else {}),
                "start": entity.start,
                "end": entity.end,
                "text": entity.text,
                "labels": [entity.label],
            },
        }

    def holds(self, key: str) -> bool:
        """All but what has its own place in a task."""
        return key not in {
            *(TOKEN_METADATA, "annotations", "data", "annotation"),
            *("other_annotations", "other_results"),
        }


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def _one_label_each(span: Json) -> list[Json]:
    """A span with `labels` as one span for each of them."""
    labels = span.get("labels")
    if "label" in span or not isinstance(labels, list):
        return [span]
    others = {k: v for k, v in span.items() if k != "labels"}
    return [{**others, "label": label} for label in labels]


# In the order in which a record's keys are tried.
FLAVOURS: dict[str, Flavour] = {
    flavour.name: flavour for flavour in (LabelStudio(), Prodigy(), Doccano())
}


def flavour_of(record: Json) -> Flavour:
    """The flavour that the record's keys tell; doccano's where there is no span to tell by."""
    fallback = FLAVOURS["prodigy" if "tokens" in record else "doccano"]
    return next((f for f in FLAVOURS.values() if f.matches(record)), fallback)
