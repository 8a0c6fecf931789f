"""Which tags a CRF holds for likely and unlikely neighbours."""

from __future__ import annotations

from dataclasses import dataclass

from rich.table import Table

from posner.decode import ILLEGAL, Transitions

SHOWN = 10
"""Transitions at each end of the table."""


@dataclass(frozen=True, slots=True)
class Transition:
    """The weight of going from one tag to another; a higher one is likelier."""

    before: str
    after: str
    weight: float


def ranked_transitions(tags: tuple[str, ...], transitions: Transitions) -> list[Transition]:
    """All legal transitions between tags, the likeliest first."""
    listed = [
        Transition(before, after, float(transitions.pairs[i, j]))
        for i, before in enumerate(tags)
        for j, after in enumerate(tags)
        if transitions.pairs[i, j] > ILLEGAL
    ]
    return sorted(listed, key=lambda t: (-t.weight, t.before, t.after))


def transition_table(ranked: list[Transition]) -> Table:
    """The ten likeliest beside the ten unlikeliest, from the outermost inwards."""
    table = Table(box=None, pad_edge=False)
    for title in ("likeliest", "unlikeliest"):
        table.add_column(title)
        table.add_column("weight", justify="right")
    pairs = zip(ranked[:SHOWN], ranked[::-1][:SHOWN], strict=True)
    for likely, unlikely in pairs:
        cells = [(f"{t.before} → {t.after}", f"{t.weight:.3f}") for t in (likely, unlikely)]
        table.add_row(*cells[0], *cells[1])
    return table


def transitions_to_json(ranked: list[Transition]) -> dict[str, list[dict[str, str | float]]]:
    """Both ends of the ranking."""

    def rows(part: list[Transition]) -> list[dict[str, str | float]]:
        return [{"from": t.before, "to": t.after, "weight": t.weight} for t in part]

    return {"likeliest": rows(ranked[:SHOWN]), "unlikeliest": rows(ranked[::-1][:SHOWN])}
