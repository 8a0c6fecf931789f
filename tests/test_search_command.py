"""`posner search` with real trainings: budgets, Ctrl-C, several processes, a killed one."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from rich.console import Console

import tiny
from posner.cli import main
from posner.evaluation.report import percent
from posner.loading import load
from posner.recipe import load_recipe
from posner.search import search as search_module
from posner.search import trial as trial_module
from posner.search.console import ConsoleWatcher
from posner.search.report import TrialRow, study_report
from posner.search.space import parse_space
from posner.search.study import Study

SPACE = """
"training.learning-rate" = {low = 1e-4, high = 1e-2, log = true}
"training.head-learning-rate" = {low = 1e-3, high = 1e-1, log = true}
"""

# One process that has imported everything forks those that a scenario needs.
SCENARIO = """
import json, os, signal, sys
import posner.search.search
from posner.cli import main
from posner.search.study import Study

def fork(act):
    child = os.fork()
    if child == 0:
        sys.stdout = sys.stderr
        os._exit(act())
    return child

def killed(call, dies):
    original = getattr(Study, call)

    def dying(self, *arguments):
        if dies(*arguments):
            os.kill(os.getpid(), signal.SIGKILL)
        return original(self, *arguments)

    setattr(Study, call, dying)
    return main([*arguments, "--out", sys.argv[2], "--trials", "2"])

