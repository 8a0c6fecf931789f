"""The flavours of JSON Lines as a table: how doccano, Prodigy and Label Studio write one record."""

from __future__ import annotations

from posner.corpus.container import Layout
from posner.corpus.label_studio import LabelStudio
from posner.corpus.records import (
    WORD_KEYS,
    Flavour,
    Json,
    Record,
    common_record,
    one_label_each,
    span_json,
    start_record,
)
from posner.corpus.words import TOKEN_METADATA, tokens_json
from posner.document import Document, sentence_spans
from posner.errors import DataError


class Doccano:
    """`{"id", "text", "label"|"labels"|"entities"}`; spans are triples or objects.

    Label Studio's small JSON is the same, with the spans under the name of the labelling.
    """

    name = "doccano"
    keys = ("label", "labels", "entities")

    def matches(self, record: Json) -> bool:
        """Whether spans are there."""
        return self._key(record) is not None

    def parse(self, record: Json) -> Record:
        """Take a record apart; see `Flavour`."""
        key = self._key(record)
        if key is None:
            strange = next((k for k in self.keys if _holds_spans(record.get(k))), None)
            if strange is not None:
                raise DataError(
                    f"`{strange}` is no list of spans",
                    remedy=f'write "{strange}": [[start, end, label], ...], in characters',
                )
            return common_record(record, frozenset())
        parsed = common_record(record, frozenset((key,)))
        parsed.layout = {"spans_key": key} if key in self.keys else {}
        for span in record[key]:
            if isinstance(span, list) and len(span) == 3:
                parsed.spans.append(dict(zip(("start", "end", "label"), span, strict=True)))
            elif isinstance(span, dict):
                renamed = {"start_offset": "start", "end_offset": "end"}
                named = {str(renamed.get(k, k)): v for k, v in span.items()}
                parsed.spans += one_label_each(named)
            else:
                parsed.spans.append({"start": None, "end": None, "label": None, "got": span})
        return parsed

    def _key(self, record: Json) -> str | None:
        """The key that holds the spans: a usual one, else one whose value can be nothing else."""
        usual = (key for key in self.keys if isinstance(record.get(key), list))
        return next(usual, None) or next((k for k, v in record.items() if _are_spans(v)), None)

    def render(self, document: Document, layout: Layout) -> Json:
        """One record; objects where an entity has more than a label, else triples."""
        record = start_record(document, self)
        record["text"] = document.text
        if any(e.metadata or e.score is not None for e in document.entities):
            key = "entities" if layout.spans_key == "label" else layout.spans_key
            offsets = ("start_offset", "end_offset")
            record[key] = [span_json(entity, offsets) for entity in document.entities]
        else:
            record[layout.spans_key] = [[e.start, e.end, e.label] for e in document.entities]
        return record | tokens_json(document)

    def holds(self, key: str) -> bool:
        """All but what would be taken for text, words or spans."""
        return key not in WORD_KEYS | {TOKEN_METADATA, "spans", "annotations", *self.keys}


def _are_spans(value: object) -> bool:
    """Whether a value is a list of objects with start, end and labels."""
    known = {"start", "end", "labels"}
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(span, dict) and known <= span.keys() for span in value)
    )


def _holds_spans(value: object) -> bool:
    """Whether a value is an object that holds more than single values: scores are no spans."""
    return isinstance(value, dict) and any(isinstance(v, list | dict) for v in value.values())


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
        parsed = common_record(record, frozenset(("spans",)))
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
        record = start_record(document, self)
        places = _token_places(document)
        spans = []
        for entity in document.entities:
            span = span_json(entity, ("start", "end"))
            place = places.get((entity.start, entity.end, entity.label))
            if place is not None:
                span["token_start"], span["token_end"] = place
            spans.append(span)
        return {"text": document.text, **record, "spans": spans, **tokens_json(document)}

    def holds(self, key: str) -> bool:
        """All but what would be taken for text, words or spans."""
        return key not in WORD_KEYS | {TOKEN_METADATA, "spans", "annotations"}


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


# In the order in which a record's keys are tried.
FLAVOURS: dict[str, Flavour] = {
    flavour.name: flavour for flavour in (LabelStudio(), Prodigy(), Doccano())
}


def flavour_of(record: Json) -> Flavour:
    """The flavour that the record's keys tell; doccano's where there is no span to tell by."""
    fallback = FLAVOURS["prodigy" if "tokens" in record else "doccano"]
    return next((f for f in FLAVOURS.values() if f.matches(record)), fallback)
