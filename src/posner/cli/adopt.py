"""`posner adopt MODEL --out DIR`: a Hugging Face token classifier as a Posner model."""

from __future__ import annotations

import argparse
from pathlib import Path

from posner.cli.extras import needs_train_extra
from posner.cli.model_flags import add_new_model_flags


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("model", metavar="MODEL", help="a folder that transformers saved")
    add_new_model_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    """Adopt, and print what the new model is."""
    with needs_train_extra("adopting a model"):
        from posner.foreign.adopt import adopt_model
    manifest = adopt_model(Path(arguments.model), arguments.out, force=arguments.force)
    labels = ", ".join(manifest.labels)
    print(f"{arguments.out}: a Posner model of {labels}, tagged as {manifest.recipe.data.scheme}")
    return 0
