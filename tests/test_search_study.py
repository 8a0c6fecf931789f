"""A study: what is tried, what becomes of it, and what it refuses. Trainings are played here."""

from __future__ import annotations

import errno
import json
import sqlite3
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import optuna
import pytest

import tiny
from posner import locks
from posner.corpus import Corpus
from posner.errors import DataError, ModelError, PosnerError, RecipeError
from posner.files import write_json
from posner.recipe import Recipe, load_recipe
from posner.search import search as search_module
from posner.search.console import Watcher
from posner.search.report import TrialRow, study_json
from posner.search.search import Plan, SearchResult, search
from posner.search.space import Range, Space, parse_space
from posner.training.console import Reporter
from posner.training.run import MetricsLine, RunFolder
from posner.training.train import TrainResult

GRID = """
"training.batch-pieces" = {values = [64, 128, 256]}
dropout = {keys = ["heads.dropout", "training.encoder-dropout"], values = [0.0, 0.2]}
"""
RANGES = """
"training.learning-rate" = {low = 1e-5, high = 1e-2, log = true}
"training.epochs" = {low = 2, high = 8, step = 2}
"heads.dropout" = {low = 0.0, high = 0.4}
"heads.entity" = {values = ["softmax", "crf"]}
"""

Figures = Callable[[Recipe, int], float]


def worth(recipe: Recipe, epoch: int) -> float:
    """An F1 that grows with the epochs and with the learning rate's nearness to 1e-3."""
    rate = recipe.training.learning_rate
    return (1 - epoch**-2) * (1 - abs(1e-3 - rate)) * (1 - recipe.heads.dropout)


class Stage:
    """Plays trainings: two epochs whose F1 a function gives, a model, a checkpoint."""

    def __init__(self) -> None:
        self.figures: Figures = worth
        self.recipes: list[Recipe] = []

    def play(
        self, corpus: Corpus, dev: Corpus, recipe: Recipe, folder: Path, reporter: Reporter
    ) -> TrainResult:
        del corpus, dev
        run = RunFolder(folder)
        run.model.mkdir(parents=True, exist_ok=True)
        run.checkpoints.mkdir(exist_ok=True)
        write_json(run.record, {})
        self.recipes.append(recipe)
        best = 0.0
        reporter.begin(0, 2)
        for epoch in (1, 2):
            f1 = self.figures(recipe, epoch)
            best = max(f1, best)
            line = MetricsLine(epoch, epoch, 1, 1, f1, f1, f1, 1e-3, 7.0 * epoch, 1, 0, best=True)
            with run.metrics.open("a") as file:
                file.write(json.dumps(asdict(line)) + "\n")
            reporter.evaluated(line)
        evaluation = SimpleNamespace(counts=SimpleNamespace(f1=best))
        return TrainResult(folder, cast(Any, evaluation), 14.0)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    stage = Stage()
    monkeypatch.setattr(search_module, "train_trial", stage.play)
    return stage


def run_search(
    out: Path,
    space: str = GRID,
    values: dict[str, Any] | None = None,
    count: int = 2,
    **plan: Any,
) -> SearchResult:
    recipe = Recipe().with_values(values or {}, where="test")
    corpora = tiny.corpus(count), tiny.corpus(1, first=4)
    parsed = parse_space(space, "space.toml")
    return search(*corpora, recipe, parsed, out, plan=Plan(**plan), watcher=Watcher())


def points(rows: list[TrialRow]) -> list[tuple[Any, ...]]:
    return sorted(tuple(row.values.values()) for row in rows)


def test_a_grid_is_walked_once_and_ends(stage: Stage, tmp_path: Path) -> None:
    result = run_search(tmp_path / "study", sampler="grid", pruner="none")
    assert result.ending == "tried"
    assert points(result.rows) == [(b, d) for b in (64, 128, 256) for d in (0.0, 0.2)]
    assert all(r.heads.dropout == r.training.encoder_dropout for r in stage.recipes)
    again = run_search(tmp_path / "study", sampler="grid", pruner="none")
    assert again == result
    assert len(stage.recipes) == 6


def test_a_grid_that_ends_early_is_no_corner(stage: Stage, tmp_path: Path) -> None:
    del stage
    result = run_search(tmp_path / "study", sampler="grid", trials=3)
    assert result.ending == "trials"
    assert len({row.values["training.batch-pieces"] for row in result.rows}) > 1
    assert points(run_search(tmp_path / "other", sampler="grid", trials=3).rows) == points(
        result.rows
    )


