"""Two processes (gloo, CPU) train one model: one run folder, the same steps as one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from posner.cli import main

SETTINGS = {
    "features.surface": "false",
    "training.epochs": "5",
    "training.warmup": "0",
    "training.learning-rate": "1e-3",
    "training.head-learning-rate": "1e-3",
    "training.precision": "fp32",
    "training.device": "cpu",
    "training.encoder-dropout": "0",
    "training.mask": "0",
    "heads.dropout": "0",
    "heads.pos-dropout": "0",
}

PIECES = 11
"""Of each sentence below: 3 + 1 + 4 + 1, and the two special ones."""


def same_length(path: Path, sentences: int) -> Path:
    """Sentences of `PIECES` pieces each, so that all of them fill one step, whole or in halves."""
    names, places = ("Ben", "Fay", "Eva"), ("Lima", "Cork", "Bonn")
    rows = "".join(
        f"{names[i % 3]} NNP B-PER\nmet NN O\n{places[i * 2 % 3]} NNP B-LOC\n. . O\n\n"
        for i in range(sentences)
    )
    path.write_text(rows, encoding="utf-8")
    return path


def torchrun(
    *arguments: str, program: Sequence[str] = ("-m", "posner", "train")
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", *program, *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=180, check=False
    )


def metrics(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_two_processes_make_one_run_like_one_process(bert: Path, tmp_path: Path) -> None:
    """Each step holds all sentences and nothing is drawn: only the order of sums may differ.

    AdamW makes a step of every gradient, be it a rounding error, so the weights are compared to
    a twentieth of the way that they went.
    """
    train = same_length(tmp_path / "train.conll", 48)
    dev = same_length(tmp_path / "dev.conll", 9)
    flags = [str(train), "--dev", str(dev), "--backbone.name", str(bert), "--json"]
    settings = [part for key, value in SETTINGS.items() for part in (f"--{key}", value)]
    one, two = tmp_path / "one", tmp_path / "two"
    budget = ["--training.batch-pieces", str(PIECES * 48)]
    assert (
        main(["train", *flags, str(tmp_path / "1.json"), *settings, *budget, "--out", str(one)])
        == 0
    )
    done = torchrun(*flags, str(tmp_path / "2.json"), *settings, *budget, "--out", str(two))
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("best dev F1") == 1
    assert sorted(p.name for p in two.iterdir()) == [
        "metrics.jsonl",
        "model",
        "recipe.toml",
        "run.json",
        "steps.jsonl",
    ]
    alone, together = metrics(one), metrics(two)
    assert [line["epoch"] for line in together] == [1, 2, 3, 4, 5]
    assert [line["step"] for line in together] == [line["step"] for line in alone]
    for single, double in zip(alone, together, strict=True):
        assert double["dev_loss"] == pytest.approx(single["dev_loss"], abs=1e-3)
        assert double["f1"] == pytest.approx(single["f1"], abs=0.005)
    first, second = (load_file(run / "model" / "model.safetensors") for run in (one, two))
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        torch.testing.assert_close(second[name], tensor, rtol=0, atol=0.05 * 5e-3)
    assert json.loads((tmp_path / "2.json").read_text())["strict"]["micro"]["f1"] == max(
        line["f1"] for line in together
    )


STOPPED = """
import os, pathlib, sys
from posner.cli import main
from posner.training import train

def stopped(*_):
    raise KeyboardInterrupt

train._finish = stopped
code = main(sys.argv[2:])
pathlib.Path(sys.argv[1], "ended-" + os.environ["RANK"]).write_text(str(code))
os._exit(0)  # a failure would let torchrun end the other process before it has said how it ended
"""


@pytest.mark.slow
def test_a_stop_after_the_last_step_ends_all_processes(bert: Path, tmp_path: Path) -> None:
    script = tmp_path / "stopped.py"
    script.write_text(STOPPED, encoding="utf-8")
    train = same_length(tmp_path / "train.conll", 6)
    settings = [part for key, value in SETTINGS.items() for part in (f"--{key}", value)]
    flags = [str(train), "--dev", str(train), "--backbone.name", str(bert), *settings]
    program = [str(script), str(tmp_path)]
    done = torchrun("train", *flags, "--out", str(tmp_path / "run"), program=program)
    ended = {path.name: path.read_text() for path in tmp_path.glob("ended-*")}
    assert ended == {"ended-0": "130", "ended-1": "130"}, done.stderr[-2000:]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["state"] == "started"
    assert (tmp_path / "run" / "checkpoints").is_dir()


@pytest.mark.slow
def test_a_mistake_ends_all_processes_with_its_line(bert: Path, tmp_path: Path) -> None:
    train = same_length(tmp_path / "train.conll", 6)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("precious")
    done = torchrun(str(train), "--backbone.name", str(bert), "--out", str(tmp_path / "run"))
    assert done.returncode == 1
    assert "posner: " + str(tmp_path / "run") + ": the target is not empty" in done.stderr
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["mine.txt"]
