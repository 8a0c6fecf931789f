"""The queue: who is batched together, who waits, who is dropped."""

from __future__ import annotations

import asyncio
import math
import time

from hypothesis import given
from hypothesis import strategies as st

from posner.serve.batching import (
    LOOK_AHEAD,
    BatchQueue,
    Job,
    JobBatch,
    Load,
    token_estimate,
)
from posner.serve.work import Found, Place, Task, Wanted

WANTED = Wanted()


def job(size: int, model: str = "m", seconds: float = 60.0) -> Job:
    made = Job(
        model,
        Task("x" * size, WANTED),
        asyncio.get_running_loop().create_future(),
        time.monotonic() + seconds,
    )
    made.tokens = size
    return made


async def take_all(queue: BatchQueue) -> list[JobBatch]:
    batches = []
    while queue.depth:
        batches.append(await queue.take())
    return batches


@given(
    st.lists(st.tuples(st.integers(1, 3000), st.sampled_from("ab")), min_size=1, max_size=40),
    st.integers(1, 4000),
)
def test_every_text_is_in_one_batch_within_the_budget(
    sizes: list[tuple[int, str]], budget: int
) -> None:
    async def check() -> None:
        queue = BatchQueue(budget, 0.0)
        jobs = [job(size, model) for size, model in sizes]
        queue.put(jobs)
        batches = await take_all(queue)
        assert sorted(id(j) for b in batches for j in b.jobs) == sorted(map(id, jobs))
        waiting = list(jobs)
        for batch in batches:
            assert {j.model for j in batch.jobs} == {batch.model}
            assert batch.load.padded <= budget or len(batch.jobs) == 1
            assert batch.load.tokens == sum(j.tokens for j in batch.jobs)
            assert batch.jobs[0] is waiting[0]  # nobody is overtaken for ever
            waiting = [j for j in waiting if j not in batch.jobs]

    asyncio.run(check())


def test_among_others_a_text_waits_for_company_but_not_for_long() -> None:
    async def check() -> None:
        queue = BatchQueue(1000, 0.05)
        queue.put([job(10), job(10)])
        assert len((await queue.take()).jobs) == 2
        taking = asyncio.create_task(queue.take())
        queue.put([job(10)])
        await asyncio.sleep(0.01)
        assert not taking.done()
        queue.put([job(10)])
        assert len((await taking).jobs) == 2

    asyncio.run(check())


def test_alone_a_text_does_not_wait() -> None:
    async def check() -> None:
        queue = BatchQueue(1000, 60.0)
        for _ in range(2):
            queue.put([job(10)])
            assert len((await asyncio.wait_for(queue.take(), 1)).jobs) == 1

    asyncio.run(check())


def test_the_parts_of_an_answer_are_one_models() -> None:
    async def check() -> None:
        made = job(10)
        rest = Place(0, 5)
        assert not made.add(Found([{"n": 1}], 1, rest=rest, revision="old"))
        assert not made.add(Found([{"n": 2}], 1, revision="new"))
        assert made.task.place == Place()
        assert not made.add(Found([{"n": 3}], 1, rest=rest, revision="new"))
        assert made.task.place == rest
        assert made.add(Found([{"n": 4}], 1, revision="new"))
        assert (await made.answer).entities == [{"n": 3}, {"n": 4}]

    asyncio.run(check())


def test_a_full_batch_does_not_wait() -> None:
    async def check() -> None:
        queue = BatchQueue(100, 60.0)
        queue.put([job(60), job(60)])
        batch = await asyncio.wait_for(queue.take(), 1)
        assert len(batch.jobs) == 1
        assert queue.depth == 1

    asyncio.run(check())


def test_what_nobody_waits_for_is_never_computed() -> None:
    async def check() -> None:
        queue = BatchQueue(1000, 0.0)
        cancelled, late, wanted = job(5), job(5, seconds=-1), job(5)
        cancelled.answer.cancel()
        queue.put([cancelled, late, wanted])
        assert (await queue.take()).jobs == [wanted]
        assert queue.depth == 0

    asyncio.run(check())


def test_what_is_given_up_while_it_waits_counts_no_more() -> None:
    async def check() -> None:
        queue = BatchQueue(1000, 0.0)
        left, wanted, late = job(5), job(7), job(11)
        queue.put([left, wanted, late])
        assert (queue.depth, queue.tokens) == (3, 23)
        left.answer.cancel()
        queue.forget([left])
        assert (queue.depth, queue.tokens) == (2, 18)
        late.deadline = 0.0
        assert (await queue.take()).jobs == [wanted]
        assert (queue.depth, queue.tokens) == (0, 0)
        queue.put([left])
        assert queue.depth == 0

    asyncio.run(check())


class CountedJob(Job):
    """Counts how often it is asked whether it is given up."""

    asked = 0

    @property
    def is_given_up(self) -> bool:
        CountedJob.asked += 1
        return super().is_given_up


def test_a_batch_costs_no_look_at_all_that_waits() -> None:
    async def check() -> None:
        queue = BatchQueue(100, 0.0)
        loop = asyncio.get_running_loop()
        task = Task("Ada lived in Oslo.", WANTED)
        queue.put([CountedJob("m", task, loop.create_future(), math.inf) for _ in range(20_000)])
        CountedJob.asked = 0
        await queue.take()
        assert 0 < CountedJob.asked < 2 * LOOK_AHEAD

    asyncio.run(check())


def test_what_failed_once_is_computed_alone_and_next() -> None:
    async def check() -> None:
        queue = BatchQueue(1000, 60.0)
        again, other = job(5), job(5)
        again.attempts = 1
        queue.put([other])
        queue.put_back([again])
        assert (await queue.take()).jobs == [again]
        assert queue.depth == 1

    asyncio.run(check())


def test_a_long_text_counts_as_several_rows() -> None:
    load = Load().plus(1200)
    assert (load.rows, load.longest, load.padded) == (3, 512, 1536)
    assert load.plus(10).padded == 2048


def test_estimates_grow_with_the_bytes() -> None:
    assert token_estimate("") < token_estimate("a house") < token_estimate("語" * 30)
