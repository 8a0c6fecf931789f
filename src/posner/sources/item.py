"""What a source gives: a text with its place, or what is wrong there; and limits of length."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

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
        return {
            "file": self.place.file,
            "line": self.place.number,
            "reason": reason,
            "data": self.data,
        }


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


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a text may be, and what happens to a longer one; it is never cut.

    Attributes:
        characters: of a text, at most.
        policy: `error`: a longer text is bad; `split`: it is several, each of which ends at a
            blank line, else with a sentence, else with a word.
    """

    characters: int
    policy: Literal["error", "split"] = "error"


def limited(items: Iterable[Item], limit: Limit, segmenter: Segmenter) -> Iterator[Iterable[Item]]:
    """What each item becomes under the limit: itself, its parts, or what is wrong with it.

    A part's metadata say which it is (`part`, from 1) and how many characters of the whole text
    stand before it (`offset`).
    """
    for item in items:
        if isinstance(item, Bad) or item.length <= limit.characters:
            yield [item]
        elif limit.policy == "error" or isinstance(item.content, Document):
            yield [_too_long(item, limit)]
        else:
            yield _split(item, limit, segmenter)


def _too_long(item: Text, limit: Limit) -> Bad:
    problem, remedy = "the text is too long", "allow more with --max-chars"
    if limit.policy == "error":
        remedy += ", or part it with --over-limit split"
    else:
        problem += ", and words of its own are not parted"
    error = DataError(
        problem,
        where=item.place,
        expected=f"at most {limit.characters:,} characters",
        got=f"{item.length:,}",
        remedy=remedy,
    )
    return Bad(item.place, error, _beginning(item, limit.characters))


def _beginning(item: Text, most: int) -> str:
    """The text; of one that is not held, so many characters."""
    found = ""
    for piece in item.characters():
        found += piece
        if callable(item.content) and len(found) >= most:
            return found[:most]
    return found


def _split(item: Text, limit: Limit, segmenter: Segmenter) -> Iterator[Item]:
    found = passages(item.characters(), limit=limit.characters, strict=True, segmenter=segmenter)
    try:
        # The text is read once more for the parts, so that they are not held together.
        lengths = [len(part.document.text) for part in found]
    except DataError as error:
        where = f"{item.place}, {error.where}"
        moved = DataError(
            error.problem,
            where=where,
            expected=error.expected,
            got=error.got,
            remedy="allow more with --max-chars",
        )
        yield Bad(item.place, moved, _beginning(item, limit.characters))
        return
    start = 0
    for number, text in enumerate(_cut(item.characters(), lengths), start=1):
        metadata = {**item.metadata, "part": number, "offset": start}
        yield replace(item, content=text, length=len(text), metadata=metadata, offset=start)
        start += len(text)


def _cut(pieces: Iterable[str], lengths: Iterable[int]) -> Iterator[str]:
    """The same characters in pieces of those lengths."""
    source = iter(pieces)
    piece, place = "", 0
    for length in lengths:
        parts = [piece[place : place + length]]
        place += length
        while (missing := length - sum(map(len, parts))) > 0:
            piece, place = next(source), missing
            parts.append(piece[:missing])
        yield "".join(parts)
