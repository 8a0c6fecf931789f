"""Measuring a system that finds entities, from the start of its process on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

SINGLES = 200
"""Sentences that are tagged one by one for the latency."""


@dataclass(frozen=True)
class Loaded:
    """A system that is ready.

    Attributes:
        one: tags one text.
        many: tags texts, and tells how many words they have.
    """

    one: Callable[[str], object]
    many: Callable[[Sequence[str]], int]


@dataclass(frozen=True)
class Speed:
    """What was measured.

    Attributes:
        words_per_second: over all texts, from text to entities, the best of several runs.
        p50, p95: seconds that a single sentence takes.
        start: seconds from the start of the process to the first entity.
        first_memory, peak_memory: bytes of the process then, and at most; None where the system
            does not tell.
    """

    words_per_second: float
    p50: float
    p95: float
    start: float
    first_memory: int | None
    peak_memory: int | None

    def to_json(self) -> dict[str, Any]:
        """The figures; times in seconds, memory in bytes."""
        return asdict(self)


def measure(
    load: Callable[[], Loaded], texts: Sequence[str], *, begun: float, seconds: float
) -> Speed:
    """Load a system and measure it.

    Args:
        load: imports and loads everything.
        texts: what is tagged; not empty.
        begun: `time.time()` when this process was started.
        seconds: how long all texts are tagged again and again, at least once after a warm-up.
    """
    system = load()
    system.one(texts[0])
    start, first_memory = time.time() - begun, peak_memory()
    singles = [timed(partial(system.one, sentence)) for sentence in some_sentences(texts)]
    system.many(texts[:SINGLES])
    best, until = 0.0, time.perf_counter() + seconds
    while not best or time.perf_counter() < until:
        begin = time.perf_counter()
        words = system.many(texts)
        best = max(best, words / (time.perf_counter() - begin))
    return Speed(
        best, quantile(singles, 0.5), quantile(singles, 0.95), start, first_memory, peak_memory()
    )


def some_sentences(texts: Sequence[str]) -> list[str]:
    """Sentences from all over the texts, at most `SINGLES`; the texts where they have none."""
    from posner.segment import segment  # not above: it is no part of another system's start

    found = [
        text[sentence.start : sentence.end]
        for text in texts[:: _step(texts)]
        for sentence in segment(text)
        if sentence.tokens
    ]
    return found[:: _step(found)] or list(texts[:SINGLES])


def _step(items: Sequence[object]) -> int:
    """Each how many-th item to take, so that at most `SINGLES` are."""
    return max(1, math.ceil(len(items) / SINGLES))


def timed(action: Callable[[], object]) -> float:
    """Seconds that an action takes."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def peak_memory() -> int | None:
    """The most memory that this process ever held, in bytes."""
    status = Path("/proc/self/status")
    if status.is_file():  # `ru_maxrss` would also count the process that started this one
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
        kilobytes = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
        return 1024 * int(kilobytes[0]) if kilobytes else None
    try:
        import resource
    except ImportError:  # Windows has none
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