shared, _, *arguments = sys.argv[1:]
children = [fork(lambda: main([*arguments, "--out", shared, "--trials", "3"])) for _ in range(2)]
late = lambda trial, epoch, f1: (trial.number, epoch) == (1, 2)
children.append(fork(lambda: killed("report", late)))
print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(c, 0)[1]) for c in children]))
"""


@dataclass(frozen=True)
class Toy:
    """A call without its study folder, and what two processes and a killed one left."""

    call: list[str]
    shared: Path
    killed: Path


@pytest.fixture(scope="module")
def toy(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Toy:
    folder = tmp_path_factory.mktemp("search")
    train = tiny.save_corpus(folder / "train.conll", 2)
    dev = tiny.save_corpus(folder / "dev.conll", 1, first=8)
    space = folder / "space.toml"
    space.write_text(SPACE)
    call = ["search", str(train), "--dev", str(dev), "--space", str(space)]
    call += ["--backbone.name", str(bert), "--training.epochs", "2"]
    call += ["--training.precision", "fp32", "--training.device", "cpu"]
    toy = Toy(call, folder / "shared", folder / "killed")
    done = subprocess.run(
        [sys.executable, "-c", SCENARIO, str(toy.shared), str(toy.killed), *call],
        env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr[-2000:]
    assert json.loads(done.stdout) == [0, 0, -signal.SIGKILL]
    return toy


def search(toy: Toy, out: Path, *flags: str, status: int = 0) -> dict[int, dict[str, Any]]:
    """The trials by number after a call."""
    figures = out.parent / f"{out.name}.json"
    assert main([*toy.call, "--out", str(out), "--json", str(figures), *flags]) == status
    return {trial["number"]: trial for trial in json.loads(figures.read_text())["trials"]}


def test_two_processes_share_a_study_and_sample_differently(
    toy: Toy, capsys: pytest.CaptureFixture[str]
) -> None:
    trials = search(toy, toy.shared, "--trials", "3")
    assert "all trials were begun; a higher --trials goes on" in capsys.readouterr().out
    assert sorted(trials) == [0, 1, 2]
    assert {trial["state"] for trial in trials.values()} == {"finished"}
    assert len({tuple(trial["values"].values()) for trial in trials.values()}) == 3


def test_a_killed_trial_is_tried_again_with_its_parameters(
    toy: Toy, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = load_recipe(str(toy.killed / "trials" / "0001" / "recipe.toml")).training
    assert (
        json.loads((toy.killed / "trials" / "0001" / "run.json").read_text())["state"] == "started"
    )
    trials = search(toy, toy.killed, "--trials", "2")
    printed = capsys.readouterr().out
    assert "trial 1 goes on: learning-rate" in printed
    assert "trial 0" not in printed.partition("\n\n")[0]
    assert sorted(trials) == [0, 1]
    assert trials[1]["state"] == "finished"
    assert trials[1]["epochs"] == 2
    assert trials[1]["values"] == {
        "training.learning-rate": begun.learning_rate,
        "training.head-learning-rate": begun.head_learning_rate,
    }
    lines = (toy.killed / "trials" / "0001" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]


def test_the_winner_is_a_recipe_that_trains_to_the_same_f1(
    toy: Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trials = search(toy, toy.shared, "--trials", "3")
    best = max(trials.values(), key=lambda trial: (trial["f1"], -trial["number"]))
    printed = capsys.readouterr().out
    command = next(line for line in printed.splitlines() if line.startswith("posner train"))
    recipe = load_recipe(str(toy.shared / "best.toml"))
    assert recipe.training.learning_rate == best["values"]["training.learning-rate"]
    words = command.split()[1:]
    assert words[-2:] == ["--out", "RUN"]
    figures = tmp_path / "figures.json"
    assert main([*words[:-1], str(tmp_path / "run"), "--json", str(figures)]) == 0
    assert json.loads(figures.read_text())["strict"]["micro"]["f1"] == best["f1"]
    trial = toy.shared / "trials" / f"{best['number']:04d}"
    manifest = load(trial).manifest
    assert manifest.recipe == recipe
    assert best["surface"] == manifest.figures.get("surface", {"weight": 0.0})["weight"]
    assert best["seconds"] == json.loads((trial / "run.json").read_text())["seconds"]


@pytest.mark.parametrize("last", [1, 2], ids=["midway", "after the last step"])
def test_ctrl_c_lets_the_trial_wait_and_the_same_command_goes_on(
    toy: Toy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    last: int,
) -> None:
    report = Study.report

    def interrupted(self: Study, trial: Any, epoch: int, f1: float) -> bool:
        if (trial.number, epoch) == (1, last):
            signal.raise_signal(signal.SIGINT)
        return report(self, trial, epoch, f1)

    with monkeypatch.context() as patch:
        patch.setattr(Study, "report", interrupted)
        before = search(toy, tmp_path / "study", "--trials", "3", status=130)
    assert "posner: stopped; the same command goes on" in capsys.readouterr().err
    assert {n: trial["state"] for n, trial in before.items()} == {0: "finished", 1: "waiting"}
    after = search(toy, tmp_path / "study", "--trials", "2")
    assert [trial["state"] for trial in after.values()] == ["finished", "finished"]
    assert after[1]["values"] == before[1]["values"]
    assert list((tmp_path / "study" / "locks").iterdir()) == [
        tmp_path / "study" / "locks" / "study"
    ]


def test_ctrl_c_while_a_trial_is_given_up_ends_the_search_too(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hopeless(*_: object) -> bool:
        signal.raise_signal(signal.SIGINT)
        return True

    with monkeypatch.context() as patch:
        patch.setattr(Study, "report", hopeless)
        before = search(toy, tmp_path / "study", "--trials", "3", status=130)
    assert {n: trial["state"] for n, trial in before.items()} == {0: "pruned"}


def test_the_minutes_end_a_trial_at_a_checkpoint(
    toy: Toy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    seconds = iter(range(1000))
    clock = SimpleNamespace(monotonic=lambda: next(seconds))
    with monkeypatch.context() as patch:
        for module in (search_module, trial_module):
            patch.setattr(module, "time", clock)
        before = search(toy, tmp_path / "study", "--minutes", "0.1")
        assert "the minutes are spent; the same command goes on" in capsys.readouterr().out
    last = max(before)
    assert before[last]["state"] == "waiting"
    folder = tmp_path / "study" / "trials" / f"{last:04d}"
    assert list((folder / "checkpoints").glob("step-*"))
    after = search(toy, tmp_path / "study", "--trials", str(last + 1))
    assert after[last]["state"] == "finished"
    assert after[last]["values"] == before[last]["values"]
    assert not (folder / "checkpoints").exists()


def test_a_missing_extra_is_named(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("posner.search")]:
        if name not in ("posner.search", "posner.search.space"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert main([*toy.call, "--out", str(tmp_path / "study")]) == 1
    assert "pip install 'posner[search]'" in capsys.readouterr().err


def test_tables_for_the_eye() -> None:
    space = parse_space(SPACE, "test")
    values = {"training.learning-rate": 0.00123456, "training.head-learning-rate": 0.1}
    rows = [
        TrialRow(2, "finished", 0.9, 3, 61.0, 0.5, values, ""),
        TrialRow(0, "pruned", 0.5, 1, 20.0, 0.0, values, ""),
        TrialRow(1, "failed", None, 0, 0.0, 0.0, values, "a sentence fits no batch"),
        TrialRow(3, "waiting", None, 0, 0.0, 0.0, {}, ""),
    ]
    console = Console(file=io.StringIO(), width=120)
    weights = {"training.learning-rate": 0.75, "training.head-learning-rate": 0.25}
    console.print(study_report(rows, rows[0], weights, space))
    watcher = ConsoleWatcher(console)
    for row in rows[:3]:
        watcher.ended(row, best=row is rows[0])
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    assert lines[0] == "trial F1 learning-rate head-learning-rate epochs time state"
    assert lines[1] == "2 90.00 0.00123 0.1 3 1:01 finished, surface features weigh 0.5, the best"
    assert lines[4] == "3 - - - 0 - waiting"
    assert "1 failed: a sentence fits no batch" in lines
    assert any(line.startswith("learning-rate 75 %") for line in lines)
    assert f"trial 2: F1 {percent(0.9)} after epoch 3, 1:01 (best so far)" in lines
    assert "trial 0: pruned, F1 50.00 after epoch 1, 0:20" in lines
