"""`posner train TRAIN --out RUN`: a model fine-tuned on a labelled corpus."""

from __future__ import annotations

import argparse
from pathlib import Path

from posner.cli.corpora import add_corpus_flags, read_to_learn
from posner.cli.extras import needs_train_extra
from posner.cli.fold_figures import print_folds
from posner.cli.model_flags import warn_of_unfinished
from posner.cli.numbers import whole
from posner.cli.recipe_flags import add_recipe_flags, recipe_from_flags
from posner.cli.system_flags import add_system_flags, refuse_system_flags, run_system
from posner.cli.train_notes import print_closing, print_slips
from posner.errors import UsageError
from posner.evaluation.report import evaluation_report, figures_console
from posner.files import write_json
from posner.recipe import Recipe
from posner.systems.recipes import MAIN


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "posner train TRAIN [--dev DATA] --out RUN [--SECTION.SETTING VALUE] ..."
    parser.add_argument("train", metavar="TRAIN", help="labelled corpus to learn from")
    parser.add_argument("--dev", metavar="DATA", help="labelled corpus that chooses the best epoch")
    parser.add_argument(
        "--out", required=True, type=Path, metavar="RUN", help="run folder to write"
    )
    add_corpus_flags(parser)
    parser.add_argument(
        "--from",
        dest="start",
        type=Path,
        metavar="MODEL",
        help="start from this model's weights and labels, with its recipe unless --recipe is given",
    )
    parser.add_argument("--resume", action="store_true", help="continue from the last checkpoint")
    parser.add_argument("--force", action="store_true", help="replace an existing run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the dev figures as JSON")
    parser.add_argument(
        "--folds",
        type=whole("--folds", low=2),
        metavar="K",
        help="cross-validate instead: train K models in RUN, score each on the part that it has "
        "not learned from, and rank their disagreements with the annotation",
    )
    add_recipe_flags(parser)
    add_system_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train, and print the best epoch's figures."""
    if arguments.folds is not None and arguments.dev is not None:
        raise UsageError("--folds and --dev exclude each other", expected="one corpus to split")
    if arguments.system != MAIN:
        return run_system(arguments)
    refuse_system_flags(arguments)
    if arguments.resume and arguments.force:
        raise UsageError("--resume and --force exclude each other")
    if arguments.folds is not None:
        return _cross_validate(arguments)
    recipe = _recipe(arguments)
    corpus = read_to_learn(arguments.train, arguments)
    print_slips(corpus, arguments.train)
    dev = None if arguments.dev is None else read_to_learn(arguments.dev, arguments)
    with needs_train_extra("training"):
        from posner.training.console import reporter_for
        from posner.training.train import describe, train
    console = figures_console()
    result = train(
        corpus,
        dev,
        recipe,
        arguments.out,
        reporter=reporter_for(console),
        start=arguments.start,
        resume=arguments.resume,
        force=arguments.force,
    )
    if result.evaluation is not None:  # the main process of a distributed run speaks for all
        console.print(evaluation_report(result.evaluation))
        console.print(describe(result), highlight=False, soft_wrap=True)
        print_closing(arguments.out, result.evaluation, arguments, console)
        if arguments.json is not None:
            write_json(arguments.json, result.evaluation.to_json())
    return 0


def _recipe(arguments: argparse.Namespace) -> Recipe:
    """What the flags say; a warning where the model to start from is of an unfinished run."""
    if arguments.start is not None:
        warn_of_unfinished(arguments.start)
    return recipe_from_flags(arguments, start=arguments.start)


def _cross_validate(arguments: argparse.Namespace) -> int:
    """Train a model a fold, and print their scores one by one and together."""
    recipe = _recipe(arguments)
    corpus = read_to_learn(arguments.train, arguments)
    print_slips(corpus, arguments.train)
    with needs_train_extra("training"):
        from posner.training.console import reporter_for
        from posner.training.network_folds import cross_validate
    console = figures_console()
    found = cross_validate(
        corpus,
        recipe,
        arguments.out,
        folds=arguments.folds,
        reporter=reporter_for(console),
        start=arguments.start,
        resume=arguments.resume,
        force=arguments.force,
    )
    if found is not None:
        print_folds(found, arguments, console)
    return 0
