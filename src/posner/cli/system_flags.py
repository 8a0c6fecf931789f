"""`posner train --system`: the other systems, their settings as flags."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path

from posner.cli.corpora import read_to_learn
from posner.cli.fold_figures import print_folds
from posner.cli.train_notes import print_closing, print_slips
from posner.corpus import Corpus
from posner.errors import UsageError
from posner.evaluation.report import evaluation_report, figures_console
from posner.files import write_json
from posner.recipe import Setting, load_recipe, settings
from posner.systems.labelling import only_labels
from posner.systems.recipes import (
    KINDS,
    MAIN,
    NeuralRecipe,
    SystemRecipe,
    has_epochs,
    kind_of,
    system_names,
    system_recipe,
)
from posner.systems.train import train_system
from posner.tagger import Tagger
from posner.training.console import reporter_for
from posner.training.folds import validate_folds


def add_system_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--system` and a flag for every setting of every system."""
    parser.add_argument(
        "--system",
        default=MAIN,
        choices=(MAIN, *system_names()),
        help="system to train; default: %(default)s",
    )
    groups: dict[str, argparse._ArgumentGroup] = {}
    for setting, kinds in _system_settings().values():
        if setting.section not in groups:
            title = f"{setting.section} settings of --system {' and '.join(kinds)}"
            groups[setting.section] = parser.add_argument_group(title)
        groups[setting.section].add_argument(
            f"--{setting.key}",
            dest=setting.key,
            metavar="|".join(setting.choices) or setting.type.__name__.upper(),
            help=f"{setting.help.replace('%', '%%')}; default: see `posner recipes {kinds[0]}`",
        )


def refuse_system_flags(arguments: argparse.Namespace) -> None:
    """Refuse settings of other systems where the network is trained.

    Raises:
        UsageError: there is one.
    """
    for key, (_, kinds) in _system_settings().items():
        if getattr(arguments, key) is not None:
            raise UsageError(f"--{key} is a setting of --system {' and '.join(kinds)}")


def run_system(arguments: argparse.Namespace) -> int:
    """Train another system, and print its figures on dev."""
    if arguments.resume:
        raise UsageError(
            f"--resume: a {arguments.system} is learned in one go; --force begins anew"
        )
    if arguments.start is not None:
        raise UsageError(f"--from: a {arguments.system} is always learned from nothing")
    given = _given(arguments)
    recipe = system_recipe(arguments.system, file=arguments.recipe, values=given)
    _refuse_idle(given, recipe)
    corpus = read_to_learn(arguments.train, arguments)
    print_slips(corpus, arguments.train)
    if arguments.folds is not None:
        return _cross_validate(corpus, recipe, arguments)
    dev = None if arguments.dev is None else read_to_learn(arguments.dev, arguments)
    console = figures_console()
    result = train_system(
        arguments.system,
        corpus,
        dev,
        recipe,
        arguments.out,
        reporter=reporter_for(console),
        force=arguments.force,
    )
    console.print(evaluation_report(result.evaluation))
    console.print(result.describe(), highlight=False, soft_wrap=True)
    print_closing(arguments.out, result.evaluation, arguments, console)
    if arguments.json is not None:
        write_json(arguments.json, result.evaluation.to_json())
    return 0


def _cross_validate(corpus: Corpus, recipe: SystemRecipe, arguments: argparse.Namespace) -> int:
    """Train a model a fold, and print their scores one by one and together."""
    console = figures_console()
    reporter = reporter_for(console)

    def fit(learned: Corpus, held: Corpus, run: Path) -> Tagger:
        name, force = arguments.system, arguments.force
        dev = None if has_epochs(name) else held
        return train_system(name, learned, dev, recipe, run, reporter=reporter, force=force).system

    found = validate_folds(
        only_labels(corpus, recipe.labels.kept),
        fit,
        arguments.out,
        folds=arguments.folds,
        seed=load_recipe("default").training.seed,
        reporter=reporter,
        force=arguments.force,
    )
    assert found is not None  # one process
    print_folds(found, arguments, console)
    return 0


def _system_settings() -> dict[str, tuple[Setting, list[str]]]:
    """Every setting of the systems by its key, with the kinds that know it."""
    found: dict[str, tuple[Setting, list[str]]] = {}
    for kind, recipe in KINDS.items():
        for setting in recipe.settings():
            found.setdefault(setting.key, (setting, []))[1].append(kind)
    return found


def _given(arguments: argparse.Namespace) -> dict[str, str]:
    """The settings on the command line.

    Raises:
        UsageError: one that this system does not have.
    """
    kind = kind_of(arguments.system)
    sections = {section.name for section in fields(KINDS[kind])}
    known = (*(s.key for s in settings()), *_system_settings())
    given = {key: getattr(arguments, key) for key in known}
    values = {key: str(value) for key, value in given.items() if value is not None}
    for key in values:
        if key.partition(".")[0] not in sections:
            raise UsageError(
                f"--{key} is no setting of --system {arguments.system}",
                remedy=f"`posner recipes {arguments.system}` prints all",
            )
    return values


def _refuse_idle(given: dict[str, str], recipe: SystemRecipe) -> None:
    """Refuse settings on the command line that another setting leaves without effect.

    Raises:
        UsageError: there is one.
    """
    if not isinstance(recipe, NeuralRecipe):
        return
    optimizer, has_file = recipe.learning.optimizer, bool(recipe.vectors.path)
    idle = {
        "vectors.freeze": None if has_file else "vectors.path",
        "vectors.vocabulary": None if has_file else "vectors.path",
        "learning.momentum": None if optimizer == "sgd" else "learning.optimizer sgd",
        "learning.weight-decay": None if optimizer == "adamw" else "learning.optimizer adamw",
    }
    for key, needed in idle.items():
        if key in given and needed is not None:
            raise UsageError(f"--{key} changes nothing without --{needed}")
