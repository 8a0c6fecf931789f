"""What a cross-validation prints."""

from __future__ import annotations

import argparse

from rich.console import Console

from posner.evaluation.analysis_report import analysis_report
from posner.files import write_json
from posner.training.folds import CrossValidation, describe_folds


def print_folds(found: CrossValidation, arguments: argparse.Namespace, console: Console) -> None:
    """All out-of-fold predictions as one set, then each fold's F1; and `--json`."""
    console.print(analysis_report(found.together))
    console.print()
    console.print(describe_folds(found, arguments.out), highlight=False, soft_wrap=True)
    if arguments.json is not None:
        write_json(arguments.json, found.to_json())
