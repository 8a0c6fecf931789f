"""Recipe settings as flags, for every command that takes a recipe."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any

from posner.folder import find_model, read_manifest
from posner.recipe import Recipe, load_recipe, settings

_RATES = ("learning-rate", "head-learning-rate", "layer-decay")


def add_recipe_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--recipe` and a flag for every setting."""
    parser.add_argument(
        "--recipe",
        metavar="NAME|FILE",
        help="a named recipe (see `posner recipes`) or a TOML file; default: default",
    )
    groups = {
        section.name: parser.add_argument_group(f"{section.name} settings of the recipe")
        for section in fields(Recipe)
    }
    defaults = Recipe().to_dict()
    for setting in settings():
        default = defaults[setting.section][setting.key.partition(".")[2]]
        shown = str(default).lower() if isinstance(default, bool) else default
        groups[setting.section].add_argument(
            f"--{setting.key}",
            dest=setting.key,
            metavar="|".join(setting.choices) or setting.type.__name__.upper(),
            help=f"{setting.help.replace('%', '%%')}; default: {shown}",
        )


def recipe_from_flags(arguments: argparse.Namespace, *, start: Path | None = None) -> Recipe:
    """The recipe that the flags ask for.

    Args:
        arguments: parsed.
        start: a model whose recipe is meant where none is named, but for its `min-steps`: what has
            learned already does not need them. One whose adapters were merged learns at the rates
            of the recipe `default`: those of adapters are too high for whole weights.

    Raises:
        RecipeError: an unknown recipe or a bad value.
        ModelError: there is no such model.
    """
    given = {s.key: getattr(arguments, s.key) for s in settings()}
    values = {key: value for key, value in given.items() if value is not None}
    if arguments.recipe is None and start is not None:
        manifest = read_manifest(find_model(start))
        changes: dict[str, Any] = {"training.min-steps": 0}
        if "adapter" in manifest.figures:
            usual = load_recipe("default").to_dict()["training"]
            changes |= {f"training.{key}": usual[key] for key in _RATES}
        recipe = manifest.recipe.with_values(changes, where=str(start))
    else:
        recipe = load_recipe(arguments.recipe or "default")
    return recipe.with_values(values, where="command line")
