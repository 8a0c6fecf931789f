"""The steps after finding, for every command that tags: a lexicon, then thresholds."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from posner.cli.numbers import number
from posner.cli.thresholds import FLAG as THRESHOLD
from posner.cli.thresholds import add_threshold_flag, check_labels, thresholds_from_flag
from posner.errors import UsageError
from posner.postprocess.correct import LexiconStep
from posner.postprocess.names import read_names
from posner.postprocess.near import MOST_EDITS
from posner.postprocess.rules import RULES, Rules, rule_names
from posner.postprocess.thresholds import ThresholdStep, threshold_steps
from posner.recognizer import Recognizer
from posner.tagger import Tagger


def add_step_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--lexicon` and its rules, and `--threshold`."""
    parser.add_argument(
        "--lexicon",
        action="append",
        type=Path,
        metavar="FILE",
        help="lexicon of known names (see posner lexicon); may be repeated",
    )
    parser.add_argument(
        "--lexicon-rules",
        metavar="RULES",
        help=f"what the lexicon may do: any of {','.join(RULES)}; default: {RULES[0]}",
    )
    parser.add_argument(
        "--lexicon-closed",
        action="append",
        default=[],
        metavar="LABEL",
        help="the lexicon has all names of this label: drop other entities with it",
    )
    parser.add_argument(
        "--lexicon-edits",
        type=int,
        choices=range(MOST_EDITS + 1),
        help=f"largest edit distance of a misspelt name; default: {MOST_EDITS}",
    )
    parser.add_argument(
        "--lexicon-least",
        type=number("--lexicon-least", high=1),
        metavar="SCORE",
        help="lowest score of names that add or relabel; default: 0",
    )
    add_threshold_flag(
        parser, "drop entities with a lower score; default: the model's own thresholds"
    )


def set_steps(
    tagger: Tagger, arguments: argparse.Namespace, *, beside: Tagger | None = None
) -> None:
    """Give the tagger the steps that the flags name; thresholds come last.

    Args:
        tagger: whose steps they become.
        arguments: the flags.
        beside: another tagger that they are for as well, which may have labels that this one lacks.

    Raises:
        DataError: a lexicon cannot be read.
        UsageError: flags that do not fit together, or labels that no entity can have.
        MissingExtraError: packages for a lexicon are not installed.
    """
    given = thresholds_from_flag(arguments)
    last = tagger.steps if given is None else threshold_steps(given)
    rules = _rules(arguments)
    names = [name for path in arguments.lexicon or () for name in read_names(path)]
    labels = {*tagger.manifest.labels, *(beside.manifest.labels if beside else ())}
    check_labels("--lexicon-closed", arguments.lexicon_closed, labels)
    if rules.add or rules.relabel:
        labels |= {name.label for name in names}
    check_labels(THRESHOLD, given.labels if given else (), labels)
    if arguments.lexicon is not None:
        known = tagger.knows if isinstance(tagger, Recognizer) else None
        last = (LexiconStep(names, rules, known=known), *last)
    tagger.steps = last


def print_steps(tagger: Tagger, name: str | None = None) -> None:
    """Say on standard error what the steps did; `name` is the model's where there are several."""
    whose = "" if name is None else f"{name}: "
    for step in tagger.steps:
        line = step.report() if isinstance(step, LexiconStep | ThresholdStep) else None
        if line is not None:
            print(f"posner: {whose}{line}", file=sys.stderr)


def _rules(arguments: argparse.Namespace) -> Rules:
    flags = {
        "--lexicon-rules": arguments.lexicon_rules,
        "--lexicon-closed": arguments.lexicon_closed or None,
        "--lexicon-edits": arguments.lexicon_edits,
        "--lexicon-least": arguments.lexicon_least,
    }
    used = [flag for flag, value in flags.items() if value is not None]
    if used and arguments.lexicon is None:
        raise UsageError(f"{used[0]} goes with --lexicon")
    named = rule_names(arguments.lexicon_rules or RULES[0])
    if arguments.lexicon_least is not None and not {"add", "relabel"} & named:
        raise UsageError("--lexicon-least goes with --lexicon-rules add or relabel")
    if arguments.lexicon_edits is not None and named == {"veto"}:
        raise UsageError("--lexicon-edits goes with --lexicon-rules correct, add or relabel")
    rules = Rules.named(named)
    edits, least = arguments.lexicon_edits, arguments.lexicon_least
    return replace(
        rules,
        closed=frozenset(arguments.lexicon_closed),
        least=rules.least if least is None else least,
        edits=rules.edits if edits is None else edits,
    )
