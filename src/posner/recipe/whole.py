"""All sections together, checked against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from posner.errors import RecipeError
from posner.recipe.sectioned import Sectioned
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
class Recipe(Sectioned):
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
        super().__post_init__()
        if self.attention.layers and self.attention.width % self.attention.heads:
            raise RecipeError(
                "the width of positional attention does not divide by its heads",
                where="attention.width",
                expected=f"a multiple of {self.attention.heads}",
                got=self.attention.width,
            )
        self._check_encoder()
        _ = self.data.segmenter  # refuses a dictionary that there is not
        self._check_neighbours()
        if self.data.pooling == "none":
            self._check_without_word_states()

    def with_values(self, values: Mapping[str, Any], *, where: str) -> Self:
        """These settings with `section.key` values replaced.

        Who names the epochs gets so many: `training.min-steps` adds none to them, unless it is
        named beside them.

        Raises:
            RecipeError: an unknown key, a value of another type, or one out of range.
        """
        if "training.epochs" in values:
            values = {"training.min-steps": 0, **values}
        return super().with_values(values, where=where)

    def _check_encoder(self) -> None:
        """Refuse adapters that could learn nothing, and layers that are none."""
        if self.adapter.rank and self.backbone.freeze_encoder:
            raise RecipeError(
                "this keeps the encoder as it is, and adapters change what it does",
                where="backbone.freeze-encoder",
                remedy="set adapter.rank = 0, or leave this false: with adapters the encoder's "
                "own weights stay as pretrained anyway",
            )
        numbers = self.backbone.layer_numbers  # refuses a text that is none
        if self.adapter.rank and numbers == (0,):
            raise RecipeError(
                "adapters stand in layers, and this reads none of them",
                where="backbone.layers",
                expected="last, or a layer from 1 on",
                got=self.backbone.layers,
            )

    def _check_neighbours(self) -> None:
        """Refuse settings of when neighbouring sentences are seen where none ever are."""
        for key in ("alone", "context_epochs"):
            if getattr(self.data, key) and not (self.data.context or self.data.pack):
                raise RecipeError(
                    "says when neighbouring sentences are seen, and none ever are",
                    where=f"data.{key.replace('_', '-')}",
                    remedy="set data.context or data.pack",
                )

    def _check_without_word_states(self) -> None:
        """Refuse what stands on words' states where there are pieces alone."""
        needs_word_state = {
            "attention.layers": (self.attention.layers > 0, "0"),
            "features.characters": (self.features.characters, "false"),
            "heads.entity": (self.heads.entity == "crf", "softmax"),
        }
        for key, (wanted, off) in needs_word_state.items():
            if wanted:
                raise RecipeError(
                    "this needs one state a word, and data.pooling is none",
                    where=key,
                    remedy=f"set data.pooling to first or mean, or {key} to {off}",
                )

    @property
    def hidden_share(self) -> float:
        """The share of words hidden while learning: a frozen encoder would learn nothing of it."""
        return 0.0 if self.backbone.freeze_encoder else self.training.mask


def settings() -> Iterator[Setting]:
    """Every field of a recipe, in order."""
    return Recipe.settings()


def recipe_from_dict(values: Mapping[str, Any], *, where: str) -> Recipe:
    """A recipe from sections of values, as `Recipe.to_dict` gives them."""
    return Recipe.from_dict(values, where=where)
