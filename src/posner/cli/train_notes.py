"""What `posner train` says beside its figures: odd labels, a small dev set, what to type next."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections import Counter
from pathlib import Path

from rich.console import Console

from posner.corpus import Corpus
from posner.corpus.slips import slips
from posner.evaluation.report import percent
from posner.evaluation.result import Evaluation
from posner.folder import find_model, read_contents
from posner.plural import counted

SMALL = 100
"""A dev set of fewer entities is told of: one entity more or less moves F1 by about a point."""

SENTENCE = "Ada Lovelace lived in London."


def print_slips(corpus: Corpus, source: str) -> None:
    """Say on standard error which labels may be slips of others; nothing where there are none."""
    labels = Counter(entity.label for document in corpus.documents for entity in document.entities)
    found = slips(corpus, dict(labels.most_common()))
    if found:
        what = "this label may be a slip" if len(found) == 1 else "these labels may be slips"
        told = ", ".join(slip.line() for slip in found)
        print(f"posner: {source}: {what}: {told}", file=sys.stderr)


def print_closing(
    run: Path, evaluation: Evaluation, arguments: argparse.Namespace, console: Console
) -> None:
    """Say how far the dev figures can be trusted where they are few, and what to type next."""
    if not evaluation.counts.correct:
        _print("warning: no entity of dev was found: learn for longer, or from more", console)
    elif is_small(evaluation.counts.gold):
        _print(f"{few_to_judge_by(evaluation.counts.gold)}{_interval(run)}", console)
    _print(f"next: {_evaluate(run, arguments)}", console)
    _print(f"      {shlex.join(['posner', 'predict', str(run), '--text', SENTENCE])}", console)


def is_small(entities: int) -> bool:
    """Whether a dev set has so few entities that its F1 has to be doubted."""
    return entities < SMALL


def few_to_judge_by(entities: int) -> str:
    """What to say of such a dev set."""
    found = counted(entities, "entity", "entities")
    return f"warning: only {found} to judge by: F1 is uncertain"


def _interval(run: Path) -> str:
    """The interval of F1 that the model carries; nothing where its dev set is one document."""
    dev = read_contents(find_model(run))["figures"]["dev"]
    strict = dev.get("intervals", {}).get("strict")
    if strict is None:
        return ""
    low, high = (percent(strict["f1"][border]) for border in ("low", "high"))
    return f", by a 95 % interval of {low} to {high}"


def _evaluate(run: Path, arguments: argparse.Namespace) -> str:
    """The call that shows what the model gets wrong on dev, or scores it on data of its own."""
    call = ["posner", "evaluate", str(run)]
    if arguments.dev is None:
        return f"{shlex.join(call)} DATA  # labelled data that it has not seen"
    flags = {"--format": arguments.format, "--scheme": arguments.scheme}
    named = [part for flag, value in flags.items() if value for part in (flag, value)]
    repair = ["--repair"] if arguments.repair else []
    return shlex.join([*call, arguments.dev, *named, *repair, "--errors", "5"])


def _print(line: str, console: Console) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)
