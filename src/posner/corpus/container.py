"""A corpus that was read: its documents, and what a writer needs to write the same format again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from posner.document import Document, Sentence

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Layout:
    """How a file was laid out; a writer of another format ignores what it does not know.

    Attributes:
        scheme: the name of the tag scheme; None for formats with character spans.
        columns: the roles of CoNLL columns, or the names of csv columns.
        separator: what stands between CoNLL columns.
        encoding: the codec.
        mark: whether a byte-order mark stands at the beginning.
        newline: the line end.
        final_newlines: how many line ends follow the last row of a CoNLL file.
        docstart: the row that begins a document, if the file has such rows.
        flavour: `doccano`, `prodigy` or `labelstudio` for JSON Lines.
        spans_key: the key that holds doccano's spans.
        text_key: the key that holds Label Studio's text.
        array: whether a JSON file is one array, not lines.
    """

    scheme: str | None = None
    columns: tuple[str, ...] = ()
    separator: str = " "
    encoding: str = "utf-8"
    mark: bool = False
    newline: str = "\n"
    final_newlines: int = 2
    docstart: tuple[str, ...] | None = None
    flavour: str | None = None
    spans_key: str = "label"
    text_key: str = "text"
    array: bool = False


@dataclass(frozen=True)
class Corpus:
    """Documents with the format and layout that they came in.

    Attributes:
        documents: in the order of the file.
        format: the name of the format, as in `posner.corpus.FORMATS`.
        path: the file, folder or hub name.
        layout: see `Layout`.
    """

    documents: tuple[Document, ...]
    format: str
    path: Path | str
    layout: Layout = field(default_factory=Layout)

    @property
    def sentences(self) -> Iterator[Sentence]:
        """All sentences, in order."""
        for document in self.documents:
            yield from document.sentences

    @property
    def word_count(self) -> int:
        """The number of words."""
        return sum(document.word_count for document in self.documents)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of all entities, sorted."""
        return tuple(sorted({e.label for d in self.documents for e in d.entities}))

    @property
    def has_pos(self) -> bool:
        """Whether some word carries a part of speech."""
        return any(t.pos is not None for d in self.documents for t in d.tokens)

    @property
    def has_chunk(self) -> bool:
        """Whether some word carries a chunk tag."""
        return any(t.chunk is not None for d in self.documents for t in d.tokens)
