"""`--threshold`, for every command that leaves out unlikely entities."""

from __future__ import annotations

import argparse
from types import MappingProxyType

from posner.errors import DataError, UsageError
from posner.postprocess.thresholds import Thresholds


def add_threshold_flag(parser: argparse.ArgumentParser, what: str) -> None:
    """Add `--threshold`; `what` is its help."""
    parser.add_argument(
        "--threshold",
        action="append",
        metavar="[LABEL=]SCORE",
        help=f"{what}; may be repeated with labels, as in 0.5 PER=0.7",
    )


def thresholds_from_flag(arguments: argparse.Namespace) -> Thresholds | None:
    """What `--threshold` says; None where it is not given.

    Raises:
        UsageError: it says no score from 0 to 1, or something twice.
    """
    if not arguments.threshold:
        return None
    values: dict[str, float] = {}
    for text in arguments.threshold:
        label, _, number = text.rpartition("=")
        if label in values:
            raise UsageError("given twice", where="--threshold", got=text)
        try:
            values[label] = float(number)
        except ValueError as error:
            raise _refused(text) from error
    overall = values.pop("", 0.0)
    try:
        return Thresholds(overall, MappingProxyType(values))
    except DataError as error:
        raise _refused(str(error.got)) from error


def _refused(got: str) -> UsageError:
    return UsageError(
        "not a threshold", where="--threshold", expected="a score from 0 to 1", got=got
    )
