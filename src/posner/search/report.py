"""What a study has come to: its trials by F1, which parameters mattered, the same as JSON."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from posner.evaluation.report import percent
from posner.search.proposals import quiet
from posner.search.space import Space
from posner.search.study import Notes, Study
from posner.training.console import clock

FEWEST_FOR_IMPORTANCES = 8
"""With fewer trials, what the good ones have in common is chance."""

_GOOD = 0.25
"""The share of the trials that counts as good when importances are computed."""

FINISHED = "finished"
FAILED = "failed"
_STATES = {
    TrialState.COMPLETE: FINISHED,
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: FAILED,
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}


@dataclass(frozen=True)
class TrialRow:
    """A trial as it is told.

    Attributes:
        number: counted from 0, as Optuna counts.
        state: finished, pruned, failed, running or waiting.
        f1: the best strict dev F1 so far, 0 to 1; None before the first evaluation.
        epochs: evaluated so far.
        seconds: of its training; until the last evaluation where that goes on, or was ended.
        surface: what surface features weigh beside its network, as its F1 has them; 0: not at all.
        values: a value for each entry of the space.
        why: what a failed trial failed of.
    """

    number: int
    state: str
    f1: float | None
    epochs: int
    seconds: float
    surface: float
    values: dict[str, Any]
    why: str


def trial_row(trial: FrozenTrial) -> TrialRow:
    """A trial of Optuna's as a row."""
    reported = trial.intermediate_values
    complete = trial.state == TrialState.COMPLETE
    notes = Study.notes(trial) or Notes(epochs=max(reported, default=0))
    return TrialRow(
        number=trial.number,
        state=_STATES[trial.state],
        f1=trial.value if complete else max(reported.values(), default=None),
        epochs=notes.epochs,
        seconds=notes.seconds,
        surface=notes.surface,
        values=dict(trial.params),
        why=notes.why,
    )


def trial_rows(trials: Sequence[FrozenTrial]) -> list[TrialRow]:
    """All trials, the best F1 first, those without one last."""
    rows = [trial_row(trial) for trial in trials]
    return sorted(rows, key=lambda row: (row.f1 is None, -(row.f1 or 0.0), row.number))


def importances(trials: Sequence[FrozenTrial]) -> dict[str, float]:
    """How much each parameter tells the good quarter of the trials from all; they add up to 1.

    By PED-ANOVA (Watanabe et al., 2023), which needs no forest. It only asks which trials are
    good, so those that were ended early count as well: they are none. Nothing where there are too
    few trials, or all have the same F1.
    """
    judged = [
        optuna.create_trial(
            state=TrialState.COMPLETE,
            value=trial.value,
            params=trial.params,
            distributions=trial.distributions,
        )
        for trial in trials
        if trial.state in (TrialState.COMPLETE, TrialState.PRUNED) and trial.value is not None
    ]
    if len(judged) < FEWEST_FOR_IMPORTANCES or len({trial.value for trial in judged}) == 1:
        return {}
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of every parameter that tells little
        study = optuna.create_study(direction="maximize")
        study.add_trials(judged)
        evaluator = PedAnovaImportanceEvaluator(target_quantile=_GOOD)
        return get_param_importances(study, evaluator=evaluator)


def study_report(
    rows: Sequence[TrialRow], best: TrialRow | None, weights: Mapping[str, float], space: Space
) -> RenderableType:
    """The table of trials, why some failed, and the importances."""
    parts: list[RenderableType] = [_trials_table(rows, best, space)]
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row.state == FAILED:
            reasons.setdefault(row.why, []).append(str(row.number))
    if reasons:
        parts += ["", *(Text(f"{', '.join(n)} failed: {why}") for why, n in reasons.items())]
    if weights:
        parts += ["", Text(f"what tells the best {_GOOD:.0%} of the trials from all:")]
        parts.append(_importances_table(weights, space))
    return Group(*parts)


def short_names(space: Space) -> dict[str, str]:
    """Each entry's name, without its section where that leaves no doubt."""
    names = [entry.name for entry in space.entries]
    ends = [name.rpartition(".")[2] for name in names]
    return {
        name: end if ends.count(end) == 1 else name for name, end in zip(names, ends, strict=True)
    }


def shown(value: Any) -> str:
    """A value for the eye: three digits tell rates apart; the recipe has them all."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _trials_table(rows: Sequence[TrialRow], best: TrialRow | None, space: Space) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    names = short_names(space)
    for column in ("trial", "F1", *names.values(), "epochs", "time"):
        table.add_column(column, justify="right", overflow="fold")
    table.add_column("state", overflow="fold")
    for row in rows:
        is_best = best is not None and row.number == best.number
        table.add_row(
            str(row.number),
            percent(row.f1),
            *(shown(row.values[name]) if name in row.values else "-" for name in names),
            str(row.epochs),
            clock(row.seconds) if row.seconds else "-",
            ", ".join([row.state, *_remarks(row, is_best)]),
            style="bold green" if is_best else None,
        )
    return table


def _remarks(row: TrialRow, is_best: bool) -> Iterator[str]:
    """What is to be said beside a trial's state."""
    if row.surface:
        yield f"surface features weigh {row.surface:g}"
    if is_best:
        yield "the best"


def _importances_table(weights: Mapping[str, float], space: Space) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    names = short_names(space)
    for name, weight in weights.items():
        table.add_row(names[name], f"{100 * weight:.0f} %", "█" * round(20 * weight))
    return table


def study_json(
    rows: Sequence[TrialRow], best: TrialRow | None, weights: Mapping[str, float]
) -> dict[str, Any]:
    """Everything, ready for JSON."""
    return {
        "best": None if best is None else dataclasses.asdict(best),
        "importances": dict(weights),
        "trials": [dataclasses.asdict(row) for row in rows],
    }
