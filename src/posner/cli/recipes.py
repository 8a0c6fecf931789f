"""`posner recipes [NAME]`: the named recipes, or one in full."""

from __future__ import annotations

import argparse
import sys

from posner.recipe import load_recipe, recipe_names, recipe_summary
from posner.systems.recipes import system_names, system_recipe, system_summary


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="print this recipe (or TOML file) in full as TOML"
    )


def run(arguments: argparse.Namespace) -> int:
    """List the recipes, or print one."""
    if arguments.name in system_names():
        sys.stdout.write(system_recipe(arguments.name).to_toml())
        return 0
    if arguments.name is not None:
        sys.stdout.write(load_recipe(arguments.name).to_toml())
        return 0
    width = max(len(name) for name in (*recipe_names(), *system_names()))
    for name in recipe_names():
        print(f"{name:<{width}}  {recipe_summary(name)}")
    print("\nother systems (posner train --system NAME):")
    for name in system_names():
        print(f"{name:<{width}}  {system_summary(name)}")
    return 0
