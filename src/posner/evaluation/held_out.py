"""What to say beside figures of the very corpus that something of the model was chosen on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from posner.plural import counted


def held_out_error(figures: Mapping[str, Any], corpus: str | Path) -> float | None:
    """The calibration error on parts that were held out, where the scores were fitted on `corpus`.

    Args:
        figures: a model's own, as its folder has them.
        corpus: the path of what it is judged on.
    """
    found = _chosen_on(figures.get("calibration"), corpus)
    if not found or not found.get("spans"):
        return None
    return float(found["after"]["error"])


def held_out_notes(figures: Mapping[str, Any], corpus: str | Path) -> list[str]:
    """In words, what was chosen on a corpus, and what holds where it was not.

    Args:
        figures: a model's own, as its folder has them.
        corpus: the path of what it is judged on.
    """
    notes = []
    surface = _chosen_on(figures.get("surface"), corpus)
    if surface:
        notes.append(
            "surface features have the weight that is best on this corpus: F1 "
            f"{_f1(surface, 'within')} with them, {_f1(surface, 'without')} without, "
            f"{_f1(surface, 'held_out')} on {surface['units']} held out of that choice"
        )
    error = held_out_error(figures, corpus)
    if error is not None:
        entities = counted(int(figures["calibration"]["spans"]), "entity", "entities")
        notes.append(
            "the scores were calibrated on this corpus, so their error on it is likely too small; "
            f"over the {entities} of its parts, each held out in turn, the expected calibration "
            f"error is {100 * error:.2f} %"
        )
    return notes


def _chosen_on(found: Any, corpus: str | Path) -> Mapping[str, Any]:
    """What a model says of a choice that was made on that corpus; nothing of other choices."""
    if not isinstance(found, dict) or not found.get("data"):
        return {}
    return found if Path(str(found["data"])).resolve() == Path(corpus).resolve() else {}


def _f1(weighed: Mapping[str, Any], name: str) -> str:
    return f"{100 * weighed[name]['f1']:.2f}"
