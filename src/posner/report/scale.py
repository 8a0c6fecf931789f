"""Numbers to pixels, with ticks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """A line of numbers from `low` to `high` along pixels from `start` to `end`.

    Attributes:
        low: the number at `start`.
        high: the number at `end`, above `low`.
        start: in pixels.
        end: in pixels, which may lie before `start` (upwards).
        logarithmic: equal ratios are equally long; both numbers are positive then.
    """

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """Where a number lies; beyond the ends it lies at the end."""
        held = min(max(value, self.low), self.high)
        if self.logarithmic:
            share = math.log(held / self.low) / math.log(self.high / self.low)
        else:
            share = (held - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, wanted: int) -> list[float]:
        """About so many round numbers within the scale, in order."""
        if self.logarithmic:
            return _log_ticks(self.low, self.high, wanted)
        step = round_step((self.high - self.low) / max(1, wanted))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def round_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10, 20, ... (or .1, .2, ...) that is not below `least`."""
    if least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least) + 1e-9)
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


def span_of(values: Iterable[float], *, least: float = 0.0) -> tuple[float, float]:
    """The lowest and the highest value, at least `least` apart; (0, 1) where there is none."""
    listed = [value for value in values if math.isfinite(value)]
    if not listed:
        return 0.0, 1.0
    low, high = min(listed), max(listed)
    lacking = max(least, 1e-9) - (high - low)
    return (low - lacking / 2, high + lacking / 2) if lacking > 0 else (low, high)


def shown(value: float) -> str:
    """A tick's label: three digits, no trailing zeros, thousands separated."""
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    text = f"{value:.3g}"
    return f"{float(text):g}" if "e" not in text else text.replace("e-0", "e-")


def _log_ticks(low: float, high: float, wanted: int) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        ticks = [f * 10.0**p for p in powers for f in factors]
        ticks = [tick for tick in ticks if low * 0.999 <= tick <= high * 1.001]
        if len(ticks) <= wanted + 1:
            break
    return ticks
