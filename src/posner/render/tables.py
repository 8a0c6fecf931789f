"""Tagged documents as aligned tables for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from rich.cells import cell_len, set_cell_size

from posner.document import Document, Entity, PieceTag
from posner.render.marks import visible
from posner.render.tagged import Documents, each_tagged, iob2_tags, printable

_HEADING_WIDTH = 78
_POSTPROCESSED: Mapping[str, Callable[[Entity], str | None]] = {
    "corrected": lambda entity: entity.corrected,
    "id": lambda entity: entity.id,
    "changes": lambda entity: "; ".join(entity.changes),
}
"""Columns that only documents have in which post-processing did something."""


def table(documents: Documents, *, tags: bool = False, places: bool = False) -> Iterator[str]:
    r"""For each document its text's beginning and a table of its entities.

    With `tags` the words with their tags follow, and the pieces where a document has them; with
    `places` the heading begins with where the document was read.
    Columns are aligned by the cells that a terminal gives each character. Control characters are
    shown as `visible` says, white space inside an entity as one space; a lone surrogate, which
    UTF-8 cannot hold, is written `\ud800` (`backslashreplace`).

    Raises:
        DataError: with `tags`, entities that tags of words cannot express.
        SchemeError: with `tags`, entities that overlap.
    """
    between = ""
    for item in each_tagged(documents):
        if item.start:  # a further part of the same document
            parts = [_entities(item.document, item.before)] if item.document.entities else []
            between = "\n" if parts else ""
        else:
            place = _cell(item.origin.heading) if places and item.origin else ""
            place += ": " if place else ""
            parts = [place + _heading(item.document) + _entities(item.document, item.before)]
        if tags:
            parts.append(_words(item.document))
        if item.pieces is not None:
            parts.append(_pieces(item.pieces, item.before))
        yield between + "\n".join(parts)
        between = "\n"


def _heading(document: Document) -> str:
    name = f"{_cell(document.id)}: " if document.id else ""
    # Far more than fits, so that the heading of a book costs no more than that of a line.
    heading = name + _cell(document.text[: 4 * _HEADING_WIDTH])
    if cell_len(heading) > _HEADING_WIDTH or len(document.text) > 4 * _HEADING_WIDTH:
        heading = set_cell_size(heading, _HEADING_WIDTH - 1).rstrip() + "…"
    return heading + "\n"


def _entities(document: Document, start: int) -> str:
    if not document.entities:
        return "  no entities\n"
    head = ["entity", "label", "score", "start-end"]
    rows = [
        [e.text, e.label, _score(e.score), f"{start + e.start}-{start + e.end}"]
        for e in document.entities
    ]
    for name, value in _POSTPROCESSED.items():
        values = [value(entity) for entity in document.entities]
        if any(values):
            head.append(name)
            rows = [[*row, cell or "-"] for row, cell in zip(rows, values, strict=True)]
    return _aligned(head, rows)


def _words(document: Document) -> str:
    rows = [
        (token.text, tag, token.pos or "-")
        for sentence, tags in zip(document.sentences, iob2_tags(document), strict=True)
        for token, tag in zip(sentence.tokens, tags, strict=True)
    ]
    return _aligned(("word", "tag", "pos"), rows)


def _pieces(pieces: Sequence[PieceTag], start: int) -> str:
    rows = [
        (str(p.index), p.word, p.entity, _score(p.score), f"{start + p.start}-{start + p.end}")
        for p in pieces
    ]
    return _aligned(("index", "piece", "tag", "score", "start-end"), rows)


def _score(score: float | None) -> str:
    return "-" if score is None else f"{score:.4f}"


def _cell(text: str) -> str:
    """Text that fits on a line and moves no cursor."""
    return printable(visible(" ".join(text.split())))


def _aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lines of columns, two spaces before each; the last column is not padded."""
    lines = [tuple(head), *(tuple(_cell(value) for value in row) for row in rows)]
    widths = [max(cell_len(line[i]) for line in lines) for i in range(len(head))]
    return "".join(
        "".join(
            "  " + value + " " * (width - cell_len(value))
            for value, width in zip(line, widths, strict=True)
        ).rstrip()
        + "\n"
        for line in lines
    )