@pytest.mark.parametrize(
    ("space", "told"),
    [
        (RANGES, "training.learning-rate: a grid needs values"),
        (f'"training.seed" = {{values = {list(range(100_001))}}}', "too many"),
    ],
    ids=["range", "large"],
)
def test_what_is_no_grid_is_refused(tmp_path: Path, space: str, told: str) -> None:
    with pytest.raises(RecipeError, match=told):
        run_search(tmp_path / "study", space, sampler="grid")
    assert not (tmp_path / "study").exists()


def within(value: Any, space: Space, name: str) -> bool:
    domain = next(entry.domain for entry in space.entries if entry.name == name)
    if not isinstance(domain, Range):
        return value in domain.values
    steps = domain.points is None or value in domain.points
    return domain.low <= value <= domain.high and steps


@pytest.mark.usefixtures("stage")
def test_tpe_stays_within_the_ranges_and_learns(tmp_path: Path) -> None:
    space = parse_space(RANGES, "space.toml")
    result = run_search(tmp_path / "study", RANGES, trials=16, pruner="none")
    assert [row.state for row in result.rows] == ["finished"] * 16
    for row in result.rows:
        assert list(row.values) == [entry.name for entry in space.entries]
        assert all(within(value, space, name) for name, value in row.values.items())
    assert len({row.values["training.learning-rate"] for row in result.rows}) == 16
    random = [row.values["heads.dropout"] for row in result.rows if row.number < 10]
    learned = [row.values["heads.dropout"] for row in result.rows if row.number >= 10]
    assert max(learned) < sum(random) / len(random)  # the lower it is, the better the trial
    assert set(result.importances) == {entry.name for entry in space.entries}
    assert max(result.importances, key=result.importances.__getitem__) == "heads.dropout"
    assert sum(result.importances.values()) == pytest.approx(1)


def test_tpe_tries_no_combination_twice(stage: Stage, tmp_path: Path) -> None:
    result = run_search(tmp_path / "study", trials=50)
    assert result.ending == "tried"
    assert len(points(result.rows)) == len(set(points(result.rows))) == 6
    assert len(stage.recipes) == 6


def test_a_study_goes_on_with_its_numbers(stage: Stage, tmp_path: Path) -> None:
    first = run_search(tmp_path / "study", RANGES, trials=3)
    second = run_search(tmp_path / "study", RANGES, trials=3)
    assert second == first
    third = run_search(tmp_path / "study", RANGES, trials=5)
    assert sorted(row.number for row in third.rows) == [0, 1, 2, 3, 4]
    assert [row for row in third.rows if row.number < 3] == first.rows
    assert len(set(points(third.rows))) == 5  # a new process draws anew
    assert len(stage.recipes) == 5


def test_the_best_is_kept_and_the_others_only_as_figures(stage: Stage, tmp_path: Path) -> None:
    study = tmp_path / "study"
    base = {"training.patience": 2, "training.seed": 5}
    result = run_search(study, RANGES, base, trials=4)
    best = result.best
    assert best is not None
    assert best == result.rows[0]
    assert best.f1 == max(row.f1 or 0 for row in result.rows)
    assert (best.epochs, best.seconds) == (2, 14.0)
    for row in result.rows:
        folder = study / "trials" / f"{row.number:04d}"
        assert (folder / "metrics.jsonl").is_file()
        assert (folder / "model").exists() == (row == best)
    assert result.run == study / "trials" / f"{best.number:04d}"
    recipe = load_recipe(str(study / "best.toml"))
    assert recipe == stage.recipes[best.number]
    assert recipe == Recipe().with_values(base | best.values, where="test")
    text = (study / "best.toml").read_text()
    assert f"dev F1 {100 * (best.f1 or 0):.2f}" in text
    assert "training.patience" not in text
    assert "patience = 2  # evaluations without a better dev F1" in text
    assert "precision" not in text
    json.dumps(study_json(result.rows, best, result.importances), allow_nan=False)


def test_hopeless_trials_end_early(stage: Stage, tmp_path: Path) -> None:
    made: list[float] = []

    def falling(recipe: Recipe, epoch: int) -> float:
        """Each trial is worse than the one before."""
        if epoch == 1:
            made.append(recipe.training.learning_rate)
        return (0.9 - 0.1 * len(made)) * epoch / 2

    stage.figures = falling
    result = run_search(tmp_path / "study", RANGES, trials=6)
    states = {row.number: (row.state, row.epochs) for row in result.rows}
    assert states == dict.fromkeys(range(4), ("finished", 2)) | dict.fromkeys((4, 5), ("pruned", 1))


