"""The study folder: trials in SQLite, shared by processes, surviving each of them.

STUDY/study.db        Optuna's database of all trials
STUDY/trials/NNNN/    the run folder of a trial; only the best one keeps its model
STUDY/best.toml       the best trial's recipe
STUDY/locks/          one lock around every change, and one that each process holds while it lives

A trial is RUNNING while a living process works on it. One that was stopped, or whose process was
killed, is WAITING, with its number and its parameters, and whoever asks next goes on with it.
"""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import OptunaError
from optuna.pruners import BasePruner
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from posner.errors import PosnerError
from posner.locks import Lock, locked, try_lock
from posner.search.made_of import MadeOf
from posner.search.proposals import Proposer, distributions, quiet

_NAME = "posner"
_MADE_OF = "made of"
_PROCESSES = "processes"
_PROCESS = "process"
_NOTES = "notes"
_SECONDS_FOR_SQLITE = 60


@dataclass(frozen=True)
class Notes:
    """What a trial leaves besides its F1.

    Attributes:
        epochs: passes finished.
        seconds: of all training, or until the last evaluation of one that did not come to its end;
            earlier parts of a trial that went on included.
        surface: what surface features weigh beside its network; 0: it has none.
        why: what a failed trial failed of.
    """

    epochs: int = 0
    seconds: float = 0.0
    surface: float = 0.0
    why: str = ""


class Study:
    """A study that this process takes part in. Get one from `open_study`."""

    def __init__(self, folder: Path, study: optuna.Study, storage: RDBStorage) -> None:
        self.folder = folder
        self._study = study
        self._storage = storage
        self._distributions: dict[str, BaseDistribution] = {}
        self.process = 0
        self._alive: Lock | None = None

    def enter(self, made_of: MadeOf) -> None:
        """Check that this is the search that the study is for, and take a number. Under the lock.

        Raises:
            RecipeError, DataError: see `MadeOf.check`.
        """
        kept = self._study.user_attrs
        if _MADE_OF in kept:
            made_of.check(kept[_MADE_OF], self.folder)
        else:
            self._study.set_user_attr(_MADE_OF, made_of.to_dict())
        self._distributions = distributions(made_of.space)
        self.process = int(kept.get(_PROCESSES, 0)) + 1
        self._study.set_user_attr(_PROCESSES, self.process)
        self._alive = try_lock(_process_lock(self.folder, self.process))

    def close(self) -> None:
        """Leave the study to others."""
        if self._alive is not None:
            self._alive.release()
            _process_lock(self.folder, self.process).unlink(missing_ok=True)
        self._storage.remove_session()
        self._storage.engine.dispose()

    @property
    def best_recipe(self) -> Path:
        """`best.toml`."""
        return self.folder / "best.toml"

    def trial_folder(self, number: int) -> Path:
        """The run folder of a trial."""
        return self.folder / "trials" / f"{number:04d}"

    def lock(self) -> AbstractContextManager[None]:
        """While it is held, no other process changes the study."""
        return locked(_study_lock(self.folder))

    def trials(self) -> list[FrozenTrial]:
        """All trials, as they are now."""
        return self._study.get_trials(deepcopy=False)

    def best(self) -> FrozenTrial | None:
        """The finished trial with the highest F1; the earliest of equals."""
        finished = [t for t in self.trials() if t.state == TrialState.COMPLETE]
        return max(finished, key=lambda t: (t.value or 0.0, -t.number), default=None)

    def next_trial(self, proposer: Proposer, limit: int | None) -> Trial | None:
        """A trial to work on: one that waits, else a new one; None if there shall be no more.

        Args:
            proposer: says what to try.
            limit: trials of the whole study, whatever became of them.
        """
        with self.lock(), quiet():
            self._put_back_abandoned()
            trials = self.trials()
            begun = [trial for trial in trials if trial.state != TrialState.WAITING]
            if limit is not None and len(begun) >= limit:
                return None
            if len(begun) == len(trials):
                point = proposer.propose(begun)
                if point is None:
                    return None
                self._study.enqueue_trial(point)
            trial = self._study.ask(self._distributions)
            trial.set_user_attr(_PROCESS, self.process)
            return trial

    def report(self, trial: Trial, epoch: int, f1: float) -> bool:
        """Note the F1 after an epoch; whether the trial is hopeless."""
        with self.lock(), quiet():
            # A trial that goes on may evaluate an epoch again that was noted before it was killed.
            if epoch not in self.trials()[trial.number].intermediate_values:
                trial.report(f1, epoch)
            return trial.should_prune()

    @staticmethod
    def notes(trial: FrozenTrial) -> Notes | None:
        """What was noted when a trial ended; None before that."""
        kept = trial.user_attrs.get(_NOTES)
        return None if kept is None else Notes(**kept)

    def tell(self, trial: Trial, state: TrialState, f1: float | None, notes: Notes) -> None:
        """Note how a trial ended. Under the lock."""
        with quiet():
            trial.set_user_attr(_NOTES, dataclasses.asdict(notes))
            self._study.tell(trial, f1, state)

    def put_back(self, trial: Trial) -> None:
        """Let the trial wait for whoever asks next, this process or another."""
        with self.lock():
            self._wait(trial.number)

    def _put_back_abandoned(self) -> None:
        """Put back what processes worked on that are no more.

        A trial without a process was killed between being made and being noted: all of that
        happens under the lock, which is held here.
        """
        for trial in self.trials():
            if trial.state == TrialState.RUNNING:
                process = trial.user_attrs.get(_PROCESS)
                if process is None or not _lives(self.folder, process):
                    self._wait(trial.number)

    def _wait(self, number: int) -> None:
        """Optuna's queue takes a trial that was begun before, and keeps its parameters."""
        study_id = self._storage.get_study_id_from_name(_NAME)
        trial_id = self._storage.get_trial_id_from_study_id_trial_number(study_id, number)
        self._storage.set_trial_state_values(trial_id, TrialState.WAITING)


