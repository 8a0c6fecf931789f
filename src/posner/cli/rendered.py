"""What was tagged, in the format that was asked for."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import TextIO

from rich.console import Console

from posner.cli.inputs import CorpusText, Source
from posner.document import Document, PieceTag
from posner.recognizer import Recognizer
from posner.render import (
    Origin,
    Tagged,
    coloured,
    conll,
    csv_lines,
    has_colour,
    html,
    json_array,
    jsonl,
    table,
)
from posner.segment.passages import Passage
from posner.sources import Text
from posner.tagger import Tagger

Part = tuple[Text, Passage]
"""A text, and the part of it that was tagged."""


def rendered(
    found: Iterator[Part],
    tagger: Tagger,
    arguments: argparse.Namespace,
    stream: TextIO,
    *,
    places: bool,
) -> Iterator[str]:
    """What was found, in the format that was asked for; `places`: for people, where it stands."""
    tags = bool(arguments.tags)
    pieces = pieces_of(tagger, arguments)
    tagged = (
        Tagged(
            passage.document,
            pieces(passage.document) if pieces else None,
            passage.start,
            passage.last,
            Origin(text.place.file, text.place.line, text.place.row, text.offset),
        )
        for text, passage in found
    )
    formats: dict[str, Callable[[], Iterator[str]]] = {
        "table": lambda: table(tagged, tags=tags, places=places),
        "json": lambda: json_array(tagged, tags=tags),
        "jsonl": lambda: jsonl(tagged, tags=tags),
        "conll": lambda: _columns(found),
        "csv": lambda: csv_lines(tagged, arguments.keep or ()),
        "html": lambda: html(tagged, places=places),
        "text": lambda: _marked(tagged, stream),
    }
    return formats[arguments.format]()


def several(sources: Sequence[Source], arguments: argparse.Namespace) -> bool:
    """Whether there may be several documents, so that each needs its place."""
    if len(sources) + len(arguments.text or ()) != 1 or arguments.over_limit == "split":
        return True
    return any(
        source.path is not None and (source.kind != "text" or arguments.document != "file")
        for source in sources
    )


def pieces_of(
    tagger: Tagger, arguments: argparse.Namespace
) -> Callable[[Document], list[PieceTag]] | None:
    """What lists a document's pieces, where that is asked for."""
    return tagger.pieces if arguments.pieces and isinstance(tagger, Recognizer) else None


def _columns(found: Iterator[Part]) -> Iterator[str]:
    """CoNLL columns: a corpus's own ones stay, the predicted tag comes last."""
    first = next(found, None)
    if first is not None:
        bordered = isinstance(first[0], CorpusText) and first[0].bordered
        yield from conll((_with_columns(part) for part in chain([first], found)), borders=bordered)


def _with_columns(part: Part) -> Tagged:
    text, passage = part
    document = passage.document
    if isinstance(text, CorpusText):
        document = text.with_own_columns(document)
    return Tagged(document, None, passage.start, passage.last)


def _marked(tagged: Iterable[Tagged], stream: TextIO) -> Iterator[str]:
    """Each text with its entities in colour, or marked where there is no colour."""
    colour = has_colour(stream)
    console = Console(force_terminal=colour, no_color=not colour, highlight=False, soft_wrap=True)
    for item in tagged:
        with console.capture() as capture:
            end = "\n" if item.last else ""
            console.print(coloured(item.document, colour=colour), soft_wrap=True, end=end)
        yield capture.get()
