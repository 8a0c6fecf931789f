"""Who computes: a thread of the service, or a process of its own behind a pipe."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

from posner.errors import PosnerError
from posner.serve.work import Found, ModelFacts, Task, TextTagger

Loader = Callable[[str], TextTagger]
"""Path of a model to the model; a function that another process can import."""


class EngineDiedError(Exception):
    """The process ended before it answered."""


class EngineGoneError(EngineDiedError):
    """The process had ended before it was asked: what it was to answer is not to blame."""


class TaggingError(Exception):
    """The model could not answer. The message names the kind of error and never holds a text."""


class Engine(Protocol):
    """Some models in memory, that answer one batch at a time."""

    @property
    def facts(self) -> Mapping[str, ModelFacts]:
        """What each model is, by name."""

    @property
    def ended(self) -> asyncio.Future[None]:
        """Done when a started engine can answer no more, whether it was stopped or died."""

    async def start(self) -> None:
        """Load the models.

        Raises:
            PosnerError: one cannot be loaded.
        """

    async def run(self, model: str, tasks: Sequence[Task]) -> list[Found]:
        """Answer tasks, in their order.

        Raises:
            EngineGoneError: the process had ended before.
            EngineDiedError: the process has ended.
            TaggingError: the model could not answer.
        """

    def kill(self) -> bool:
        """End at once, also while loading; whether that can be done.

        `run` then raises `EngineDiedError`, and `stop` waits for nothing.
        """

    async def stop(self) -> None:
        """End, after what is being computed."""


class ThreadEngine:
    """Computes in a thread of this process.

    Args:
        paths: the models' folders by name.
        loader: loads one.
        cores: that the models may compute on, with a thread on each; None: all.
    """

    def __init__(
        self, paths: Mapping[str, str], loader: Loader, cores: Sequence[int] | None = None
    ) -> None:
        self.paths = paths
        self.loader = loader
        self.models: dict[str, TextTagger] = {}
        self.ended = asyncio.get_running_loop().create_future()
        # What a thread may use, the threads that it starts may: so do the model's own.
        self._thread = ThreadPoolExecutor(
            1, "posner-engine", None if cores is None else lambda: keep_to(cores)
        )

    @property
    def facts(self) -> Mapping[str, ModelFacts]:
        """What each model is, by name."""
        return {name: model.facts for name, model in self.models.items()}

    async def start(self) -> None:
        """Load the models; see `Engine`."""
        loop = asyncio.get_running_loop()
        self.models = await loop.run_in_executor(self._thread, load_all, self.paths, self.loader)

    async def run(self, model: str, tasks: Sequence[Task]) -> list[Found]:
        """Answer tasks; see `Engine`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, find, self.models[model], tasks)

    def kill(self) -> bool:
        """A thread cannot be ended by another; see `Engine`."""
        return False

    async def stop(self) -> None:
        """End, after what is being computed."""
        await asyncio.to_thread(self._thread.shutdown)
        if not self.ended.done():
            self.ended.set_result(None)


def keep_to(cores: Sequence[int]) -> None:
    """Let this thread, and those that it starts, use these cores only."""
    if hasattr(os, "sched_setaffinity"):
        with contextlib.suppress(OSError):  # where that is not allowed, the threads are still few
            os.sched_setaffinity(0, cores)


def load_all(paths: Mapping[str, str], loader: Loader) -> dict[str, TextTagger]:
    """Every model by its name."""
    return {name: loader(path) for name, path in paths.items()}


def find(model: TextTagger, tasks: Sequence[Task]) -> list[Found]:
    """Answer tasks; whatever goes wrong becomes a `TaggingError` without any text in it.

    Raises:
        TaggingError: the model could not answer.
    """
    try:
        revision = model.facts.revision
        return [replace(found, revision=revision) for found in model.find(tasks)]
    except PosnerError as error:
        raise TaggingError(error.problem) from error
    except Exception as error:
        raise TaggingError(type(error).__name__) from error
