"""Processes that load and answer: what becomes of them, and what they do not hold up."""

from __future__ import annotations

import asyncio
import json
import math
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import serving
from posner.errors import PosnerError
from posner.serve.batching import Job
from posner.serve.engines import EngineGoneError
from posner.serve.errors import ServiceError
from posner.serve.process import ProcessEngine
from posner.serve.service import Service
from posner.serve.settings import ServeSettings
from posner.serve.work import Task, Wanted
from serving import service, wait_until


def test_what_would_be_answered_too_late_is_told_when_to_come_again() -> None:
    async def check(made: Service) -> None:
        await made.load()
        future = asyncio.get_running_loop().create_future()
        jobs = [Job("rules", Task("x" * 4000, Wanted()), future, math.inf) for _ in range(100)]
        for slot in made.supervisor.slots:
            assert slot.work is not None
            slot.work.cancel()  # so that they wait
        with made.accepted():
            made.queue.put(jobs)
        with made.accepted():  # nobody knows yet how long they take
            made.supervisor.is_measured = True
            made.supervisor.tokens_per_second = made.queue.tokens / 5
        made.supervisor.tokens_per_second = made.queue.tokens / 12
        with pytest.raises(ServiceError, match="10 seconds") as told:
            made.accepted().__enter__()
        assert (told.value.status, told.value.retry_after) == (429, 12)
        await made.stop()

    asyncio.run(check(service(max_seconds=10.0)))


def test_a_dead_process_is_given_nothing() -> None:
    async def check() -> None:
        engine = ProcessEngine({"rules": "rules"}, serving.load_rules, (0,))
        await engine.start()
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGKILL)
        await asyncio.wait_for(engine.ended, 20)
        with pytest.raises(EngineGoneError):
            await engine.run("rules", [Task("Ada", Wanted())])
        await engine.stop()

    asyncio.run(check())


def load_or_hang(path: str) -> serving.RuleTagger:
    """Loads no more where there is a file that says so."""
    folder = Path(path)
    if (folder / "hang").exists():
        (folder / f"hangs-{os.getpid()}").touch()
        signal.pause()
    return serving.RuleTagger(path)


def test_models_that_are_being_loaded_do_not_hold_up_the_end(tmp_path: Path) -> None:
    def loading(count: int) -> None:
        wait_until(lambda: len(list(tmp_path.glob("hangs-*"))) == count)

    async def check(made: Service) -> None:
        loads = asyncio.create_task(made.load())
        await asyncio.to_thread(loading, 2)
        loads.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(loads, 20)
        assert not multiprocessing.active_children()
        (tmp_path / "hang").unlink()
        await made.load()
        assert made.supervisor.ready == 2
        (tmp_path / "hang").touch()
        replacing = made.replacing()
        await asyncio.to_thread(loading, 4)
        await asyncio.wait_for(made.stop(), 20)
        assert replacing.cancelled()
        assert not multiprocessing.active_children()

    (tmp_path / "hang").touch()
    asyncio.run(check(Service({"rules": str(tmp_path)}, ServeSettings(workers=2), load_or_hang)))


def load_badly(path: str) -> serving.RuleTagger:
    """A loader with a defect."""
    raise ValueError(path)


def test_a_process_that_fails_to_load_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    async def check() -> None:
        engine = ProcessEngine({"rules": "rules"}, load_badly, (0,))
        with pytest.raises(PosnerError, match="ValueError"):
            await engine.start()

    asyncio.run(check())
    told = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line["exception"] for line in told] == ["ValueError"]


def test_a_signal_to_all_processes_concerns_the_service_alone() -> None:
    async def check() -> None:
        engine = ProcessEngine({"rules": "rules"}, serving.load_rules, (0,))
        await engine.start()
        assert engine.pid is not None
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            os.kill(engine.pid, number)
        [found] = await engine.run("rules", [Task("Ada", Wanted())])
        assert [entity["word"] for entity in found.entities] == ["Ada"]
        await engine.stop()

    asyncio.run(check())


WARNING = """
import warnings
from posner.serve.logs import log_json_lines
log_json_lines()
warnings.warn("a model grows old")
"""


def test_warnings_are_lines_of_the_log() -> None:
    told = subprocess.run(
        [sys.executable, "-c", WARNING], capture_output=True, check=True, text=True
    )
    [line] = told.stderr.splitlines()
    assert "a model grows old" in json.loads(line)["event"]


def test_an_engine_that_is_being_restarted_does_not_hold_up_the_end(tmp_path: Path) -> None:
    async def check(made: Service) -> None:
        await made.load()
        (tmp_path / "hang").touch()
        for slot in made.supervisor.slots:
            assert isinstance(slot.engine, ProcessEngine)
            slot.engine.kill()
        await asyncio.to_thread(wait_until, lambda: len(list(tmp_path.glob("hangs-*"))) == 2)
        await asyncio.wait_for(made.stop(), 20)
        assert not multiprocessing.active_children()

    asyncio.run(check(Service({"rules": str(tmp_path)}, ServeSettings(workers=2), load_or_hang)))


def test_before_the_models_are_loaded_there_is_nothing_to_replace() -> None:
    async def check(made: Service) -> None:
        with pytest.raises(ServiceError) as told:
            await made.replace()
        assert told.value.status == 503
        assert not await made.replacing()

    asyncio.run(check(service()))
