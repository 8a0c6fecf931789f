"""`search`: trial after trial, until the budget is spent or there is nothing left to try."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.trial import Trial, TrialState

from posner.corpus import Corpus
from posner.errors import ModelError, PosnerError, RecipeError, UsageError
from posner.model.backbone import load_backbone
from posner.recipe import Recipe
from posner.search.console import Watcher
from posner.search.made_of import MadeOf
from posner.search.proposals import GridProposer, Proposer, TpeProposer, check_grid
from posner.search.report import FAILED, TrialRow, importances, trial_row, trial_rows
from posner.search.space import Space
from posner.search.study import Notes, Study, open_study
from posner.search.trial import (
    HopelessTrialError,
    TrialReporter,
    drop_model,
    notes_of,
    train_trial,
)
from posner.search.winner import write_winner
from posner.training.console import Reporter
from posner.training.loop import InterruptedRunError
from posner.training.parts import training_parts
from posner.training.run import RunFolder

FINISHED_BEFORE_PRUNING = 4
"""So many trials come to their end before any other is given up."""

Ending = Literal["tried", "trials", "minutes", "stopped"]
"""Every combination was tried, a budget is spent, or the user stopped it."""


@dataclass(frozen=True)
class Plan:
    """How a search goes about it.

    Attributes:
        sampler: `tpe` learns from the trials; `grid` tries each combination once.
        pruner: `median` ends a trial whose best F1 lies below the median of the finished trials at
            the same epoch; `none` lets all come to their end.
        trials: of the whole study, over all processes and all calls; None: no limit.
        minutes: for this process; None: no limit.
    """

    sampler: Literal["tpe", "grid"] = "tpe"
    pruner: Literal["median", "none"] = "median"
    trials: int | None = None
    minutes: float | None = None


@dataclass(frozen=True)
class SearchResult:
    """What a study has come to when this process left it.

    Attributes:
        folder: the study.
        rows: its trials, the best first.
        best: the best finished one.
        recipe: its recipe file, if there is a best.
        run: its run folder, with its model.
        importances: a share for each entry of the space, the largest first; empty where there are
            too few trials.
        ending: why this process left it.
    """

    folder: Path
    rows: list[TrialRow]
    best: TrialRow | None
    recipe: Path | None
    run: Path | None
    importances: dict[str, float]
    ending: Ending


def search(
    corpus: Corpus,
    dev: Corpus,
    recipe: Recipe,
    space: Space,
    out: Path,
    *,
    plan: Plan,
    watcher: Watcher,
) -> SearchResult:
    """Search a space for the recipe with the best dev F1.

    A study that stands at `out` is gone on with, or shared with the processes that work on it. A
    trial that is stopped (by the user or for want of time) or killed waits at its last checkpoint.

    Args:
        corpus: what each trial learns from.
        dev: what it is judged by.
        recipe: the settings that do not vary.
        space: those that do.
        out: the study folder.
        plan: how to go about it.
        watcher: is told how it goes.

    Raises:
        DataError: the corpora cannot be used, or the study was begun on others.
        RecipeError: the space is no grid but one is wanted, or the study was begun with another
            space or recipe.
        ModelError: the backbone, where it does not vary, cannot be loaded.
        UsageError: several processes of one training run it.
        PosnerError: the folder holds no study, or no trial came to its end.
    """
    begin = time.monotonic()
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UsageError(
            "each trial of a search trains in one process",
            where="torchrun",
            remedy="start the same `posner search` several times instead",
        )
    if plan.sampler == "grid":
        check_grid(space)
    parts = training_parts(corpus, dev, _reading_all(recipe, space), Reporter())
    if "backbone.name" not in space.keys:
        load_backbone(recipe.backbone, dropout=0.0)  # none such: told once, before a study is made
    made_of = MadeOf(parts.facts["fingerprints"], recipe, space)
    with open_study(out, made_of, _pruner(plan)) as study:
        worker = _Worker(
            corpus=corpus,
            dev=dev,
            recipe=recipe,
            space=space,
            study=study,
            proposer=_proposer(plan, space, recipe.training.seed, study.process),
            limit=plan.trials,
            deadline=None if plan.minutes is None else begin + 60 * plan.minutes,
            watcher=watcher,
        )
        ending = worker.run()
        return _result(study, ending)


@dataclass
class _Worker:
    """This process's part in a study; see `search` for its attributes."""

    corpus: Corpus
    dev: Corpus
    recipe: Recipe
    space: Space
    study: Study
    proposer: Proposer
    limit: int | None
    deadline: float | None
    watcher: Watcher

    def run(self) -> Ending:
        """Work on trials until there is a reason not to."""
        try:
            with self.study.lock():  # what a killed process did not come to
                self._settle()
            while self.deadline is None or time.monotonic() < self.deadline:
                trial = self.study.next_trial(self.proposer, self.limit)
                if trial is None:
                    begun = len(self.study.trials())
                    return "tried" if self.limit is None or begun < self.limit else "trials"
                self._work(trial)
        except (KeyboardInterrupt, InterruptedRunError):
            return "stopped"
        return "minutes"

    def _work(self, trial: Trial) -> None:
        """Train one trial, and note what became of it.

        Raises:
            InterruptedRunError: the user stopped it; the trial waits.
            KeyboardInterrupt: the user stopped it while the trial was ending anyway.
        """
        folder = self.study.trial_folder(trial.number)
        again = RunFolder(folder).record.is_file()
        self.watcher.begins(trial.number, trial.params, self.space, again)
        reporter = TrialReporter(
            self.watcher.reporter(),
            lambda epoch, f1: self.study.report(trial, epoch, f1),
            self.deadline,
        )
        try:
            recipe = self._recipe(trial.number, trial.params)
            result = train_trial(self.corpus, self.dev, recipe, folder, reporter)
        except HopelessTrialError:
            self._finish(trial, TrialState.PRUNED, None, notes_of(folder))
        except (RecipeError, ModelError, torch.OutOfMemoryError, MemoryError) as error:
            self._finish(trial, TrialState.FAIL, None, notes_of(folder, why=_why(error)))
        except InterruptedRunError:
            self.study.put_back(trial)
            if not reporter.out_of_time:
                raise
        except (PosnerError, KeyboardInterrupt):  # a full disk, say: no fault of the parameters
            self.study.put_back(trial)
            raise
        except Exception as error:  # a defect; the study shall not meet it again and again
            self._finish(trial, TrialState.FAIL, None, notes_of(folder, why=_why(error)))
            raise
        else:
            assert result.evaluation is not None  # there is but one process
            f1 = result.evaluation.counts.f1
            self._finish(trial, TrialState.COMPLETE, f1, notes_of(folder))
        if reporter.stopped:
            raise KeyboardInterrupt

    def _finish(self, trial: Trial, state: TrialState, f1: float | None, notes: Notes) -> None:
        with self.study.lock():
            self.study.tell(trial, state, f1, notes)
            self._settle()
            best = self.study.best()
            ended = self.study.trials()[trial.number]
        self.watcher.ended(trial_row(ended), best is not None and best.number == trial.number)

    def _settle(self) -> None:
        """Write the best trial's recipe, and keep its model alone. Under the lock."""
        best = self.study.best()
        for trial in self.study.trials():
            if trial.state.is_finished() and (best is None or trial.number != best.number):
                drop_model(self.study.trial_folder(trial.number))
        if best is not None:
            f1 = 100 * (best.value or 0.0)
            write_winner(
                self.study.best_recipe,
                self._recipe(best.number, best.params),
                f"Trial {best.number} of a search: dev F1 {f1:.2f}.",
            )

    def _recipe(self, number: int, point: Mapping[str, Any]) -> Recipe:
        return self.recipe.with_values(self.space.values(point), where=f"trial {number}")


