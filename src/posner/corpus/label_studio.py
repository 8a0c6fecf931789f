"""Label Studio's flavour of JSON Lines: tasks with annotations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from posner.corpus.container import Layout
from posner.corpus.records import WORD_KEYS, Json, Record, one_label_each, start_record, text_of
from posner.corpus.words import TOKEN_METADATA, tokens_json
from posner.document import Document, Entity
from posner.errors import DataError


class LabelStudio:
    """A task: `data` with the text, and `annotations` whose results hold the spans.

    The first annotation that was not cancelled counts; others, and results that are no spans, are
    carried through. Spans of markup (`hypertextlabels`) count the characters that a browser shows,
    not those of the text, so they are carried through as well, and reported.
    """

    name = "labelstudio"
    _value_keys = frozenset(("start", "end", "text", "labels"))
    _foreign_spans = frozenset(("hypertextlabels", "htmllabels", "paragraphlabels"))

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
            text_of(data, key),
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
        parsed.notes += [note for result in strange for note in self._unread(result)]
        for result in results:
            if self._is_span(result):
                parsed.spans += self._span(result)

    def _is_span(self, result: object) -> bool:
        return (
            isinstance(result, dict)
            and result.get("type", "labels") == "labels"
            and isinstance(result.get("value"), dict)
        )

    def _unread(self, result: object) -> list[tuple[str, str, str]]:
        """The note about a result that cannot be read although it labels text."""
        if not isinstance(result, dict):
            shown = json.dumps(result, ensure_ascii=False)[:80]
            return [("malformed-span", f"no result: {shown}", "correct or remove it")]
        value = result.get("value")
        kind = result.get("type", "labels")
        if kind == "labels":
            return [("malformed-span", "a result has no object `value`", "correct or remove it")]
        keys = {str(kind), *(value if isinstance(value, dict) else ())}
        for foreign in sorted(self._foreign_spans & keys):
            reason = f"a result of type {foreign} does not count the characters of the text"
            return [("malformed-span", reason, "annotate the plain text, with type labels")]
        return []

    def _span(self, result: Json) -> list[Json]:
        value = result["value"]
        span = {k: v for k, v in result.items() if k not in ("value", "type")}
        others = {k: v for k, v in value.items() if k not in self._value_keys}
        if others:
            span["value"] = others
        span |= {k: value[k] for k in self._value_keys if k in value}
        return one_label_each(span)

    def render(self, document: Document, layout: Layout) -> Json:
        """One task with one annotation, and those that were carried through."""
        record = start_record(document, self)
        metadata = document.metadata
        carried = metadata.get("data")
        data: Json = {layout.text_key: document.text}
        if isinstance(carried, dict):
            data |= {k: v for k, v in carried.items() if k not in {*WORD_KEYS, layout.text_key}}
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
