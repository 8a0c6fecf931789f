"""Files and folders as a stream of texts to tag, one at a time, with what cannot be read told.

A `Text` is one text, or words that its file brings; a `Bad` is what stands in its place and why it
cannot be tagged. Text files, JSON Lines, CSV and Parquet are read as they come, never whole.
"""

from posner.sources.item import Bad, Item, Meter, Place, Text
from posner.sources.limits import Limit, limited
from posner.sources.reading import KINDS, Reading, files_in, kind_of, read_file, read_text_stream

__all__ = [
    "KINDS",
    "Bad",
    "Item",
    "Limit",
    "Meter",
    "Place",
    "Reading",
    "Text",
    "files_in",
    "kind_of",
    "limited",
    "read_file",
    "read_text_stream",
]
