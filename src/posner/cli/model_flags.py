"""The flags of every command that runs a model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from posner.cli.extras import needs_train_extra
from posner.cli.numbers import number, whole
from posner.errors import ModelError, UsageError
from posner.folder import find_model, unfinished_run
from posner.foreign.aggregation import STRATEGIES
from posner.loading import Aggregation
from posner.recognizer import Recognizer
from posner.systems.opening import is_foreign_model, load
from posner.tagger import Tagger

REPEATS = "--repeats"


def add_model_flags(parser: argparse.ArgumentParser) -> None:
    """Add MODEL, `--aggregation`, `--repeats`, and what `add_device_flags` adds."""
    add_model_argument(parser)
    add_device_flags(parser)
    parser.add_argument(
        "--aggregation",
        choices=("legal", *STRATEGIES),
        default="legal",
        help="how a Hugging Face model's pieces become entities: whole words on a legal path "
        "(default), or joined as by transformers' pipeline",
    )
    parser.add_argument(
        REPEATS,
        type=number(REPEATS, high=1),
        metavar="SHARE",
        help="how far the predictions for a word that a document repeats are drawn to their mean; "
        "0: each sentence is tagged by itself; default: as the model was trained (data.repeats)",
    )
    add_threads_flag(parser)


def add_model_argument(parser: argparse.ArgumentParser) -> None:
    """Add MODEL, which may be any."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a model or run folder, a Hugging Face model folder (also hf:PATH), or spacy",
    )


def add_new_model_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--out` and `--force`, for commands that write a model folder."""
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="model folder to write"
    )
    parser.add_argument("--force", action="store_true", help="replace an existing model")


def add_threads_flag(parser: argparse.ArgumentParser) -> None:
    """Add `--threads`."""
    parser.add_argument(
        "--threads",
        type=whole("--threads", low=1),
        metavar="N",
        help="CPU threads; default: one for each available core",
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
    """The model that the flags name.

    Raises:
        UsageError: `--repeats` for a model whose words are not whole, or for another system.
    """
    warn_of_unfinished(arguments.model)
    with needs_train_extra("running this model"):
        tagger = load(
            arguments.model,
            device=arguments.device,
            precision=arguments.precision,
            aggregation=arguments.aggregation,
            threads=arguments.threads,
        )
    if not _set_repeats(tagger, arguments, arguments.aggregation):
        raise UsageError(
            "this model cannot draw repeated words together", where=REPEATS, got=arguments.model
        )
    return tagger


def load_other(arguments: argparse.Namespace, model: str) -> Tagger:
    """Another model on the same device; what only some models can have is for those alone."""
    warn_of_unfinished(model)
    aggregation: Aggregation = arguments.aggregation if is_foreign_model(model) else "legal"
    with needs_train_extra("running this model"):
        tagger = load(
            model,
            device=arguments.device,
            precision=arguments.precision,
            aggregation=aggregation,
            threads=arguments.threads,
        )
    _set_repeats(tagger, arguments, aggregation)
    return tagger


def warn_of_unfinished(*models: str | Path) -> None:
    """Say on standard error which models are of trainings that did not come to their end."""
    for model in models:
        try:
            run = unfinished_run(find_model(model))
        except ModelError:
            continue  # whoever loads it says what is wrong, or knows what else it is
        if run is not None:
            print(
                f"posner: warning: {run}: this run is not finished, its model is the best so far; "
                "the command that began it finishes it (`posner train`: with --resume)",
                file=sys.stderr,
            )


def _set_repeats(tagger: Tagger, arguments: argparse.Namespace, aggregation: str) -> bool:
    """Do what `--repeats` says; False where it is given and the model cannot do that."""
    if arguments.repeats is None:
        return True
    if not isinstance(tagger, Recognizer) or aggregation != "legal":
        return False
    tagger.repeats = arguments.repeats
    return True
