"""Settings in sections, whatever they are of: as Python, TOML and JSON, and overridden by key."""

from __future__ import annotations

import dataclasses
import functools
import json
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from posner.errors import RecipeError, did_you_mean
from posner.recipe.setting import Setting


@dataclass(frozen=True)
class Sectioned:
    """A dataclass whose fields are sections: dataclasses whose fields are `option`s.

    Attributes:
        example: a name whose recipe has all keys, for messages.
    """

    example: ClassVar[str] = "default"

    def __post_init__(self) -> None:
        for setting in self.settings():
            setting.check(self._value(setting))

    @classmethod
    def settings(cls) -> Iterator[Setting]:
        """Every setting, in order."""
        sections = typing.get_type_hints(cls)
        for section in dataclasses.fields(cls):
            hints = typing.get_type_hints(sections[section.name])
            for item in dataclasses.fields(sections[section.name]):
                hint = hints[item.name]
                literal = not isinstance(hint, (type, types.UnionType))
                yield Setting(
                    section=section.name,
                    name=item.name,
                    type=str if literal else hint,
                    choices=typing.get_args(hint) if literal else (),
                    help=item.metadata["help"],
                    low=item.metadata["low"],
                    high=item.metadata["high"],
                )

    @classmethod
    @functools.cache
    def _by_key(cls) -> Mapping[str, Setting]:
        return {setting.key: setting for setting in cls.settings()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, where: str) -> Self:
        """The defaults, overridden by sections of values as `to_dict` gives them.

        Raises:
            RecipeError: an unknown section or key, a value of another type, or one out of range.
        """
        return cls().with_sections(values, where=where)

    def with_sections(self, values: Mapping[str, Any], *, where: str) -> Self:
        """These settings, overridden by sections of values as `to_dict` gives them.

        Raises:
            RecipeError: as `from_dict`.
        """
        flat: dict[str, Any] = {}
        known = [section.name for section in dataclasses.fields(self)]
        for section, keys in values.items():
            if not isinstance(keys, Mapping):
                raise RecipeError(
                    "a key outside any section",
                    where=f"{where}: {section}",
                    expected="it below one of " + ", ".join(f"[{name}]" for name in known),
                )
            if section not in known:
                raise RecipeError(
                    "unknown section",
                    where=f"{where}: {section}",
                    expected=f"one of {', '.join(known)}",
                    remedy=did_you_mean(section, known),
                )
            flat |= {f"{section}.{key}": value for key, value in keys.items()}
        return self.with_values(flat, where=where)

    def with_values(self, values: Mapping[str, Any], *, where: str) -> Self:
        """These settings with `section.key` values replaced.

        Raises:
            RecipeError: an unknown key, a value of another type, or one out of range.
        """
        sections: dict[str, dict[str, Any]] = {}
        for key, value in values.items():
            setting = self.setting(key, where=where)
            checked = setting.check(setting.convert(value, where), where)
            sections.setdefault(setting.section, {})[setting.name] = checked
        replaced = {
            name: dataclasses.replace(getattr(self, name), **changes)
            for name, changes in sections.items()
        }
        return dataclasses.replace(self, **replaced)

    @classmethod
    def setting(cls, key: str, *, where: str) -> Setting:
        """The setting of that `section.key`.

        Raises:
            RecipeError: there is none.
        """
        known = cls._by_key()
        if key not in known:
            hyphened = key.replace("_", "-")
            named = f"a key that `posner recipes {cls.example}` prints"
            raise RecipeError(
                "unknown key",
                where=f"{where}: {key}",
                expected=hyphened if hyphened in known else named,
                remedy=None if hyphened in known else did_you_mean(hyphened, known),
            )
        return known[key]

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Sections of keys with hyphens, ready for JSON or TOML."""
        return {
            section: {name.replace("_", "-"): value for name, value in values.items()}
            for section, values in dataclasses.asdict(self).items()
        }

    def to_toml(self, *, since: Self | None = None) -> str:
        """All settings as TOML, or those that differ from `since`, each value with its help."""
        lines: list[str] = []
        section = ""
        for setting in self.settings():
            value = self._value(setting)
            if since is not None and value == since._value(setting):
                continue
            if setting.section != section:
                section = setting.section
                lines += ["", f"[{section}]"] if lines else [f"[{section}]"]
            choices = f" ({' | '.join(setting.choices)})" if setting.choices else ""
            name = setting.name.replace("_", "-")
            lines.append(f"{name} = {_toml_value(value)}  # {setting.help}{choices}")
        return "".join(f"{line}\n" for line in lines)

    def differing(self, other: Self) -> Iterator[tuple[Setting, str, str]]:
        """The settings with another value there, and both values as messages show them."""
        for setting in self.settings():
            own, others = self._value(setting), other._value(setting)
            if own != others:
                yield setting, _shown(own), _shown(others)

    def _value(self, setting: Setting) -> Any:
        return getattr(getattr(self, setting.section), setting.name)


def toml_of(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """Settings as TOML as they were written down, without help: of any version, of any recipe."""
    parts = []
    for section, keys in sections.items():
        lines = [f"[{section}]", *(f"{key} = {_toml_value(value)}" for key, value in keys.items())]
        parts.append("".join(f"{line}\n" for line in lines))
    return "\n".join(parts)


def _shown(value: Any) -> str:
    """A value for the eye: as TOML writes it, a text without its quotes."""
    return value if isinstance(value, str) and value else _toml_value(value)


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):  # TOML's escapes are JSON's, but it forbids a bare DEL too
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
