"""What a training says while it runs: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from posner.training.run import MetricsLine, StepLine

SECONDS_BETWEEN_LINES = 30.0

Working = AbstractContextManager[Callable[[int], None]]
"""A block of work that calls what it is given with how much is done."""


class Reporter:
    """What the loop tells whoever watches. This one, for all processes but one, is silent."""

    def say(self, text: str) -> None:
        """A line of its own."""

    def begin(self, done: int, total: int) -> None:
        """Training starts (or goes on) at step `done` of `total`."""

    def step(self, done: int, pieces_per_second: float, seconds_left: float) -> None:
        """A step is finished."""

    def stepped(self, line: StepLine) -> None:
        """What a step came to, where its caller keeps no record of its own."""

    def wants_stop(self) -> bool:
        """Whether the training should end at a checkpoint now, as if the user had stopped it."""
        return False

    def interrupted(self) -> None:
        """The user wants all to end, which no outcome of this training may hide."""

    def evaluating(self) -> None:
        """The dev set is being tagged."""

    def evaluated(self, line: MetricsLine) -> None:
        """An evaluation is finished."""

    def end(self) -> None:
        """No more steps will come."""

    def working(self, unit: str, total: int) -> Working:
        """Work on so many of a unit, such as words, before the first step or after the last."""
        del unit, total
        return nullcontext(lambda _: None)


class PassingReporter(Reporter):
    """Passes everything on."""

    def __init__(self, shown: Reporter) -> None:
        self.shown = shown

    def say(self, text: str) -> None:
        """Pass it on."""
        self.shown.say(text)

    def begin(self, done: int, total: int) -> None:
        """Pass it on."""
        self.shown.begin(done, total)

    def step(self, done: int, pieces_per_second: float, seconds_left: float) -> None:
        """Pass it on."""
        self.shown.step(done, pieces_per_second, seconds_left)

    def stepped(self, line: StepLine) -> None:
        """Pass it on."""
        self.shown.stepped(line)

    def wants_stop(self) -> bool:
        """Ask on."""
        return self.shown.wants_stop()

    def interrupted(self) -> None:
        """Pass it on."""
        self.shown.interrupted()

    def evaluating(self) -> None:
        """Pass it on."""
        self.shown.evaluating()

    def evaluated(self, line: MetricsLine) -> None:
        """Pass it on."""
        self.shown.evaluated(line)

    def end(self) -> None:
        """Pass it on."""
        self.shown.end()

    def working(self, unit: str, total: int) -> Working:
        """Pass it on."""
        return self.shown.working(unit, total)


class PlainReporter(Reporter):
    """Lines for a log file: every evaluation, and now and then how far it is."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._total = 0
        self._last = 0.0

    def say(self, text: str) -> None:
        """A line of its own."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def begin(self, done: int, total: int) -> None:
        """Remember the total; a plain log has no bar to set to `done`."""
        del done
        self._total, self._last = total, time.monotonic()

    def step(self, done: int, pieces_per_second: float, seconds_left: float) -> None:
        """A line every half minute."""
        if time.monotonic() - self._last >= SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            self.say(
                f"step {done}/{self._total}  {pieces_per_second:,.0f} pieces/s  "
                f"{clock(seconds_left)} left"
            )

    def evaluated(self, line: MetricsLine) -> None:
        """The evaluation on one line."""
        cells = "  ".join(
            f"{name} {cell}" for name, cell in zip(_COLUMNS, _cells(line), strict=True)
        )
        self.say(cells + ("  (best so far)" if line.best else ""))
        self._last = time.monotonic()

    @contextmanager
    def working(self, unit: str, total: int) -> Iterator[Callable[[int], None]]:
        """A line every half minute."""
        begin = last = time.monotonic()

        def tell(done: int) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= SECONDS_BETWEEN_LINES:
                last = now
                left = clock((now - begin) / max(done, 1) * (total - done))
                self.say(f"{done:,} of {total:,} {unit}, {left} left")

        yield tell


class LiveReporter(Reporter):
    """A table that grows by a row an evaluation, with a bar below it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rows: list[MetricsLine] = []
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            console=console,
        )
        self._task: TaskID | None = None
        self._live: Live | None = None

    def say(self, text: str) -> None:
        """A line above the table."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def begin(self, done: int, total: int) -> None:
        """Show the table."""
        self._task = self._bar.add_task("training", total=total, completed=done, speed="")
        self._live = Live(self._view(), console=self._console, refresh_per_second=4)
        self._live.start()

    def step(self, done: int, pieces_per_second: float, seconds_left: float) -> None:
        """Move the bar."""
        if self._task is not None:
            speed = f"{pieces_per_second:,.0f} pieces/s, {clock(seconds_left)} left"
            self._bar.update(self._task, completed=done, description="training", speed=speed)

    def evaluating(self) -> None:
        """Say so in the bar."""
        if self._task is not None:
            self._bar.update(self._task, description="evaluating")

    def evaluated(self, line: MetricsLine) -> None:
        """Add a row."""
        self._rows.append(line)
        if self._live is not None:
            self._live.update(self._view())

    def end(self) -> None:
        """Leave the table, without the bar, on the screen."""
        if self._live is not None:
            self._live.update(self._table() if self._rows else "")
            self._live.stop()

    @contextmanager
    def working(self, unit: str, total: int) -> Iterator[Callable[[int], None]]:
        """A bar that goes when the work is done."""
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn(unit), TimeRemainingColumn())
        with Progress(*columns, console=self._console, transient=True) as bar:
            task = bar.add_task(unit, total=total)
            yield lambda done: bar.update(task, completed=done)

    def _view(self) -> RenderableType:
        return Group(self._table(), self._bar) if self._rows else self._bar

    def _table(self) -> Table:
        table = Table(*_COLUMNS, "", box=None, pad_edge=False, header_style="bold")
        for column in table.columns:
            column.justify = "right"
        best = max((i for i, row in enumerate(self._rows) if row.best), default=-1)
        for i, row in enumerate(self._rows):
            mark = "best" if i == best else ""
            table.add_row(*_cells(row), mark, style="bold green" if i == best else None)
        return table


_COLUMNS = ("epoch", "train loss", "dev loss", "P", "R", "F1", "pieces/s", "time")


def _cells(line: MetricsLine) -> tuple[str, ...]:
    return (
        str(line.epoch),
        f"{line.train_loss:.4f}",
        f"{line.dev_loss:.4f}",
        f"{100 * line.precision:.2f}",
        f"{100 * line.recall:.2f}",
        f"{100 * line.f1:.2f}",
        f"{line.pieces_per_second:,.0f}",
        clock(line.seconds),
    )


def clock(seconds: float) -> str:
    """`m:ss`, or `h:mm:ss` from an hour on."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{whole % 60:02d}"
    return f"{minutes}:{whole % 60:02d}"


def reporter_for(console: Console) -> Reporter:
    """The live table where the console is a terminal, plain lines elsewhere."""
    return LiveReporter(console) if console.is_terminal else PlainReporter(console)
