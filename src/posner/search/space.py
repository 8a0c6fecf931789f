"""The space of a search: which settings vary, and over what.

An entry names a setting of the recipe, and either its values or its range:

    "training.batch-pieces" = {values = [384, 768]}
    "training.learning-rate" = {low = 1e-4, high = 1e-3, log = true}
    "training.epochs" = {low = 2, high = 8, step = 2}

An entry with `keys` gives several settings the same value; its name is then free:

    dropout = {keys = ["heads.dropout", "training.encoder-dropout"], values = [0.1, 0.3]}
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from posner.errors import RecipeError, did_you_mean
from posner.recipe import Recipe, Setting
from posner.recipe.shipped import Shipped, toml_tables

_FIELDS = ("keys", "values", "low", "high", "log", "step")
_EXAMPLE = '"training.learning-rate" = {low = 1e-4, high = 1e-3, log = true}'


SPACES = Shipped("space", "posner.search", "spaces")


@dataclass(frozen=True)
class Choices:
    """One of some values, in no order."""

    values: tuple[Any, ...]

    @property
    def points(self) -> tuple[Any, ...]:
        """Everything that it can be."""
        return self.values

    def to_dict(self) -> dict[str, Any]:
        """As the TOML has it."""
        return {"values": list(self.values)}


@dataclass(frozen=True)
class Range:
    """A number from `low` to `high`, ends included.

    Attributes:
        low, high: the ends; whole numbers for a setting that is one.
        log: whether orders of magnitude are equally likely, and not numbers.
        step: the distance between neighbours; None: any number.
    """

    low: float
    high: float
    log: bool
    step: float | None

    @property
    def points(self) -> tuple[int, ...] | None:
        """Everything that it can be; None for numbers that are not whole."""
        low, high = self.low, self.high
        if isinstance(low, int) and isinstance(high, int):
            return tuple(range(low, high + 1, int(self.step or 1)))
        return None

    def to_dict(self) -> dict[str, Any]:
        """As the TOML has it."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Entry:
    """One dimension of a space.

    Attributes:
        name: the setting's key, or a name of its own where there are several.
        settings: which take the value; all of one type.
        domain: what it may be.
    """

    name: str
    settings: tuple[Setting, ...]
    domain: Choices | Range


@dataclass(frozen=True)
class Space:
    """What a search varies; entries in the order of the file."""

    entries: tuple[Entry, ...]

    @property
    def size(self) -> int | None:
        """How many combinations there are; None where there is no end of them."""
        counts = [entry.domain.points for entry in self.entries]
        return math.prod(len(points) if points else 0 for points in counts) or None

    @property
    def keys(self) -> frozenset[str]:
        """The settings that vary."""
        return frozenset(s.key for entry in self.entries for s in entry.settings)

    def values(self, point: Mapping[str, Any]) -> dict[str, Any]:
        """The settings' values at a point, which has a value for each entry's name."""
        return {s.key: point[entry.name] for entry in self.entries for s in entry.settings}

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            entry.name: {"keys": [s.key for s in entry.settings], **entry.domain.to_dict()}
            for entry in self.entries
        }


def space_names() -> list[str]:
    """The named spaces, `default` first."""
    return SPACES.names


def load_space(name_or_path: str) -> Space:
    """A named space, or one in a TOML file.

    Raises:
        RecipeError: neither a name nor a file, broken TOML, or an entry that says nothing sensible.
    """
    return parse_space(*SPACES.find(name_or_path))


def parse_space(text: str, where: str) -> Space:
    """A space from TOML.

    Raises:
        RecipeError: see `load_space`.
    """
    entries = tuple(_entry(name, table, where) for name, table in _flat(toml_tables(text, where)))
    if not entries:
        raise RecipeError("the space varies nothing", where=where, expected=_EXAMPLE)
    owners: dict[str, str] = {}
    for entry in entries:
        for setting in entry.settings:
            if setting.key in owners:
                raise RecipeError(
                    "a setting varies twice",
                    where=f"{where}: {entry.name}",
                    got=f"{setting.key} in {owners[setting.key]} too",
                )
            owners[setting.key] = entry.name
    return Space(entries)


