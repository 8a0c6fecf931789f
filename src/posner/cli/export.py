"""`posner export MODEL --out DIR`: a model that runs without torch."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from posner.cli.corpora import add_corpus_flags, read_corpus
from posner.cli.export_huggingface import add_target, run_huggingface
from posner.cli.model_flags import add_new_model_flags, warn_of_unfinished
from posner.cli.numbers import number
from posner.errors import UsageError
from posner.export import MAX_LOSS
from posner.extras import needs_extra
from posner.files import write_json
from posner.plural import counted

if TYPE_CHECKING:
    from posner.export.model import Exported


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("model", metavar="MODEL", help="a model or run folder")
    add_new_model_flags(parser)
    parser.add_argument("--int8", action="store_true", help="quantise to 8 bits; needs --dev")
    parser.add_argument("--dev", metavar="DATA", help="labelled corpus that 8 bits are measured on")
    parser.add_argument(
        "--max-loss",
        type=number("--max-loss"),
        metavar="POINTS",
        help=f"points of F1 on --dev that 8 bits may lose; default: {MAX_LOSS}",
    )
    add_target(parser)
    add_corpus_flags(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Export, and print size, parity and what 8 bits cost."""
    if arguments.dev and not arguments.int8:
        raise UsageError("--dev goes with --int8")
    if arguments.max_loss is not None and not arguments.int8:
        raise UsageError("--max-loss goes with --int8")
    warn_of_unfinished(arguments.model)
    if arguments.to == "huggingface":
        return run_huggingface(arguments)
    if arguments.int8 and not arguments.dev:
        raise UsageError("--int8 needs --dev DATA: a labelled corpus that it is measured on")
    dev = read_corpus(arguments.dev, arguments).documents if arguments.int8 else None
    with needs_extra("exporting a model", "export"):
        from posner.export.model import export_model
    exported = export_model(
        Path(arguments.model),
        arguments.out,
        int8=arguments.int8,
        dev=dev,
        max_loss=MAX_LOSS if arguments.max_loss is None else arguments.max_loss,
        force=arguments.force,
    )
    print("\n".join(export_lines(exported)))
    if arguments.json is not None:
        write_json(arguments.json, exported.to_json())
    return 0


def export_lines(exported: Exported) -> Iterator[str]:
    """What was written and measured, a line each."""
    precision = "int8" if exported.int8 else "fp32"
    yield f"{exported.folder}: an ONNX model in {precision}, {exported.size / 1e6:.1f} MB"
    yield (
        f"parity: in fp32 its raw scores of tags differ by at most {exported.difference:.1g} "
        "from torch's"
    )
    quality = exported.quality
    if quality is None:
        return
    full, int8 = 100 * quality.full.f1, 100 * quality.int8.f1
    kept = f"; with the model's threshold {exported.thresholds}" if exported.thresholds else ""
    yield f"dev F1 (strict): fp32 {full:.2f}, int8 {int8:.2f}, {quality.loss:.2f} points lost{kept}"
    verb = "comes or goes" if quality.changed == 1 else "come or go"
    yield (
        f"batching: {counted(quality.changed, 'entity', 'entities')} {verb} when each sentence is "
        f"tagged alone ({100 * quality.changed_share:.2f} % of the {quality.int8.predicted:,} that "
        "int8 finds on dev)"
    )