@contextmanager
def open_study(folder: Path, made_of: MadeOf, pruner: BasePruner) -> Iterator[Study]:
    """Make a study, or take part in the one that stands there.

    Raises:
        RecipeError, DataError: it was begun with something else (see `MadeOf.check`).
        PosnerError: the folder holds no study, or a damaged one.
    """
    _refuse(folder)
    try:
        _study_lock(folder).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PosnerError("cannot be made", where=folder, got=error.strerror) from error
    with locked(_study_lock(folder)), quiet():
        study = _connected(folder, pruner)
        try:
            study.enter(made_of)
        except BaseException:
            study.close()
            raise
    try:
        yield study
    finally:
        study.close()


def _connected(folder: Path, pruner: BasePruner) -> Study:
    path = folder / "study.db"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(path, timeout=_SECONDS_FOR_SQLITE, check_same_thread=False)

    try:
        # The address is for show, since some characters of a path mean something in one.
        storage = RDBStorage("sqlite:///study.db", engine_kwargs={"creator": connect})
        study = optuna.create_study(
            study_name=_NAME,
            storage=storage,
            direction="maximize",
            sampler=optuna.samplers.RandomSampler(),  # never asked: every trial is proposed
            pruner=pruner,
            load_if_exists=True,
        )
    except (SQLAlchemyError, OptunaError, RuntimeError) as error:
        raise PosnerError(
            "no study that can be read", where=path, got=error, remedy="name another --out"
        ) from error
    return Study(folder, study, storage)


def _refuse(folder: Path) -> None:
    """Refuse a folder that holds something else.

    Raises:
        PosnerError: it does, or it is a file.
    """
    if folder.is_file():
        raise PosnerError("is a file", where=folder, expected="a folder to write")
    if not folder.is_dir() or (folder / "study.db").is_file():
        return
    if any(path.name != "locks" for path in folder.iterdir()):
        raise PosnerError(
            "holds something that is no study", where=folder, remedy="name another --out"
        )


def _study_lock(folder: Path) -> Path:
    return folder / "locks" / "study"


def _process_lock(folder: Path, process: int) -> Path:
    return folder / "locks" / f"process-{process}"


def _lives(folder: Path, process: int) -> bool:
    """Whether a process of the study still runs; what a dead one left is removed."""
    path = _process_lock(folder, process)
    if not path.exists():
        return False
    lock = try_lock(path)
    if lock is None:
        return True
    lock.release()
    path.unlink(missing_ok=True)
    return False
