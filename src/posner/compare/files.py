"""The files that a comparison leaves: tables and all figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from posner.compare.compare import Comparison
from posner.compare.lines import Duel, Line
from posner.compare.tables import FORMS, Grid
from posner.files import write_json, write_text


def write_tables(out: Path, grids: Sequence[Grid], duels: Sequence[Duel]) -> None:
    """`table.md`, `table.csv` and `table.tex`; the grids after the first are files of their own.

    Markdown holds all of them, and who leads.
    """
    parts = [FORMS["md"](grid) for grid in grids]
    parts[1:1] = ["".join(f"- {duel.sentence()}\n" for duel in duels)] if duels else []
    write_text(out / "table.md", "\n".join(parts))
    for place, grid in enumerate(grids):
        for ending in ("csv", "tex"):
            name = "table" if place == 0 else "labels"
            write_text(out / f"{name}.{ending}", FORMS[ending](grid))


def results_json(
    comparison: Comparison, lines: Sequence[Line], duels: Sequence[Duel]
) -> dict[str, Any]:
    """All figures: by row, by cell, and who leads whom."""
    return {
        "data": asdict(comparison.data),
        "rows": [line.to_json() for line in lines],
        "cells": {
            cell.slug: {
                "system": cell.system.text,
                "share": cell.share,
                "seed": cell.seed,
                "seconds": result.trained.seconds if result.trained else None,
                "figures": result.scored.figures if result.scored else None,
                "error": result.error,
            }
            for cell, result in comparison.results.items()
        },
        "leads": [duel.to_json() for duel in duels],
    }


def write_results(
    out: Path, comparison: Comparison, lines: Sequence[Line], duels: Sequence[Duel]
) -> dict[str, Any]:
    """`results.json`; what it holds."""
    found = results_json(comparison, lines, duels)
    write_json(out / "results.json", found)
    return found
