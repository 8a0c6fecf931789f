"""Train the default recipe on CoNLL-2003 and on GMB, and score it on their dev sets.

python benchmarks/bench_train.py DATA [--only conll2003|gmb] [--seeds 1 2 3] [-- FLAGS...]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import (
    CorpusFiles,
    conll_files,
    data_argument,
    gmb_files,
    guarded,
    machine,
    markdown_table,
    run_posner,
    write_result,
)


@dataclass(frozen=True)
class Row:
    """One training and what its model reached on the dev set."""

    corpus: str
    seed: int
    minutes: float
    epochs: int
    figures: dict[str, Any]

    def cells(self) -> list[str]:
        """One line of the table."""
        micro, flat = self.figures["strict"]["micro"], self.figures["flat"]
        percents = [
            micro["precision"],
            micro["recall"],
            micro["f1"],
            self.figures["strict"]["macro"]["f1"],
            flat["micro_without_o"],
            self.figures["pos"]["accuracy"],
        ]
        return [
            self.corpus,
            str(self.seed),
            str(self.epochs),
            f"{self.minutes:.1f}",
            *(f"{100 * value:.2f}" for value in percents),
            f"{self.figures['words_per_second']:,.0f}",
        ]


HEADER = [
    "corpus",
    "seed",
    "epochs",
    "minutes",
    "P",
    "R",
    "**F1 strict**",
    "macro F1",
    "flat F1 without O",
    "POS accuracy",
    "words/s",
]


def main() -> int:
    """Run and write `results/train-<recipe>.md`."""
    parser = argparse.ArgumentParser(description=__doc__)
    data_argument(parser)
    parser.add_argument("--only", choices=("conll2003", "gmb"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--keep", type=Path, help="keep the runs in this folder")
    parser.add_argument("flags", nargs="*", help="further flags for `posner train`, after --")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        rows = [
            _train(files, seed, folder, arguments)
            for files in _corpora(arguments, folder)
            for seed in arguments.seeds
        ]
    text = markdown_table(HEADER, [row.cells() for row in rows])
    suffix = f"-{arguments.only}" if arguments.only else ""
    command = " ".join(sys.argv)
    write_result(
        f"train-{arguments.recipe}{suffix}.md",
        f"# Training with the `{arguments.recipe}` recipe, scored on dev\n\n"
        f"Machine: {machine()}.\nMinutes are wall time from the command to the saved model, reading"
        f" and evaluations included; words/s is tagging the dev set's words in float32.\n"
        f"Command: `python {command}`\n\n{text}\n",
    )
    print(text)
    return 0


def _corpora(arguments: argparse.Namespace, folder: Path) -> list[CorpusFiles]:
    corpora = []
    if arguments.only in (None, "conll2003"):
        corpora.append(conll_files(arguments.data))
    if arguments.only in (None, "gmb"):
        corpora.append(gmb_files(arguments.data, folder))
    return corpora


def _train(files: CorpusFiles, seed: int, folder: Path, arguments: argparse.Namespace) -> Row:
    run = folder / f"{files.name.lower()}-{arguments.recipe}-{seed}"
    command = ["train", str(files.train), "--dev", str(files.dev), "--recipe", arguments.recipe]
    command += ["--out", str(run), "--training.seed", str(seed), "--force", *arguments.flags]
    timed = run_posner(command)
    figures = run.with_suffix(".json")
    run_posner(["evaluate", str(run), str(files.dev), "--json", str(figures)])
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return Row(
        corpus=files.name,
        seed=seed,
        minutes=timed.seconds / 60,
        epochs=json.loads(lines[-1])["epoch"],
        figures=json.loads(figures.read_text(encoding="utf-8")),
    )


if __name__ == "__main__":
    sys.exit(guarded(main))
