"""Threads that compute beside their caller."""

from __future__ import annotations

import os
import pickle
import signal
import threading
from collections.abc import Callable
from functools import partial

import pytest

from posner.crew import Crew


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_results_come_in_the_order_of_the_jobs(workers: int) -> None:
    crew = Crew(workers)
    jobs = [partial(pow, number, 2) for number in range(20)]
    assert crew.run(jobs) == crew.start(jobs)() == [number**2 for number in range(20)]
    assert crew.run([]) == []


def test_work_begins_before_it_is_asked_for() -> None:
    done = threading.Event()
    wait = Crew(1).start([done.set])
    assert done.wait(5)
    wait()


def test_without_workers_nothing_begins_before() -> None:
    done = threading.Event()
    wait = Crew().start([done.set])
    assert not done.is_set()
    wait()
    assert done.is_set()


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_of_a_job_is_the_callers(workers: int) -> None:
    def fail() -> int:
        raise ValueError("no")

    crew = Crew(workers)
    jobs: list[Callable[[], int]] = [partial(int, 1), fail, partial(int, 2)]
    with pytest.raises(ValueError, match="no"):
        crew.start(jobs)()
    assert crew.run([partial(int, 3), partial(int, 4)]) == [3, 4]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system forks no process")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own() -> None:
    crew = Crew(2)
    jobs = [partial(pow, number, 2) for number in range(4)]
    assert crew.run(jobs) == [0, 1, 4, 9]
    child = os.fork()
    if not child:
        signal.alarm(10)  # where it waits for its parent's threads, it ends so
        os._exit(0 if crew.run(jobs) == [0, 1, 4, 9] else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_crew_is_sent_without_its_threads() -> None:
    crew = Crew(2)
    crew.run([partial(int, 1), partial(int, 2)])
    assert pickle.loads(pickle.dumps(crew)).workers == 2
