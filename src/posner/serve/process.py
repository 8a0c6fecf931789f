"""An engine in a process of its own, so that what ends it does not end the service."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import os
import signal
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from posner.errors import ModelError, PosnerError
from posner.serve.engines import (
    EngineDiedError,
    EngineGoneError,
    Loader,
    TaggingError,
    find,
    keep_to,
    load_all,
)
from posner.serve.logs import log_json_lines
from posner.serve.work import Found, ModelFacts, Task

log = logging.getLogger("posner.serve")

THREAD_VARIABLES = ("OMP_NUM_THREADS", "RAYON_NUM_THREADS")


@dataclass(frozen=True)
class Loaded:
    """A process's first message: its models are in memory."""

    facts: dict[str, ModelFacts]


@dataclass(frozen=True)
class Failed:
    """A message that tells what went wrong."""

    message: str


class ProcessEngine:
    """Computes in a process of its own.

    Args:
        paths: the models' folders by name.
        loader: loads one; a function that another process can import.
        cores: that the process may use, with a thread on each.
    """

    def __init__(self, paths: Mapping[str, str], loader: Loader, cores: Sequence[int]) -> None:
        self.paths = dict(paths)
        self.loader = loader
        self.cores = tuple(cores)
        self.facts: Mapping[str, ModelFacts] = {}
        self.ended = asyncio.get_running_loop().create_future()
        self._watched: int | None = None
        self._killed = False
        self._process: Any = None
        self._connection: Connection[Any, Any] | None = None
        # Sending and receiving block, so they have a thread; it also keeps batches apart.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="posner-engine")

    @property
    def pid(self) -> int | None:
        """The process's number."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start the process and wait until its models are loaded; see `Engine`."""
        loop = asyncio.get_running_loop()
        try:
            message = await loop.run_in_executor(self._thread, self._start)
        except EngineDiedError as error:
            raise ModelError("the process that loads the model ended") from error
        if isinstance(message, Failed):
            await self.stop()
            raise PosnerError(message.message)
        assert isinstance(message, Loaded)
        self.facts = message.facts
        self._watched = self._process.sentinel  # readable when the process has ended
        loop.add_reader(self._watched, self._note_end)

    def _start(self) -> Any:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self._connection = ours
        self._process = context.Process(
            target=serve_pipe,
            args=(theirs, self.paths, self.loader, self.cores),
            name="posner-engine",
            daemon=True,
        )
        self._process.start()
        if self._killed:  # before there was anything to kill
            self._process.kill()
        theirs.close()  # or the end of the process would not end the pipe
        return self._receive()

    async def run(self, model: str, tasks: Sequence[Task]) -> list[Found]:
        """Answer tasks; see `Engine`."""
        loop = asyncio.get_running_loop()
        message = await loop.run_in_executor(self._thread, self._ask, (model, list(tasks)))
        if isinstance(message, Failed):
            raise TaggingError(message.message)
        assert isinstance(message, list)
        return message

    def _ask(self, message: Any) -> Any:
        assert self._connection is not None
        if wait([self._process.sentinel], 0):
            raise EngineGoneError
        try:
            self._connection.send(message)
        except OSError as error:
            raise EngineDiedError from error
        return self._receive()

    def _receive(self) -> Any:
        assert self._connection is not None
        try:
            return self._connection.recv()
        except (EOFError, OSError) as error:
            raise EngineDiedError from error

    def kill(self) -> bool:
        """End the process at once; see `Engine`."""
        self._killed = True
        process = self._process
        with contextlib.suppress(ValueError):  # it has ended, and is closed meanwhile
            if process is not None and process.pid is not None:
                process.kill()
                return True
        return False

    async def stop(self) -> None:
        """End, after what is being computed."""
        self._note_end()
        await asyncio.to_thread(self._stop)

    def _note_end(self) -> None:
        """The process has ended, or is about to."""
        if self._watched is not None:
            asyncio.get_running_loop().remove_reader(self._watched)
            self._watched = None
        if not self.ended.done():
            self.ended.set_result(None)

    def _stop(self) -> None:
        self._thread.shutdown()
        if self._connection is not None:
            self._connection.close()  # the process ends with its pipe
        if self._process is not None and self._process.pid is not None:
            self._process.join(5)
            if self._process.is_alive():
                self._process.kill()
                self._process.join(5)
            with contextlib.suppress(ValueError):  # another thread has just asked how it ended
                self._process.close()
            self._process = None


def serve_pipe(
    connection: Connection[Any, Any],
    paths: Mapping[str, str],
    loader: Loader,
    cores: Sequence[int],
) -> None:
    """What the process does: load the models, then answer batches until the pipe ends."""
    log_json_lines()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # the service says what to do
        signal.signal(number, signal.SIG_IGN)
    keep_to(cores)
    for name in THREAD_VARIABLES:
        os.environ[name] = str(len(cores))
    with contextlib.suppress(EOFError, OSError):
        try:
            models = load_all(paths, loader)
        except PosnerError as error:
            connection.send(Failed(error.line()))
            return
        except Exception as error:
            log.exception("models not loaded")
            connection.send(Failed(f"the models cannot be loaded (got {type(error).__name__})"))
            return
        connection.send(Loaded({name: model.facts for name, model in models.items()}))
        while True:
            name, tasks = connection.recv()
            try:
                answer: list[Found] | Failed = find(models[name], tasks)
            except TaggingError as error:
                answer = Failed(str(error))
            connection.send(answer)