def _reading_all(recipe: Recipe, space: Space) -> Recipe:
    """A recipe that reads the files that any trial reads."""
    if recipe.augment.lexicon and "augment.mentions" in space.keys:
        return recipe.with_values({"augment.mentions": 1.0}, where="the space")
    return recipe


def _proposer(plan: Plan, space: Space, seed: int, process: int) -> Proposer:
    if plan.sampler == "grid":
        return GridProposer(space, seed)
    return TpeProposer(space, seed, process)


def _pruner(plan: Plan) -> BasePruner:
    if plan.pruner == "none":
        return NopPruner()
    return MedianPruner(n_startup_trials=FINISHED_BEFORE_PRUNING)


def _why(error: Exception) -> str:
    """An error on one line."""
    if isinstance(error, PosnerError):
        return error.line()
    lines = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"


def _result(study: Study, ending: Ending) -> SearchResult:
    """What the study has come to.

    Raises:
        PosnerError: all trials failed.
    """
    trials = study.trials()
    listed = trial_rows(trials)
    failed = [row for row in listed if row.state == FAILED]
    if failed and len(failed) == len(listed):
        raise PosnerError(
            "every trial of the study failed",
            where=study.folder,
            got=failed[0].why,
            remedy="name another --out with a mended space or recipe",
        )
    best = study.best()
    return SearchResult(
        folder=study.folder,
        rows=listed,
        best=None if best is None else trial_row(best),
        recipe=None if best is None else study.best_recipe,
        run=None if best is None else study.trial_folder(best.number),
        importances=importances(trials),
        ending=ending,
    )
