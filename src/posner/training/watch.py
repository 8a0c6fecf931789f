"""Time, memory, and the user's wish to stop."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType
from typing import Any

import psutil
import torch

from posner.training.console import PassingReporter, Reporter
from posner.training.memory import peak_gigabytes


class Stopwatch:
    """Wall time since it was made."""

    def __init__(self) -> None:
        self._begin = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds since then."""
        return time.perf_counter() - self._begin


def memory_gigabytes(device: torch.device) -> float:
    """The most that this process has used so far, in GB: the GPU's memory, or the machine's."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device)) / 1e9
    peak = peak_gigabytes()
    return float(psutil.Process().memory_info().rss) / 1e9 if peak is None else peak


class Interruption(PassingReporter):
    """Turns Ctrl-C and SIGTERM into a wish that whatever asks its reporter meets at its next step.

    A second Ctrl-C stops at once. Outside the main thread signals cannot be caught and are left.

    Attributes:
        requested: whether the user wants it.
    """

    def __init__(self, shown: Reporter) -> None:
        """Prepare.

        Args:
            shown: is told everything, and may want to stop for reasons of its own.
        """
        super().__init__(shown)
        self.requested = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._request)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def wants_stop(self) -> bool:
        """Whether the user or the one who watches wants it."""
        return self.requested or super().wants_stop()

    def _request(self, number: int, _frame: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
        self.interrupted()
