"""What augmentation gives with little data: samples of CoNLL-2003, with and without it.

    python benchmarks/bench_augment.py DATA --scratch FOLDER [--only 100 500] [-- FLAGS...]

A run whose result stands in the scratch folder is not repeated, so the benchmark goes on where it
was stopped. Each seed draws a sample of its own; all settings learn from the same one.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean

from common import data_argument, guarded, machine, require, run_posner, write_result
from posner.corpus import Corpus, Problem, read, split_by_fraction, write

# Sentences: the seeds, and the epochs that make steps enough.
SIZES = {100: ((1, 2), 24), 500: ((1, 2), 8), 2000: ((1,), 4)}
# Shares of mentions and of sentences whose case changes; the first changes nothing.
SETTINGS = ((0.0, 0.0), (0.3, 0.0), (0.5, 0.0), (0.0, 0.1), (0.3, 0.1))
CHOOSING, JUDGING = 200, 1000


@dataclass(frozen=True)
class Result:
    """One training; `minutes` are of computing, so they do not hang on what else is running."""

    sentences: int
    seed: int
    mentions: float
    casing: float
    f1: float
    minutes: float


def main() -> int:
    """Run and write `results/augment.md` after each training."""
    parser = argparse.ArgumentParser(description=__doc__)
    data_argument(parser)
    parser.add_argument("--scratch", type=Path, required=True, help="samples, runs and results")
    parser.add_argument("--only", type=int, nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("flags", nargs="*", help="further flags for `posner train`, after --")
    arguments = parser.parse_args()
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    _make_dev_sets(arguments.data, arguments.scratch)
    seeds = sorted({seed for own, _ in SIZES.values() for seed in own})
    for seed in seeds:  # all sizes of a seed first, for a table that soon tells something of each
        for size in arguments.only:
            if seed not in SIZES[size][0]:
                continue
            _make_sample(arguments.data, arguments.scratch, size, seed)
            for mentions, casing in SETTINGS:
                _train(arguments, size, seed, mentions, casing)
                _write_table(arguments.scratch)
    return 0


def _read(path: Path) -> Corpus:
    require(path)
    problems: list[Problem] = []  # eng.train has two ill-formed tags
    return read(path, problems=problems)


def _some(corpus: Corpus, count: int, seed: int) -> tuple[Corpus, Corpus]:
    """So many sentences of a corpus, chosen by a seed, and the others."""
    parts = split_by_fraction(corpus, count / len(list(corpus.sentences)), seed, by="sentence")
    return parts.dev, parts.train


def _make_dev_sets(data: Path, scratch: Path) -> None:
    """Sentences of eng.testa that choose an epoch, and others that judge it."""
    judging, rest = _some(_read(data / "conll2003" / "eng.testa"), JUDGING, seed=1)
    choosing, _ = _some(rest, CHOOSING, seed=1)
    write(judging, scratch / "judging.conll", force=True)
    write(choosing, scratch / "choosing.conll", force=True)


def _make_sample(data: Path, scratch: Path, size: int, seed: int) -> None:
    sample, _ = _some(_read(data / "conll2003" / "eng.train"), size, seed)
    write(sample, _sample(scratch, size, seed), force=True)


def _sample(scratch: Path, size: int, seed: int) -> Path:
    return scratch / f"train-{size}-{seed}.conll"


def _train(
    arguments: argparse.Namespace, size: int, seed: int, mentions: float, casing: float
) -> None:
    """Train and score one setting, unless its result is there."""
    scratch: Path = arguments.scratch
    kept = scratch / f"result-{size}-{seed}-{mentions}-{casing}.json"
    if kept.exists():
        return
    run, figures = str(scratch / "run"), scratch / "figures.json"
    begin = _computing_seconds()
    flags = ["--recipe", "small", "--training.epochs", str(SIZES[size][1])]
    flags += ["--training.seed", str(seed), "--augment.mentions", str(mentions)]
    flags += ["--augment.casing", str(casing), "--out", run, "--force", *arguments.flags]
    dev = ["--dev", str(scratch / "choosing.conll")]
    run_posner(["train", str(_sample(scratch, size, seed)), *dev, *flags])
    minutes = (_computing_seconds() - begin) / 60
    run_posner(["evaluate", run, str(scratch / "judging.conll"), "--json", str(figures)])
    f1 = json.loads(figures.read_text(encoding="utf-8"))["strict"]["micro"]["f1"]
    result = Result(size, seed, mentions, casing, f1, minutes)
    kept.write_text(json.dumps(asdict(result)) + "\n", encoding="utf-8")


def _computing_seconds() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _write_table(scratch: Path) -> None:
    results = [
        Result(**json.loads(path.read_text(encoding="utf-8")))
        for path in scratch.glob("result-*.json")
    ]
    header = ["sentences", "epochs", "mentions", "casing", "F1 strict", "gain", "by seed"]
    lines = [f"| {' | '.join([*header, 'minutes'])} |", "|" + "---|" * (len(header) + 1)]
    lines += [f"| {' | '.join(cells)} |" for size in SIZES for cells in _rows(results, size)]
    write_result(
        "augment.md",
        "# Augmentation with little data (CoNLL-2003)\n\n"
        f"Machine: {machine()}.\n"
        "Seeded samples of sentences of eng.train, another for each seed; recipe `small` with the "
        f"epochs of the table. {CHOOSING} sentences of eng.testa choose the epoch, {JUDGING:,} "
        "others give the F1. The gain is the mean over the seeds against the same sample without "
        "augmentation; minutes are of computing on one core, reading and evaluations included.\n"
        f"Command: `python {' '.join(sys.argv)}`\n\n" + "\n".join(lines) + "\n",
    )


def _rows(results: list[Result], size: int) -> Iterator[list[str]]:
    """The table's cells of one size, setting by setting."""
    own = {(r.mentions, r.casing, r.seed): r for r in results if r.sentences == size}
    for mentions, casing in SETTINGS:
        found = [r for key, r in sorted(own.items()) if key[:2] == (mentions, casing)]
        if not found:
            continue
        plain = [own[(*SETTINGS[0], r.seed)] for r in found]
        gain = 100 * mean(r.f1 - p.f1 for r, p in zip(found, plain, strict=True))
        yield [
            f"{size:,}",
            str(SIZES[size][1]),
            f"{mentions:g}",
            f"{casing:g}",
            f"{100 * mean(r.f1 for r in found):.2f}",
            f"{gain:+.2f}" if (mentions, casing) != SETTINGS[0] else "",
            ", ".join(f"{100 * r.f1:.2f}" for r in found),
            f"{mean(r.minutes for r in found):.1f}",
        ]


if __name__ == "__main__":
    sys.exit(guarded(main))
