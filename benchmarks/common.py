"""What the benchmarks share: the data's folder, the machine, results as Markdown."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from posner import __version__
from posner.errors import PosnerError
from posner.training.run import processor_name

RESULTS = Path(__file__).parent / "results"


def data_argument(parser: argparse.ArgumentParser) -> None:
    """Add DATA, the folder with the corpora."""
    parser.add_argument(
        "data", type=Path, help="folder with conll2003/eng.train, eng.testa and gmb/ner_dataset.csv"
    )


def require(*paths: Path) -> None:
    """Stop with one clear line where a file is missing."""
    for path in paths:
        if not path.exists():
            raise PosnerError(
                "the benchmark's data is missing",
                where=path,
                remedy="give the folder that holds conll2003/ and gmb/",
            )


def machine() -> str:
    """The machine in a few words."""
    return (
        f"{os.cpu_count()} cores ({processor_name()}), Python {platform.python_version()}, "
        f"posner {__version__}"
    )


@dataclass(frozen=True)
class Timed:
    """A command that ran: its output and its wall time."""

    output: str
    seconds: float


def run_posner(arguments: Sequence[str], *, accept: Sequence[int] = (0,)) -> Timed:
    """Run `posner` in a process of its own, echoing what it prints.

    Raises:
        PosnerError: it ended with a status that is not in `accept`.
    """
    print("$ posner " + " ".join(arguments), flush=True)
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "posner", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    lines = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        print(line, end="", flush=True)
    status = process.wait()
    if status not in accept:
        raise PosnerError("a command failed", where="posner " + arguments[0], got=f"exit {status}")
    return Timed("".join(lines), time.perf_counter() - begin)


def write_result(name: str, text: str) -> None:
    """Keep what a benchmark found."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / name).write_text(text, encoding="utf-8")
    print(f"\nwritten: {RESULTS / name}")


def guarded(main: Callable[[], int]) -> int:
    """Run a benchmark; a user's mistake is one line."""
    try:
        return main()
    except PosnerError as error:
        print(error.line(), file=sys.stderr)
        return error.exit_code
