"""Which tags a CRF holds for likely and unlikely neighbours."""

from __future__ import annotations

from dataclasses import dataclass

from rich.table import Table

from posner.decode import ILLEGAL, Transitions
from posner.windows import FloatArray

SHOWN = 10
"""Transitions at each end of the table."""


@dataclass(frozen=True, slots=True)
class Transition:
    """The learned weight of going from one tag to another; a higher one is likelier.

    Attributes:
        before, after: the tags.
        weight: what was learned.
        legal: whether the scheme allows it; if not, no path has it, whatever its weight.
    """

    before: str
    after: str
    weight: float
    legal: bool = True


def ranked_transitions(
    tags: tuple[str, ...], learned: FloatArray, transitions: Transitions
) -> list[Transition]:
    """The transitions that have a weight, and all that the scheme allows; the likeliest first.

    Args:
        tags: their names.
        learned: (tags, tags) weights as they were learned; 0 where none was.
        transitions: the same with those forbidden that the scheme does not allow.
    """
    listed = [
        Transition(before, after, float(learned[i, j]), bool(transitions.pairs[i, j] > ILLEGAL))
        for i, before in enumerate(tags)
        for j, after in enumerate(tags)
    ]
    shown = [transition for transition in listed if transition.legal or transition.weight]
    return sorted(shown, key=lambda t: (-t.weight, t.before, t.after))


def transition_table(ranked: list[Transition]) -> Table:
    """The ten likeliest beside the ten unlikeliest, from the outermost inwards.

    Those that the scheme forbids, such as O to I-PER, are marked: the corpus never shows them.
    With `crf.all-transitions`, sklearn-crfsuite's `all_possible_transitions`, CRFsuite learns
    weights, mostly negative ones, for transitions never seen too. Without it (sklearn-crfsuite's
    default) these have none, and count as 0, as do those that L1 regularisation takes away.
    """
    table = Table(box=None, pad_edge=False)
    for title in ("likeliest", "unlikeliest"):
        table.add_column(title)
        table.add_column("weight", justify="right")
    pairs = zip(ranked[:SHOWN], ranked[::-1][:SHOWN], strict=True)
    for likely, unlikely in pairs:
        cells = [(_named(t), f"{t.weight:.3f}") for t in (likely, unlikely)]
        table.add_row(*cells[0], *cells[1])
    return table


def _named(transition: Transition) -> str:
    mark = "" if transition.legal else " (forbidden)"
    return f"{transition.before} → {transition.after}{mark}"


def transitions_to_json(ranked: list[Transition]) -> dict[str, list[dict[str, str | float]]]:
    """Both ends of the ranking."""

    def rows(part: list[Transition]) -> list[dict[str, str | float]]:
        return [
            {"from": t.before, "to": t.after, "weight": t.weight, "legal": t.legal} for t in part
        ]

    return {"likeliest": rows(ranked[:SHOWN]), "unlikeliest": rows(ranked[::-1][:SHOWN])}
