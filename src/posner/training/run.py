"""The run folder: everything that one training makes.

RUN/model/            the best model so far
RUN/metrics.jsonl     a line per evaluation
RUN/steps.jsonl       a line per step
RUN/recipe.toml       what was used
RUN/run.json          data, environment, how it ended
RUN/checkpoints/      the last checkpoint, while the run goes on
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from posner import __version__
from posner.errors import PosnerError, RecipeError
from posner.files import refuse_filled, restore_folder, write_json, write_text
from posner.folder import FINISHED, MODEL, RUN_RECORD
from posner.recipe import Recipe, Sectioned, recipe_from_dict
from posner.training.fingerprints import check_same
from posner.training.lines import append_lines, read_lines, replace_lines


@dataclass(frozen=True)
class MetricsLine:
    """One evaluation, as `metrics.jsonl` holds it.

    Attributes:
        epoch: passes finished.
        step: steps finished.
        train_loss: mean entity loss a word of the last epoch.
        dev_loss: mean entity loss a word of the dev set.
        precision, recall, f1: strict micro on the dev set, 0 to 1.
        learning_rate: the encoder's at that step.
        seconds: since the start, earlier parts of a resumed run included.
        pieces_per_second: real pieces that training took in, padding not counted; words, where a
            system knows no pieces.
        padding: share of the batches' places that held padding.
        best: whether the model in the folder was replaced by this one.
    """

    epoch: int
    step: int
    train_loss: float
    dev_loss: float
    precision: float
    recall: float
    f1: float
    learning_rate: float
    seconds: float
    pieces_per_second: float
    padding: float
    best: bool


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step, as `steps.jsonl` holds it: what a curve of the training is drawn from.

    Attributes:
        step: steps finished, this one included.
        train_loss: mean entity loss a word of this step; an estimate from the main process's
            share where there are several.
        learning_rate: the encoder's at this step.
    """

    step: int
    train_loss: float
    learning_rate: float


@dataclass(frozen=True)
class RunFolder:
    """Paths and records of one run."""

    path: Path

    @property
    def model(self) -> Path:
        """The model folder."""
        return self.path / MODEL

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints are written."""
        return self.path / "checkpoints"

    @property
    def metrics(self) -> Path:
        """`metrics.jsonl`."""
        return self.path / "metrics.jsonl"

    @property
    def steps(self) -> Path:
        """`steps.jsonl`."""
        return self.path / "steps.jsonl"

    @property
    def record(self) -> Path:
        """`run.json`."""
        return self.path / RUN_RECORD

    def refuse(self, *, force: bool) -> None:
        """Refuse a folder that holds something; `force` allows it to be an older run.

        Raises:
            PosnerError: it holds something else, or a run and `force` is off; or it is a file, or
                stands where nothing can be written.
        """
        if self.path.is_file():
            raise PosnerError("is a file", where=self.path, expected="a folder to write")
        standing = next(path for path in (self.path, *self.path.parents) if path.exists())
        if not standing.is_dir():
            raise PosnerError("cannot be made", where=self.path, got=f"{standing} is a file")
        if not os.access(standing, os.W_OK):
            raise PosnerError("cannot be written", where=standing, remedy="name another folder")
        record = self.read_record() if self.record.is_file() and not force else {}
        if record and record["state"] != FINISHED:
            other = "name another folder, or replace it with --force"
            raise PosnerError(
                "holds a run that was not finished",
                where=self.path,
                remedy=other if "system" in record else f"go on with --resume, {other}",
            )
        refuse_filled(self.path, force=force)
        if self.path.is_dir() and any(self.path.iterdir()) and not self.record.is_file():
            raise PosnerError(
                "holds something that is no run, which --force does not replace",
                where=self.path,
                remedy="name another folder",
            )

    def start(self, recipe: Sectioned, data: dict[str, Any], *, force: bool) -> None:
        """Make the folder and write what is used; `force` removes the run that stands there.

        Raises:
            PosnerError: it may not be replaced (see `refuse`), or it cannot be made.
        """
        self.refuse(force=force)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PosnerError("cannot be made", where=self.path, got=error.strerror) from error
        self.metrics.unlink(missing_ok=True)
        self.steps.unlink(missing_ok=True)
        shutil.rmtree(self.checkpoints, ignore_errors=True)
        shutil.rmtree(self.model, ignore_errors=True)
        write_text(self.path / "recipe.toml", recipe.to_toml())
        self.write_record(
            {
                "state": "started",
                "data": data,
                "recipe": recipe.to_dict(),
                "environment": environment(),
            }
        )

    def read_record(self) -> dict[str, Any]:
        """`run.json`.

        Raises:
            PosnerError: the folder is no run.
        """
        try:
            record = json.loads(self.record.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise PosnerError(
                "no run to resume", where=self.path, remedy="start it without --resume"
            ) from error
        except (OSError, ValueError) as error:
            raise PosnerError("damaged", where=self.record, got=error) from error
        missing = {"state", "data", "recipe"} - set(record if isinstance(record, dict) else ())
        if missing:
            raise PosnerError("damaged", where=self.record, expected=", ".join(sorted(missing)))
        return dict(record)

    def write_record(self, record: dict[str, Any]) -> None:
        """Replace `run.json`."""
        write_json(self.record, record)

    def check_resumable(self, recipe: Recipe, data: dict[str, Any]) -> dict[str, Any]:
        """The record of a run that may go on with these settings and data.

        Raises:
            RecipeError: the run was started with other settings.
            DataError: the run was started on other data.
        """
        record = self.read_record()
        started = recipe_from_dict(record["recipe"], where=str(self.record))
        for setting, begun, value in started.differing(recipe):
            raise RecipeError(
                "the run was started with another value",
                where=setting.key,
                expected=begun,
                got=value,
                remedy="resume with the same settings, or start a new run",
            )
        check_same(
            record["data"].get("fingerprints"),
            data["fingerprints"],
            "the run",
            where=self.path,
            remedy="resume with the same files, or start a new run",
        )
        return record

    def append(self, line: MetricsLine) -> None:
        """Add a line to `metrics.jsonl`."""
        append_lines(self.metrics, [line])

    def append_steps(self, lines: Sequence[StepLine]) -> None:
        """Add lines to `steps.jsonl`."""
        append_lines(self.steps, lines)

    def read_metrics(self) -> list[MetricsLine]:
        """The evaluations so far."""
        return read_lines(self.metrics, MetricsLine)

    def read_steps(self) -> list[StepLine]:
        """The steps so far; none in a run of an older Posner, which did not keep them."""
        return read_lines(self.steps, StepLine)

    def rewind(self, epochs: int, steps: int) -> None:
        """Drop what was recorded after that many epochs and steps, and what was half written.

        A run may die between an evaluation's line and its checkpoint; going on from the
        checkpoint before, it evaluates the same epoch again.
        """
        restore_folder(self.model)
        replace_lines(self.metrics, [x for x in self.read_metrics() if x.epoch <= epochs])
        replace_lines(self.steps, [x for x in self.read_steps() if x.step <= steps])


_PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "accelerate",
    "numpy",
    "python-crfsuite",
    "spacy",
)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def environment() -> dict[str, Any]:
    """What the figures of a run depend on; of torch only where it is in use."""
    torch = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch else None
    gpu = torch.cuda.get_device_name(0) if torch and torch.cuda.is_available() else None
    return {
        "posner": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "threads": threads,
        "gpu": gpu,
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
        "command": " ".join(sys.argv),
        "folder": str(Path.cwd()),  # from which the data's names are meant
    }


def processor_name() -> str:
    """The processor as the system names it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
