"""Writing what was found as lines that a later process can go on with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from posner.bulk.journal import Journal
from posner.bulk.outcomes import Outcome
from posner.bulk.progress import Progress
from posner.document import Document, PieceTag
from posner.render import Tagged
from posner.sources import Bad

Pieces = Callable[[Document], list[PieceTag]]
Lines = Callable[[Iterable[Tagged]], Iterator[str]]


def tagged_part(outcome: Outcome, pieces: Pieces | None) -> Tagged:
    """A tagged text, or a part of it, as the formats take it; `pieces` finds its pieces."""
    passage = outcome.passage
    assert passage is not None
    found = None if pieces is None else pieces(passage.document)
    return Tagged(passage.document, found, passage.start, passage.last)


def write_lines(
    found: Iterator[Outcome],
    journal: Journal,
    progress: Progress,
    lines: Lines,
    pieces: Pieces | None = None,
) -> None:
    """Write each text as lines of its own, and what cannot be tagged to the side file.

    Args:
        found: what was found, in order.
        journal: the output.
        progress: is told.
        lines: one text, which may come in parts, as its lines.
        pieces: finds a document's pieces, where they are asked for.
    """

    for first in found:
        if isinstance(first.source, Bad):
            journal.set_aside(first.source)
            journal.count(0, ends=first.ends)
            continue
        document = _OneDocument(first, found, progress, pieces)
        journal.write(lines(document.parts()))
        journal.count(document.words, ends=document.ends)


class _OneDocument:
    """A document whose parts are taken from the stream as they are written."""

    def __init__(
        self, first: Outcome, found: Iterator[Outcome], progress: Progress, pieces: Pieces | None
    ) -> None:
        self._first, self._found = first, found
        self._progress, self._pieces = progress, pieces
        self.words = 0
        self.ends = first.ends

    def parts(self) -> Iterator[Tagged]:
        outcome = self._first
        while True:
            part = tagged_part(outcome, self._pieces)
            count = part.document.word_count
            self._progress.add(count, ends=part.last)
            self.words += count
            self.ends = outcome.ends
            yield part
            if part.last:
                return
            outcome = next(self._found)
