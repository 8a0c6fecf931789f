"""Checkpoints: enough to go on with the same tensors as if nothing had happened.

Accelerate writes the weights (safetensors), the optimiser and each process's random state, and
reads them with `weights_only=True`; beside them stand the weights' average, the mean of finished
members, and `progress.json`.
A checkpoint is written beside and renamed; the ones before it go only then. None takes the place of
another, so at every moment there is a whole one.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from accelerate import Accelerator
from safetensors import SafetensorError

from posner.errors import DataError, ModelError, PosnerError
from posner.model.backbone import first_line
from posner.training.members import Members
from posner.training.optimisation import Schedule, WeightAverage

PROGRESS = "progress.json"
AVERAGE = "average.safetensors"
MEMBERS = "members.safetensors"


@dataclass
class Progress:
    """How far a training has come.

    Attributes:
        epoch: epochs finished.
        step_in_epoch: steps finished in the current epoch.
        step: steps finished in all.
        loss: summed entity loss of the current epoch, or of the last one where it has just ended.
        words: words that it was summed over.
        pieces: real pieces taken in since the last evaluation.
        train_seconds: spent on training steps since the last evaluation.
        seconds: spent in all, before this process started.
        best_f1: best dev F1 so far.
        stale: evaluations since.
    """

    epoch: int = 0
    step_in_epoch: int = 0
    step: int = 0
    loss: float = 0.0
    words: int = 0
    pieces: int = 0
    train_seconds: float = 0.0
    seconds: float = 0.0
    best_f1: float = -1.0
    stale: int = 0


@dataclass(frozen=True)
class Checkpointer:
    """Writes and reads the checkpoints of one run.

    Attributes:
        folder: where they stand.
        accelerator: knows the weights, the optimiser and the processes.
        schedule: its state is kept too.
        average: its state is kept too, if there is one.
        members: the mean of the finished ones is kept too, if there are several.
    """

    folder: Path
    accelerator: Accelerator
    schedule: Schedule
    average: WeightAverage | None
    members: Members | None

    def save(self, progress: Progress) -> None:
        """Write a checkpoint; every process calls this at the same step.

        Raises:
            DataError: it cannot be written; the one before it stays.
        """
        beside = self.folder / f".step-{progress.step:08d}.new"
        try:
            self._save(beside, progress)
        except (OSError, RuntimeError, SafetensorError) as error:
            # On a full disk torch only says that it stands at another place than it should.
            free = shutil.disk_usage(self.folder.parent).free
            shutil.rmtree(beside, ignore_errors=True)
            raise DataError(
                f"a checkpoint cannot be written, with {free / 1e6:,.0f} MB free",
                where=self.folder,
                got=first_line(error),
                remedy="mend that, and go on with the same command and --resume",
            ) from error

    def _save(self, beside: Path, progress: Progress) -> None:
        """Write into `beside`, and rename it."""
        main = self.accelerator.is_main_process
        if main:
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir(parents=True)
        self.accelerator.wait_for_everyone()
        self.accelerator.save_state(str(beside), safe_serialization=True)
        if main:
            self._save_own(beside, progress)
        self.accelerator.wait_for_everyone()
        if main:
            target = self._free(progress.step)
            beside.rename(target)
            for old in self.folder.iterdir():
                if old != target:
                    shutil.rmtree(old, ignore_errors=True)
        self.accelerator.wait_for_everyone()

    def _save_own(self, folder: Path, progress: Progress) -> None:
        state: dict[str, Any] = {
            "progress": asdict(progress),
            "schedule": self.schedule.state(),
            "random": _random_digest(),
            "processes": self.accelerator.num_processes,
        }
        if self.average is not None:
            safetensors.torch.save_file(self.average.weights, folder / AVERAGE)
            state["average_steps"] = self.average.steps
        if self.members is not None:
            safetensors.torch.save_file(self.members.mean, folder / MEMBERS)
            state["finished_members"] = self.members.finished
        (folder / PROGRESS).write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")

    def _free(self, step: int) -> Path:
        """A name for a checkpoint of that step, behind those of the same step that exist already.

        There is one already where a run was stopped at the end of an epoch, before its evaluation.
        """
        target = self.folder / f"step-{step:08d}"
        while target.exists():
            target = target.with_name(target.name + "+")
        return target

    def latest(self) -> Path | None:
        """The newest complete checkpoint, if there is one: the last by name."""
        if not self.folder.is_dir():
            return None
        found = [p for p in self.folder.glob("step-*") if (p / PROGRESS).is_file()]
        return max(found, default=None)

    def restore(self, folder: Path) -> Progress:
        """Go on from a checkpoint.

        Raises:
            ModelError: it is damaged, or of a run with another number of processes.
        """
        try:
            state = json.loads((folder / PROGRESS).read_text(encoding="utf-8"))
            if state["processes"] != self.accelerator.num_processes:
                raise ModelError(
                    "the checkpoint is of another number of processes",
                    where=folder,
                    expected=state["processes"],
                    got=self.accelerator.num_processes,
                )
            self.accelerator.load_state(str(folder))
            self.schedule.restore(state["schedule"])
            if self.average is not None:
                weights = safetensors.torch.load_file(folder / AVERAGE)
                self.average.restore(weights, int(state["average_steps"]))
            if self.members is not None:
                mean = safetensors.torch.load_file(folder / MEMBERS)
                self.members.restore(mean, int(state["finished_members"]))
            progress = Progress(**state["progress"])
        except PosnerError:
            raise
        except Exception as error:  # torch's unpickler raises whatever the bytes lead it to
            raise ModelError(
                "damaged checkpoint", where=folder, got=error, remedy="start a new run"
            ) from error
        # Accelerate only logs when it cannot read the random state; that must not pass unseen.
        if self.accelerator.is_main_process and _random_digest() != state["random"]:
            raise ModelError("the random state could not be restored", where=folder)
        return progress

    def clear(self) -> None:
        """Remove all checkpoints of a finished run."""
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            shutil.rmtree(self.folder, ignore_errors=True)


def _random_digest() -> str:
    return hashlib.sha256(torch.get_rng_state().numpy().tobytes()).hexdigest()
