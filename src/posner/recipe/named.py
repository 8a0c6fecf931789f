"""Recipes by name, and in files."""

from __future__ import annotations

from posner.recipe.shipped import Shipped, toml_tables
from posner.recipe.whole import Recipe, recipe_from_dict

RECIPES = Shipped("recipe", "posner.recipe", "recipes")


def recipe_names() -> list[str]:
    """The named recipes, `default` first."""
    return RECIPES.names


def recipe_summary(name: str) -> str:
    """The first comment line of a named recipe's file."""
    return RECIPES.text(name).splitlines()[0].lstrip("# ").strip()


def load_recipe(name_or_path: str) -> Recipe:
    """A named recipe, or the defaults overridden by a TOML file.

    Raises:
        RecipeError: neither a name nor a file, broken TOML, an unknown key, a bad value.
    """
    text, where = RECIPES.find(name_or_path)
    return recipe_from_dict(toml_tables(text, where), where=where)
