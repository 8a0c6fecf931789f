"""Threads that compute while their caller reads, splits words and decodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TypeVar

Result = TypeVar("Result")


class Crew:
    """Some threads, started when they are first needed; any thread may call them.

    They are of use for work that lets go of Python's lock, as a network's does.

    Args:
        workers: how many; with 0 the caller does everything itself, when it asks for the results.
    """

    def __init__(self, workers: int = 0) -> None:
        self.workers = workers

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.workers, thread_name_prefix="posner")

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
