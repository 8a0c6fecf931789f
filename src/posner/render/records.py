"""Tagged documents as JSON: an array of documents, or one document a line."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import IO, Any

from posner.document import Document, Entity, PieceTag
from posner.errors import DataError
from posner.render.tagged import Documents, Tagged, each_tagged, iob2_tags


def to_dict(
    document: Document, *, tags: bool = False, pieces: Sequence[PieceTag] | None = None
) -> dict[str, Any]:
    """One document as plain values.

    Always `text` and `entities`; `id` and `meta` where the document has them; `tokens` with
    `tags`; `pieces` if they are given. Every `word` but a piece's is the exact slice of the text.
    An entity has `corrected`, `id`, `similarity` and `changes` only where post-processing gave it
    some.

    Raises:
        DataError: with `tags`, entities that tags of words cannot express.
        SchemeError: with `tags`, entities that overlap.
    """
    record: dict[str, Any] = {} if document.id is None else {"id": document.id}
    record["text"] = document.text
    record["entities"] = [_entity(entity) for entity in document.entities]
    if tags:
        record["tokens"] = _tokens(document)
    if pieces is not None:
        record["pieces"] = [{**asdict(piece), "score": _number(piece.score)} for piece in pieces]
    if document.metadata:
        record["meta"] = dict(document.metadata)
    return record


def json_array(documents: Documents, *, tags: bool = False) -> Iterator[str]:
    """A JSON array of documents, one a line; `[]` when there are none.

    A document with a lone surrogate, which UTF-8 cannot hold, is written with ASCII escapes.

    Raises:
        DataError: metadata that JSON cannot hold; see also `to_dict`.
    """
    before = "[\n"
    items = each_tagged(documents)
    for item in items:
        yield before
        yield from _record(item, items, tags)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def jsonl(documents: Documents, *, tags: bool = False) -> Iterator[str]:
    """JSON Lines: one document a line. Surrogates and errors as in `json_array`."""
    items = each_tagged(documents)
    for item in items:
        yield from _record(item, items, tags)
        yield "\n"


def _record(first: Tagged, following: Iterator[Tagged], tags: bool) -> Iterator[str]:
    """One document's record; of a long document the further parts are taken from `following`."""
    if first.last:
        yield _dump(to_dict(first.document, tags=tags, pieces=first.pieces))
    else:
        yield from _long_record(first, following, tags)


def _long_record(first: Tagged, following: Iterator[Tagged], tags: bool) -> Iterator[str]:
    """A record that is never held whole: its text goes out part by part, its lists wait on disk."""
    with ExitStack() as stack:
        waiting: dict[str, IO[str]] = {}
        item = first
        while True:
            part = to_dict(item.document, tags=tags, pieces=item.pieces)
            text, meta = part.pop("text"), part.pop("meta", None)
            if item is first:
                head = {"id": part["id"]} if "id" in part else {}
                yield _dump({**head, "text": ""}).removesuffix('"}')
            yield _dump(text)[1:-1]
            for key, values in part.items():
                if key != "id":
                    if key not in waiting:
                        waiting[key] = stack.enter_context(_spool())
                    for value in values:
                        _shift(value, item.start)
                        waiting[key].write(f"{_dump(value)}\n")
            if item.last:
                break
            item = next(following)
        yield '"'
        for key, lines in waiting.items():
            lines.seek(0)
            yield f", {json.dumps(key)}: ["
            between = ""
            for line in lines:
                yield between + line.removesuffix("\n")
                between = ", "
            yield "]"
        yield f", {json.dumps('meta')}: {_dump(meta)}" + "}" if meta else "}"


def _spool() -> IO[str]:
    """Lines that wait: in memory while they are few, else in a temporary file."""
    return tempfile.SpooledTemporaryFile(1 << 20, "w+", encoding="utf-8", newline="\n")


def _shift(value: dict[str, Any], places: int) -> None:
    """Let an entity's, word's or piece's offsets count characters of the whole document."""
    value["start"] += places
    value["end"] += places


def _entity(entity: Entity) -> dict[str, Any]:
    record: dict[str, Any] = {
        "entity_group": entity.label,
        "score": _number(entity.score),
        "word": entity.text,
        "start": entity.start,
        "end": entity.end,
    }
    if entity.corrected is not None:
        record["corrected"] = entity.corrected
    if entity.id is not None:
        record["id"] = entity.id
    if entity.similarity is not None:
        record["similarity"] = entity.similarity
    if entity.changes:
        record["changes"] = list(entity.changes)
    return record


def _tokens(document: Document) -> list[dict[str, Any]]:
    return [
        {
            "word": token.text,
            "start": token.start,
            "end": token.end,
            "tag": tag,
            "pos": token.pos,
        }
        for sentence, tags in zip(document.sentences, iob2_tags(document), strict=True)
        for token, tag in zip(sentence.tokens, tags, strict=True)
    ]


def _number(score: float | None) -> float | None:
    """A score as a plain float: NumPy's are no JSON."""
    return None if score is None else float(score)


def _plain(value: object) -> object:
    """What `json` asks about values that it does not know: read-only mappings become dicts."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a value of type {type(value).__name__}")


def _dump(record: Any) -> str:
    try:
        line = json.dumps(record, ensure_ascii=False, allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise DataError(
            "a value that JSON cannot hold",
            where=f"document {record['id']}" if "id" in record else None,
            got=error,
            remedy="leave it out of the document's metadata and scores",
        ) from error
    try:
        line.encode()
    except UnicodeEncodeError:
        return json.dumps(record, default=_plain)
    # JSON allows these two inside a string, but many readers take them for the end of the line.
    return line.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("\x85", "\\u0085")
