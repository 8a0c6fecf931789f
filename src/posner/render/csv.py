"""Tagged documents as CSV: an entity a line, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

from posner.render.tagged import Documents, each_tagged

COLUMNS = (
    *("document", "document_id", "start", "end", "label", "score", "text"),
    *("corrected", "entity_id", "changes", "similarity"),
    *("file", "line", "row"),
)


def csv_lines(documents: Documents, kept: Sequence[str] = ()) -> Iterator[str]:
    """A line of headings, then a line an entity, with commas and quotes as RFC 4180 has them.

    `document` counts the documents from 1, so that those without entities are missed in it.
    `start` and `end` count characters of the text that stands in `file` at `line` or `row`, of
    which the document may be a part. What is not known is empty; `corrected`, `entity_id`,
    `changes` and `similarity` are post-processing's.

    Args:
        documents: what was tagged.
        kept: of the documents' metadata, in columns of their own at the end; what is no text
            there is JSON.
    """
    yield _line((*COLUMNS, *kept))
    number = 1
    for item in each_tagged(documents):
        origin = item.origin
        place = ("", None, None) if origin is None else (origin.file, origin.line, origin.row)
        known = {"id": item.document.id} | dict(item.document.metadata)
        beside = [_cell(known.get(name)) for name in kept]
        for entity in item.document.entities:
            yield _line(
                (
                    *(number, item.document.id or ""),
                    *(item.before + entity.start, item.before + entity.end, entity.label),
                    "" if entity.score is None else f"{entity.score:.6f}",
                    entity.text,
                    *(entity.corrected or "", entity.id or "", "; ".join(entity.changes)),
                    "" if entity.similarity is None else f"{entity.similarity:.6f}",
                    *place,
                    *beside,
                )
            )
        number += item.last


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _line(values: tuple[object, ...]) -> str:
    buffer = io.StringIO()
    # Both line ends, so that a cell that holds either is quoted.
    csv.writer(buffer, lineterminator="\r\n").writerow(values)
    return buffer.getvalue().removesuffix("\r\n") + "\n"
