"""Gold labels against predicted ones, with what was missed and what was spurious."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Cell = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often a gold label was met by a predicted one.

    Entities are paired one to one, exact ones first, then as many as overlap. So the cell of a
    label with itself counts entities found with right or wrong borders.

    Attributes:
        cells: counts by gold and predicted label; None as predicted label is a missed entity,
            as gold label a spurious one.
    """

    cells: Mapping[Cell, int] = field(default_factory=dict)

    def __add__(self, other: Confusion) -> Confusion:
        keys = sorted(self.cells.keys() | other.cells.keys(), key=_order)
        return Confusion({k: self.cells.get(k, 0) + other.cells.get(k, 0) for k in keys})

    @property
    def labels(self) -> list[str]:
        """Every label, sorted."""
        return sorted({label for cell in self.cells for label in cell if label is not None})

    def count(self, gold: str | None, predicted: str | None) -> int:
        """One cell; 0 where there is none."""
        return self.cells.get((gold, predicted), 0)

    def rows(self) -> list[list[int]]:
        """Rows by gold label and one for spurious entities; columns by predicted label and one
        for missed entities; the last cell of all is 0."""
        sides: list[str | None] = [*self.labels, None]
        return [[self.count(gold, predicted) for predicted in sides] for gold in sides]

    def to_json(self) -> dict[str, object]:
        """The labels and the `rows`."""
        return {"labels": self.labels, "rows": self.rows()}


def _order(cell: Cell) -> tuple[bool, str, bool, str]:
    gold, predicted = cell
    return gold is None, gold or "", predicted is None, predicted or ""