def test_nothing_is_saved_by_ending_a_trial_at_its_end(stage: Stage, tmp_path: Path) -> None:
    """Trials that lag behind at their last evaluation only are finished."""

    def lagging(recipe: Recipe, epoch: int) -> float:
        del recipe
        return 0.9 if epoch == 1 else 0.8 - 0.1 * len(stage.recipes)

    stage.figures = lagging
    result = run_search(tmp_path / "study", RANGES, trials=6)
    assert {row.state for row in result.rows} == {"finished"}


@pytest.mark.parametrize(
    "error", [RecipeError("a sentence fits no batch"), MemoryError("none left")], ids=str
)
def test_a_combination_that_cannot_be_trained_fails_alone(
    stage: Stage, tmp_path: Path, error: Exception
) -> None:
    def failing(recipe: Recipe, epoch: int) -> float:
        if recipe.training.batch_pieces == 64:
            raise error
        return worth(recipe, epoch)

    stage.figures = failing
    result = run_search(tmp_path / "study", sampler="grid")
    failed = [row for row in result.rows if row.state == "failed"]
    assert [row.values["training.batch-pieces"] for row in failed] == [64, 64]
    assert all(str(error) in row.why and row.f1 is None for row in failed)
    assert result.rows[-2:] == failed
    assert sum(row.state == "finished" for row in result.rows) == 4


def test_settings_that_exclude_each_other_fail_alone(stage: Stage, tmp_path: Path) -> None:
    del stage
    space = '"data.pooling" = {values = ["none", "first"]}\n"heads.entity" = {values = ["crf"]}'
    result = run_search(tmp_path / "study", space, sampler="grid")
    assert [row.state for row in result.rows] == ["finished", "failed"]
    assert "data.pooling is none" in result.rows[1].why


def test_when_all_fail_it_is_one_error(stage: Stage, tmp_path: Path) -> None:
    def failing(recipe: Recipe, epoch: int) -> float:
        del recipe, epoch
        raise ModelError("no such backbone")

    stage.figures = failing
    for _ in range(2):
        with pytest.raises(PosnerError, match=r"every trial of the study failed.*no such"):
            run_search(tmp_path / "study", trials=2)
    assert not (tmp_path / "study" / "best.toml").exists()


@pytest.mark.parametrize("error", [DataError("cannot be written"), KeyboardInterrupt()], ids=repr)
def test_what_is_no_fault_of_the_parameters_leaves_the_trial_waiting(
    stage: Stage, tmp_path: Path, error: BaseException
) -> None:
    def failing(recipe: Recipe, epoch: int) -> float:
        if len(stage.recipes) == 2:
            raise error
        return worth(recipe, epoch)

    stage.figures = failing
    if isinstance(error, KeyboardInterrupt):
        result = run_search(tmp_path / "study", RANGES, trials=3)
        assert result.ending == "stopped"
        assert [row.state for row in result.rows] == ["finished", "waiting"]
    else:
        with pytest.raises(DataError):
            run_search(tmp_path / "study", RANGES, trials=3)
    result = run_search(tmp_path / "study", RANGES, trials=3)
    assert {row.state for row in result.rows} == {"finished"}
    assert len(result.rows) == 3
    assert stage.recipes[2] == stage.recipes[1]  # trial 1, tried again


def test_a_defect_is_not_met_again_and_again(stage: Stage, tmp_path: Path) -> None:
    def failing(recipe: Recipe, epoch: int) -> float:
        if len(stage.recipes) == 2:
            raise ZeroDivisionError("a defect")
        return worth(recipe, epoch)

    stage.figures = failing
    with pytest.raises(ZeroDivisionError):
        run_search(tmp_path / "study", RANGES, trials=3)
    result = run_search(tmp_path / "study", RANGES, trials=3)
    assert [row.state for row in result.rows] == ["finished", "finished", "failed"]
    assert result.rows[-1].why == "ZeroDivisionError: a defect"


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "values": ({"space": GRID.replace("256", "512")}, "training.batch-pieces: the study was begun"),
    "entry": ({"space": GRID + '"training.epochs" = {values = [2]}'}, "training.epochs: the study"),
    "range": ({"space": RANGES}, "another space"),
    "recipe": ({"values": {"training.epochs": 3}}, "training.epochs: .*expected 6, got 3"),
    "data": ({"count": 3}, "the study was begun with another training corpus"),
}


