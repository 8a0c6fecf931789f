"""`posner export MODEL --out DIR --to huggingface`."""

from __future__ import annotations

import argparse
from pathlib import Path

from posner.cli.extras import needs_train_extra


def run_huggingface(arguments: argparse.Namespace) -> int:
    """Write a plain model for transformers, and say what it does not know of it.

    Args:
        arguments: with `model`, `out` and `force`.
    """
    with needs_train_extra("writing a model for transformers"):
        from posner.foreign.write import write_for_transformers
    written = write_for_transformers(
        Path(arguments.model), Path(arguments.out), force=bool(arguments.force)
    )
    print(f"{arguments.out}: a token classifier with {len(written.tags)} outputs, which opens with")
    print(
        f'  transformers.pipeline("token-classification", model="{arguments.out}", '
        'aggregation_strategy="first")'
    )
    for note in written.notes:
        print(f"note: {note}")
    return 0
