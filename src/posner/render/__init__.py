"""Tagged documents as text: JSON, CSV and CoNLL columns; tables, coloured text and HTML for people.

A tagged document is a `Document` whose entities have scores and whose words' `pos` is the
predicted tag; `Tagged` adds the tags of its pieces, where they were asked for. Each format is a
generator of text that holds one document at a time; `write` puts it on a stream.
"""

from posner.document import PieceTag
from posner.render.columns import conll
from posner.render.csv import COLUMNS as CSV_COLUMNS
from posner.render.csv import csv_lines
from posner.render.html import html
from posner.render.marks import coloured, has_colour
from posner.render.records import json_array, jsonl, to_dict
from posner.render.tables import table
from posner.render.tagged import Origin, Tagged, iob2_tags, printable, write

__all__ = [
    "CSV_COLUMNS",
    "Origin",
    "PieceTag",
    "Tagged",
    "coloured",
    "conll",
    "csv_lines",
    "has_colour",
    "html",
    "iob2_tags",
    "json_array",
    "jsonl",
    "printable",
    "table",
    "to_dict",
    "write",
]
