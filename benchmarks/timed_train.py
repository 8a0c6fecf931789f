"""`posner train` in a process of its own, with the time of every epoch kept beside its F1.

    python benchmarks/timed_train.py TRAIN DEV RUN POINTS [--recipe NAME] [--set KEY=VALUE ...]
        [--clock wall|processor]

Unlike `metrics.jsonl` the points count from the start of the process and tell evaluations apart.
Processor time, of all threads together, hangs less on what else the machine does.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from rich.console import Console

from common import guarded, read_corpus
from points import Point, append_point
from posner.recipe import load_recipe
from posner.training.console import PlainReporter
from posner.training.run import MetricsLine


def wall_time() -> float:
    """Seconds since the process began."""
    return time.time() - psutil.Process().create_time()


CLOCKS = {"wall": wall_time, "processor": time.process_time}


class Notes(PlainReporter):
    """Plain lines, and a point an epoch.

    Args:
        console: for the lines.
        file: for the points.
        clock: gives the seconds since the process began.
    """

    def __init__(self, console: Console, file: Path, clock: Callable[[], float]) -> None:
        super().__init__(console)
        self._file = file
        self._clock = clock
        self._mark = 0.0
        self._training = 0.0
        self._evaluations = 0.0

    def begin(self, done: int, total: int) -> None:
        """Steps begin."""
        super().begin(done, total)
        self._mark = self._clock()

    def evaluating(self) -> None:
        """An epoch's steps are finished."""
        now = self._clock()
        self._training, self._mark = now - self._mark, now

    def evaluated(self, line: MetricsLine) -> None:
        """Keep the point."""
        super().evaluated(line)
        now = self._clock()
        self._evaluations += now - self._mark
        self._mark = now
        point = Point(
            epoch=line.epoch,
            f1=line.f1,
            seconds=now,
            evaluation_seconds=self._evaluations,
            train_seconds=self._training,
            pieces_per_second=line.pieces_per_second,
        )
        append_point(self._file, point)


def main() -> int:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("dev", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("points", type=Path)
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", dest="settings")
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    arguments = parser.parse_args()
    from posner.training.train import train

    values = dict(setting.split("=", 1) for setting in arguments.settings)
    recipe = load_recipe(arguments.recipe).with_values(values, where="--set")
    corpus, dev = read_corpus(arguments.train), read_corpus(arguments.dev)
    arguments.points.unlink(missing_ok=True)
    notes = Notes(Console(), arguments.points, CLOCKS[arguments.clock])
    train(corpus, dev, recipe, arguments.run, reporter=notes, force=True)
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
