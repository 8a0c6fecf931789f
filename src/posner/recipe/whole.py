"""All sections together, checked against each other, as Python, TOML and JSON."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from posner.errors import RecipeError
from posner.recipe.sections import (
    AdapterRecipe,
    AttentionRecipe,
    AugmentRecipe,
    BackboneRecipe,
    DataRecipe,
    FeaturesRecipe,
    HeadsRecipe,
    TrainingRecipe,
)
from posner.recipe.setting import Setting


@dataclass(frozen=True)
class Recipe:
    """All settings of one training."""

    backbone: BackboneRecipe = field(default_factory=BackboneRecipe)
    adapter: AdapterRecipe = field(default_factory=AdapterRecipe)
    data: DataRecipe = field(default_factory=DataRecipe)
    features: FeaturesRecipe = field(default_factory=FeaturesRecipe)
    attention: AttentionRecipe = field(default_factory=AttentionRecipe)
    heads: HeadsRecipe = field(default_factory=HeadsRecipe)
    augment: AugmentRecipe = field(default_factory=AugmentRecipe)
    training: TrainingRecipe = field(default_factory=TrainingRecipe)

    def __post_init__(self) -> None:
        for setting in settings():
            section = getattr(self, setting.section)
            setting.check(getattr(section, setting.name))
        if self.attention.layers and self.attention.width % self.attention.heads:
            raise RecipeError(
                "the width of positional attention does not divide by its heads",
                where="attention.width",
                expected=f"a multiple of {self.attention.heads}",
                got=self.attention.width,
            )
        if self.adapter.rank and self.backbone.freeze_encoder:
            raise RecipeError(
                "this keeps the encoder as it is, and adapters change what it does",
                where="backbone.freeze-encoder",
                remedy="set adapter.rank = 0, or leave this false: with adapters the encoder's "
                "own weights stay as pretrained anyway",
            )
        _ = self.data.segmenter  # refuses a dictionary that there is not
        numbers = self.backbone.layer_numbers  # refuses a text that is none
        if self.adapter.rank and numbers == (0,):
            raise RecipeError(
                "adapters stand in layers, and this reads none of them",
                where="backbone.layers",
                expected="last, or a layer from 1 on",
                got=self.backbone.layers,
            )
        for key in ("alone", "context_epochs"):
            if getattr(self.data, key) and not (self.data.context or self.data.pack):
                raise RecipeError(
                    "says when neighbouring sentences are seen, and none ever are",
                    where=f"data.{key.replace('_', '-')}",
                    remedy="set data.context or data.pack",
                )
        needs_word_state = {
            "attention.layers": self.attention.layers > 0,
            "features.characters": self.features.characters,
            "heads.entity": self.heads.entity == "crf",
        }
        for key, wanted in needs_word_state.items():
            if self.data.pooling == "none" and wanted:
                raise RecipeError(
                    "this needs one state a word, and data.pooling is none",
                    where=key,
                    remedy="set data.pooling to first or mean",
                )

    @property
    def hidden_share(self) -> float:
        """The share of words hidden while learning: a frozen encoder would learn nothing of it."""
        return 0.0 if self.backbone.freeze_encoder else self.training.mask

    def with_values(self, values: Mapping[str, Any], *, where: str) -> Recipe:
        """This recipe with `section.key` values replaced.

        Raises:
            RecipeError: an unknown key, a value of another type, or one out of range.
        """
        known = {setting.key: setting for setting in settings()}
        sections: dict[str, dict[str, Any]] = {}
        for key, value in values.items():
            setting = known.get(key)
            if setting is None:
                hyphened = key.replace("_", "-")
                raise RecipeError(
                    "unknown key",
                    where=f"{where}: {key}",
                    expected=hyphened
                    if hyphened in known
                    else "a key that `posner recipes default` prints",
                )
            checked = setting.check(setting.convert(value, where), where)
            sections.setdefault(setting.section, {})[setting.name] = checked
        replaced = {
            name: dataclasses.replace(getattr(self, name), **changes)
            for name, changes in sections.items()
        }
        return dataclasses.replace(self, **replaced)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Sections of keys with hyphens, ready for JSON or TOML."""
        return {
            section: {name.replace("_", "-"): value for name, value in values.items()}
            for section, values in dataclasses.asdict(self).items()
        }

    def to_toml(self) -> str:
        """The whole recipe as TOML, each value with its help."""
        lines: list[str] = []
        section = ""
        for setting in settings():
            if setting.section != section:
                section = setting.section
                lines += ["", f"[{section}]"] if lines else [f"[{section}]"]
            value = getattr(getattr(self, setting.section), setting.name)
            choices = f" ({' | '.join(setting.choices)})" if setting.choices else ""
            name = setting.name.replace("_", "-")
            lines.append(f"{name} = {_toml_value(value)}  # {setting.help}{choices}")
        return "\n".join(lines) + "\n"


def settings() -> Iterator[Setting]:
    """Every field of a recipe, in order."""
    for section in dataclasses.fields(Recipe):
        cls = typing.get_type_hints(Recipe)[section.name]
        hints = typing.get_type_hints(cls)
        for item in dataclasses.fields(cls):
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


def recipe_from_dict(values: Mapping[str, Any], *, where: str) -> Recipe:
    """A recipe from sections of values, as `Recipe.to_dict` gives them."""
    flat: dict[str, Any] = {}
    known = [section.name for section in dataclasses.fields(Recipe)]
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
            )
        flat |= {f"{section}.{key}": value for key, value in keys.items()}
    return Recipe().with_values(flat, where=where)


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):  # TOML's escapes are JSON's, but it forbids a bare DEL too
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
