"""The flags of every command that runs a model."""

from __future__ import annotations

import argparse

from posner.cli.extras import needs_train_extra
from posner.foreign.aggregation import STRATEGIES
from posner.recognizer import Recognizer, load


def add_model_flags(parser: argparse.ArgumentParser) -> None:
    """Add MODEL, `--device` and `--precision`."""
    parser.add_argument(
        "model", metavar="MODEL", help="a model or run folder, or a Hugging Face one"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps; default: auto")
    parser.add_argument(
        "--precision",
        choices=("fp32", "bf16"),
        default="fp32",
        help="bf16 is faster where the device computes it natively; default: fp32",
    )
    parser.add_argument(
        "--aggregation",
        choices=("legal", *STRATEGIES),
        default="legal",
        help="how the pieces of a Hugging Face model become entities: whole words on a legal path "
        "(default), or as transformers' pipeline joins them",
    )


def load_from_flags(arguments: argparse.Namespace) -> Recognizer:
    """The model that the flags name."""
    with needs_train_extra("running this model"):
        return load(
            arguments.model,
            device=arguments.device,
            precision=arguments.precision,
            aggregation=arguments.aggregation,
        )
