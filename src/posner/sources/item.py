"""What a source gives: a text with its place, or what is wrong there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from posner.document import Document
from posner.errors import DataError
from posner.segment import Segmenter
from posner.segment.passages import Passage, passages


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands.

    Attributes:
        file: the file, as it was named.
        line: the line there, from 1.
        row: the row of a table, from 1.
    """

    file: str
    line: int | None = None
    row: int | None = None

    @property
    def number(self) -> int | None:
        """Its line, or its row in a file without lines."""
        return self.row if self.line is None else self.line

    def __str__(self) -> str:
        return self.file if self.number is None else f"{self.file}:{self.number}"


@dataclass(frozen=True, slots=True)
class Text:
    """One text to tag.

    Attributes:
        place: where it begins.
        content: the text; a Document where its words are given; or, of a file that is too long to
            be held, a function that reads its characters from the beginning, piece by piece.
        length: its characters.
        id: its own name, if it has one.
        metadata: what stands beside it and is carried through.
        offset: characters that stand before it in the text that it is a part of.
    """

    place: Place
    content: str | Document | Callable[[], Iterable[str]]
    length: int
    id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    offset: int = 0

    def passages(self, segmenter: Segmenter) -> Iterator[Passage]:
        """Its parts, segmented where it has no words of its own; see `segment.passages`."""
        if isinstance(self.content, Document):
            yield Passage(0, self.content, last=True)
            return
        for part in passages(self.characters(), segmenter=segmenter):
            document = replace(part.document, id=self.id, metadata=self.metadata)
            yield replace(part, document=document)

    def characters(self) -> Iterable[str]:
        """The text, piece by piece."""
        if isinstance(self.content, Document):
            return (self.content.text,)
        return (self.content,) if isinstance(self.content, str) else self.content()


@dataclass(frozen=True, slots=True)
class Bad:
    """What cannot be tagged.

    Attributes:
        place: where it stands.
        error: why, and how to mend it.
        data: what stands there, as far as that can be written; None where it cannot.
    """

    place: Place
    error: DataError
    data: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The line of a side file."""
        # Where the error knows the place more exactly, the reason says that.
        reason = self.error.line().removeprefix(f"{self.place}: ")
        place = {"line": self.place.line, "row": self.place.row}
        known = {name: number for name, number in place.items() if number is not None}
        return {"file": self.place.file, **known, "reason": reason, "data": self.data}


Item = Text | Bad


@dataclass
class Meter:
    """How much of everything has been read.

    Attributes:
        total: bytes of all files; 0 where that is not known.
        done: bytes that have been read.
    """

    total: int = 0
    done: int = 0
