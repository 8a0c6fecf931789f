"""A tagged document's text with its entities marked: in colour, or with `[text](LABEL)`.

Colours belong to labels and never change between texts. They are chosen from Okabe and Ito's
palette, which people with any kind of colour vision can tell apart, as backgrounds with black
letters, so that they read on light and dark terminals alike; and the label always stands behind.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import TextIO

from rich.text import Text

from posner.document import Document, Entity
from posner.render.tagged import printable

PALETTE = ("#56b4e9", "#e69f00", "#2fbf94", "#cc79a7", "#f0e442", "#e8743b")
_KNOWN: Mapping[str, int] = MappingProxyType(
    {"PER": 0, "PERSON": 0, "ORG": 1, "LOC": 2, "GEO": 2, "MISC": 3, "GPE": 4, "TIM": 5, "DATE": 5}
)
# Control characters would move the cursor or change the terminal: show their pictures instead.
_PICTURES: dict[int, int | str] = {
    code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n"
}
_PICTURES |= {0x7F: 0x2421} | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)
# Directions that are forced until further notice would turn what stands behind them around, labels
# and all; marks of direction (U+200E, U+200F, U+061C) only place the punctuation beside them.
_PICTURES |= {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}


def visible(text: str) -> str:
    r"""The text with what would change the place of other text made visible.

    Each control character but tab and line feed is replaced by its picture, each embedding,
    override and isolate of writing direction is written as `\u202e`.
    """
    return text.translate(_PICTURES)


def colour_of(label: str) -> str:
    """The background colour of a label, the same in every text and program run."""
    known = _KNOWN.get(label.upper())
    number = zlib.crc32(label.encode("utf-8", "surrogatepass")) if known is None else known
    return PALETTE[number % len(PALETTE)]


def has_colour(stream: TextIO) -> bool:
    """Whether to colour what goes to a stream: a terminal, and no `NO_COLOR` or `TERM=dumb`."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def coloured(document: Document, *, colour: bool = True) -> Text:
    r"""The document's text with its entities marked.

    In colour an entity stands on its label's background with the label behind it. Where entities
    overlap, the background is the shortest one's, and brackets in bold show where each begins and
    ends. Without `colour` the marks are `[text](LABEL)`, and for entities that cross each other
    (overlap, neither inside the other) a number stands at both ends: `[1:text](LABEL:1)`.

    A lone surrogate, which UTF-8 cannot hold, is written `\ud800` (`backslashreplace`); control
    characters are shown as `visible` says. Print it with `soft_wrap=True`, lest a console that is
    no terminal breaks lines at 80 characters.
    """
    result = Text()
    marks = _marks(document.entities)
    borders = sorted({0, len(document.text), *marks.ends, *marks.starts})
    open_entities: list[Entity] = []
    for here, following in [*pairwise(borders), (borders[-1], borders[-1])]:
        for entity in marks.ends.get(here, ()):
            open_entities.remove(entity)
            result.append_text(_closing(entity, marks, colour))
        for entity in marks.starts.get(here, ()):
            open_entities.append(entity)
            result.append_text(_opening(entity, marks, colour))
        shown = printable(visible(document.text[here:following]))
        inner = min(open_entities, key=_length, default=None)
        result.append(shown, _style(inner) if colour and inner else "")
    return result


@dataclass(frozen=True, slots=True)
class _Marks:
    """Where entities begin and end, and which need more than a colour.

    Attributes:
        starts: entities by their first character, the longest first.
        ends: entities by their end, the latest opened first.
        overlapping: those that share a character with another, by identity.
        numbers: those that cross another, numbered from 1, by identity.
    """

    starts: dict[int, list[Entity]]
    ends: dict[int, list[Entity]]
    overlapping: frozenset[int]
    numbers: dict[int, int]


def _marks(entities: tuple[Entity, ...]) -> _Marks:
    ordered = sorted(entities, key=lambda e: (e.start, -e.end, e.label))
    marks = _Marks({}, {}, frozenset(), {})
    overlapping: set[int] = set()
    crossing: set[int] = set()
    active: list[Entity] = []
    for entity in ordered:
        marks.starts.setdefault(entity.start, []).append(entity)
        marks.ends.setdefault(entity.end, []).insert(0, entity)
        active = [other for other in active if other.end > entity.start]
        if active:
            overlapping.update(map(id, (*active, entity)))
        for other in active:
            if other.start < entity.start and other.end < entity.end:
                crossing.update((id(other), id(entity)))
        active.append(entity)
    numbered = [id(entity) for entity in ordered if id(entity) in crossing]
    numbers = {key: number for number, key in enumerate(numbered, 1)}
    return _Marks(marks.starts, marks.ends, frozenset(overlapping), numbers)


def _length(entity: Entity) -> int:
    return entity.end - entity.start


def _style(entity: Entity) -> str:
    return f"black on {colour_of(entity.label)}"


def _opening(entity: Entity, marks: _Marks, colour: bool) -> Text:
    if colour:
        bracket = "[" if id(entity) in marks.overlapping else ""
        return Text(bracket, f"bold {_style(entity)}")
    number = marks.numbers.get(id(entity))
    return Text(f"[{number}:" if number else "[")


def _closing(entity: Entity, marks: _Marks, colour: bool) -> Text:
    label = printable(visible(entity.label))
    if colour:
        bracket = "]" if id(entity) in marks.overlapping else ""
        return Text(f"{bracket} {label} ", f"bold {_style(entity)}")
    number = marks.numbers.get(id(entity))
    return Text(f"]({label}:{number})" if number else f"]({label})")
