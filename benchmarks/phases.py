"""Where a training's time goes: timers around the loop's own functions, and torch's profiler."""

from __future__ import annotations

import contextlib
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from torch.profiler import ProfilerActivity, profile

import posner.training.learner as learner
import posner.training.loop as loop
from posner.corpus import Corpus
from posner.model.network import Network
from posner.model.tensors import TensorBatch
from posner.recipe import Recipe
from posner.training.console import Reporter
from posner.training.train import train
from rig import Rig

IN_STEP = {
    "collating": ((learner, "collate"), (TensorBatch, "of")),
    "targets": ((learner, "batch_targets"),),
    "forward": ((Network, "forward"),),
    "loss": ((learner, "loss_of"),),
    "backward": ((Accelerator, "backward"),),
    "gradient clipping": ((Accelerator, "clip_grad_norm_"),),
    "optimiser": ((AcceleratedOptimizer, "step"), (AcceleratedOptimizer, "zero_grad")),
}
"""Parts of a step, and the functions that they are."""

BETWEEN = {
    "step": ((learner.Learner, "step"),),
    "reporting": ((loop.Loop, "_report_step"),),
    "checkpoint": ((loop.Loop, "_checkpoint"),),
    "evaluation": ((loop.Loop, "_judge"),),
    "saving": ((loop, "save_network"),),
}


@dataclass
class Clock:
    """Seconds and calls by name; what is in `closed` is counted no more."""

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    calls: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    closed: set[str] = field(default_factory=set)

    def reset(self, names: Mapping[str, object]) -> None:
        """Forget these."""
        for name in names:
            self.seconds.pop(name, None)
            self.calls.pop(name, None)

    def mean(self, name: str) -> float:
        """Seconds a call."""
        return self.seconds[name] / max(1, self.calls[name])


class WarmUp(Reporter):
    """Lets the clock forget the first steps, which pay for compiled kernels and fresh memory."""

    def __init__(self, clock: Clock, steps: int) -> None:
        self._clock, self._steps = clock, steps

    def step(self, done: int, pieces_per_second: float, seconds_left: float) -> None:
        """A step is finished."""
        del pieces_per_second, seconds_left
        if done == self._steps:
            self._clock.reset({**IN_STEP, "step": ()})

    def evaluating(self) -> None:
        """The dev set goes forward through a network too, which is no part of a step."""
        self._clock.closed |= set(IN_STEP)


def time_training(corpus: Corpus, dev: Corpus, recipe: Recipe, warmup: int) -> Clock:
    """Train with timers around the loop's functions; the first `warmup` steps are not counted."""
    clock = Clock()
    with timing(clock, {**IN_STEP, **BETWEEN}), tempfile.TemporaryDirectory() as scratch:
        train(corpus, dev, recipe, Path(scratch) / "run", reporter=WarmUp(clock, warmup))
    return clock


@contextlib.contextmanager
def timing(clock: Clock, table: Mapping[str, Sequence[tuple[Any, str]]]) -> Iterator[None]:
    """Functions of modules and classes, timed for a while under the table's names."""
    with contextlib.ExitStack() as stack:
        for name, functions in table.items():
            for owner, attribute in functions:
                stack.enter_context(_timed(clock, name, owner, attribute))
        yield


@contextlib.contextmanager
def _timed(clock: Clock, name: str, owner: Any, attribute: str) -> Iterator[None]:
    raw = vars(owner)[attribute]
    inner: Callable[..., Any] = getattr(owner, attribute)

    def timed(*values: Any, **options: Any) -> Any:
        begin = time.perf_counter()
        try:
            return inner(*values, **options)
        finally:
            if name not in clock.closed:
                clock.seconds[name] += time.perf_counter() - begin
                clock.calls[name] += 1

    setattr(owner, attribute, staticmethod(timed) if isinstance(raw, classmethod) else timed)
    try:
        yield
    finally:
        setattr(owner, attribute, raw)


@dataclass(frozen=True)
class Operation:
    """One of torch's operations: its own time on the processor, children's not counted."""

    name: str
    calls: float
    milliseconds: float
    share: float


def top_operations(rig: Rig, steps: int, count: int) -> list[Operation]:
    """The operations that take most of a step, a step's share each."""
    rig.warm_up()
    chosen = rig.steps[:steps]
    with rig.around(), profile(activities=[ProfilerActivity.CPU]) as profiler:
        for windows in chosen:
            rig.step(windows)
    averages = sorted(profiler.key_averages(), key=lambda e: -e.self_cpu_time_total)
    total = sum(event.self_cpu_time_total for event in averages)
    return [
        Operation(
            event.key,
            event.count / len(chosen),
            event.self_cpu_time_total / 1000 / len(chosen),
            event.self_cpu_time_total / total,
        )
        for event in averages[:count]
    ]


def openmp_libraries() -> list[str]:
    """The OpenMP runtimes that this process has loaded, by file name."""
    torch.randn(64, 64) @ torch.randn(64, 64)
    try:
        maps = Path("/proc/self/maps").read_text(encoding="utf-8")
    except OSError:
        return []
    names = {line.rsplit("/", 1)[-1] for line in maps.splitlines() if "/" in line}
    return sorted(name for name in names if re.match(r"lib(g|i)?omp\d*[-.]", name))
