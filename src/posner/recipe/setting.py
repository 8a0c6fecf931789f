"""One field of a recipe: its default, help, type and range."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass, field
from typing import Any

from posner.errors import RecipeError


def option(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
) -> Any:
    """A recipe field with its default, its one-line help and its range (ends included)."""
    return field(default=default, metadata={"help": help, "low": low, "high": high})


@dataclass(frozen=True)
class Setting:
    """One field of a recipe, as flags and TOML see it."""

    section: str
    name: str
    type: type
    choices: tuple[str, ...]
    help: str
    low: float | None
    high: float | None

    @property
    def key(self) -> str:
        """`training.learning-rate`."""
        return f"{self.section}.{self.name.replace('_', '-')}"

    def convert(self, value: Any, where: str = "recipe") -> Any:
        """A value from TOML, JSON or a flag's text as the field's type.

        Raises:
            RecipeError: it is of another type.
        """
        if isinstance(value, str) and self.type is not str:
            if self.type is bool:
                if value.lower() in ("true", "false"):
                    return value.lower() == "true"
            else:
                with contextlib.suppress(ValueError):
                    return self.type(value)
        elif self.type is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        elif type(value) is self.type:
            return value
        names = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
        raise RecipeError(
            "wrong type of value",
            where=f"{where}: {self.key}",
            expected=names[self.type],
            got=repr(value),
        )

    def check(self, value: Any, where: str = "recipe") -> Any:
        """The value, if it is within the field's choices and range.

        Raises:
            RecipeError: it is not.
        """
        if self.choices and value not in self.choices:
            raise RecipeError(
                "not one of the choices",
                where=f"{where}: {self.key}",
                expected=" | ".join(self.choices),
                got=value,
            )
        if self.type in (int, float):
            low = -math.inf if self.low is None else self.low
            high = math.inf if self.high is None else self.high
            if not low <= value <= high or value in (math.inf, -math.inf):  # NaN is not within
                limits = f"at least {low}" if self.high is None else f"{low} to {high}"
                raise RecipeError(
                    "value out of range",
                    where=f"{where}: {self.key}",
                    expected=limits,
                    got=value,
                )
        return value
