"""Recipes by name, and in files."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path

from posner.errors import RecipeError
from posner.recipe.whole import Recipe, recipe_from_dict


def recipe_names() -> list[str]:
    """The named recipes, `default` first."""
    files = resources.files("posner.recipe").joinpath("recipes").iterdir()
    names = sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml"))
    return sorted(names, key=lambda name: name != "default")


def recipe_summary(name: str) -> str:
    """The first comment line of a named recipe's file."""
    return _named_text(name).splitlines()[0].lstrip("# ").strip()


def load_recipe(name_or_path: str) -> Recipe:
    """A named recipe, or the defaults overridden by a TOML file.

    Raises:
        RecipeError: neither a name nor a file, broken TOML, an unknown key, a bad value.
    """
    if name_or_path in recipe_names():
        return _parse(_named_text(name_or_path), f"recipe {name_or_path}")
    path = Path(name_or_path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise RecipeError(
            "no such recipe",
            where=name_or_path,
            expected=f"a TOML file or one of {', '.join(recipe_names())}",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError("cannot be read", where=path, got=error) from error
    return _parse(text, str(path))


def _named_text(name: str) -> str:
    return resources.files("posner.recipe").joinpath("recipes", f"{name}.toml").read_text("utf-8")


def _parse(text: str, where: str) -> Recipe:
    try:
        return recipe_from_dict(tomllib.loads(text), where=where)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError("not TOML", where=where, got=error) from error
