"""Adapters beside full fine-tuning on a part of CoNLL-2003, and what sharing an encoder saves.

python benchmarks/bench_adapters.py DATA [--sentences 2000] [--ranks 8 16] [--rates 1e-3 3e-3]

Both take the same steps over the same sentences. Seconds are of processor time, so that other work
on the machine hardly shows in them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from common import (
    conll_files,
    data_argument,
    guarded,
    heading,
    markdown_table,
    read_corpus,
    run_posner,
    write_result,
)
from posner.corpus import Corpus, write
from posner.document import Document

LOADED = 8
"""Models in memory at once."""

MEMORY = """
import json, sys
import psutil, torch
import posner

def resident():
    return psutil.Process().memory_info().rss / 1e6

way, paths = sys.argv[1], sys.argv[2:]
posner.load(paths[0])("A first call loads what all of them need.")
before = resident()
if way == "together":
    models = posner.load_adapters(paths)
else:
    models = [posner.load(path) for path in paths]
print(json.dumps(resident() - before))
"""


@dataclass(frozen=True)
class Row:
    """One training and what came of it."""

    name: str
    f1: float
    seconds: float
    megabytes: float

    def cells(self) -> list[str]:
        """Its line of the table."""
        figures = (f"{100 * self.f1:.2f}", f"{self.seconds:.0f}", f"{self.megabytes:.1f}")
        return [self.name, *figures]


def main() -> int:
    """Run and write `results/adapters.md`."""
    parser = argparse.ArgumentParser(description=__doc__)
    data_argument(parser)
    parser.add_argument("--sentences", type=int, default=2000, help="to learn from; half to judge")
    parser.add_argument("--ranks", type=int, nargs="+", default=[8, 16])
    parser.add_argument("--rates", nargs="+", default=["1e-3", "3e-3"])
    arguments = parser.parse_args()
    files = conll_files(arguments.data)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write(_first(files.train, arguments.sentences), folder / "train.conll")
        write(_first(files.dev, arguments.sentences // 2), folder / "dev.conll")
        rows = [_train(folder, "all weights", ["--recipe", "default"])]
        for rank in arguments.ranks:
            for rate in arguments.rates:
                flags = ["--recipe", "adapter", "--adapter.rank", str(rank)]
                flags += ["--training.head-learning-rate", rate]
                rows.append(_train(folder, f"adapters, rank {rank}, rate {rate}", flags))
        memory = _memory(folder)
    _write(arguments.sentences, rows, memory)
    return 0


def _first(path: Path, count: int) -> Corpus:
    """The first documents of a corpus, of that many sentences or a few more."""
    corpus = read_corpus(path)
    kept: list[Document] = []
    for document in corpus.documents:
        if count <= 0:
            break
        kept.append(document)
        count -= len(document.sentences)
    return Corpus(path=corpus.path, documents=tuple(kept), format="conll")


def _train(folder: Path, name: str, flags: list[str]) -> Row:
    run = folder / ("full" if "default" in flags else "adapter")
    command = ["train", str(folder / "train.conll"), "--dev", str(folder / "dev.conll")]
    timed = run_posner([*command, "--out", str(run), "--force", *flags])
    record = json.loads((run / "model" / "posner.json").read_text(encoding="utf-8"))
    size = sum(path.stat().st_size for path in (run / "model").iterdir())
    f1 = record["figures"]["dev"]["strict"]["micro"]["f1"]
    return Row(name, f1, timed.processor_seconds, size / 1e6)


def _memory(folder: Path) -> dict[str, float]:
    """MB that some models over one encoder take, loaded each alone and together."""
    found = {}
    for way in ("alone", "together"):
        command = [sys.executable, "-c", MEMORY, way, *[str(folder / "adapter")] * LOADED]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found[way] = float(json.loads(done.stdout))
    return found


def _write(sentences: int, rows: list[Row], memory: dict[str, float]) -> None:
    header = ("trained", "dev F1 strict", "processor seconds", "model MB")
    text = markdown_table(header, [row.cells() for row in rows])
    text += (
        f"\n\n{LOADED} adapter models in memory: {memory['alone']:.0f} MB loaded each alone, "
        f"{memory['together']:.0f} MB over one encoder."
    )
    write_result(
        "adapters.md",
        f"{heading('Adapters')}\nLearned from the first documents of CoNLL-2003's train part, of"
        f" {sentences:,} sentences, and judged on those of its dev part, of half as many; the best"
        f" epoch of each.\n\n{text}\n",
    )
    print(text)


if __name__ == "__main__":
    sys.exit(guarded(main))
