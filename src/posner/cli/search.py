"""`posner search TRAIN --dev DEV --space SPACE --out STUDY`: the best of many trainings."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from posner.cli.corpora import add_corpus_flags, read_to_learn
from posner.cli.extras import needs_train_extra
from posner.cli.numbers import number, whole
from posner.cli.recipe_flags import add_recipe_flags, recipe_from_flags
from posner.cli.train_notes import few_to_judge_by, is_small
from posner.errors import UsageError
from posner.evaluation.report import figures_console, percent
from posner.extras import needs_extra
from posner.files import write_json
from posner.search.space import Space, load_space, space_names

if TYPE_CHECKING:
    from posner.search.search import SearchResult

DEFAULT_TRIALS = 20
_WIDE = 200

_EXPLAINED = """\
The space is a TOML file: each setting that varies, with its values or its range.

  "training.batch-pieces" = {values = [384, 768, 1536]}
  "training.learning-rate" = {low = 1e-4, high = 1e-3, log = true}
  "training.epochs" = {low = 4, high = 12, step = 2}
  dropout = {keys = ["heads.dropout", "training.encoder-dropout"], values = [0.1, 0.3]}

The last one gives two settings the same value. Everything else is as --recipe and the flags of
the recipe's settings say. The same command continues a study, or works on it beside another
process; a trial that was stopped or killed is resumed from its last checkpoint.
STUDY/best.toml is the recipe of the best trial so far, and its model is kept.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = (
        "posner search TRAIN --dev DEV --space NAME|FILE --out STUDY [--SECTION.SETTING VALUE] ..."
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = f"{parser.description}\n\n{_EXPLAINED}"
    parser.add_argument("train", metavar="TRAIN", help="labelled corpus to learn from")
    parser.add_argument(
        "--dev", required=True, metavar="DATA", help="labelled corpus that every trial is scored on"
    )
    parser.add_argument(
        "--space",
        required=True,
        metavar="NAME|FILE",
        help=f"what varies: {', '.join(space_names())}, or a TOML file",
    )
    parser.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="STUDY",
        help="study folder to write, or to continue",
    )
    add_corpus_flags(parser)
    _add_plan_flags(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the trials as JSON")
    add_recipe_flags(parser)


def _add_plan_flags(parser: argparse.ArgumentParser) -> None:
    """Add how to search, and for how long."""
    parser.add_argument(
        "--sampler",
        choices=("tpe", "grid"),
        default="tpe",
        help="tpe learns from the trials, grid tries each combination of values once; "
        "default: %(default)s",
    )
    parser.add_argument(
        "--pruner",
        choices=("median", "none"),
        help="median stops trials whose network is below the median of the finished ones at "
        "the same epoch; default: median with tpe, none with grid",
    )
    parser.add_argument(
        "--trials",
        type=whole("--trials", low=1),
        metavar="N",
        help="trials of the study, over all processes and calls; default: all of a grid, no limit "
        f"with --minutes, else {DEFAULT_TRIALS}",
    )
    parser.add_argument(
        "--minutes",
        type=number("--minutes", above=True),
        metavar="M",
        help="stop after M minutes; a trial under way is continued by the next call",
    )


def run(arguments: argparse.Namespace) -> int:
    """Search, and print what the study has come to."""
    space = load_space(arguments.space)
    _check(arguments, space)
    recipe = recipe_from_flags(arguments)
    corpus = read_to_learn(arguments.train, arguments)
    dev = read_to_learn(arguments.dev, arguments)
    with needs_train_extra("searching"):
        import posner.training.train  # noqa: F401
    with needs_extra("searching", "search"):
        from posner.search.console import ConsoleWatcher
        from posner.search.report import study_json, study_report
        from posner.search.search import Plan, search
    grid = arguments.sampler == "grid"
    trials = arguments.trials
    if trials is None and not grid and arguments.minutes is None:
        trials = DEFAULT_TRIALS
    plan = Plan(
        sampler=arguments.sampler,
        pruner=arguments.pruner or ("none" if grid else "median"),
        trials=trials,
        minutes=arguments.minutes,
    )
    console = figures_console()
    watcher = ConsoleWatcher(console)
    result = search(corpus, dev, recipe, space, arguments.out, plan=plan, watcher=watcher)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDE)  # a file needs no lines that fit a screen
    report = study_report(result.rows, result.best, result.importances, space)
    console.print("", report, "", sep="\n")
    entities = sum(len(document.entities) for document in dev.documents)
    if result.best is not None and is_small(entities):
        doubt = "and the best of many more so than one"
        console.print(f"{few_to_judge_by(entities)}, {doubt}", soft_wrap=True)
    for line in _closing(arguments, result):
        console.print(line, markup=False, soft_wrap=True)
    if arguments.json is not None:
        write_json(arguments.json, study_json(result.rows, result.best, result.importances))
    if result.ending == "stopped":
        print("posner: stopped; the same command goes on", file=sys.stderr)
        return 130
    return 0


def _check(arguments: argparse.Namespace, space: Space) -> None:
    """Refuse flags that make no sense.

    Raises:
        UsageError: a value for a setting that varies.
    """
    for key in sorted(space.keys):
        if getattr(arguments, key) is not None:
            raise UsageError(
                "the space varies this setting",
                where=f"--{key}",
                remedy="leave the flag out, or the entry of the space",
            )


def _closing(arguments: argparse.Namespace, result: SearchResult) -> Iterator[str]:
    """What there is now, and what can be done next."""
    if result.best is not None:
        yield (
            f"best dev F1 {percent(result.best.f1)} in trial {result.best.number}, whose model is "
            f"in {result.run}; its recipe trains it anew:"
        )
        yield _train_command(arguments, result)
    running = [str(row.number) for row in result.rows if row.state == "running"]
    if running:
        yield f"other processes still work on {', '.join(running)}"
    how = {
        "tried": "every combination was tried",
        "trials": "all trials were begun; a higher --trials goes on",
        "minutes": "the minutes are spent; the same command goes on",
    }
    if result.ending in how:
        yield how[result.ending]


def _train_command(arguments: argparse.Namespace, result: SearchResult) -> str:
    words = ["posner", "train", arguments.train, "--dev", arguments.dev]
    for flag in ("format", "scheme"):
        value = getattr(arguments, flag)
        words += [] if value is None else [f"--{flag}", value]
    words += ["--repair"] if arguments.repair else []
    return shlex.join([*words, "--recipe", str(result.recipe), "--out", "RUN"])
