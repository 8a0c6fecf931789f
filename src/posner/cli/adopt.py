"""`posner adopt MODEL --out DIR`: a Hugging Face token classifier as a model of Posner's."""

from __future__ import annotations

import argparse
from pathlib import Path

from posner.cli.extras import needs_train_extra


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("model", metavar="MODEL", help="a folder that transformers saved")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="model folder to make"
    )
    parser.add_argument("--force", action="store_true", help="replace a model that stands there")


def run(arguments: argparse.Namespace) -> int:
    """Adopt, and say what came of it."""
    with needs_train_extra("adopting a model"):
        from posner.foreign.adopt import adopt_model
    manifest = adopt_model(Path(arguments.model), arguments.out, force=arguments.force)
    labels = ", ".join(manifest.labels)
    print(f"{arguments.out}: a Posner model of {labels}, tagged as {manifest.recipe.data.scheme}")
    return 0
