"""Threads that compute while their caller reads, splits words and decodes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


class Crew:
    """Some threads, started when they are first needed; any thread may call them.

    They are of use for work that lets go of Python's lock, as a network's does. A process that was
    forked has none of its parent's threads, and starts its own; so does one that a crew is sent to.

    Args:
        workers: how many; with 0 the caller does everything itself, when it asks for the results.
    """

    def __init__(self, workers: int = 0) -> None:
        self.workers = workers
        self._started: tuple[int, ThreadPoolExecutor] | None = None

    @property
    def _pool(self) -> ThreadPoolExecutor:
        process = os.getpid()
        if self._started is None or self._started[0] != process:
            pool = ThreadPoolExecutor(self.workers, thread_name_prefix="posner")
            self._started = process, pool
        return self._started[1]

    def __reduce__(self) -> tuple[Any, ...]:
        return Crew, (self.workers,)

    def start(self, jobs: Sequence[Callable[[], Result]]) -> Callable[[], list[Result]]:
        """Begin with jobs; the function that is returned waits for their results, in order.

        The first error of a job is raised there, and jobs that nobody began are dropped.
        """
        if not self.workers:
            return lambda: [job() for job in jobs]
        futures = [self._pool.submit(job) for job in jobs]

        def wait() -> list[Result]:
            try:
                return [future.result() for future in futures]
            finally:
                for future in futures:
                    future.cancel()

        return wait

    def run(self, jobs: Sequence[Callable[[], Result]]) -> list[Result]:
        """The results of jobs; a single one is not worth another thread."""
        return [job() for job in jobs] if len(jobs) < 2 else self.start(jobs)()
