"""The service without HTTP: its models, its queue, its engines, and how a request is answered."""

from __future__ import annotations

import asyncio
import functools
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, ParamSpec, TypeVar

from fastapi import Request

from posner.errors import PosnerError
from posner.serve.batching import BatchQueue, Job
from posner.serve.engines import Engine, Loader, ThreadEngine
from posner.serve.errors import ServiceError, given_up, too_much, wrong_field
from posner.serve.metrics import Metrics
from posner.serve.process import ProcessEngine
from posner.serve.settings import ServeSettings
from posner.serve.supervisor import Supervisor
from posner.serve.work import Found, ModelFacts, Task

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger("posner.serve")


class Service:
    """Answers texts with models.

    Args:
        models: folders by name; the first is the default.
        settings: every setting.
        api_key: what clients must know; empty: nothing.
        loader: loads a model's folder.

    Attributes:
        stopping: set when the service begins to end: what has no end is then given one.
    """

    def __init__(
        self,
        models: Mapping[str, str],
        settings: ServeSettings,
        loader: Loader,
        api_key: str = "",
    ) -> None:
        self.models = dict(models)
        self.settings = settings
        self.api_key = api_key
        self.metrics = Metrics(settings.batch_tokens)
        self.queue = BatchQueue(settings.batch_tokens, settings.batch_wait / 1000)
        self.failure: PosnerError | None = None
        self.stopping = asyncio.Event()
        self._accepted = 0
        self._replacing: set[asyncio.Task[bool]] = set()
        make = functools.partial(_make_engine, self.models, settings, loader)
        self.supervisor = Supervisor(settings.workers, make, self.queue, self.metrics)
        self._gauges()

    def _gauges(self) -> None:
        gauge = self.metrics.gauge
        gauge("posner_queue_texts", "Texts that wait", lambda: self.queue.depth)
        gauge("posner_queue_tokens", "Tokens that wait", lambda: self.queue.tokens)
        gauge("posner_requests_open", "Requests being answered", lambda: self._accepted)
        gauge("posner_engines_ready", "Engines that can answer", lambda: self.supervisor.ready)

    @property
    def default(self) -> str:
        """The default model's name."""
        return next(iter(self.models))

    @property
    def is_loaded(self) -> bool:
        """Whether the models were loaded."""
        return bool(self.supervisor.facts)

    async def load(self) -> None:
        """Load the models; a failure is kept in `failure`."""
        try:
            await self.supervisor.start()
            log.info("models loaded")
        except PosnerError as error:
            self.failure = error
        except Exception as error:
            log.exception("models not loaded")
            self.failure = PosnerError("the models cannot be loaded", got=type(error).__name__)

    async def stop(self) -> None:
        """End, after what is being computed; models that are being loaded are given up."""
        for task in self._replacing:
            task.cancel()
        await asyncio.gather(*self._replacing, return_exceptions=True)
        await self.supervisor.stop()

    async def replace(self) -> None:
        """Load the models anew from their folders, while the old ones answer.

        Raises:
            ServiceError: there are none yet, or one cannot be loaded and the old ones go on.
        """
        if not self.is_loaded:
            raise _loading()
        if not await asyncio.shield(self.replacing()):
            message = "the models cannot be loaded, the former ones go on; the log says why"
            raise ServiceError(409, "not_replaced", message)

    def replacing(self) -> asyncio.Task[bool]:
        """Begin to replace the models; whether it was done. Why it was not, only the log says."""
        task = asyncio.create_task(self._replace())
        self._replacing.add(task)
        task.add_done_callback(self._replacing.discard)
        return task

    async def _replace(self) -> bool:
        if not self.is_loaded:
            log.warning("models not replaced: there are none yet")
            return False
        try:
            await self.supervisor.replace()
        except PosnerError as error:
            log.error("models not replaced", extra={"facts": {"error": error.line()}})
            return False
        except Exception:
            log.exception("models not replaced")
            return False
        log.info("models replaced")
        return True

    def facts(self, name: str | None, field: str = "parameters.model") -> tuple[str, ModelFacts]:
        """A model's name and what it is; without a name the default one.

        Raises:
            ServiceError: no such model, or it is not loaded yet.
        """
        chosen = self.default if name is None else name
        if chosen not in self.models:
            raise wrong_field(field, f"no such model, expected one of {', '.join(self.models)}")
        if chosen not in self.supervisor.facts:
            raise _loading()
        return chosen, self.supervisor.facts[chosen]

    @contextmanager
    def accepted(self) -> Iterator[None]:
        """A place for one request.

        Raises:
            ServiceError: there is none, or it would be answered too late.
        """
        seconds, backlog = self.settings.max_seconds, self.supervisor.backlog
        if self._accepted >= self.settings.max_concurrent:
            raise _overloaded(f"{self._accepted} requests are being answered already", backlog)
        if self.supervisor.is_measured and backlog > seconds:
            raise _overloaded(f"what waits already takes more than {seconds:g} seconds", backlog)
        self._accepted += 1
        try:
            yield
        finally:
            self._accepted -= 1

    async def in_thread(self, call: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
        """What a request needs besides models, from a thread, within the limits of all requests.

        Raises:
            ServiceError: there is no place for the request, or it takes too long.
        """
        seconds = self.settings.max_seconds
        with self.accepted():
            try:
                async with asyncio.timeout(seconds):
                    return await asyncio.to_thread(call, *args, **named)
            except TimeoutError:
                raise given_up(seconds) from None

    async def check_count(self, request: Request) -> None:
        """Refuse more texts than are taken before each of them is looked at; a route's dependency.

        Raises:
            ServiceError: there are more.
        """
        with suppress(ValueError, RecursionError):  # what is no JSON is told by those who need it
            body = await request.json()
            for name in ("inputs", "texts"):
                texts = body.get(name) if isinstance(body, dict) else None
                if isinstance(texts, list):
                    self._check_count(len(texts))

    def _check_count(self, texts: int) -> None:
        if texts > self.settings.max_texts:
            raise too_much(f"{texts:,} texts, at most {self.settings.max_texts:,} are taken")

    def check_size(self, texts: Sequence[str]) -> None:
        """Refuse more than the limits allow.

        Raises:
            ServiceError: it is more.
        """
        settings = self.settings
        self._check_count(len(texts))
        characters = sum(map(len, texts))
        if characters > settings.max_chars:
            raise too_much(f"{characters:,} characters, at most {settings.max_chars:,} are taken")

    async def find(self, request: Request, model: str, tasks: Sequence[Task]) -> list[Found]:
        """Answer a request's tasks; what nobody waits for any more is not computed.

        Raises:
            ServiceError: too much, too late, the client is gone, or an engine's failure.
        """
        self.check_size([task.text for task in tasks])
        gone = asyncio.create_task(hang_up(request))
        try:
            return await self.answer(model, tasks, gone, request_id(request))
        finally:
            gone.cancel()

    async def answer(
        self,
        model: str,
        tasks: Sequence[Task],
        gone: asyncio.Future[None] | None = None,
        request: str = "",
    ) -> list[Found]:
        """Answer tasks of a request, by its id, unless `gone` is done first; see `find`."""
        seconds = self.settings.max_seconds
        loop = asyncio.get_running_loop()
        deadline = time.monotonic() + seconds
        jobs = [Job(model, task, loop.create_future(), deadline, request) for task in tasks]
        self.queue.put(jobs)
        answers = asyncio.gather(*(job.answer for job in jobs))
        answers.add_done_callback(_looked_at)
        try:
            watched: set[asyncio.Future[Any]] = {answers} if gone is None else {answers, gone}
            await asyncio.wait(watched, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if answers.done():
                return list(answers.result())
            if gone is not None and gone.done():
                raise ServiceError(499, "client_gone", "the client has hung up")
            raise given_up(seconds)
        finally:
            dropped = sum(not job.answer.done() for job in jobs)
            self.metrics.dropped.inc(dropped)
            answers.cancel()
            for job in jobs:
                job.answer.cancel()
            self.queue.forget(jobs)


def _overloaded(message: str, backlog: float) -> ServiceError:
    wait = min(30, max(1, math.ceil(backlog)))
    return ServiceError(429, "overloaded", message, retry_after=wait)


def _loading() -> ServiceError:
    return ServiceError(503, "loading", "the models are being loaded", retry_after=2)


def request_id(request: Request) -> str:
    """A request's id in the log."""
    return str(request.scope.get("posner.id", ""))


def _looked_at(answers: asyncio.Future[Any]) -> None:
    """What nobody waits for any more ends with an error that nobody has to be told of."""
    if not answers.cancelled():
        answers.exception()


async def hang_up(request: Request) -> None:
    """Wait until the client has gone; the request's body has been read before."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _make_engine(
    models: Mapping[str, str], settings: ServeSettings, loader: Loader, number: int
) -> Engine:
    if settings.workers == 1:
        return ThreadEngine(models, loader, settings.engine_cores(0) if settings.threads else None)
    return ProcessEngine(models, loader, settings.engine_cores(number))
