"""Tagged documents as CSV: an entity a line, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from posner.render.tagged import Documents, each_tagged

COLUMNS = (
    *("document", "document_id", "start", "end", "label", "score", "text"),
    *("corrected", "entity_id", "changes", "similarity"),
)


def csv_lines(documents: Documents) -> Iterator[str]:
    """A line of headings, then a line an entity, with commas and quotes as RFC 4180 has them.

    `document` counts the documents from 1, so that those without entities are missed in it.
    `start` and `end` count characters of the document's text. What is not known is empty; the last
    four columns are post-processing's.
    """
    yield _line(COLUMNS)
    number = 1
    for item in each_tagged(documents):
        for entity in item.document.entities:
            yield _line(
                (
                    *(number, item.document.id or ""),
                    *(item.start + entity.start, item.start + entity.end, entity.label),
                    "" if entity.score is None else f"{entity.score:.6f}",
                    entity.text,
                    *(entity.corrected or "", entity.id or "", "; ".join(entity.changes)),
                    "" if entity.similarity is None else f"{entity.similarity:.6f}",
                )
            )
        number += item.last


def _line(values: tuple[object, ...]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(values)
    return buffer.getvalue()
