"""`posner merge MODEL --out DIR`: a model whose adapters are merged into its encoder."""

from __future__ import annotations

import argparse
from pathlib import Path

from posner.cli.extras import needs_train_extra
from posner.cli.model_flags import add_new_model_flags, warn_of_unfinished


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("model", metavar="MODEL", help="a model or run folder with adapters")
    add_new_model_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    """Merge, and print the new model's size."""
    warn_of_unfinished(arguments.model)
    with needs_train_extra("merging"):
        from posner.model.merge import merge_model
    merge_model(Path(arguments.model), arguments.out, force=arguments.force)
    size = sum(path.stat().st_size for path in arguments.out.iterdir())
    print(f"{arguments.out}: a whole model, {size / 1e6:.1f} MB, which no longer needs the encoder")
    return 0
