"""The flags of every command that runs a model."""

from __future__ import annotations

import argparse

from posner.cli.extras import needs_train_extra
from posner.foreign.aggregation import STRATEGIES
from posner.systems import load
from posner.tagger import Tagger


def add_model_flags(parser: argparse.ArgumentParser) -> None:
    """Add MODEL and what `add_device_flags` adds."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a model or run folder, or a Hugging Face one (also hf:PATH), or spacy",
    )
    add_device_flags(parser)


def add_device_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--device`, `--precision` and `--aggregation`."""
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


def load_from_flags(arguments: argparse.Namespace, model: str | None = None) -> Tagger:
    """The model that the flags name, or another with the same device and precision."""
    with needs_train_extra("running this model"):
        return load(
            model or arguments.model,
            device=arguments.device,
            precision=arguments.precision,
            aggregation=arguments.aggregation,
        )
