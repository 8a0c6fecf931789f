"""Where a training second goes, what the machine could do at most, and what was tried.

    python benchmarks/bench_profile.py DATA [--steps 40] [--rounds 3] [--threads 2]
        [--sentences 0] [--only NAME]

On CoNLL-2003 with the default recipe. Variants of a step take turns with the default one in one
process, in blocks of the same sentences; process settings are tried in processes of their own, in
rotation. `--only` takes `ceiling`, `phases`, `operations`, or one variant or setting.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

import rig as rigs
from ceiling import LARGEST, Product, least_seconds, measure_products, step_work
from common import (
    data_argument,
    draw_sentences,
    guarded,
    heading,
    markdown_table,
    write_result,
)
from phases import IN_STEP, Clock, openmp_libraries, time_training, timing, top_operations
from posner.align import Encoder
from posner.corpus import Corpus
from posner.errors import PosnerError, UsageError
from posner.recipe import load_recipe
from posner.training.console import Reporter
from posner.training.parts import training_parts
from posner.training.plan import judged_epochs
from profile_apart import corpora, measured_apart
from rig import Block, Rig, in_turns, pieces_per_second, words_per_second
from variants import BASE, VARIANTS, Setting, settings

WIDTHS = ((384, 1536), (1536, 384), (384, 384))
TOP = 12
APART = {"compile"}
"""Variants that run in a process of their own, which can be ended."""


@dataclass(frozen=True)
class Bench:
    """What every part of the report is measured on."""

    arguments: argparse.Namespace
    corpus: Corpus
    dev: Corpus
    clock: Clock
    base: Rig


def main() -> int:
    """Run and write `results/profile.md`, or `results/profile-<only>.md`."""
    parser = argparse.ArgumentParser(description=__doc__)
    data_argument(parser)
    parser.add_argument("--steps", type=int, default=40, help="steps of a block")
    parser.add_argument("--rounds", type=int, default=3, help="blocks of each variant")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sentences", type=int, default=0, help="so many of the corpus; 0: all")
    parser.add_argument("--compiling", type=float, default=240, help="seconds it may take")
    parser.add_argument("--only", metavar="NAME", help="one part, variant or setting")
    arguments = parser.parse_args()
    known = {*SECTIONS, *VARIANTS, *settings()}
    if arguments.only is not None and arguments.only not in known:
        expected = ", ".join(sorted(known))
        raise UsageError("no such part", where="--only", expected=expected, got=arguments.only)
    torch.set_num_threads(arguments.threads)
    bench = _bench(arguments)
    text = "\n\n".join(part(bench) for part in _sections(arguments.only))
    suffix = f"-{arguments.only}" if arguments.only else ""
    write_result(f"profile{suffix}.md", f"{heading('Where a training second goes')}\n{text}\n")
    print(text)
    return 0


def _sections(only: str | None) -> list[Callable[[Bench], str]]:
    """All parts of the report, or the one that was asked for."""
    if only is None:
        return list(SECTIONS.values())
    if only in VARIANTS:
        return [variants_section]
    return [settings_section if only in settings() else SECTIONS[only]]


def _bench(arguments: argparse.Namespace) -> Bench:
    """Read and build, timed."""
    clock = Clock()
    begin = time.perf_counter()
    corpus, dev = corpora(arguments.data, arguments.sentences)
    clock.seconds["reading"] = time.perf_counter() - begin
    functions = {
        "tokenising": ((Encoder, "encode"),),
        "preparing": ((rigs, "prepare"),),
        "loading the backbone": ((rigs, "load_backbone"),),
    }
    with timing(clock, functions):
        base = BASE.build(corpus, arguments.steps)
    clock.seconds["preparing"] -= clock.seconds["tokenising"]
    begin = time.perf_counter()
    training_parts(corpus, dev, load_recipe("default"), Reporter())
    clock.seconds["checking"] = time.perf_counter() - begin
    return Bench(arguments, corpus, dev, clock, base)


def ceiling_section(bench: Bench) -> str:
    """The machine's products, and the share of them that a step reaches."""
    products = measure_products(WIDTHS)
    rows = [product.cells() for product in products]
    table = markdown_table(["product", "fp32, GFLOP/s", "bf16, GFLOP/s"], rows)
    (blocks,) = in_turns([bench.base], bench.arguments.rounds)
    seconds = statistics.median(block.seconds for block in blocks)
    return f"## The machine's ceiling\n\n{table}\n\n{_reached(bench.base, products, seconds)}"


