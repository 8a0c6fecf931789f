"""What a search says while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from posner.evaluation.report import percent
from posner.search.report import FAILED, FINISHED, TrialRow, short_names, shown
from posner.search.space import Space
from posner.training.console import Reporter, clock, reporter_for


class Watcher:
    """Is told how a search goes. This one is silent."""

    def reporter(self) -> Reporter:
        """Who shall be told how the next trial's training goes."""
        return Reporter()

    def begins(self, number: int, values: Mapping[str, Any], space: Space, again: bool) -> None:
        """A trial begins; `again`: goes on where it was interrupted."""

    def ended(self, row: TrialRow, best: bool) -> None:
        """A trial has ended."""


class ConsoleWatcher(Watcher):
    """A line when a trial begins and one when it ends; between them, its training."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def reporter(self) -> Reporter:
        """The reporter of `posner train`."""
        return reporter_for(self._console)

    def begins(self, number: int, values: Mapping[str, Any], space: Space, again: bool) -> None:
        """The trial's parameters."""
        names = short_names(space)
        listed = ", ".join(f"{names[name]} {shown(value)}" for name, value in values.items())
        self._print(f"trial {number}{' goes on' if again else ''}: {listed}")

    def ended(self, row: TrialRow, best: bool) -> None:
        """Its F1, or why it has none."""
        if row.state == FAILED:
            self._print(f"trial {row.number} failed: {row.why}")
            return
        ended = "" if row.state == FINISHED else f"{row.state}, "
        self._print(
            f"trial {row.number}: {ended}F1 {percent(row.f1)} after epoch {row.epochs}, "
            f"{clock(row.seconds)}" + (" (best so far)" if best else "")
        )

    def _print(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)
