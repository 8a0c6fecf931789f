"""One process against two (gloo) at the same global batch, on CoNLL-2003.

python benchmarks/bench_processes.py DATA [--epochs 2]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import data_argument, guarded, machine, require, write_result
from posner.errors import PosnerError


def main() -> int:
    """Run and write `results/processes.md`."""
    parser = argparse.ArgumentParser(description=__doc__)
    data_argument(parser)
    parser.add_argument("--epochs", default="2")
    arguments = parser.parse_args()
    train, dev = (arguments.data / "conll2003" / name for name in ("eng.train", "eng.testa"))
    require(train, dev)
    rows = ["| processes | strict F1 by epoch | minutes |", "|---|---|---|"]
    best = []
    for processes in (1, 2):
        with tempfile.TemporaryDirectory() as scratch:
            run = Path(scratch) / "run"
            begin = time.perf_counter()
            command = [*_launcher(processes), "train", str(train), "--dev", str(dev)]
            command += ["--out", str(run), "--training.epochs", arguments.epochs]
            if subprocess.run(command, check=False).returncode:
                raise PosnerError("the training failed", where=f"{processes} processes")
            minutes = (time.perf_counter() - begin) / 60
            lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
            scores = [100 * json.loads(line)["f1"] for line in lines]
            shown = " ".join(f"{f1:.2f}" for f1 in scores)
            rows.append(f"| {processes} | {shown} | {minutes:.1f} |")
            best.append(max(scores))
    text = "\n".join(rows)
    write_result(
        "processes.md",
        f"# One process and two at the same global batch (CoNLL-2003 dev)\n\n"
        f"Machine: {machine()}.\nCommand: `python {' '.join(sys.argv)}`\n\n{text}\n\n"
        f"They end {abs(best[0] - best[1]):.2f} F1 apart.\n",
    )
    print(text)
    return 0


def _launcher(processes: int) -> list[str]:
    if processes == 1:
        return [sys.executable, "-m", "posner"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
    return [*torchrun, "-m", "posner"]


if __name__ == "__main__":
    sys.exit(guarded(main))
