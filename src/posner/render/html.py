"""Tagged documents as one HTML page that opens on its own: no script, nothing from elsewhere.

An entity stands on its label's colour with the label behind it, as displaCy shows it. Where
entities overlap, each is a line under the text, one below the other, with its label where it
begins; a line that goes on under the next piece of text is one entity.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from posner.document import Document, Entity, entity_order
from posner.render.marks import colour_of, visible
from posner.render.tagged import Documents, Tagged, each_tagged, printable

# The policy keeps a browser from loading or running anything, whatever a text holds.
_HEAD = """\
<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Entities</title>
<style>
:root { --paper: #fff; --ink: #1b1b1b; --faint: #6b6b6b; --edge: #ddd; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #17181a; --ink: #e8e8e8; --faint: #a0a0a0; --edge: #3a3b3d; }
}
body { margin: 2rem auto; padding: 0 1rem; max-width: 50rem; background: var(--paper);
  color: var(--ink); font: 1.05rem/2.2 system-ui, sans-serif; }
article { padding: .75rem 0; border-bottom: 1px solid var(--edge); white-space: pre-wrap;
  overflow-wrap: break-word; }
h2 { margin: 0; font-size: .8rem; font-weight: normal; line-height: 1.5; color: var(--faint); }
mark { padding: .2em .35em; border-radius: .3em; background: var(--c); color: #000;
  -webkit-box-decoration-break: clone; box-decoration-break: clone; }
mark b { margin-inline-start: .4em; font-size: .7em; }
.over { position: relative; display: inline-block; vertical-align: top; white-space: pre; }
.over i { position: absolute; left: 0; right: 0; height: .22em; background: var(--c);
  top: calc(1.75em + var(--lane) * 1.05em); }
.over b { position: absolute; inset-inline-start: 0; padding: 0 .3em; border-radius: 0 0 .3em .3em;
  font: bold .6em/1.3 system-ui, sans-serif; background: var(--c); color: #000;
  top: calc((1.75em + var(--lane) * 1.05em) / .6); white-space: nowrap; z-index: 1; }
</style>
</head>
<body>
"""
_END = "</body>\n</html>\n"


def html(documents: Documents, *, places: bool = False) -> Iterator[str]:
    r"""The page, document by document.

    A score and a corrected name stand in the tip of their entity. A lone surrogate, which UTF-8
    cannot hold, is written `\ud800`; control characters are shown as `visible` says. Overlapping
    entities keep a piece of text together on one line. With `places` the heading says where a
    document was read.
    """
    yield _HEAD
    for item in each_tagged(documents):
        yield "" if item.start else _beginning(item, places)
        yield _marked(item.document)
        yield "</article>\n" if item.last else ""
    yield _END


def _beginning(item: Tagged, places: bool) -> str:
    names = (item.origin.heading if places and item.origin else "", item.document.id)
    name = ": ".join(name for name in names if name)
    heading = f"<h2>{_shown(name)}</h2>" if name else ""
    return f'<article dir="auto">{heading}'


def _marked(document: Document) -> str:
    """The text with its entities."""
    parts = []
    place = 0
    for cluster in _clusters(document.entities):
        start, end = cluster[0].start, max(entity.end for entity in cluster)
        parts.append(_shown(document.text[place:start]))
        parts.append(_mark(cluster[0]) if len(cluster) == 1 else _stack(document, cluster))
        place = end
    parts.append(_shown(document.text[place:]))
    return "".join(parts)


def _shown(text: str) -> str:
    return escape(printable(visible(text)))


def _clusters(entities: Sequence[Entity]) -> list[list[Entity]]:
    """Entities in order, those together that overlap."""
    clusters: list[list[Entity]] = []
    reach = 0
    for entity in sorted(entities, key=entity_order):
        if clusters and entity.start < reach:
            clusters[-1].append(entity)
        else:
            clusters.append([entity])
        reach = max(reach, entity.end)
    return clusters


def _mark(entity: Entity) -> str:
    label = f"<b><bdi>{_shown(entity.label)}</bdi></b>"
    return f"<mark {_attributes(entity)}>{_shown(entity.text)}{label}</mark>"


def _attributes(entity: Entity, lane: int | None = None) -> str:
    tip = entity.label if entity.score is None else f"{entity.label} {entity.score:.4f}"
    tip += "" if entity.corrected is None else f": {entity.corrected}"
    style = f"--c: {colour_of(entity.label)}" + ("" if lane is None else f"; --lane: {lane}")
    return f'style="{style}" title="{_shown(tip)}"'


@dataclass(frozen=True, slots=True)
class _Line:
    """An entity and the line under the text that it has to itself, counted from 0."""

    entity: Entity
    lane: int


def _stack(document: Document, cluster: Sequence[Entity]) -> str:
    """Overlapping entities: pieces of text, each over the lines of the entities that cover it."""
    lines = _lanes(cluster)
    deepest = max(line.lane for line in lines)
    borders = sorted({place for e in cluster for place in (e.start, e.end)})
    room = f"padding-bottom: {1.05 * (deepest + 1):.2f}em"
    return "".join(
        f'<span class="over" style="{room}">{_shown(document.text[start:end])}'
        + "".join(
            _under(line, start) for line in lines if line.entity.start <= start < line.entity.end
        )
        + "</span>"
        for start, end in pairwise(borders)
    )


def _lanes(cluster: Sequence[Entity]) -> list[_Line]:
    """Each entity in the highest line that is free where it begins."""
    free: list[int] = []  # the end of what stands in each line
    lines = []
    for entity in cluster:
        lane = next((i for i, end in enumerate(free) if end <= entity.start), len(free))
        free[lane : lane + 1] = [entity.end]
        lines.append(_Line(entity, lane))
    return lines


def _under(line: _Line, start: int) -> str:
    attributes = _attributes(line.entity, line.lane)
    bar = f"<i {attributes}></i>"
    if start != line.entity.start:
        return bar
    return f"{bar}<b {attributes}><bdi>{_shown(line.entity.label)}</bdi></b>"
