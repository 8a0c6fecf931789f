"""Errors sorted by kind, each with its sentence: boundary, label, both, missed, spurious."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from posner.document import Entity

Kind = Literal["boundary", "label", "both", "missed", "spurious"]
KINDS: tuple[Kind, ...] = ("boundary", "label", "both", "missed", "spurious")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One error.

    Attributes:
        kind: `boundary` (the label is right), `label` (the borders are right), `both` (an overlap
            with neither), `missed` (no prediction overlaps it) or `spurious` (the reverse).
        gold: the annotated entity; None where the error is spurious.
        predicted: the predicted entity; None where the error is a missed one.
        text: the sentence; several where an entity crosses their border.
        start: the first character of `text` in the document; entities' offsets count from the
            document's own beginning.
        document: the document's id.
        index: the place of the document among those scored.
    """

    kind: Kind
    gold: Entity | None
    predicted: Entity | None
    text: str
    start: int
    document: str | None
    index: int

    @property
    def entities(self) -> tuple[Entity, ...]:
        """The one or two entities."""
        return tuple(e for e in (self.gold, self.predicted) if e is not None)

    def to_json(self, *, text: bool = True) -> dict[str, Any]:
        """Offsets count from the beginning of the sentence; `text` off leaves all words out."""
        sides = {"gold": self.gold, "predicted": self.predicted}
        record: dict[str, Any] = {"kind": self.kind, "document": self.document, "index": self.index}
        if text:
            record["text"] = self.text
        for name, entity in sides.items():
            record[name] = None if entity is None else self._entity(entity, text)
        return record

    def _entity(self, entity: Entity, text: bool) -> dict[str, Any]:
        record: dict[str, Any] = {
            "start": entity.start - self.start,
            "end": entity.end - self.start,
            "label": entity.label,
        }
        if text:
            record["text"] = entity.text
        if entity.score is not None:
            record["score"] = entity.score
        return record


def kind_of(gold: Entity | None, predicted: Entity | None) -> Kind | None:
    """What is wrong with a pair, or with an entity that has no partner; None: nothing.

    Raises:
        ValueError: neither is there.
    """
    if gold is None and predicted is None:
        raise ValueError("an error has at least one entity")
    if predicted is None:
        return "missed"
    if gold is None:
        return "spurious"
    borders = (gold.start, gold.end) == (predicted.start, predicted.end)
    if gold.label == predicted.label:
        return None if borders else "boundary"
    return "label" if borders else "both"


def count_kinds(mistakes: Iterable[Mistake]) -> dict[Kind, int]:
    """How many there are of each kind, in the order of `KINDS`."""
    counts = Counter(mistake.kind for mistake in mistakes)
    return {kind: counts[kind] for kind in KINDS}


def some_of_each(mistakes: Sequence[Mistake], limit: int) -> list[Mistake]:
    """At most `limit` errors of each kind, sorted by kind, the surest of the model first."""
    chosen: list[Mistake] = []
    for kind in KINDS:
        own = [mistake for mistake in mistakes if mistake.kind == kind]
        own.sort(key=lambda m: -(m.predicted.score or 0.0) if m.predicted else 0.0)
        chosen += own[:limit]
    return chosen
