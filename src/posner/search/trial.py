"""One trial: a training that reports to the study, and may be stopped for two reasons."""

from __future__ import annotations

import gc
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from posner.corpus import Corpus
from posner.errors import ModelError, PosnerError
from posner.evaluation.held_out import SurfaceGain
from posner.folder import FINISHED, read_contents
from posner.recipe import Recipe
from posner.search.study import Notes
from posner.training.console import PassingReporter, Reporter
from posner.training.run import MetricsLine, RunFolder
from posner.training.train import TrainResult, train


class HopelessTrialError(Exception):
    """Ends a training whose dev F1 lies behind; passes through the loop from its reporter."""


class TrialReporter(PassingReporter):
    """Shows a training, reports its evaluations to the study, and ends it when time is up.

    Attributes:
        out_of_time: whether it was ended because the time was up.
        stopped: whether the user wants the search to end.
    """

    def __init__(
        self,
        shown: Reporter,
        hopeless: Callable[[int, float], bool],
        deadline: float | None,
    ) -> None:
        """Prepare.

        Args:
            shown: is told everything.
            hopeless: says so, given an epoch and its dev F1.
            deadline: on the monotonic clock; None: there is none.
        """
        super().__init__(shown)
        self._hopeless = hopeless
        self._deadline = deadline
        self.out_of_time = False
        self.stopped = False
        self._total = 0

    def begin(self, done: int, total: int) -> None:
        """Pass it on, and remember the total."""
        self._total = total
        super().begin(done, total)

    def wants_stop(self) -> bool:
        """Whether the time is up."""
        self.out_of_time = self._deadline is not None and time.monotonic() >= self._deadline
        return self.out_of_time

    def interrupted(self) -> None:
        """Pass it on, and remember it."""
        self.stopped = True
        super().interrupted()

    def evaluated(self, line: MetricsLine) -> None:
        """Pass it on, and report it.

        Raises:
            HopelessTrialError: it is not worth going on; never after the last step.
        """
        super().evaluated(line)
        if self._hopeless(line.epoch, line.f1) and line.step < self._total:
            raise HopelessTrialError


def train_trial(
    corpus: Corpus, dev: Corpus, recipe: Recipe, folder: Path, reporter: TrialReporter
) -> TrainResult:
    """Train into a folder; what an interrupted training left there is gone on with.

    Raises:
        HopelessTrialError, or what `train` raises.
    """
    try:
        if RunFolder(folder).record.is_file():
            try:
                return train(corpus, dev, recipe, folder, reporter=reporter, resume=True)
            except ModelError:  # a checkpoint that cannot be read: from the start, then
                if reporter.stopped:
                    raise
        shutil.rmtree(folder, ignore_errors=True)
        return train(corpus, dev, recipe, folder, reporter=reporter)
    finally:
        gc.collect()  # networks and optimisers hang in cycles; the next trial needs their memory


def notes_of(folder: Path, why: str = "") -> Notes:
    """What a trial's folder says of it."""
    run = RunFolder(folder)
    try:
        last = run.read_metrics()[-1]
    except (OSError, LookupError, ValueError):
        return Notes(why=why)
    seconds, surface = _ended(run) or (last.seconds, 0.0)
    return Notes(last.epoch, seconds, surface, why)


def _ended(run: RunFolder) -> tuple[float, float] | None:
    """The seconds of a run and the weight of its surface features; None if it has not ended."""
    try:
        record = run.read_record()
        if record["state"] != FINISHED:
            return None
        gain = SurfaceGain.read(read_contents(run.model)["figures"].get("surface"))
        return float(record["seconds"]), 0.0 if gain is None else gain.weight
    except (OSError, LookupError, PosnerError):
        return None


def drop_model(folder: Path) -> None:
    """Keep a trial's figures, and not what takes room."""
    run = RunFolder(folder)
    shutil.rmtree(run.model, ignore_errors=True)
    shutil.rmtree(run.checkpoints, ignore_errors=True)