def _reached(rig: Rig, products: Sequence[Product], seconds: float) -> str:
    shapes = rig.shapes()
    work = step_work(shapes, rig.network.encoder.config)
    rate = work.total / seconds / 1e9
    largest = next(p for p in products if (p.m, p.k, p.n) == LARGEST)
    peak, name = (largest.bf16, "bf16") if rig.bf16 else (largest.fp32, "fp32")
    least = least_seconds(work, products, bf16=rig.bf16)
    real = sum(rig.prepared.windows[i].pieces for step in rig.steps for i in step)
    useful = real / sum(rows * length for rows, length in shapes)
    step = 1000 * seconds / len(shapes)
    return (
        f"A step takes {step:.0f} ms and multiplies {work.total / len(shapes) / 1e9:.1f} GFLOP"
        f" (linear layers and attention, forward and backward, padding included), so it reaches"
        f" {rate:,.0f} GFLOP/s: {100 * rate / peak:.0f} % of the largest product in {name}. Its"
        f" linear layers alone would take {1000 * least / len(shapes):.0f} ms at the rates of"
        f" their shapes, {100 * least / seconds:.0f} % of the step; {100 * useful:.1f} % of the"
        f" pieces are real."
    )


def phases_section(bench: Bench) -> str:
    """The parts of a step, and of a whole training."""
    base, steps = bench.base, bench.arguments.steps
    recipe = load_recipe("default")
    lengths = base.prepared.lengths
    each = recipe.training.batch_pieces / (sum(lengths) / len(lengths))  # sentences a step
    count = min(len(lengths), round((steps + rigs.WARMUP) * each))
    one = recipe.with_values({"training.epochs": 1}, where="benchmark")
    clock = time_training(draw_sentences(bench.corpus, count, 1), bench.dev, one, rigs.WARMUP)
    if not clock.calls["step"]:
        raise PosnerError(
            "too few sentences for steps behind the first ones, which are not counted",
            where="--sentences",
            got=count,
        )
    step = clock.mean("step")
    rows = [(name, clock.seconds[name] / clock.calls["step"]) for name in IN_STEP]
    rows.append(("the rest of the step", step - sum(seconds for _, seconds in rows)))
    rows.append(("reporting", clock.mean("reporting")))
    cells = [[n, f"{1000 * s:.2f}", f"{100 * s / step:.1f} %"] for n, s in rows]
    table = markdown_table(["part", "ms a step", "of the step"], cells)
    return (
        f"## Where a step's time goes\n\nMeans of {clock.calls['step']} steps of the loop, by"
        f" timers around its own functions; a step takes {1000 * step:.0f} ms.\n\n{table}\n\n"
        + _whole(bench, clock, step)
    )


