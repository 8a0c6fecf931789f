"""What all formats share: pieces with tags, words with IOB2 tags, text that any stream takes."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

from posner.document import Document, PieceTag, sentence_spans
from posner.errors import DataError
from posner.schemes import SCHEMES, spans_to_tags


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a document was read.

    Attributes:
        file: the file, as it was named.
        line: the line there, from 1.
        row: the row of a table, from 1.
        offset: characters of the text there that stand before it, where it is a part of one.
    """

    file: str
    line: int | None = None
    row: int | None = None
    offset: int = 0

    @property
    def heading(self) -> str:
        """Its place in a few words; empty where the file alone is known, which tells little."""
        number = self.row if self.line is None else self.line
        if number is None:
            return ""
        return f"{self.file}:{number}" + (f", character {self.offset}" if self.offset else "")


@dataclass(frozen=True, slots=True)
class Tagged:
    """A tagged document, or a part of a long one; and, where asked for, its pieces.

    Attributes:
        document: it, with offsets from its own beginning.
        pieces: its pieces with their tags.
        start: characters of the whole document that stand before the part.
        last: whether the document ends with it; else the next one is another part of the same.
        origin: where the document was read, if that is known.
    """

    document: Document
    pieces: Sequence[PieceTag] | None = None
    start: int = 0
    last: bool = True
    origin: Origin | None = None

    @property
    def before(self) -> int:
        """Characters of the text that was read that stand before the part."""
        return self.start + (self.origin.offset if self.origin else 0)


Documents = Iterable[Document | Tagged]


def each_tagged(documents: Documents) -> Iterator[Tagged]:
    """The documents one by one, those without pieces too."""
    for item in documents:
        yield item if isinstance(item, Tagged) else Tagged(item)


def iob2_tags(document: Document) -> list[list[str]]:
    """The IOB2 tags of each sentence's words.

    Raises:
        DataError: an entity that no tags can express: it begins or ends inside a word, covers no
            word, or crosses a sentence's border.
        SchemeError: entities that overlap.
    """
    found = sentence_spans(document)
    if found.misaligned:
        entity = found.misaligned[0]
        raise DataError(
            "an entity that tags of words cannot express",
            where=f"document {document.id}" if document.id else None,
            expected="a stretch of whole words of one sentence",
            got=f"{entity.label} at characters {entity.start} to {entity.end}",
            remedy="write JSON without tags, which holds any entity",
        )
    return [
        spans_to_tags(spans, len(sentence), SCHEMES["IOB2"])
        for sentence, spans in zip(document.sentences, found.spans, strict=True)
    ]


def printable(text: str) -> str:
    r"""The text with each lone surrogate, which UTF-8 cannot hold, written `\ud800`."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def write(chunks: Iterable[str], stream: TextIO) -> None:
    r"""Put a format's text on a stream, chunk by chunk.

    What the stream's encoding lacks is written as JSON escapes it (`\u00e9`, and two of them for
    a character beyond U+FFFF), so that JSON stays the same JSON on any stream and text stays
    legible. On a UTF-8 stream that concerns lone surrogates only.
    """
    encoding = stream.encoding or "utf-8"
    for chunk in chunks:
        stream.write(chunk.encode(encoding, _ESCAPES).decode(encoding))


def _json_escapes(error: UnicodeError) -> tuple[str, int]:
    """Codec error handler: the characters in the way as JSON would escape them."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


_ESCAPES = "posner.json_escapes"
codecs.register_error(_ESCAPES, _json_escapes)
