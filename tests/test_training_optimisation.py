"""The optimiser's groups and course, accumulation, and the weights' average."""

from __future__ import annotations

import math
import shutil
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch
import transformers
from torch import Tensor, nn

import tiny
from posner.batching import collate
from posner.errors import RecipeError
from posner.model.losses import divergence
from posner.model.network import Outputs
from posner.recipe import HeadsRecipe, TrainingRecipe
from posner.training import watch
from posner.training.build import accelerator_for, build_work
from posner.training.console import Reporter
from posner.training.loop import Loop
from posner.training.optimisation import Schedule, WeightAverage, build_optimizer
from posner.training.parts import training_parts
from posner.training.plan import Extent, Part, Planner, affordable, judged_epochs
from posner.training.run import RunFolder


def course(total: int = 10, **values: Any) -> list[float]:
    schedule = Schedule.of(TrainingRecipe(**values), [total])
    return [schedule.at(step) for step in range(total)]


def test_linear_falls_from_one_towards_zero() -> None:
    assert course(schedule="linear", warmup=0.0) == pytest.approx([1 - i / 10 for i in range(10)])


def test_cosine_falls_as_half_a_wave() -> None:
    expected = [(1 + math.cos(math.pi * i / 10)) / 2 for i in range(10)]
    assert course(schedule="cosine", warmup=0.0) == pytest.approx(expected)


def test_constant_stays() -> None:
    assert course(schedule="constant", warmup=0.0) == [1.0] * 10


@pytest.mark.parametrize("warmup", [0.4, 4.0])
@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant", "plateau"])
def test_warmup_is_a_share_or_steps(schedule: str, warmup: float) -> None:
    rates = course(schedule=schedule, warmup=warmup)
    assert rates[:5] == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0])
    assert all(later <= earlier for earlier, later in pairwise(rates[4:]))


def test_a_plateau_lowers_the_rate_after_its_patience() -> None:
    recipe = TrainingRecipe(schedule="plateau", warmup=0.0, plateau_patience=2, plateau_factor=0.5)
    schedule = Schedule.of(recipe, [100])
    rates = []
    for f1 in (0.5, 0.6, 0.6, 0.6, 0.7, 0.7, 0.6, 0.6, 0.6):
        schedule.observe(f1)
        rates.append(schedule.at(50))
    assert rates == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125]
    twin = Schedule.of(recipe, [100])
    twin.restore(schedule.state())
    assert twin == schedule


@pytest.mark.parametrize("patience", [1, 2, 3])
def test_patience_is_the_number_of_evaluations_without_a_better_one(patience: int) -> None:
    recipe = TrainingRecipe(
        schedule="plateau", warmup=0.0, plateau_patience=patience, plateau_factor=0.5
    )
    schedule = Schedule.of(recipe, [100])
    schedule.observe(0.5)
    for stale in range(1, patience + 1):
        assert schedule.at(50) == 1
        schedule.observe(0.5)
        assert schedule.at(50) == (0.5 if stale == patience else 1)


def test_every_group_follows_its_own_peak(bert: Path) -> None:
    recipe = tiny.recipe(bert)
    network = tiny.untrained(recipe).network
    optimizer = build_optimizer(network, recipe.training)
    schedule = Schedule.of(TrainingRecipe(schedule="linear", warmup=0.0), [10])
    schedule.apply(optimizer, 5)
    peaks = {group["peak"] for group in optimizer.param_groups}
    assert peaks == {recipe.training.learning_rate, recipe.training.head_learning_rate}
    assert all(g["lr"] == pytest.approx(g["peak"] / 2) for g in optimizer.param_groups)


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_rates_fall_layer_by_layer_and_vectors_do_not_decay(
    encoders: dict[str, Path], kind: str
) -> None:
    values = {"training.layer-decay": 0.5, "backbone.freeze-embeddings": False}
    recipe = tiny.recipe(encoders[kind], values)
    network = tiny.untrained(recipe).network
    optimizer = build_optimizer(network, recipe.training)
    of = {id(p): group for group in optimizer.param_groups for p in group["params"]}
    assert len(of) == sum(1 for p in network.parameters() if p.requires_grad)
    for name, parameter in network.named_parameters():
        group = of[id(parameter)]
        if not name.startswith("encoder."):
            expected = 1e-2
        elif ".layer.1." in name:
            expected = 1e-3
        elif ".layer.0." in name:
            expected = 5e-4
        else:
            expected = 2.5e-4
        assert group["peak"] == pytest.approx(expected), name
        assert group["weight_decay"] == (0.0 if parameter.dim() == 1 else 0.01), name


