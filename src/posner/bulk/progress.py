"""How far a long tagging has come: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from posner.plural import counted
from posner.sources import Meter

SECONDS = 30.0
"""How often a line is written where there is no terminal."""


class Progress:
    """Shows how much of the input was read, and words per second.

    Args:
        meter: knows how much there is and how much was read.
        console: where it is shown.
    """

    def __init__(self, meter: Meter, console: Console) -> None:
        self._meter = meter
        self._console = console
        self._began = self._said = time.monotonic()
        self.documents = 0
        self.words = 0
        self._bar: Bar | None = None
        if console.is_terminal:
            self._bar = Bar(
                BarColumn(),
                TaskProgressColumn(),
                TextColumn("{task.description}"),
                TimeRemainingColumn(),
                console=console,
                transient=True,
            )
            self._task = self._bar.add_task("reading", total=meter.total or None)

    def __enter__(self) -> Progress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def add(self, words: int, *, ends: bool) -> None:
        """So many words more are tagged, and whether a document ends with them."""
        self.words += words
        self.documents += ends
        now = time.monotonic()
        if self._bar is not None:
            self._bar.update(self._task, completed=self._meter.done, description=self.line())
        elif now - self._said >= SECONDS:
            self._said = now
            share = f"{self._meter.done / self._meter.total:.0%}, " if self._meter.total else ""
            self._console.print(f"{share}{self.line()}", highlight=False, soft_wrap=True)

    def line(self) -> str:
        """`1,200 documents, 34,000 words, 5,100 words/s`; only what this process tagged."""
        done = f"{counted(self.documents, 'document')}, {counted(self.words, 'word')}"
        seconds = max(time.monotonic() - self._began, 1e-3)
        return f"{done}, {self.words / seconds:,.0f} words/s"
