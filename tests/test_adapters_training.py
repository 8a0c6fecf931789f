"""Training adapters on the toy corpus: what learns and is kept, resuming, averaging, the shell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import tiny
from adapted import ADAPTED
from listener import Listener
from posner.cli import main
from posner.folder import read_manifest
from posner.loading import load
from posner.recipe import Recipe
from posner.training.loop import InterruptedRunError
from posner.training.train import TrainResult, train

# Everything that has a state of its own is on.
STATEFUL = {
    "adapter.dropout": 0.2,
    "training.ema": 0.9,
    "training.schedule": "plateau",
    "training.batch-pieces": 96,
    "training.checkpoint-steps": 3,
}


def learn(
    encoder: Path,
    out: Path,
    values: dict[str, Any] | None = None,
    resume: bool = False,
    listener: Listener | None = None,
) -> TrainResult:
    return train(
        tiny.corpus(6),
        tiny.corpus(2, first=8, name="dev.conll"),
        settings(encoder, values),
        out,
        reporter=listener or Listener(),
        resume=resume,
    )


class Stopping(Listener):
    """Wants a training to end after a step."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.left = step

    def wants_stop(self) -> bool:
        self.left -= 1
        return self.left == 0


def settings(encoder: Path, values: dict[str, Any] | None = None) -> Recipe:
    return tiny.recipe(encoder, ADAPTED | (values or {}))


def tensors(run: Path) -> dict[str, Tensor]:
    return load_file(run / "model" / "model.safetensors")


def metrics(run: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    clock = ("seconds", "pieces_per_second")
    return [{k: v for k, v in line.items() if k not in clock} for line in lines]


def test_the_encoder_stays_and_the_rest_learns(bert: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in bert.iterdir()}
    listener = Listener()
    result = learn(bert, tmp_path / "run", {"training.epochs": 6}, listener=listener)
    assert {path.name: path.read_bytes() for path in bert.iterdir()} == before
    found = tensors(result.run)
    assert all(".lora_" in name for name in found if name.startswith("encoder."))
    assert all(tensor.any() for name, tensor in found.items() if ".lora_B." in name)
    assert found["shape_embedding.weight"].any()
    assert result.evaluation is not None
    assert result.evaluation.counts.f1 > 0.2
    told = next(line for line in listener.said if "million weights are trained" in line)
    assert told.startswith("0.0 of")
    # The figures of training are those of the model that is loaded again.
    figures = read_manifest(result.run / "model").figures["dev"]["strict"]["micro"]
    assert figures["f1"] == result.evaluation.counts.f1


def test_the_rate_in_the_metrics_is_the_adapters(bert: Path, tmp_path: Path) -> None:
    learn(bert, tmp_path / "run", {"training.schedule": "constant", "training.warmup": 0})
    assert {line["learning_rate"] for line in metrics(tmp_path / "run")} == {1e-2}


def test_the_average_is_judged_and_saved(bert: Path, tmp_path: Path) -> None:
    plain, averaged = (
        learn(bert, tmp_path / name, {"training.epochs": 1, "training.ema": decay}).run
        for name, decay in (("plain", 0), ("averaged", 0.9))
    )
    first, second = tensors(plain), tensors(averaged)
    assert first.keys() == second.keys()
    assert all(not torch.equal(first[k], second[k]) for k in first if ".lora_" in k)
    figures = json.loads((averaged / "model" / "posner.json").read_text())["figures"]["dev"]
    assert metrics(averaged)[0]["f1"] == figures["strict"]["micro"]["f1"]


@pytest.mark.parametrize("step", [2, 4, 8])
def test_a_stopped_run_goes_on_bit_for_bit(bert: Path, tmp_path: Path, step: int) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    learn(bert, whole, STATEFUL)
    assert metrics(whole)[-1]["step"] > 8

    with pytest.raises(InterruptedRunError, match=f"stopped after step {step};"):
        learn(bert, stopped, STATEFUL, listener=Stopping(step))
    learn(bert, stopped, STATEFUL, resume=True)
    assert metrics(stopped) == metrics(whole)
    first, second = tensors(whole), tensors(stopped)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert read_manifest(stopped / "model").base == read_manifest(whole / "model").base


def test_everything_at_once(bert: Path, tmp_path: Path) -> None:
    values = {
        **STATEFUL,
        "adapter.targets": "attention",
        "features.characters": True,
        "attention.layers": 1,
        "heads.entity": "crf",
        "heads.chunk-weight": 0.1,
        "data.context": 8,
        "training.layer-decay": 0.8,
        "training.accumulation": 2,
        "training.batch-pieces": 128,
        "training.precision": "bf16",
        "training.epochs": 1,
    }
    run = learn(bert, tmp_path / "run", values).run
    assert len(load(run)("Ada Marsh lives in Oslo.").sentences) == 1


def test_from_the_shell(bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus = tiny.save_corpus(tmp_path / "train.conll", 6)
    dev = tiny.save_corpus(tmp_path / "dev.conll", 2, first=8)
    run, whole = tmp_path / "run", tmp_path / "whole"
    flags = ["--recipe", "adapter", "--backbone.name", str(bert), "--training.device", "cpu"]
    flags += ["--training.epochs", "2", "--training.precision", "fp32"]
    assert main(["train", str(corpus), "--dev", str(dev), "--out", str(run), *flags]) == 0
    assert main(["merge", str(run), "--out", str(whole)]) == 0
    assert "a whole model" in capsys.readouterr().out
    answers = []
    for model in (run, whole):
        figures = tmp_path / f"{model.name}.json"
        assert main(["evaluate", str(model), str(dev), "--json", str(figures)]) == 0
        answers.append(json.loads(figures.read_text())["strict"])
        assert main(["predict", str(model), "--text", "Ada lives in Oslo."]) == 0
        assert main(["info", str(model)]) == 0
        assert "adapters of rank" in capsys.readouterr().out
    assert answers[0] == answers[1]
    assert main(["merge", str(whole), "--out", str(tmp_path / "again")]) == 1


def test_a_contradiction_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus = tiny.save_corpus(tmp_path / "train.conll", 2)
    flags = ["--adapter.rank", "4", "--backbone.freeze-encoder", "true"]
    out = tmp_path / "run"
    assert main(["train", str(corpus), "--out", str(out), *flags]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "backbone.freeze-encoder" in told
    assert not out.exists()
