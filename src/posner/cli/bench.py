"""`posner bench MODEL [FILE]`: how fast a model is, in each form that it can run in."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from rich.table import Table

from posner.bench.measure import Speed
from posner.bench.variants import TEXTS, Variant, bench, variants
from posner.cli.model_flags import add_model_argument, add_threads_flag, warn_of_unfinished
from posner.cli.numbers import number
from posner.errors import DataError, PosnerError, UsageError
from posner.evaluation.report import figures_console
from posner.files import write_json
from posner.systems.opponents import place_of
from posner.textfile import read_texts

INT8 = (
    "What 8 bits cost in F1 is not looked at here: "
    "posner export MODEL --out DIR --int8 --dev DEV tells, and refuses too much."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_model_argument(parser)
    parser.add_argument(
        "file",
        nargs="?",
        type=Path,
        metavar="FILE",
        help="texts, one a line; default: a few built-in ones",
    )
    parser.add_argument(
        "--seconds",
        type=number("--seconds"),
        default=5.0,
        metavar="S",
        help="seconds for which each form is measured; default: %(default)s",
    )
    add_threads_flag(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Measure each form in a process of its own, and print a table."""
    texts = list(TEXTS) * 50 if arguments.file is None else _texts(arguments.file)
    warn_of_unfinished(arguments.model)
    with _variants(arguments.model) as found:
        speeds = _measured(found, texts, arguments)
    figures_console().print(speed_table(speeds))
    if any("int8" in name for name in speeds):
        print(INT8)
    if arguments.json is not None:
        write_json(arguments.json, {name: speed.to_json() for name, speed in speeds.items()})
    return 0


def _variants(model: str) -> AbstractContextManager[list[Variant]]:
    """The forms of a model; an opponent that has no folder of its own has one."""
    place = place_of(model)
    return nullcontext([Variant(model, model, "fp32")]) if place is None else variants(place)


def _measured(
    found: Sequence[Variant], texts: Sequence[str], arguments: argparse.Namespace
) -> dict[str, Speed]:
    """The figures of each form; those that fail are reported, unless none is left."""
    speeds: dict[str, Speed] = {}
    for variant in found:
        try:
            speeds[variant.name] = bench(
                variant, texts, seconds=arguments.seconds, threads=arguments.threads
            )
        except UsageError:
            raise  # it would be wrong of every form
        except PosnerError as error:
            if variant is found[-1] and not speeds:
                raise
            print(f"posner: {variant.name} is left out: {error.line()}", file=sys.stderr)
    return speeds


def _texts(path: Path) -> list[str]:
    try:
        with path.open("rb") as stream:
            texts = [t for t in read_texts(stream, "line", name=str(path)) if t.strip()]
    except OSError as error:
        raise DataError("cannot be read", where=path, got=error.strerror) from error
    if not texts:
        raise DataError("no text to tag", where=path)
    return texts


def speed_table(speeds: dict[str, Speed]) -> Table:
    """A row for each form."""
    table = Table(box=None, pad_edge=False)
    for name in ("", "words/s", "p50 ms", "p95 ms", "start s", "MB at first", "MB at most"):
        table.add_column(name, justify="right" if name else "left")
    for name, speed in speeds.items():
        table.add_row(name, *speed_cells(speed))
    return table


def speed_cells(speed: Speed) -> list[str]:
    """A row's figures as text."""
    memory = (speed.first_memory, speed.peak_memory)
    return [
        f"{speed.words_per_second:,.0f}",
        f"{1000 * speed.p50:.1f}",
        f"{1000 * speed.p95:.1f}",
        f"{speed.start:.2f}",
        *("?" if size is None else f"{size / 1e6:.0f}" for size in memory),
    ]