def test_a_study_is_of_one_space_recipe_and_data(stage: Stage, tmp_path: Path) -> None:
    run_search(tmp_path / "study", trials=1)
    for changes, told in OTHERS.values():
        with pytest.raises(PosnerError, match=told) as caught:
            run_search(tmp_path / "study", trials=2, **changes)
        assert "\n" not in caught.value.line()
        assert caught.value.expected is not None
        assert caught.value.got is not None
    varied = {"training.batch-pieces": 999}
    assert len(run_search(tmp_path / "study", values=varied, trials=2).rows) == 2
    assert len(stage.recipes) == 2


def test_a_lexicon_that_some_trials_read_is_read_before_the_first(
    stage: Stage, tmp_path: Path
) -> None:
    names = tmp_path / "names.tsv"
    values = {"augment.lexicon": str(names)}
    space = '"augment.mentions" = {values = [0.0, 0.5]}'
    with pytest.raises(DataError, match="no such file"):
        run_search(tmp_path / "study", space, values, sampler="grid")
    assert not (tmp_path / "study").exists()
    names.write_text("PER\tEdda\n", encoding="utf-8")
    run_search(tmp_path / "study", space, values, sampler="grid", trials=1)
    names.write_text("PER\tEdda\nPER\tOlaf\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"begun with another lexicon"):
        run_search(tmp_path / "study", space, values, sampler="grid")
    assert len(stage.recipes) == 1


def test_other_folders_are_refused(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("precious")
    with pytest.raises(PosnerError, match="holds something that is no study"):
        run_search(tmp_path / "notes")
    with pytest.raises(PosnerError, match="is a file"):
        run_search(tmp_path / "notes" / "mine.txt")
    with pytest.raises(PosnerError, match="cannot be made"):
        run_search(tmp_path / "notes" / "mine.txt" / "below")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "study.db").write_text("no database at all, but long enough" * 9)
    with pytest.raises(PosnerError, match="no study that can be read"):
        run_search(tmp_path / "damaged")
    assert stage.recipes == []


def test_any_name_of_a_folder_will_do(stage: Stage, tmp_path: Path) -> None:
    study = tmp_path / "a study? {x} 50% #1 ü"
    run_search(study, trials=2)
    assert len(run_search(study, trials=3).rows) == 3
    assert len(stage.recipes) == 3
    with sqlite3.connect(study / "study.db") as database:
        assert database.execute("select count(*) from trials").fetchone() == (3,)
    database.close()


def test_several_processes_of_one_training_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(PosnerError, match="in one process"):
        run_search(tmp_path / "study")


@pytest.mark.parametrize(
    ("owner", "call"),
    [(optuna.Trial, "set_user_attr"), (optuna.storages.RDBStorage, "_set_trial_param")],
)
def test_a_trial_that_was_hardly_begun_is_begun_again(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: type, call: str
) -> None:
    """As when its process is killed before the study knows whose trial it is."""

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(owner, call, stopped)
        result = run_search(tmp_path / "study", RANGES, trials=2)
    assert [row.state for row in result.rows] == ["running"]
    result = run_search(tmp_path / "study", RANGES, trials=2)
    assert [row.state for row in result.rows] == ["finished", "finished"]
    assert all(len(row.values) == 4 for row in result.rows)
    assert len(stage.recipes) == 2


def test_what_another_process_works_on_is_left_to_it(stage: Stage, tmp_path: Path) -> None:
    def meanwhile(recipe: Recipe, epoch: int) -> float:
        if len(stage.recipes) == 1:
            other = run_search(tmp_path / "study", RANGES, trials=2)
            states = {row.number: row.state for row in other.rows}
            assert states == {0: "running", 1: "finished"}
        return worth(recipe, epoch)

    stage.figures = meanwhile
    result = run_search(tmp_path / "study", RANGES, trials=2)
    assert {row.state for row in result.rows} == {"finished"}
    assert len(stage.recipes) == len(set(points(result.rows))) == 2


def test_a_folder_without_locks_is_told(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> bool:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks, "_lock", refuse)
    with pytest.raises(DataError, match=r"cannot be locked.*No locks available"):
        run_search(tmp_path / "study")
    assert stage.recipes == []
