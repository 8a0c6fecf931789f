"""Every default, once. A recipe file (TOML) or a flag only overrides what stands here.

Keys are written with hyphens outside (`learning-rate`, `--training.learning-rate`) and with
underscores inside. A saved model carries the recipe that made it.
"""

from posner.recipe.named import load_recipe, recipe_names, recipe_summary
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
from posner.recipe.setting import Setting, option
from posner.recipe.shipped import Shipped
from posner.recipe.whole import Recipe, recipe_from_dict, settings

__all__ = [
    "AdapterRecipe",
    "AttentionRecipe",
    "AugmentRecipe",
    "BackboneRecipe",
    "DataRecipe",
    "FeaturesRecipe",
    "HeadsRecipe",
    "Recipe",
    "Sectioned",
    "Setting",
    "Shipped",
    "TrainingRecipe",
    "load_recipe",
    "option",
    "recipe_from_dict",
    "recipe_names",
    "recipe_summary",
    "settings",
]
