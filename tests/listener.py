"""A reporter for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from posner.training.console import Reporter
from posner.training.run import MetricsLine, StepLine


class Listener(Reporter):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.lines: list[MetricsLine] = []
        self.steps: list[StepLine] = []
        self.worked: list[tuple[str, int, int]] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def evaluated(self, line: MetricsLine) -> None:
        self.lines.append(line)

    def stepped(self, line: StepLine) -> None:
        self.steps.append(line)

    @contextmanager
    def working(self, unit: str, total: int) -> Iterator[Callable[[int], None]]:
        yield lambda done: self.worked.append((unit, done, total))