def _flat(tables: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Names and entries; a key without quotes, or below its section, is the same as with them."""
    sections = {section.name for section in dataclasses.fields(Recipe)}
    for name, table in tables.items():
        if name in sections and isinstance(table, Mapping):
            yield from ((f"{name}.{key}", inner) for key, inner in table.items())
        else:
            yield name, table


def _entry(name: str, table: Any, where: str) -> Entry:
    place = f"{where}: {name}"
    if not isinstance(table, Mapping):
        raise RecipeError("not an entry of a space", where=place, expected=_EXAMPLE, got=table)
    for given in table:
        if given not in _FIELDS:
            raise RecipeError(
                "unknown key",
                where=f"{place}: {given}",
                expected=" | ".join(_FIELDS),
                remedy=did_you_mean(given, _FIELDS),
            )
    keys = table.get("keys", [name])
    if not isinstance(keys, list) or not keys:
        raise RecipeError(
            "not a list of settings",
            where=f"{place}: keys",
            expected='["heads.dropout", "training.encoder-dropout"]',
            got=json.dumps(keys, default=str),
        )
    if "keys" not in table and "." not in name:
        raise RecipeError(
            "unknown key",
            where=place,
            expected='a setting such as "training.epochs", or a name with keys = [...]',
            remedy=did_you_mean(name, [setting.key for setting in Recipe.settings()]),
        )
    varied = tuple(
        Recipe.setting(str(key), where=place if "keys" in table else where) for key in keys
    )
    types = {setting.type for setting in varied}
    if len(types) > 1:
        raise RecipeError("settings of several types", where=f"{place}: keys", expected="one type")
    if ("values" in table) == ("low" in table or "high" in table):
        raise RecipeError(
            "says no values, or both values and a range",
            where=place,
            expected="{values = [...]} or {low = ..., high = ...}",
        )
    domain = _choices if "values" in table else _range
    return Entry(name, varied, domain(table, varied, where, place))


def _choices(
    table: Mapping[str, Any], varied: tuple[Setting, ...], where: str, place: str
) -> Choices:
    for name in ("log", "step"):
        if name in table:
            raise RecipeError("belongs to a range", where=f"{place}: {name}", expected="no values")
    values = table["values"]
    if not isinstance(values, list) or not values:
        raise RecipeError(
            "not a list of values", where=place, expected="at least one", got=repr(values)
        )
    checked = tuple(_checked(value, varied, where) for value in values)
    if len(set(checked)) < len(checked):
        raise RecipeError("a value stands twice", where=place, got=values)
    return Choices(checked)


def _range(table: Mapping[str, Any], varied: tuple[Setting, ...], where: str, place: str) -> Range:
    kind = varied[0].type
    if kind not in (int, float):
        raise RecipeError("has no range", where=place, expected="{values = [...]}")
    missing = [name for name in ("low", "high") if name not in table]
    if missing:
        raise RecipeError("a range without its end", where=place, expected=missing[0])
    low, high = (_checked(table[name], varied, where) for name in ("low", "high"))
    if low >= high:
        raise RecipeError(
            "an empty range", where=place, expected="low below high", got=f"{low} to {high}"
        )
    log, step = table.get("log", False), table.get("step")
    if not isinstance(log, bool):
        raise RecipeError("wrong type of value", where=f"{place}: log", expected="true or false")
    if log and low <= 0:
        raise RecipeError(
            "a logarithmic range begins above 0", where=place, expected="low > 0", got=low
        )
    if step is not None:
        _check_step(low, high, step, log, kind, place)
    return Range(low, high, log, step)


def _check_step(low: float, high: float, step: Any, log: bool, kind: type, place: str) -> None:
    if log:
        raise RecipeError("a logarithmic range has no step", where=place, expected="log or step")
    numbers = (int,) if kind is int else (int, float)
    if type(step) not in numbers or not 0 < step < math.inf:
        expected = "a whole number above 0" if kind is int else "a number above 0"
        raise RecipeError("bad step", where=f"{place}: step", expected=expected, got=repr(step))
    width, unit = Decimal(str(high)) - Decimal(str(low)), Decimal(str(step))
    if width % unit:
        reached = Decimal(str(low)) + (width // unit) * unit
        raise RecipeError(
            "the steps do not end at high",
            where=place,
            expected=f"{reached} or {reached + unit}",
            got=high,
        )


def _checked(value: Any, varied: tuple[Setting, ...], where: str) -> Any:
    """A value as the settings' type, within the range of each."""
    for setting in varied:
        value = setting.check(setting.convert(value, where), where)
    return value
