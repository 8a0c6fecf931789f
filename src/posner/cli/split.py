"""`posner split IN --out DIR`: a corpus split into train and dev, in the format of the input."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from posner.cli.corpora import (
    add_format_flag,
    add_repair,
    add_scheme_flag,
    print_losses,
    read_repaired,
    size,
    size_line,
)
from posner.cli.numbers import number, whole
from posner.corpus import FORMATS, Corpus, Parts, count_kinds, split_by_fraction, split_every, write
from posner.corpus.files import plain_suffix
from posner.corpus.split import Unit
from posner.errors import UsageError
from posner.files import refuse_filled, write_json


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("source", metavar="IN", help="a file, a folder or the name of a data set")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder for train.* and dev.*"
    )
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument(
        "--every",
        type=whole("--every", low=1),
        metavar="N",
        help="put one in N into dev: those whose number modulo N is --offset",
    )
    way.add_argument(
        "--fraction",
        type=number("--fraction"),
        metavar="SHARE",
        help="put this share into dev, drawn at random",
    )
    parser.add_argument("--offset", type=int, metavar="N", help="remainder for --every; default: 0")
    parser.add_argument("--seed", type=int, metavar="N", help="seed for --fraction; default: 0")
    parser.add_argument(
        "--by",
        choices=("sentence", "document"),
        help="what is counted or drawn; default: sentences with --every; with --fraction "
        "documents, if there is more than one",
    )
    add_format_flag(parser, of="IN")
    add_scheme_flag(parser, of="IN")
    parser.add_argument("--force", action="store_true", help="overwrite what DIR holds")
    add_repair(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Split a corpus."""
    if arguments.every is None and arguments.offset is not None:
        raise UsageError("--offset goes with --every")
    if arguments.fraction is None and arguments.seed is not None:
        raise UsageError("--seed goes with --fraction")
    refuse_filled(arguments.out, force=arguments.force)
    corpus, problems = read_repaired(
        arguments.source,
        format=arguments.format,
        scheme=arguments.scheme,
        repair=arguments.repair,
    )
    parts = _parts(corpus, arguments)
    losses = list(parts.losses)
    figures = {}
    suffix = _suffix(corpus)
    for name, part in (("train", parts.train), ("dev", parts.dev)):
        target = arguments.out / f"{name}{suffix}"
        losses += write(part, target, format=corpus.format, force=arguments.force)
        figures[name] = size(part)
        print(size_line(target, figures[name]))
    losses = list(dict.fromkeys(losses))
    print_losses(losses)
    if arguments.json is not None:
        write_json(arguments.json, {**figures, "problems": count_kinds(problems), "losses": losses})
    print(f"next: {_train(arguments, suffix)}")
    return 0


def _train(arguments: argparse.Namespace, suffix: str) -> str:
    """The call that learns from what was written; both parts are as the input was named."""
    out: Path = arguments.out
    train, dev = (str(out / f"{name}{suffix}") for name in ("train", "dev"))
    flags = {"--format": arguments.format, "--scheme": arguments.scheme}
    named = [part for flag, value in flags.items() if value for part in (flag, value)]
    run = Path("runs", out.resolve().name or "mine")
    return shlex.join(["posner", "train", train, "--dev", dev, *named, "--out", str(run)])


def _parts(corpus: Corpus, arguments: argparse.Namespace) -> Parts:
    unit: Unit | None = arguments.by
    if arguments.every is not None:
        return split_every(corpus, arguments.every, arguments.offset or 0, by=unit or "sentence")
    unit = unit or ("document" if len(corpus.documents) > 1 else "sentence")
    return split_by_fraction(corpus, arguments.fraction, arguments.seed or 0, by=unit)


def _suffix(corpus: Corpus) -> str:
    """The input's own suffix where it is one of its format's, else the format's first."""
    path = Path(corpus.path)
    suffixes = FORMATS[corpus.format].suffixes
    if corpus.format in ("brat", "hub"):
        return ""
    own = plain_suffix(path)
    return (own if own in suffixes else suffixes[0]) + (".gz" if path.suffix == ".gz" else "")
