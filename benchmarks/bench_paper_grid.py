"""The first paper's grid over learning rate, batch size and dropout, with the built-in backbone.

    python benchmarks/bench_paper_grid.py DATA [--sentences 1000] [--workdir DIR] [--minutes M]
    python benchmarks/bench_paper_grid.py DATA --table

`posner search` tries each combination of the space `paper-conll` once, with the recipe of the same
name, on sentences drawn from CoNLL-2003. The study goes on where it was stopped, and a second
process with the same arguments joins it. `--table` only writes `results/paper-grid.md`, also of a
study that is not finished.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from common import (
    conll_files,
    data_argument,
    draw_sentences,
    guarded,
    heading,
    markdown_table,
    read_corpus,
    run_posner,
    write_result,
)
from posner.corpus import write
from posner.errors import PosnerError

NAME = "paper-conll"
DEV_SENTENCES = 1000
MOST_EPOCHS = 12
COMBINATIONS = 45
RATE, BATCH, DROPOUT = "training.learning-rate", "training.batch-pieces", "dropout"
NAMES = {RATE: "learning rate", BATCH: "pieces a batch", DROPOUT: "dropout"}
EARLY = 6  # the paper's least number of epochs


@dataclass(frozen=True)
class Trial:
    """One combination.

    Attributes:
        values: by the space's entries.
        f1: strict, on dev, after each epoch.
    """

    values: dict[str, float]
    f1: tuple[float, ...]

    @property
    def best(self) -> float:
        """Of its epochs, the one that early stopping keeps."""
        return max(self.f1)

    @property
    def best_epoch(self) -> int:
        """Counted from 1."""
        return self.f1.index(self.best) + 1


def main() -> int:
    """Search, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    data_argument(parser)
    parser.add_argument("--sentences", type=int, default=1000, help="drawn from eng.train")
    parser.add_argument("--workdir", type=Path, default=Path("runs/paper-grid"))
    parser.add_argument("--minutes", type=float, help="stop after so many")
    parser.add_argument("--table", action="store_true", help="only write the table")
    arguments = parser.parse_args()
    folder: Path = arguments.workdir / str(arguments.sentences)
    if not arguments.table:
        _search(arguments, folder)
    write_result("paper-grid.md", table(_trials(folder), arguments.sentences))
    return 0


def _search(arguments: argparse.Namespace, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    files = conll_files(arguments.data)
    parts = (files.train, arguments.sentences), (files.dev, DEV_SENTENCES)
    train, dev = folder / "train.jsonl", folder / "dev.jsonl"
    for (source, count), drawn in zip(parts, (train, dev), strict=True):
        if not drawn.is_file():
            write(draw_sentences(read_corpus(source), count, seed=1), drawn)
    command = ["search", str(train), "--dev", str(dev), "--space", NAME, "--recipe", NAME]
    command += ["--sampler", "grid", "--training.epochs", str(MOST_EPOCHS)]
    command += ["--out", str(folder / "study")]
    if arguments.minutes is not None:
        command += ["--minutes", str(arguments.minutes)]
    run_posner([*command, "--json", str(folder / "trials.json")])


def _trials(folder: Path) -> list[Trial]:
    """The finished ones, as their folders tell them."""
    told = folder / "trials.json"
    if not told.is_file():
        raise PosnerError("no trials yet", where=told, remedy="run without --table")
    trials = []
    for row in json.loads(told.read_text("utf-8"))["trials"]:
        if row["state"] == "finished":
            metrics = folder / "study" / "trials" / f"{row['number']:04d}" / "metrics.jsonl"
            lines = metrics.read_text("utf-8").splitlines()
            f1 = tuple(100 * float(json.loads(line)["f1"]) for line in lines)
            trials.append(Trial(row["values"], f1))
    return trials


def table(trials: Sequence[Trial], sentences: int) -> str:
    """All of it as Markdown."""
    done = f"{len(trials)} of {COMBINATIONS} combinations"
    return "\n".join(
        [
            heading("The first paper's grid, on a share of CoNLL-2003"),
            f"{done}. Recipe and space `{NAME}`: plain fine-tuning without Posner's additions,",
            f"{MOST_EPOCHS} epochs at most, ended early after epoch {EARLY} where two in a row are "
            f"no better. {sentences:,} sentences of",
            f"eng.train, {DEV_SENTENCES:,} of eng.testa, each drawn once; one seed. F1 strict on "
            "these, of the best epoch, which",
            "they chose.",
            "",
            markdown_table(*_cells(trials)),
            "",
            "What each value gives: the mean over the combinations that have it, and the best.",
            "",
            markdown_table(*_margins(trials)),
            "",
        ]
    )


def _cells(trials: Sequence[Trial]) -> tuple[list[str], list[list[str]]]:
    """Each combination: rates down, batches and dropouts across."""
    found = {(t.values[RATE], t.values[BATCH], t.values[DROPOUT]): t for t in trials}
    rates, batches, dropouts = (
        sorted({t.values[name] for t in trials}) for name in (RATE, BATCH, DROPOUT)
    )
    header = [NAMES[RATE], NAMES[BATCH], *(f"dropout {dropout:g}" for dropout in dropouts)]
    rows = []
    for rate in rates:
        for batch in batches:
            own = [found.get((rate, batch, dropout)) for dropout in dropouts]
            rows.append([f"{rate:g}", f"{batch:g}", *("" if t is None else _told(t) for t in own)])
    return header, rows


def _told(trial: Trial) -> str:
    return f"{trial.best:.2f} (epoch {trial.best_epoch} of {len(trial.f1)})"


def _margins(trials: Sequence[Trial]) -> tuple[list[str], list[list[str]]]:
    """Each value of each setting."""
    header = ["setting", "value", "combinations", f"F1 after epoch {EARLY}", "F1", "best F1"]
    return [*header, "best epoch"], list(_margin_rows(trials))


def _margin_rows(trials: Sequence[Trial]) -> Iterator[list[str]]:
    for name, told in NAMES.items():
        by_value: dict[float, list[Trial]] = defaultdict(list)
        for trial in trials:
            by_value[trial.values[name]].append(trial)
        for value, own in sorted(by_value.items()):
            yield [
                told,
                f"{value:g}",
                str(len(own)),
                f"{mean(max(t.f1[:EARLY]) for t in own):.2f}",
                f"{mean(t.best for t in own):.2f}",
                f"{max(t.best for t in own):.2f}",
                f"{mean(t.best_epoch for t in own):.1f}",
            ]


if __name__ == "__main__":
    sys.exit(guarded(main))
