"""The flags of every command that runs a model."""

from __future__ import annotations

import argparse

from posner.cli.extras import needs_train_extra
from posner.cli.numbers import whole
from posner.foreign.aggregation import STRATEGIES
from posner.systems.opening import is_foreign_model, load
from posner.tagger import Tagger


def add_model_flags(parser: argparse.ArgumentParser) -> None:
    """Add MODEL, `--aggregation`, and what `add_device_flags` adds."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a model or run folder, or a Hugging Face one (also hf:PATH), or spacy",
    )
    add_device_flags(parser)
    parser.add_argument(
        "--aggregation",
        choices=("legal", *STRATEGIES),
        default="legal",
        help="how the pieces of a Hugging Face model become entities: whole words on a legal path "
        "(default), or as transformers' pipeline joins them",
    )
    add_threads_flag(parser)


def add_threads_flag(parser: argparse.ArgumentParser) -> None:
    """Add `--threads`."""
    parser.add_argument(
        "--threads",
        type=whole("--threads", low=1),
        metavar="N",
        help="threads that compute on the CPU; default: one for each core that may be used",
    )


def add_device_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--device` and `--precision`."""
    add_device_flag(parser)
    parser.add_argument(
        "--precision",
        choices=("fp32", "bf16"),
        default="fp32",
        help="bf16 is faster where the device computes it natively; default: fp32",
    )


def add_device_flag(parser: argparse.ArgumentParser) -> None:
    """Add `--device`."""
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps; default: auto")


def load_from_flags(arguments: argparse.Namespace) -> Tagger:
    """The model that the flags name."""
    with needs_train_extra("running this model"):
        return load(
            arguments.model,
            device=arguments.device,
            precision=arguments.precision,
            aggregation=arguments.aggregation,
            threads=arguments.threads,
        )


def load_other(arguments: argparse.Namespace, model: str) -> Tagger:
    """Another model on the same device; an aggregation is only for those that can have one."""
    with needs_train_extra("running this model"):
        return load(
            model,
            device=arguments.device,
            precision=arguments.precision,
            aggregation=arguments.aggregation if is_foreign_model(model) else "legal",
            threads=arguments.threads,
        )
