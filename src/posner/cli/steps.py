"""The steps after finding, for every command that tags: a lexicon, then thresholds."""

from __future__ import annotations

import argparse
import sys

from posner.cli.thresholds import add_threshold_flag, thresholds_from_flag
from posner.postprocess.thresholds import ThresholdStep, threshold_steps
from posner.tagger import Tagger


def add_step_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--threshold`."""
    add_threshold_flag(
        parser, "leave out entities with a lower score; default: the model's own thresholds"
    )


def set_steps(tagger: Tagger, arguments: argparse.Namespace) -> None:
    """Give the tagger the steps that the flags name; thresholds come last."""
    given = thresholds_from_flag(arguments)
    if given is not None:
        tagger.steps = threshold_steps(given)


def print_steps(tagger: Tagger) -> None:
    """Say on standard error what the steps did."""
    for step in tagger.steps:
        line = step.report() if isinstance(step, ThresholdStep) else None
        if line is not None:
            print(f"posner: {line}", file=sys.stderr)
