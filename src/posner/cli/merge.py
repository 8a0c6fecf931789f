"""`posner merge MODEL --out DIR`: a model with adapters as a whole one."""

from __future__ import annotations

import argparse
from pathlib import Path

from posner.cli.extras import needs_train_extra


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("model", metavar="MODEL", help="a model or run folder with adapters")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="model folder to make"
    )
    parser.add_argument("--force", action="store_true", help="replace a model that stands there")


def run(arguments: argparse.Namespace) -> int:
    """Merge, and say what came of it."""
    with needs_train_extra("merging"):
        from posner.model.merge import merge_model
    merge_model(Path(arguments.model), arguments.out, force=arguments.force)
    size = sum(path.stat().st_size for path in arguments.out.iterdir())
    print(f"{arguments.out}: a whole model, {size / 1e6:.1f} MB, which needs no other encoder")
    return 0
