"""What surface features are worth beside networks that were trained already.

    python benchmarks/bench_surface.py --train TRAIN --dev DEV --corpus NAME RUN...

Each run's model is copied, features that stand beside its network are left out, and new ones are
learned from TRAIN and weighed on DEV, as at the end of a training. The rows are added to those that
`results/surface.md` holds; a run of the same corpus and name replaces its row.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from common import RESULTS, guarded, machine, markdown_table, read_corpus, write_result
from posner.folder import find_model
from posner.loading import load
from posner.training.beside import set_beside

RECORD = RESULTS / "surface.jsonl"
HEADER = ("corpus", "run", "F1 of the network", "F1 with them, held out", "weight", "seconds")


def main() -> int:
    """Measure, and write `results/surface.md`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--dev", type=Path, required=True)
    parser.add_argument("--corpus", required=True, help="what the table calls the corpus")
    arguments = parser.parse_args()
    rows = _rows(RECORD)
    for run in arguments.runs:
        rows[arguments.corpus, run.name] = _measured(run, arguments)
        lines = [json.dumps([*key, *values]) for key, values in sorted(rows.items())]
        RECORD.write_text("\n".join(lines) + "\n", encoding="utf-8")
    cells = [[*key, *map(str, values)] for key, values in sorted(rows.items())]
    text = page(markdown_table(HEADER, cells))
    write_result("surface.md", text)
    print(text)
    return 0


def page(table: str) -> str:
    """The table, and what it is of."""
    lines = [
        "# Surface features beside trained networks",
        "",
        f"Machine: {machine()}. Strict F1 on dev; with them: on documents that had no say in the",
        "weight. A dash: they gain too little, and none are kept. Processor seconds: learning,",
        "weighing.",
        "",
        table,
    ]
    return "\n".join(lines) + "\n"


def _rows(record: Path) -> dict[tuple[str, str], Sequence[str]]:
    """What was measured so far, by corpus and run."""
    if not record.is_file():
        return {}
    found = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    return {(corpus, run): values for corpus, run, *values in found}


def _measured(run: Path, arguments: argparse.Namespace) -> Sequence[str]:
    """The cells of a run: both F1s, the weight that was kept, and the seconds that it took."""
    train, dev = (read_corpus(path).documents for path in (arguments.train, arguments.dev))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        shutil.copytree(find_model(run), folder)
        votes = load(folder).beside(None).votes(dev)
        begin = time.process_time()
        beside = set_beside(folder, train, dev, votes=votes)
        seconds = time.process_time() - begin
    found = beside.weighing
    kept = "-" if found.is_in_vain else f"{found.weight:g}"
    scores = (f"{100 * counts.f1:.2f}" for counts in (found.without, found.held_out))
    return [*scores, kept, f"{seconds:.0f}"]


if __name__ == "__main__":
    sys.exit(guarded(main))
