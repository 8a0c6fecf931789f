"""`--threshold`, for every command that leaves out unlikely entities."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterable
from types import MappingProxyType

from posner.cli.numbers import number
from posner.errors import UsageError
from posner.postprocess.thresholds import Thresholds

FLAG = "--threshold"


def add_threshold_flag(parser: argparse.ArgumentParser, what: str) -> None:
    """Add `--threshold`; `what` is its help."""
    parser.add_argument(
        FLAG,
        action="append",
        type=_labelled_score,
        metavar="[LABEL=]SCORE",
        help=f"{what}; may be repeated with labels, as in 0.5 PER=0.7",
    )


def thresholds_from_flag(arguments: argparse.Namespace) -> Thresholds | None:
    """What `--threshold` says; None where it is not given.

    Raises:
        UsageError: it says something twice.
    """
    if not arguments.threshold:
        return None
    values: dict[str, float] = {}
    for label, score in arguments.threshold:
        if label in values:
            raise UsageError("given twice", where=FLAG, got=label or "a score for all labels")
        values[label] = score
    overall = values.pop("", 0.0)
    return Thresholds(overall, MappingProxyType(values))


def check_labels(flag: str, named: Iterable[str], labels: Collection[str]) -> None:
    """Refuse labels that a flag names and that no entity can have.

    Raises:
        UsageError: there is such a label.
    """
    for label in named:
        if label not in labels:
            raise UsageError(
                "no such label", where=flag, expected=", ".join(sorted(labels)), got=label
            )


def _labelled_score(text: str) -> tuple[str, float]:
    """The label (empty for all) and the score of `PER=0.7`."""
    label, _, score = text.rpartition("=")
    return label, number(FLAG, high=1)(score)