def test_frozen_weights_are_not_optimised(bert: Path) -> None:
    recipe = tiny.recipe(bert, {"backbone.freeze-encoder": True})
    network = tiny.untrained(recipe).network
    optimizer = build_optimizer(network, recipe.training)
    optimised = sum(len(group["params"]) for group in optimizer.param_groups)
    assert optimised == len(tiny.parameters_above_encoder(network))


@pytest.fixture(scope="module")
def albert(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder whose two layers share their weights."""
    folder = tmp_path_factory.mktemp("albert")
    size = transformers.AutoConfig.from_pretrained(bert).vocab_size
    config = transformers.AlbertConfig(
        vocab_size=size,
        embedding_size=16,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
    )
    transformers.AutoModel.from_config(config).save_pretrained(folder)
    shutil.copy(bert / "tokenizer.json", folder)
    return folder


def optimised(encoder: Path, values: dict[str, Any]) -> int:
    """How many weights an optimiser takes."""
    recipe = tiny.recipe(encoder, values)
    optimizer = build_optimizer(tiny.untrained(recipe).network, recipe.training)
    return sum(len(group["params"]) for group in optimizer.param_groups)


def test_more_frozen_layers_than_there_are_are_refused(bert: Path) -> None:
    assert optimised(bert, {"backbone.freeze-layers": 2})
    with pytest.raises(RecipeError, match=r"backbone\.freeze-layers: .*at most 2, got 3"):
        optimised(bert, {"backbone.freeze-layers": 3})


def test_layers_that_share_their_weights_are_not_told_apart(albert: Path) -> None:
    assert optimised(albert, {})
    with pytest.raises(RecipeError, match=r"backbone\.freeze-layers: .*at most 0, got 1"):
        optimised(albert, {"backbone.freeze-layers": 1})
    with pytest.raises(RecipeError, match=r"training\.layer-decay: .*expected 1, got 0\.9"):
        optimised(albert, {"training.layer-decay": 0.9})
    frozen = {"backbone.freeze-encoder": True, "training.layer-decay": 0.9}
    assert optimised(albert, frozen) < optimised(albert, {})


@pytest.mark.parametrize(("system", "unit"), [("linux", 1024), ("darwin", 1)])
def test_memory_is_told_in_gigabytes(
    system: str, unit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(Path, "read_text", Mock(side_effect=OSError))  # there is no /proc
    peak = SimpleNamespace(ru_maxrss=7_000_000_000_000 // unit)
    monkeypatch.setattr(resource, "getrusage", lambda _: peak)
    assert watch.memory_gigabytes(torch.device("cpu")) == pytest.approx(7000)


def test_memory_is_that_of_the_process_and_not_of_its_parent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    status = "Name:\tpython\nVmHWM:\t  2000000 kB\n"
    monkeypatch.setattr(Path, "read_text", lambda _path, **_: status)
    assert watch.memory_gigabytes(torch.device("cpu")) == pytest.approx(2.048)


def test_the_average_is_the_one_computed_by_hand() -> None:
    torch.manual_seed(1)
    module = nn.Linear(2, 2)
    module.bias.requires_grad_(False)
    average = WeightAverage(module, decay=0.6)
    expected = module.weight.detach().clone()
    for step in range(30):
        with torch.no_grad():
            module.weight.copy_(torch.randn(2, 2))
        average.update(module)
        decay = min(0.6, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * module.weight.detach()
    assert set(average.weights) == {"weight"}
    torch.testing.assert_close(average.weights["weight"], expected)
    twin = WeightAverage(module, decay=0.6)
    twin.restore(average.weights, average.steps)
    assert twin.steps == 30
    assert torch.equal(twin.weights["weight"], average.weights["weight"])


def gradients(loop: Loop, parts: list[Part]) -> dict[str, Tensor]:
    """What one step over these parts hands to the optimiser."""
    caught: dict[str, Tensor] = {}

    def catch() -> None:
        for name, parameter in loop.work.network.named_parameters():
            if parameter.grad is not None:
                caught[name] = parameter.grad.clone()

    loop.learner.optimizer.step = catch
    loop.learner.step(loop.train, [parts], loop.progress)
    return caught


@pytest.mark.parametrize("head", ["softmax", "crf"])
def test_parts_of_a_step_add_up_to_the_step(bert: Path, tmp_path: Path, head: str) -> None:
    values: dict[str, Any] = {"heads.entity": head, "training.clip": 0.0}
    values |= dict.fromkeys(("heads.dropout", "heads.pos-dropout", "training.encoder-dropout"), 0.0)
    recipe = tiny.recipe(bert, values)
    corpus = tiny.corpus(3)
    parts = training_parts(corpus, corpus, recipe, Reporter())
    accelerator = accelerator_for(recipe)
    work = build_work(parts, recipe, accelerator, RunFolder(tmp_path), Reporter())
    loop = Loop(work, work.network)
    everything = tuple(range(len(work.course.prepared.windows)))
    at_once = gradients(loop, [Part(everything)])
    one_by_one = gradients(loop, [Part(everything[:3]), Part(everything[3:])])
    repeated = gradients(loop, [Part(everything), Part(everything[:2], counted=False)])
    assert len(at_once) > 30
    for name, gradient in at_once.items():
        torch.testing.assert_close(one_by_one[name], gradient, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(repeated[name], gradient, rtol=1e-4, atol=1e-5)


def test_a_plan_takes_every_window_once_and_stays_in_its_budget() -> None:
    lengths = [5 + (7 * i) % 23 for i in range(101)]
    for processes, accumulation in ((1, 1), (2, 1), (2, 3)):
        planner = Planner(360, processes, accumulation, seed=4)
        plan = planner.epoch(2, lengths)
        parts = [part for step in plan.steps for process in step for part in process]
        counted = [window for part in parts if part.counted for window in part.windows]
        assert sorted(counted) == list(range(101))
        for step in plan.steps:
            assert [len(process) for process in step] == [accumulation] * processes
            assert (
                sum(max(lengths[i] for i in p.windows) * len(p.windows) for s in step for p in s)
                <= 360
            )
        assert 0 < plan.padding < 0.2
        assert planner.epoch(2, lengths).steps == plan.steps
        assert planner.epoch(3, lengths).steps != plan.steps


def test_masking_hides_whole_words_and_nothing_else(bert: Path, tmp_path: Path) -> None:
    recipe = tiny.recipe(bert, {"training.mask": 0.5})
    corpus = tiny.corpus(8)
    parts = training_parts(corpus, corpus, recipe, Reporter())
    work = build_work(parts, recipe, accelerator_for(recipe), RunFolder(tmp_path), Reporter())
    loop = Loop(work, work.network)
    windows = loop.train.windows
    batch = collate(windows, loop.train.encoded, work.tokenizer)
    torch.manual_seed(2)
    shown = loop.learner.tensors(batch, loop.train, 0.5).piece_ids.numpy()
    hidden = shown != batch.piece_ids
    assert (shown[hidden] == work.tokenizer.mask).all()
    assert not hidden[batch.piece_words < 0].any()
    shares = []
    for row, owners in enumerate(batch.piece_words):
        for word in range(int(owners.max()) + 1):
            shares.append(hidden[row, owners == word].mean())
    assert set(shares) == {0.0, 1.0}
    assert 0.4 < np.mean(shares) < 0.6


def test_two_passes_differ_by_their_divergence() -> None:
    random = torch.Generator().manual_seed(4)
    first, second = torch.randn(2, 3, 4, 5, generator=random)
    heads = HeadsRecipe(pos_weight=0.25, chunk_weight=0.5)
    mask = torch.tensor([[True] * 4, [True, True, False, False], [True, False, False, False]])
    one, other = (Outputs(entity, None, None, None) for entity in (first, second))
    p, q = (entity[mask].double().softmax(-1).numpy() for entity in (first, second))
    expected = 0.5 * (p * np.log(p / q) + q * np.log(q / p)).sum()
    assert float(divergence(heads, one, other, mask)) == pytest.approx(expected, rel=1e-5)
    assert float(divergence(heads, one, one, mask)) == 0
    one, other = (Outputs(entity, entity, entity, None) for entity in (first, second))
    assert float(divergence(heads, one, other, mask)) == pytest.approx(1.75 * expected, rel=1e-5)


def test_epochs_and_members_follow_from_steps() -> None:
    cases: tuple[tuple[dict[str, Any], int, Extent], ...] = (
        ({"epochs": 5, "max_steps": 0}, 9999, Extent(1, 5)),
        ({"epochs": 5, "max_steps": 100}, 30, Extent(1, 3)),
        ({"epochs": 5, "max_steps": 100, "minimum_epochs": 4}, 30, Extent(1, 4)),
        ({"epochs": 5, "min_steps": 100, "max_steps": 0}, 30, Extent(1, 5)),
        ({"epochs": 2, "min_steps": 100, "max_steps": 0}, 30, Extent(1, 4)),
        ({"epochs": 2, "min_steps": 200, "max_steps": 100}, 30, Extent(1, 3)),
        ({"epochs": 5, "members": 4, "max_steps": 0}, 9999, Extent(4, 5)),
        ({"epochs": 5, "members": 4, "max_steps": 600}, 30, Extent(4, 5)),
        ({"epochs": 5, "members": 4, "max_steps": 599}, 30, Extent(3, 5)),
        ({"epochs": 6, "members": 4, "max_steps": 200, "minimum_epochs": 3}, 30, Extent(1, 6)),
        ({"epochs": 6, "members": 4, "max_steps": 170, "minimum_epochs": 3}, 30, Extent(1, 5)),
        ({"epochs": 2, "members": 4, "max_steps": 200, "minimum_epochs": 3}, 30, Extent(3, 2)),
        ({"epochs": 6, "members": 4, "max_steps": 20, "minimum_epochs": 3}, 30, Extent(1, 3)),
    )
    for values, steps, expected in cases:
        assert affordable(steps, TrainingRecipe(**{"min_steps": 0} | values)) == expected, values


def test_judged_epochs_are_spread_and_end_with_the_last() -> None:
    def judged(count: int, **values: Any) -> frozenset[int]:
        return judged_epochs(count, TrainingRecipe(**values))

    assert judged(3, epochs=3) == {1, 2, 3}
    assert judged(3, evaluations=7) == {1, 2, 3}
    assert judged(10, evaluations=1) == {10}
    assert judged(10, evaluations=4) == {3, 5, 8, 10}
    assert judged(3, epochs=6) == {1, 2, 3}  # cut short
    assert judged(60, epochs=6) == {10, 20, 30, 40, 50, 60}  # few steps each
    for epochs in range(1, 30):
        for evaluations in range(1, 30):
            found = judged(epochs, evaluations=evaluations)
            assert max(found) == epochs
            assert len(found) == min(epochs, evaluations)
