"""Where requests meet: texts wait a few milliseconds for others; batches by padded tokens."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from posner.segment.passages import PASSAGE
from posner.serve.parts import joined
from posner.serve.work import Found, Place, Task

WINDOW = 512
"""Tokens that one row of a batch holds; a longer text is several rows."""

LOOK_AHEAD = 512
"""Waiting texts that are looked at to fill a batch."""


def token_estimate(text: str) -> int:
    """About how many pieces a text has: one for four bytes of UTF-8, and two special ones."""
    return len(text.encode("utf-8", "surrogatepass")) // 4 + 3


@dataclass(eq=False)
class Job:
    """A text that waits for its answer.

    Attributes:
        model: the model's name.
        task: what is to be done.
        answer: done when someone has answered, or given up.
        request: the id of the request that it is part of, if any.
        deadline: `time.monotonic()` after which nobody waits for it.
        queued: when it came.
        tokens: estimated pieces of the text's part that comes next.
        found: what was found in the parts before.
        attempts: how often it was computed in vain; from then on it is computed alone.
        waits: whether a queue counts it.
    """

    model: str
    task: Task
    answer: asyncio.Future[Found]
    deadline: float
    request: str = ""
    queued: float = field(default_factory=time.monotonic)
    tokens: int = 0
    attempts: int = 0
    found: list[Found] = field(default_factory=list)
    waits: bool = False

    def __post_init__(self) -> None:
        self._estimate()

    def _estimate(self) -> None:
        start = self.task.place.start
        self.tokens = token_estimate(self.task.text[start : start + PASSAGE])

    def add(self, found: Found) -> bool:
        """Take what was found in the text's part; whether that was its last, and it is answered.

        What another model than the one before has found is no part of the same answer.
        """
        if self.found and self.found[-1].revision != found.revision:  # the model was replaced
            self.found = []
            rest: Place | None = Place()
        else:
            self.found.append(found)
            rest = found.rest
        if rest is None:
            if not self.answer.done():
                self.answer.set_result(joined(self.found))
            return True
        self.task = replace(self.task, place=rest)
        self.queued = time.monotonic()
        self._estimate()
        return False

    @property
    def is_given_up(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self.answer.done() or time.monotonic() >= self.deadline


@dataclass
class Load:
    """How full a batch is: rows of at most `WINDOW` tokens, all as long as the longest."""

    rows: int = 0
    longest: int = 0
    tokens: int = 0

    @property
    def padded(self) -> int:
        """Tokens with padding."""
        return self.rows * self.longest

    def plus(self, tokens: int) -> Load:
        """With one more text."""
        rows = -(-tokens // WINDOW)
        return Load(self.rows + rows, max(self.longest, min(tokens, WINDOW)), self.tokens + tokens)


@dataclass(frozen=True)
class JobBatch:
    """Jobs of one model that are computed together."""

    jobs: list[Job]
    load: Load

    @property
    def requests(self) -> list[str]:
        """Ids of the requests that it answers."""
        return sorted({job.request for job in self.jobs} - {""})

    @property
    def model(self) -> str:
        """The model's name."""
        return self.jobs[0].model


class BatchQueue:
    """Texts in the order in which they came.

    Args:
        budget: padded tokens of a batch; a text that is longer has a batch of its own.
        wait: seconds that the first text of a batch waits for others. Only after a batch of
            several does it: someone who is alone would wait in vain, and while a batch is being
            computed others gather by themselves.

    Attributes:
        depth: texts that wait.
        tokens: tokens that wait.
    """

    def __init__(self, budget: int, wait: float) -> None:
        self.budget = budget
        self.wait = wait
        self._jobs: deque[Job] = deque()
        self._arrived = asyncio.Event()
        self._taking = asyncio.Lock()
        self._company = False
        self.depth = 0
        self.tokens = 0

    def put(self, jobs: Iterable[Job]) -> None:
        """Add texts at the end."""
        self._jobs.extend(self._counted(jobs))
        self._arrived.set()

    def put_back(self, jobs: Iterable[Job]) -> None:
        """Texts that were computed in vain come next."""
        self._jobs.extendleft(reversed(self._counted(jobs)))
        self._arrived.set()

    def _counted(self, jobs: Iterable[Job]) -> list[Job]:
        wanted = [job for job in jobs if not job.is_given_up]
        for job in wanted:
            job.waits = True
            self.depth += 1
            self.tokens += job.tokens
        return wanted

    def forget(self, jobs: Iterable[Job]) -> None:
        """Count texts no more; those that are given up are left out when it would be their turn."""
        for job in jobs:
            if job.waits:
                job.waits = False
                self.depth -= 1
                self.tokens -= job.tokens

    async def take(self) -> JobBatch:
        """The next batch, as soon as it is full or its first text has waited long enough."""
        async with self._taking:
            while True:
                self._drop_given_up()
                remaining = self._remaining()
                if remaining is not None and remaining <= 0:
                    return self._pick()
                self._arrived.clear()
                try:
                    async with asyncio.timeout(remaining):
                        await self._arrived.wait()
                except TimeoutError:
                    continue

    def _remaining(self) -> float | None:
        """Seconds until a batch is due; None while nothing waits."""
        if not self._jobs:
            return None
        first = self._jobs[0]
        if first.attempts or len(self._jobs) > LOOK_AHEAD:
            return 0.0
        load = Load()
        for job in self._jobs:
            load = load.plus(job.tokens)
            if load.padded >= self.budget:
                return 0.0
        wait = self.wait if self._company else 0.0
        return first.queued + wait - time.monotonic()

    def _drop_given_up(self) -> None:
        """Leave out what nobody waits for, among those that the next batch may be made of."""
        looked_at: list[Job] = []
        while self._jobs and len(looked_at) <= LOOK_AHEAD:
            job = self._jobs.popleft()
            if job.is_given_up:
                self.forget([job])
            else:
                looked_at.append(job)
        self._jobs.extendleft(reversed(looked_at))

    def _pick(self) -> JobBatch:
        """The first text, and those that fit to it; what is left out keeps its place."""
        first = self._jobs.popleft()
        picked, load = [first], Load().plus(first.tokens)
        left: list[Job] = []
        for _ in range(0 if first.attempts else min(LOOK_AHEAD, len(self._jobs))):
            job = self._jobs.popleft()
            more = load.plus(job.tokens)
            if job.model == first.model and not job.attempts and more.padded <= self.budget:
                picked.append(job)
                load = more
            else:
                left.append(job)
        self._jobs.extendleft(reversed(left))
        self.forget(picked)
        self._company = len(picked) > 1
        return JobBatch(picked, load)
