"""The engines and what keeps them busy: batches to engines, the dead restarted, models replaced."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from posner.errors import PosnerError
from posner.serve.batching import WINDOW, BatchQueue, Job, JobBatch
from posner.serve.engines import Engine, EngineDiedError, EngineGoneError, TaggingError
from posner.serve.errors import ServiceError, stopping
from posner.serve.metrics import Metrics
from posner.serve.work import ModelFacts

log = logging.getLogger("posner.serve")

PAUSES = (0.0, 0.2, 1.0, 5.0)
"""Seconds before an engine is started anew: the first time, the second ..., and ever after."""

GRACE = 5.0
"""Seconds beyond the deadline of a batch's last text, until its engine is killed."""

ATTEMPTS = 2
"""How often a text is computed before it is given up."""


@dataclass
class Slot:
    """A place for an engine, which is empty while one is being started.

    Attributes:
        number: of the place.
        engine: the one in it, if any.
        work: gives it work.
        tries: how often one was started anew since a batch was answered.
    """

    number: int
    engine: Engine | None = None
    work: asyncio.Task[None] | None = None
    tries: int = 0


class Supervisor:
    """Runs engines.

    Args:
        count: how many engines.
        make: makes the one of a place's number, not started.
        queue: where work comes from.
        metrics: is told what happens.

    Attributes:
        facts: what each model is, by name; empty until they are loaded.
        tokens_per_second: an engine's speed of late, with batches that are not small.
        is_measured: whether that is more than a guess.
    """

    def __init__(
        self, count: int, make: Callable[[int], Engine], queue: BatchQueue, metrics: Metrics
    ) -> None:
        self.make = make
        self.queue = queue
        self.metrics = metrics
        self.slots = [Slot(number) for number in range(count)]
        self.facts: Mapping[str, ModelFacts] = {}
        self.tokens_per_second = 1_000.0
        self.is_measured = False
        self._replacing = asyncio.Lock()

    @property
    def ready(self) -> int:
        """How many engines can answer, and have someone who gives them work."""
        return sum(
            slot.engine is not None and slot.work is not None and not slot.work.done()
            for slot in self.slots
        )

    @property
    def backlog(self) -> float:
        """About how many seconds what waits will take."""
        return self.queue.tokens / (self.tokens_per_second * len(self.slots))

    async def start(self) -> None:
        """Load every engine's models, and begin to answer.

        Raises:
            PosnerError: a model cannot be loaded.
        """
        async with self._replacing:
            engines = await self._started()
            for slot, engine in zip(self.slots, engines, strict=True):
                slot.engine = engine
                slot.work = asyncio.create_task(self._serve(slot))
            self.facts = engines[0].facts

    async def stop(self) -> None:
        """End all engines."""
        for slot in self.slots:
            if slot.work is not None:
                slot.work.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await slot.work
        await _all_ended(slot.engine for slot in self.slots if slot.engine is not None)
        for slot in self.slots:
            slot.engine = None

    async def replace(self) -> None:
        """Load the models anew; the old ones answer until all of the new ones can.

        Raises:
            PosnerError: a model cannot be loaded; every engine stays as it is.
        """
        async with self._replacing:
            engines = await self._started()
            former = [slot.engine for slot in self.slots]
            for slot, engine in zip(self.slots, engines, strict=True):
                slot.engine = engine
            self.facts = engines[0].facts
            await _all_ended(engine for engine in former if engine is not None)

    async def _started(self) -> list[Engine]:
        """An engine for each slot, all of them started, or none."""
        engines = [self.make(slot.number) for slot in self.slots]
        try:
            started = await asyncio.gather(*(e.start() for e in engines), return_exceptions=True)
            failures = [result for result in started if isinstance(result, BaseException)]
            if failures:
                raise failures[0]
        except BaseException:
            for engine in engines:
                engine.kill()  # nobody waits until they have loaded
            await _all_ended(engines)
            raise
        return engines

    async def _serve(self, slot: Slot) -> None:
        """Answer batches with the slot's engine, for ever; whatever fails ends no more than it."""
        while True:
            engine = slot.engine
            if engine is None:
                await self._restart(slot)
            elif batch := await self._batch_before(engine.ended):
                await self._serve_batch(slot, batch)
            elif slot.engine is engine:  # else it has been replaced meanwhile
                await self._lose(slot, engine, {"texts": 0})

    async def _batch_before(self, end: asyncio.Future[None]) -> JobBatch | None:
        """The next batch; None if the engine that waits for it ends before."""
        taking = asyncio.create_task(self.queue.take())
        try:
            await asyncio.wait((taking, end), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if not taking.cancel():
                self._fail(taking.result().jobs, stopping())
            raise
        return None if taking.cancel() else taking.result()

    async def _serve_batch(self, slot: Slot, batch: JobBatch) -> None:
        engine = slot.engine  # perhaps another than the one that waited
        assert engine is not None
        try:
            await self._within_time(engine, batch)
            slot.tries = 0
        except Exception as error:
            if not isinstance(error, EngineDiedError):
                log.exception("engine failed")
            if isinstance(error, EngineGoneError):
                self.queue.put_back(batch.jobs)
            else:
                self._try_again(batch.jobs, _died())
            facts = {"texts": len(batch.jobs), "requests": batch.requests}
            await self._lose(slot, engine, facts)

    async def _lose(self, slot: Slot, engine: Engine, facts: dict[str, Any]) -> None:
        """An engine has died: its place is empty, unless there is another by now."""
        self.metrics.deaths.inc()
        log.error("engine died", extra={"facts": facts})
        if slot.engine is engine:
            slot.engine = None
            await _ended(engine)

    async def _within_time(self, engine: Engine, batch: JobBatch) -> None:
        """Answer a batch; where nobody waits for it any more, an engine that can be is killed.

        It may compute something that is too long, or hang: nothing tells the one from the other.
        """
        deadline = max(job.deadline for job in batch.jobs) + GRACE
        seconds = max(0.0, deadline - time.monotonic())
        timer = asyncio.get_running_loop().call_later(seconds, _kill, engine)
        try:
            await self._answer(engine, batch)
        except asyncio.CancelledError:  # the service ends, after all requests
            engine.kill()
            raise
        finally:
            timer.cancel()

    async def _answer(self, engine: Engine, batch: JobBatch) -> None:
        begin = time.monotonic()
        for job in batch.jobs:
            self.metrics.queue_seconds.observe(begin - job.queued)
        try:
            found = await engine.run(batch.model, [job.task for job in batch.jobs])
        except TaggingError as error:
            facts = {"kind": str(error), "requests": batch.requests}
            log.error("tagging failed", extra={"facts": facts})
            self._try_again(batch.jobs, _failed())
            return
        except asyncio.CancelledError:
            self._fail(batch.jobs, stopping())
            raise
        seconds = time.monotonic() - begin
        self.metrics.computed(batch, found, seconds)
        self._measure(batch, seconds)
        # The next part of a long text comes behind those who wait.
        self.queue.put(
            [j for j, result in zip(batch.jobs, found, strict=True) if not j.add(result)]
        )

    def _measure(self, batch: JobBatch, seconds: float) -> None:
        """Learn the speed; a small batch is slow, and says little of one when many wait."""
        if batch.load.padded < max(self.queue.budget // 2, WINDOW):
            return
        speed = batch.load.tokens / max(seconds, 1e-6)
        weight = 0.2 if self.is_measured else 1.0
        self.tokens_per_second += weight * (speed - self.tokens_per_second)
        self.is_measured = True

    async def _restart(self, slot: Slot) -> None:
        """Start a new engine in the slot; that is tried until it works."""
        while slot.engine is None:
            await asyncio.sleep(PAUSES[min(slot.tries, len(PAUSES) - 1)])
            slot.tries += 1
            engine = None
            try:
                engine = self.make(slot.number)
                await engine.start()
            except Exception as error:  # of the machine, too: no memory, no place for a process
                told = error.line() if isinstance(error, PosnerError) else type(error).__name__
                log.error("engine not restarted", extra={"facts": {"error": told}})
                if engine is not None:
                    await _ended(engine)
                continue
            except BaseException:  # the service ends
                if engine is not None:
                    engine.kill()
                    await _ended(engine)
                raise
            await _fill(slot, engine)

    def _try_again(self, jobs: list[Job], error: ServiceError) -> None:
        """Once more, each by itself, so that one text cannot spoil the others' second try."""
        for job in jobs:
            job.attempts += 1
        self.queue.put_back([job for job in jobs if job.attempts < ATTEMPTS])
        self._fail([job for job in jobs if job.attempts >= ATTEMPTS], error)

    def _fail(self, jobs: list[Job], error: ServiceError) -> None:
        for job in jobs:
            if not job.answer.done():
                job.answer.set_exception(error)


async def _fill(slot: Slot, engine: Engine) -> None:
    """Put an engine in the place of a dead one, unless there is another by now."""
    if slot.engine is None:
        slot.engine = engine
        log.warning("engine restarted")
    else:
        await _ended(engine)


def _kill(engine: Engine) -> None:
    if engine.kill():
        log.error("engine killed: it answers too late")


async def _ended(engine: Engine) -> None:
    """End an engine, after what it computes; that it cannot be ended well ends nothing else."""
    try:
        await engine.stop()
    except Exception:
        log.exception("engine not ended well")


async def _all_ended(engines: Iterable[Engine]) -> None:
    """End engines, after what they compute; at once if this is cancelled."""
    ending = list(engines)
    try:
        await asyncio.gather(*map(_ended, ending))
    except asyncio.CancelledError:
        for engine in ending:
            engine.kill()
        raise


def _died() -> ServiceError:
    message = "the inference process ended twice while it worked on this"
    return ServiceError(503, "engine_died", message, retry_after=1)


def _failed() -> ServiceError:
    return ServiceError(500, "internal", "the model could not tag this text")
