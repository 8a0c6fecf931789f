"""Several trainings from one start, averaged."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import torch
from torch import nn

import tiny
from posner.recipe import TrainingRecipe
from posner.training.build import accelerator_for, build_work
from posner.training.console import Reporter
from posner.training.loop import Loop
from posner.training.members import Members
from posner.training.optimisation import Schedule
from posner.training.parts import training_parts
from posner.training.run import RunFolder


def test_the_mean_of_members_weighs_each_alike() -> None:
    network = nn.Linear(2, 1)
    members = Members(network)
    optimizer = torch.optim.AdamW(network.parameters())
    for value in (1.0, 2.0, 6.0):
        network(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        members.finish({name: torch.full_like(w, value) for name, w in members.mean.items()})
        members.restart(network, optimizer)
        assert not optimizer.state
        assert all(torch.equal(w, members.start[n]) for n, w in network.named_parameters())
    for mean in members.mean.values():
        torch.testing.assert_close(mean, torch.full_like(mean, 3.0))


def test_each_member_has_the_whole_schedule() -> None:
    recipe = TrainingRecipe(schedule="linear", warmup=2)
    alone = Schedule.of(recipe, [6])
    other = Schedule.of(recipe, [4])
    both = Schedule.of(recipe, [6, 4])
    assert both.total == 10
    rates = [alone.at(step) for step in range(6)] + [other.at(step) for step in range(4)]
    assert [both.at(step) for step in range(10)] == rates


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_the_saved_model_is_the_mean_of_what_each_member_ended_with(
    bert: Path, tmp_path: Path, ema: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tiny.recipe(
        bert,
        {
            "training.members": 3,
            "training.epochs": 2,
            "training.evaluations": 1,
            "training.ema": ema,
            "training.seed": 3,
        },
    )
    ends: list[dict[str, torch.Tensor]] = []
    finish = Members.finish

    def spied(self: Members, weights: dict[str, torch.Tensor]) -> None:
        ends.append({name: weight.clone() for name, weight in weights.items()})
        finish(self, weights)

    monkeypatch.setattr(Members, "finish", spied)
    corpus = tiny.corpus(4)
    parts = training_parts(corpus, corpus, recipe, Reporter())
    work = build_work(
        parts, recipe, accelerator_for(recipe), RunFolder(tmp_path / "run"), Reporter()
    )
    work.run.start(recipe, parts.facts, force=False)
    loop = Loop(work, copy.deepcopy(work.network))
    loop.run(resume=False)
    ends.append(loop._trained())
    assert len(ends) == 3
    assert any(not torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
    judged = loop.judge.state_dict()
    for name, weight in ends[0].items():
        torch.testing.assert_close(judged[name], (weight + ends[1][name] + ends[2][name]) / 3)
    lines = (work.run.path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [2, 4, 6]
