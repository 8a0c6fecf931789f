"""What the recipes reach on CoNLL-2003 and on GMB: trained on their training sets, scored on dev.

python benchmarks/bench_train.py DATA [--only conll2003|gmb] [--recipes default] [--seeds 1 2 3]
    [--runs DIR] [--table] [-- FLAGS...]

Each training runs in a process of its own and adds a line to `results/train.jsonl`; one that has
its line is not run again, and one that was stopped goes on where it stopped if `--runs` names the
same folder. `--table` only writes `results/train.md` from what is there.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from common import (
    RESULTS,
    CorpusFiles,
    conll_files,
    data_argument,
    gmb_files,
    guarded,
    markdown_table,
    parted,
    run_posner,
    write_result,
)

RECORD = RESULTS / "train.jsonl"


@dataclass(frozen=True)
class Row:
    """One training and what its model reached on the dev set.

    Attributes:
        corpus, recipe, flags, seed: what was trained.
        epochs: that it took, over all members.
        minutes: of the training, looks at dev included.
        threads: that it ran on.
        processor: the same, by its name.
        scores: shares from 0 to 1, by name.
    """

    corpus: str
    recipe: str
    flags: tuple[str, ...]
    seed: int
    epochs: int
    minutes: float
    threads: int
    processor: str
    scores: dict[str, float]

    @property
    def subject(self) -> tuple[str, str, tuple[str, ...]]:
        """What all seeds have in common."""
        return self.corpus, self.recipe, self.flags

    @property
    def named(self) -> tuple[str, str]:
        """The corpus, and the recipe with its flags."""
        return self.corpus, " ".join(("`" + self.recipe + "`", *self.flags))


SCORES: dict[str, Callable[[dict[str, Any]], float]] = {
    "P": lambda found: found["strict"]["micro"]["precision"],
    "R": lambda found: found["strict"]["micro"]["recall"],
    "F1 strict": lambda found: found["strict"]["micro"]["f1"],
    "macro F1": lambda found: found["strict"]["macro"]["f1"],
    "flat F1 without O": lambda found: found["flat"]["micro_without_o"],
    "POS accuracy": lambda found: found["pos"]["accuracy"],
}


def main() -> int:
    """Run, then write `results/train.md`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    data_argument(parser)
    parser.add_argument("--only", choices=("conll2003", "gmb"))
    parser.add_argument("--recipes", nargs="+", default=["default"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--runs", type=Path, help="keep the runs in this folder")
    parser.add_argument("--table", action="store_true", help="train nothing")
    own, flags = parted(sys.argv[1:])
    arguments = parser.parse_args(own, argparse.Namespace(flags=flags))
    if not arguments.table:
        with tempfile.TemporaryDirectory() as scratch:
            folder = arguments.runs or Path(scratch)
            folder.mkdir(parents=True, exist_ok=True)
            _train_all(arguments, folder)
    text = page(read_rows(RECORD))
    write_result("train.md", text)
    print(text)
    return 0


def _train_all(arguments: argparse.Namespace, folder: Path) -> None:
    for files in _corpora(arguments, folder):
        for recipe in arguments.recipes:
            for seed in arguments.seeds:
                known = {(row.subject, row.seed) for row in read_rows(RECORD)}
                subject = files.name, recipe, tuple(arguments.flags)
                if (subject, seed) not in known:
                    row = _train(files, recipe, seed, folder, arguments.flags)
                    with RECORD.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(asdict(row)) + "\n")


def _corpora(arguments: argparse.Namespace, folder: Path) -> list[CorpusFiles]:
    corpora = []
    if arguments.only in (None, "conll2003"):
        corpora.append(conll_files(arguments.data))
    if arguments.only in (None, "gmb"):
        corpora.append(gmb_files(arguments.data, folder))
    return corpora


def _train(files: CorpusFiles, recipe: str, seed: int, folder: Path, flags: Sequence[str]) -> Row:
    changed = "".join(f"{part.strip('-')}-" for part in flags)
    run = folder / f"{files.name.lower()}-{recipe}-{changed}{seed}"
    command = ["train", str(files.train), "--dev", str(files.dev), "--recipe", recipe]
    command += ["--out", str(run), "--training.seed", str(seed), *flags]
    run_posner([*command, *(["--resume"] if run.exists() else [])])
    judged = folder / f"{run.name}.json"
    run_posner(["evaluate", str(run), str(files.dev), "--json", str(judged)])
    found = json.loads(judged.read_text(encoding="utf-8"))
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    return Row(
        corpus=files.name,
        recipe=recipe,
        flags=tuple(flags),
        seed=seed,
        epochs=json.loads(lines[-1])["epoch"],
        minutes=round(record["seconds"] / 60, 2),
        threads=record["environment"]["threads"],
        processor=record["environment"]["processor"],
        scores={name: round(score(found), 6) for name, score in SCORES.items()},
    )


def read_rows(record: Path) -> list[Row]:
    """What was trained so far; none where there is no record yet."""
    if not record.is_file():
        return []
    found = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    return [Row(**(values | {"flags": tuple(values["flags"])})) for values in found]


def page(rows: Sequence[Row]) -> str:
    """All of it as Markdown: the means over seeds, and each training."""
    ordered = sorted(rows, key=lambda row: (row.subject, row.seed))
    means = [_mean_cells(list(group)) for _, group in groupby(ordered, key=lambda r: r.subject)]
    command = f"python {os.path.relpath(sys.argv[0])}"
    return "\n".join(
        [
            "# What the recipes reach on dev",
            "",
            "Minutes are those of the training with its looks at dev, on one thread or two; two on",
            "one thread each, side by side, take about as long as one after the other on two.",
            f"Made by `{command} DATA --recipes RECIPE --seeds SEED`.",
            "",
            markdown_table(["corpus", "recipe", "seeds", *SCORES], means),
            "",
            "## Each training",
            "",
            markdown_table(
                ["corpus", "recipe", "seed", "epochs", "processor", "threads", "minutes", *SCORES],
                [list(_cells(row)) for row in ordered],
            ),
            "",
        ]
    )


def _mean_cells(rows: Sequence[Row]) -> list[str]:
    seeds = " ".join(str(row.seed) for row in rows)
    return [*rows[0].named, seeds, *(_mean([row.scores[n] for row in rows]) for n in SCORES)]


def _mean(scores: Sequence[float]) -> str:
    spread = f" ± {100 * statistics.stdev(scores):.2f}" if len(scores) > 1 else ""
    return f"{100 * statistics.mean(scores):.2f}{spread}"


def _cells(row: Row) -> Iterator[str]:
    yield from row.named
    yield from (str(row.seed), str(row.epochs), row.processor, str(row.threads))
    yield f"{row.minutes:.1f}"
    yield from (f"{100 * row.scores[name]:.2f}" for name in SCORES)


if __name__ == "__main__":
    sys.exit(guarded(main))