def _whole(bench: Bench, clock: Clock, step: float) -> str:
    """A training of the whole corpus, put together from what was measured."""
    settings = load_recipe("default").training
    epochs = settings.epochs
    per_epoch = round(sum(bench.base.prepared.lengths) / settings.batch_pieces)
    saved = epochs * (1 + per_epoch // settings.checkpoint_steps)
    once = ("reading", "checking", "loading the backbone", "tokenising", "preparing")
    rows = [(name, bench.clock.seconds[name]) for name in once]
    rows.append((f"{epochs} x {per_epoch} steps", epochs * per_epoch * step))
    judged = len(judged_epochs(epochs, settings))
    rows.append((f"{judged} evaluations", judged * clock.mean("evaluation")))
    rows.append((f"{saved} checkpoints", saved * clock.mean("checkpoint")))
    rows.append((f"{judged} models saved", judged * clock.mean("saving")))
    total = sum(seconds for _, seconds in rows)
    cells = [[n, f"{s:.1f}", f"{100 * s / total:.1f} %"] for n, s in rows]
    table = markdown_table(["part", "seconds", "share"], cells)
    sentences = f"{bench.base.prepared.sentences:,} sentences"
    return f"## A whole training ({sentences}), put together from these\n\n{table}"


def operations_section(bench: Bench) -> str:
    """What torch's profiler sees."""
    found = top_operations(bench.base, min(10, bench.arguments.steps), TOP)
    rows = [
        [f"`{o.name}`", f"{o.calls:.0f}", f"{o.milliseconds:.1f}", f"{100 * o.share:.1f} %"]
        for o in found
    ]
    table = markdown_table(["operation", "calls a step", "own ms a step", "share"], rows)
    return f"## torch's operations with the most time of their own\n\n{table}"


def variants_section(bench: Bench) -> str:
    """Each variant in turns with the default."""
    only = bench.arguments.only
    names = [only] if only in VARIANTS else list(VARIANTS)
    rows = []
    for name in names:
        print(f"variant {name}", flush=True)
        apart = name in APART
        rows.append(_apart(name, bench.arguments) if apart else _variant_row(name, bench))
    header = ["variant", "default, pieces/s", "variant, pieces/s", "words/s, variant : default"]
    note = (
        f"Blocks of {bench.arguments.steps} steps in turns, {bench.arguments.rounds} of each, the"
        " medians. Words count where batches differ: packed sentences share their special pieces."
    )
    return f"## What was tried\n\n{note}\n\n{markdown_table(header, rows)}"


def _variant_row(name: str, bench: Bench) -> list[str]:
    variant = VARIANTS[name]
    rig = variant.build(bench.corpus, bench.arguments.steps)
    base, other = in_turns([bench.base, rig], bench.arguments.rounds)
    return _row(variant.title, base, other)


def _row(title: str, base: Sequence[Block], other: Sequence[Block]) -> list[str]:
    ratio = words_per_second(other) / words_per_second(base)
    speeds = [f"{pieces_per_second(blocks):,.0f}" for blocks in (base, other)]
    return [title, *speeds, f"{ratio:.2f}"]


def _apart(name: str, arguments: argparse.Namespace) -> list[str]:
    """A variant in a process of its own that is ended where it takes too long."""
    title = VARIANTS[name].title
    measuring = 2 * arguments.rounds * arguments.steps * 2.0 + 120
    with tempfile.TemporaryDirectory() as scratch:
        environment = {"TORCHINDUCTOR_CACHE_DIR": scratch, "TORCHINDUCTOR_COMPILE_THREADS": "1"}
        environment["OMP_NUM_THREADS"] = str(arguments.threads)
        found = measured_apart(
            name, arguments, environment, seconds=arguments.compiling + measuring
        )
    if isinstance(found, str):
        return [title, "-", "-", found]
    base, other = found.blocks
    return _row(f"{title}; the first steps took {found.first_seconds:.0f} s", base, other)


def settings_section(bench: Bench) -> str:
    """Each process setting in rotation with the default."""
    arguments = bench.arguments
    tried: dict[str, Setting] = {"default": Setting("the default")}
    known = settings()
    tried |= {arguments.only: known[arguments.only]} if arguments.only in known else known
    blocks: dict[str, list[Block]] = {name: [] for name in tried}
    trouble: dict[str, str] = {}
    for _ in range(arguments.rounds):
        for name, setting in tried.items():
            environment = {"OMP_NUM_THREADS": str(arguments.threads), **setting.environment}
            found = measured_apart("base", arguments, environment, flush=setting.flush)
            if isinstance(found, str):
                trouble[name] = found
            else:
                blocks[name] += found.blocks[0]
    rows = [
        _setting_row(tried[name].title, own, blocks["default"])
        for name, own in blocks.items()
        if own
    ]
    rows += [[tried[name].title, "-", reason] for name, reason in trouble.items()]
    table = markdown_table(["setting", "pieces/s", "setting : default"], rows)
    runtimes = ", ".join(f"`{name}`" for name in openmp_libraries()) or "none"
    return (
        f"## Process settings\n\n{arguments.threads} threads unless said otherwise; OpenMP runtime"
        f" loaded: {runtimes}; {os.cpu_count()} cores.\n\n{table}"
    )


def _setting_row(title: str, own: Sequence[Block], default: Sequence[Block]) -> list[str]:
    ratio = pieces_per_second(own) / pieces_per_second(default)
    return [title, f"{pieces_per_second(own):,.0f}", f"{ratio:.2f}"]


SECTIONS: dict[str, Callable[[Bench], str]] = {
    "ceiling": ceiling_section,
    "phases": phases_section,
    "operations": operations_section,
    "variants": variants_section,
    "settings": settings_section,
}


if __name__ == "__main__":
    sys.exit(guarded(main))
