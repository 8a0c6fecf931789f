"""The systems by name, and the recipe of each: the defaults, what its TOML file says, overrides.

A name is a kind (`crf`), or a kind with another TOML file (`crf-next`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from posner.errors import RecipeError, UsageError, did_you_mean
from posner.recipe import Sectioned, Shipped
from posner.recipe.shipped import toml_tables
from posner.systems.sections import (
    BilstmSection,
    CrfSection,
    LabelsRecipe,
    LearningRecipe,
    TransformerSection,
    VectorsRecipe,
)

MAIN = "bert"
"""The name of Posner's own system beside the others."""

RECIPES = Shipped("system", "posner.systems", "recipes")


@dataclass(frozen=True)
class SystemRecipe(Sectioned):
    """What every one of the other systems can be told."""

    labels: LabelsRecipe = field(default_factory=LabelsRecipe)


@dataclass(frozen=True)
class CrfRecipe(SystemRecipe):
    """All settings of a CRF."""

    example: ClassVar[str] = "crf"
    crf: CrfSection = field(default_factory=CrfSection)


@dataclass(frozen=True)
class NeuralRecipe(SystemRecipe):
    """What every network over word vectors can be told."""

    vectors: VectorsRecipe = field(default_factory=VectorsRecipe)
    learning: LearningRecipe = field(default_factory=LearningRecipe)


@dataclass(frozen=True)
class BilstmRecipe(NeuralRecipe):
    """All settings of a bidirectional LSTM."""

    example: ClassVar[str] = "bilstm"
    bilstm: BilstmSection = field(default_factory=BilstmSection)


@dataclass(frozen=True)
class TransformerRecipe(NeuralRecipe):
    """All settings of a transformer."""

    example: ClassVar[str] = "transformer"
    transformer: TransformerSection = field(default_factory=TransformerSection)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.vectors.width % self.transformer.heads:
            raise RecipeError(
                "the width of the vectors does not divide by the attention heads",
                where="vectors.width",
                expected=f"a multiple of {self.transformer.heads}",
                got=self.vectors.width,
            )


KINDS: dict[str, type[SystemRecipe]] = {
    "crf": CrfRecipe,
    "bilstm": BilstmRecipe,
    "transformer": TransformerRecipe,
}
"""The recipe of each kind of system."""


def system_names() -> list[str]:
    """The names of the systems that learn, kind by kind."""
    return [name for kind in KINDS for name in RECIPES.names if kind_of(name) == kind]


def kind_of(name: str) -> str:
    """The kind of a system's name."""
    return name.partition("-")[0]


def has_epochs(name: str) -> bool:
    """Whether a system learns in epochs, of which dev chooses the best; an unknown one not."""
    return issubclass(KINDS.get(kind_of(name), SystemRecipe), NeuralRecipe)


def system_summary(name: str) -> str:
    """The first comment line of a system's file."""
    return RECIPES.text(name).splitlines()[0].lstrip("# ").strip()


def system_recipe(
    name: str, *, file: str | None = None, values: Mapping[str, Any] | None = None
) -> SystemRecipe:
    """A system's recipe, overridden by a TOML file and then by `section.key` values.

    Raises:
        UsageError: there is no such system.
        RecipeError: a file that cannot be read, an unknown key, a bad value.
    """
    if name not in RECIPES.names:
        known = [MAIN, *system_names()]
        raise UsageError(
            "no such system",
            where=name,
            expected=f"one of {', '.join(known)}",
            remedy=did_you_mean(name, known),
        )
    recipe = KINDS[kind_of(name)]().with_sections(_toml(name), where=f"system {name}")
    if file is not None:
        recipe = recipe.with_sections(_toml(file), where=file)
    return recipe.with_values(values or {}, where="command line")


def recipe_of_kind(name: str, values: Mapping[str, Any], *, where: str) -> SystemRecipe:
    """The recipe that a saved model of a system carries.

    Raises:
        RecipeError: it has settings that no such system has.
    """
    return KINDS[kind_of(name)].from_dict(values, where=where)


def _toml(name_or_path: str) -> dict[str, Any]:
    text, where = RECIPES.find(name_or_path)
    return toml_tables(text, where)
