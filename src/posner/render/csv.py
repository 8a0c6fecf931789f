"""Tagged documents as CSV: an entity a line, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from posner.render.tagged import Documents, each_tagged

COLUMNS = ("document", "id", "start", "end", "label", "score", "text")


def csv_lines(documents: Documents) -> Iterator[str]:
    """A line of headings, then a line an entity, with commas and quotes as RFC 4180 has them.

    `document` counts the documents from 1, so that those without entities are missed in it; `id`
    is empty where a document has none. `start` and `end` count characters of the document's text.
    """
    yield _line(COLUMNS)
    for number, item in enumerate(each_tagged(documents), 1):
        for entity in item.document.entities:
            score = "" if entity.score is None else f"{entity.score:.6f}"
            name = item.document.id or ""
            yield _line((number, name, entity.start, entity.end, entity.label, score, entity.text))


def _line(values: tuple[object, ...]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(values)
    return buffer.getvalue()
