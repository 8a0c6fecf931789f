"""What to say beside a calibration error on the very corpus that the scores were fitted on."""

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
    found = figures.get("calibration")
    if not isinstance(found, dict) or not found.get("data") or not found.get("spans"):
        return None
    if Path(str(found["data"])).resolve() != Path(corpus).resolve():
        return None
    return float(found["after"]["error"])


def held_out_note(figures: Mapping[str, Any], corpus: str | Path) -> str | None:
    """The same in words; None where the scores were not fitted on this corpus."""
    error = held_out_error(figures, corpus)
    if error is None:
        return None
    entities = counted(int(figures["calibration"]["spans"]), "entity", "entities")
    return (
        "the scores were calibrated on this corpus, so their error on it is likely too small; over "
        f"the {entities} of its parts, each held out in turn, the expected calibration error is "
        f"{100 * error:.2f} %"
    )
