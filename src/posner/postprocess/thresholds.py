"""Leaving out entities whose score is too low: the last step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from types import MappingProxyType
from typing import Any

from posner.document import Document, Entity
from posner.errors import DataError
from posner.plural import counted


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The least score with which an entity stays, from 0 (everything stays) to 1.

    Attributes:
        overall: for labels that have none of their own.
        labels: by label.

    Raises:
        DataError: one is no number from 0 to 1.
    """

    overall: float = 0.0
    labels: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        for value in (self.overall, *self.labels.values()):
            if type(value) not in (int, float) or not 0 <= value <= 1:
                raise DataError(
                    "not a threshold", expected="a score from 0 to 1", got=repr(value)[:40]
                )

    def __reduce__(self) -> tuple[Any, ...]:
        return Thresholds.from_json, (self.to_json(),)

    def of(self, label: str) -> float:
        """The threshold of a label."""
        return self.labels.get(label, self.overall)

    def keeps(self, entity: Entity) -> bool:
        """Whether the entity stays; one without a score always does."""
        return entity.score is None or entity.score >= self.of(entity.label)

    def __bool__(self) -> bool:
        return any((self.overall, *self.labels.values()))

    def __str__(self) -> str:
        named = [f"{label} {value:.4g}" for label, value in sorted(self.labels.items())]
        return ", ".join([f"{self.overall:.4g}", *named])

    def to_json(self) -> dict[str, Any]:
        """As a model folder holds them."""
        return {"overall": self.overall, "labels": dict(self.labels)}

    @classmethod
    def from_json(cls, found: Any) -> Thresholds:
        """The inverse of `to_json`.

        Raises:
            DataError: it holds something else.
        """
        if isinstance(found, dict):
            overall, labels = found.get("overall", 0.0), found.get("labels", {})
            if isinstance(labels, dict):
                return cls(overall, MappingProxyType(dict(labels)))
        raise DataError("not thresholds", expected="overall and labels", got=repr(found)[:80])


NO_THRESHOLDS = Thresholds()
"""Everything stays."""


class ThresholdStep:
    """Leaves out entities below their threshold, and counts them; safe between threads.

    Args:
        thresholds: the least scores.

    Attributes:
        removed: how many entities were left out so far, by label.
    """

    def __init__(self, thresholds: Thresholds) -> None:
        self.thresholds = thresholds
        self.removed: Counter[str] = Counter()
        self._lock = Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return ThresholdStep, (self.thresholds,)  # another process counts for itself

    def __call__(self, document: Document) -> Document:
        """The document without its unlikely entities."""
        kept = tuple(entity for entity in document.entities if self.thresholds.keeps(entity))
        if len(kept) == len(document.entities):
            return document
        lost = Counter(e.label for e in document.entities if not self.thresholds.keeps(e))
        with self._lock:
            self.removed += lost
        return replace(document, entities=kept)

    def report(self) -> str | None:
        """What was left out, on one line; None while that is nothing."""
        count = self.removed.total()
        if not count:
            return None
        labels = ", ".join(f"{label} {n:,}" for label, n in sorted(self.removed.items()))
        entities = counted(count, "entity", "entities")
        return f"{entities} below the threshold {self.thresholds} left out ({labels})"


def threshold_steps(thresholds: Thresholds) -> tuple[Callable[[Document], Document], ...]:
    """The step, or none where nothing can be left out."""
    return (ThresholdStep(thresholds),) if thresholds else ()
