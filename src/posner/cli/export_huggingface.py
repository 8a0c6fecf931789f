"""`posner export MODEL --out DIR --to huggingface`: what `posner export` does for that target."""

from __future__ import annotations

import argparse
from pathlib import Path

from posner.cli.extras import needs_train_extra
from posner.errors import UsageError
from posner.files import write_json


def add_target(parser: argparse.ArgumentParser) -> None:
    """Add `--to`."""
    parser.add_argument(
        "--to",
        choices=("onnx", "huggingface"),
        default="onnx",
        help="onnx (default): runs without torch; huggingface: a folder that transformers loads",
    )


def run_huggingface(arguments: argparse.Namespace) -> int:
    """Write a plain model for transformers, and print what is lost on the way.

    Args:
        arguments: with `model`, `out`, `force`, `json` and `int8`.

    Raises:
        UsageError: 8 bits are asked for.
    """
    if arguments.int8:
        raise UsageError("--int8 goes with --to onnx")
    with needs_train_extra("writing a model for transformers"):
        from posner.foreign.write import write_for_transformers
    written = write_for_transformers(
        Path(arguments.model), arguments.out, force=bool(arguments.force)
    )
    print(f"{arguments.out}: a token classifier with {len(written.tags)} outputs, which opens with")
    print(
        f'  transformers.pipeline("token-classification", model="{arguments.out}", '
        'aggregation_strategy="first")'
    )
    for note in written.notes:
        print(f"note: {note}")
    if arguments.json is not None:
        values = {"path": str(arguments.out), "tags": written.tags, "notes": written.notes}
        write_json(arguments.json, values)
    return 0
