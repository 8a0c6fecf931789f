"""Going on from a saved model."""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

import posner
import tiny
from posner.cli import main
from posner.cli.recipe_flags import add_recipe_flags, recipe_from_flags
from posner.decode import ILLEGAL
from posner.errors import RecipeError
from posner.folder import read_manifest
from posner.model.network import build_network
from posner.model.saved import load_network
from posner.recipe import Recipe, load_recipe
from posner.seal import rewrite
from posner.training.console import Reporter
from posner.training.parts import training_parts
from posner.training.start import Start
from posner.training.train import train

CRF = {"heads.entity": "crf", "features.characters": True}


@pytest.fixture(scope="module")
def run(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start") / "run"
    learn(tiny.recipe(bert, CRF), folder)
    return folder


def learn(recipe: Recipe, out: Path, start: Path | None = None) -> None:
    train(tiny.corpus(4), tiny.corpus(2, first=4), recipe, out, reporter=Reporter(), start=start)


def test_without_learning_the_model_stays_as_it_is(run: Path, bert: Path, tmp_path: Path) -> None:
    still = {"training.learning-rate": 0, "training.head-learning-rate": 0, "training.epochs": 1}
    learn(tiny.recipe(bert, {**CRF, **still}), tmp_path / "next", run)
    first, second = (load_file(p / "model/model.safetensors") for p in (run, tmp_path / "next"))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    figures = json.loads((tmp_path / "next/model/posner.json").read_text())["figures"]
    assert figures["data"]["from"] == str(run / "model")


class Listener(Reporter):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def test_what_the_model_knows_is_not_said_to_be_missing(
    run: Path, bert: Path, tmp_path: Path
) -> None:
    documents = tuple(
        dataclasses.replace(d, entities=tuple(e for e in d.entities if e.label == "PER"))
        for d in tiny.documents(4)
    )
    few, dev = dataclasses.replace(tiny.corpus(1), documents=documents), tiny.corpus(2, first=4)
    recipe = tiny.recipe(bert, {**CRF, "training.epochs": 1})
    anew, onwards = Listener(), Listener()
    training_parts(few, dev, recipe, anew)
    assert any("LOC occurs in" in line for line in anew.said)
    train(few, dev, recipe, tmp_path / "next", reporter=onwards, start=run)
    assert not any("occurs in" in line for line in onwards.said)


def test_new_labels_come_after_the_old_which_keep_their_weights(run: Path) -> None:
    start = Start.at(run)
    old = start.manifest
    known = load_network(start.folder, old)
    new = dataclasses.replace(old, labels=(*old.labels, "SHIP"))
    network = build_network(start.backbone(0.1).encoder, new)
    start.fill(network, new)
    places = [new.tags.index(tag) for tag in old.tags]
    weights, old_weights = (n.state_dict()["entity_head.1.weight"] for n in (network, known))
    assert torch.equal(weights[places], old_weights)
    assert network.crf is not None
    assert known.crf is not None
    assert torch.equal(network.crf.pairs[places][:, places], known.crf.pairs)
    assert torch.equal(network.crf.end[places], known.crf.end)


def test_what_a_model_is_built_with_cannot_be_changed(
    run: Path, bert: Path, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=r"^heads\.entity: .*expected crf, got softmax"):
        learn(tiny.recipe(bert, CRF | {"heads.entity": "softmax"}), tmp_path / "next", run)
    assert not (tmp_path / "next").exists()


def test_the_command_takes_the_models_recipe(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = tmp_path / "more.conll"
    posner.write(tiny.corpus(4), corpus)
    out = tmp_path / "next"
    flags = [str(corpus), "--dev", str(corpus), "--from", str(run), "--out", str(out)]
    assert main(["train", *flags, "--training.epochs", "1"]) == 0
    recipe = read_manifest(out / "model").recipe
    assert recipe.heads.entity == "crf"
    assert recipe.training.epochs == 1
    capsys.readouterr()
    assert main(["train", *flags, "--force", "--recipe", "quick"]) == 1
    assert "is built with another value" in capsys.readouterr().err
    assert (out / "model").is_dir()


def test_going_on_takes_no_more_steps_than_its_epochs_have(bert: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "more.conll"
    posner.write(tiny.corpus(4), corpus)
    learn(tiny.recipe(bert, {"training.min-steps": 4}), tmp_path / "first")
    flags = [str(corpus), "--dev", str(corpus), "--from", str(tmp_path / "first")]
    assert main(["train", *flags, "--out", str(tmp_path / "next")]) == 0
    recipe = read_manifest(tmp_path / "next" / "model").recipe
    assert (recipe.training.epochs, recipe.training.min_steps) == (2, 0)


def test_the_f1_before_learning_is_told_and_its_loss(run: Path, bert: Path, tmp_path: Path) -> None:
    before = read_manifest(run / "model").figures["dev"]["strict"]["micro"]["f1"]
    told, gentle, wild = f"before learning: dev F1 {100 * before:.2f}", Listener(), Listener()
    for listener, rate in ((gentle, 0.0), (wild, 1.0)):
        values = {"training.learning-rate": rate, "training.head-learning-rate": rate}
        recipe = tiny.recipe(bert, {**CRF, **values, "training.epochs": 1})
        corpora = tiny.corpus(4), tiny.corpus(2, first=4)
        train(*corpora, recipe, tmp_path / str(rate), reporter=listener, start=run)
        assert told in listener.said
        assert json.loads((tmp_path / str(rate) / "run.json").read_text())["start_f1"] == before
    assert not any(said.startswith("warning") for said in gentle.said)
    (warning,) = (said for said in wild.said if said.startswith("warning"))
    assert f"no epoch came to the F1 of {100 * before:.2f} before learning" in warning
    assert "gentler rates than training.learning-rate 1" in warning


def test_the_f1_before_learning_names_what_is_not_known_yet(
    run: Path, bert: Path, tmp_path: Path
) -> None:
    renamed = tuple(
        dataclasses.replace(
            d, entities=tuple(dataclasses.replace(e, label="SHIP") for e in d.entities)
        )
        for d in tiny.documents(4)
    )
    corpus = dataclasses.replace(tiny.corpus(1), documents=renamed)
    listener = Listener()
    recipe = tiny.recipe(bert, {**CRF, "training.epochs": 1})
    train(corpus, corpus, recipe, tmp_path / "next", reporter=listener, start=run)
    (said,) = (line for line in listener.said if line.startswith("before learning"))
    assert said.endswith(", with nothing learned of SHIP yet")


def test_merged_adapters_learn_on_at_the_rates_of_whole_weights(run: Path, tmp_path: Path) -> None:
    merged = tmp_path / "merged"
    shutil.copytree(run / "model", merged)
    manifest = read_manifest(merged)
    rewrite(merged, dataclasses.replace(manifest, figures={**manifest.figures, "adapter": {}}))
    usual = load_recipe("default").training
    parser = argparse.ArgumentParser()
    add_recipe_flags(parser)
    for start, rates in ((run, manifest.recipe.training), (merged, usual)):
        found = recipe_from_flags(parser.parse_args([]), start=start).training
        assert found.learning_rate == rates.learning_rate
        assert found.head_learning_rate == rates.head_learning_rate
        assert found.layer_decay == rates.layer_decay


def test_what_an_adopted_model_forbids_can_be_learned(run: Path) -> None:
    start = Start.at(run)
    network = build_network(start.backbone(0.1).encoder, start.manifest)
    fresh = {name: w.clone() for name, w in network.state_dict().items()}
    known = load_network(start.folder, start.manifest).state_dict()
    known["entity_head.1.bias"][1] = ILLEGAL
    with pytest.MonkeyPatch.context() as patch:
        forbidding = SimpleNamespace(state_dict=lambda: known)
        patch.setattr("posner.training.start.load_network", lambda *_: forbidding)
        start.fill(network, start.manifest)
    filled = network.state_dict()
    for part in ("weight", "bias"):
        name = f"entity_head.1.{part}"
        assert torch.equal(filled[name][1], fresh[name][1])
        assert torch.equal(filled[name][2:], known[name][2:])
