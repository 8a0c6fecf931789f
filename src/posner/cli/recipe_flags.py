"""Recipe settings as flags, for every command that takes a recipe."""

from __future__ import annotations

import argparse
from dataclasses import fields

from posner.recipe import Recipe, load_recipe, settings

DEFAULT_RECIPE = "default"


def add_recipe_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--recipe` and a flag for every setting."""
    parser.add_argument(
        "--recipe",
        default=DEFAULT_RECIPE,
        metavar="NAME|FILE",
        help="a named recipe (see `posner recipes`) or a TOML file; default: %(default)s",
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


def recipe_from_flags(arguments: argparse.Namespace) -> Recipe:
    """The recipe that the flags ask for.

    Raises:
        RecipeError: an unknown recipe or a bad value.
    """
    given = {s.key: getattr(arguments, s.key) for s in settings()}
    values = {key: value for key, value in given.items() if value is not None}
    return load_recipe(arguments.recipe).with_values(values, where="command line")
