"""The numbers that flags take: finite, and within their range."""

from __future__ import annotations

import math
from collections.abc import Callable

from posner.errors import UsageError


def number(
    flag: str, *, low: float = 0.0, high: float = math.inf, above: bool = False
) -> Callable[[str], float]:
    """What reads a flag's number, as the `type` of its argument.

    Args:
        flag: its name, for the message.
        low: the least number.
        high: the largest.
        above: whether it has to be more than `low`.

    Returns:
        a function that raises UsageError for what is no such number; NaN and infinity never are.
    """
    least = f"above {low:g}" if above else f"at least {low:g}"
    expected = least if high == math.inf else f"{least}, at most {high:g}"

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and low <= value <= high) or (above and value == low):
            raise UsageError("not such a number", where=flag, expected=expected, got=text)
        return value

    return read


def whole(flag: str, *, low: int) -> Callable[[str], int]:
    """What reads a flag's whole number of at least `low`, as the `type` of its argument.

    Returns:
        a function that raises UsageError for what is no such number.
    """

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if value < low:
            raise UsageError(
                "not such a number", where=flag, expected=f"a whole one, at least {low}", got=text
            )
        return value

    return read
