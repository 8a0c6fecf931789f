"""Adapters merged into their encoder, and several over one encoder in memory."""

from __future__ import annotations

import json
import shutil
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file

import posner
import tiny
from adapted import adapted, furthest, saved, votes
from posner.backends.torch import TorchBackend
from posner.cli import main
from posner.errors import DataError, ModelError, PosnerError
from posner.folder import find_model, read_manifest
from posner.loading import load, load_adapters
from posner.model.merge import merge_model
from posner.model.network import Network
from posner.recipe import Recipe
from posner.recognizer import Recognizer
from posner.seal import seal


@pytest.fixture
def moved(bert: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A model with adapters, and the encoder of its own that it stands on."""
    encoder = tmp_path / "encoder"
    shutil.copytree(bert, encoder)
    return saved(adapted(encoder), tmp_path / "model"), encoder


# Merging


@pytest.mark.parametrize("kind", tiny.KINDS)
@pytest.mark.parametrize("targets", ["attention", "all"])
def test_a_merged_model_says_the_same(
    encoders: dict[str, Path], kind: str, targets: str, tmp_path: Path
) -> None:
    values = {"adapter.targets": targets, "heads.entity": "crf", "features.characters": True}
    model = adapted(encoders[kind], values)
    folder, whole = saved(model, tmp_path / "model"), tmp_path / "whole"
    merge_model(folder, whole)
    documents = tiny.documents(3)
    before, after = load(folder), load(whole)
    assert furthest(votes(before, documents), votes(after, documents)) < 1e-5
    assert [d.entities for d in before.tag(documents)]  # and through the whole road
    assert [[(e.start, e.label) for e in d.entities] for d in before.tag(documents)] == [
        [(e.start, e.label) for e in d.entities] for d in after.tag(documents)
    ]


def test_a_merged_model_is_whole(
    moved: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, encoder = moved
    whole = tmp_path / "whole"
    assert main(["merge", str(model), "--out", str(whole)]) == 0
    shutil.rmtree(encoder)
    monkeypatch.setitem(sys.modules, "peft", None)
    manifest = read_manifest(whole)
    assert manifest.base is None
    assert manifest.recipe.adapter.rank == 0
    assert manifest.labels == read_manifest(model).labels
    trained_with = manifest.figures["adapter"]
    assert (trained_with["rank"], trained_with["base"]["name"]) == (2, str(encoder))
    plain = tiny.untrained(tiny.recipe(save_again(tmp_path))).network.state_dict()
    assert load_file(whole / "model.safetensors").keys() == plain.keys()
    assert load(whole)("Ada lives in Oslo.").sentences
    assert {p.name for p in whole.iterdir()} == {p.name for p in model.iterdir()}


def save_again(folder: Path) -> Path:
    return tiny.save_encoder(folder / "again")


def test_a_model_without_adapters_is_not_merged(
    bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = saved(tiny.untrained(tiny.recipe(bert)), tmp_path / "whole")
    assert main(["merge", str(whole), "--out", str(tmp_path / "out")]) == 1
    told = capsys.readouterr().err
    assert "no adapters" in told
    assert told.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_merging_replaces_only_a_model_and_only_by_force(bert: Path, tmp_path: Path) -> None:
    model, out = saved(adapted(bert), tmp_path / "run" / "model"), tmp_path / "out"
    merge_model(model.parent, out)  # a run folder is accepted
    with pytest.raises(DataError, match="--force"):
        merge_model(model, out)
    merge_model(model, out, force=True)
    assert load(out)("Oslo").sentences
    before = sorted(p for p in model.parent.rglob("*"))
    with pytest.raises(ModelError, match="no model"):
        merge_model(model, model.parent, force=True)
    assert sorted(p for p in model.parent.rglob("*")) == before
    merge_model(model, model, force=True)  # in its own place
    assert read_manifest(find_model(model)).base is None


def test_weights_that_are_not_finite_are_not_merged(bert: Path, tmp_path: Path) -> None:
    model = adapted(bert)
    with torch.no_grad():
        next(p for n, p in model.network.named_parameters() if ".lora_B." in n).fill_(np.inf)
    with pytest.raises(ModelError, match="not finite"):
        merge_model(saved(model, tmp_path / "model"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


# Several over one encoder


@pytest.fixture
def several(bert: Path, tmp_path: Path) -> list[Path]:
    """Models over one encoder, as different as they can be."""
    values: list[dict[str, Any]] = [
        {},
        {"adapter.targets": "attention", "adapter.rank": 4, "heads.entity": "crf"},
        {"features.casing": False, "attention.layers": 1, "backbone.layers": "1 2"},
        {"adapter.dropout": 0.1, "training.encoder-dropout": 0.4},
    ]
    return [
        saved(adapted(bert, changes, seed), tmp_path / f"model{seed}")
        for seed, changes in enumerate(values)
    ]


def own(recognizer: Recognizer) -> Network:
    assert isinstance(recognizer.backend, TorchBackend)
    return recognizer.backend.network


def places(network: Network) -> dict[str, int]:
    """Where each tensor of the encoder's own lies in memory."""
    return {
        name.replace(".base_layer.", "."): tensor.data_ptr()
        for name, tensor in network.encoder.state_dict().items()
        if ".lora_" not in name
    }


def test_several_share_one_encoder_and_nothing_else(several: list[Path]) -> None:
    networks = [own(recognizer) for recognizer in load_adapters(several)]
    assert all(places(network) == places(networks[0]) for network in networks)
    shared = set(places(networks[0]).values())
    others = [
        {tensor.data_ptr() for tensor in network.state_dict().values()} - shared
        for network in networks
    ]
    assert all(others)
    modules = [{id(module) for module in network.modules()} for network in networks]
    for own_things in (others, modules):
        assert len(set().union(*own_things)) == sum(len(things) for things in own_things)


def test_several_answer_as_each_alone_in_any_order(several: list[Path]) -> None:
    documents = [tiny.documents(1, first) for first in range(4)]
    alone = [[votes(load(path), part) for part in documents] for path in several]
    together = load_adapters(several)
    for turn, part in enumerate(documents):
        for number in (0, 2, 1, 3, 2):
            assert furthest(votes(together[number], part), alone[number][turn]) == 0
    assert furthest(alone[0][0], alone[1][0]) > 0.01


def test_several_answer_at_once(several: list[Path]) -> None:
    documents = tiny.documents(4)
    together = load_adapters(several)
    alone = [votes(recognizer, documents) for recognizer in together]
    found: dict[int, list[list[np.ndarray]]] = {number: [] for number in range(len(together))}

    def ask(number: int) -> None:
        for _ in range(5):
            found[number].append(votes(together[number], documents))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(together))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(len(together)):
        assert [furthest(answer, alone[number]) for answer in found[number]] == [0.0] * 5


def test_several_need_adapters_over_one_encoder(
    several: list[Path], bert: Path, tmp_path: Path
) -> None:
    assert load_adapters([]) == []
    assert len(posner.load_adapters(several[:1])) == 1
    whole = saved(tiny.untrained(tiny.recipe(bert)), tmp_path / "whole")
    for paths in ([whole, *several], [*several, whole]):
        with pytest.raises(ModelError, match="no adapters") as caught:
            load_adapters(paths)
        assert caught.value.where == str(whole)


def test_adapters_over_different_encoders_are_refused(
    several: list[Path], bert: Path, tmp_path: Path
) -> None:
    encoder = tmp_path / "encoder"
    other = transformers.AutoModel.from_pretrained(bert)
    shutil.copytree(bert, encoder)
    with torch.no_grad():
        other.encoder.layer[0].output.dense.bias += 1
    other.save_pretrained(encoder)
    foreign = saved(adapted(encoder), tmp_path / "foreign")
    with pytest.raises(PosnerError, match="another encoder than those of") as caught:
        load_adapters([*several, foreign])
    line = caught.value.line()
    assert "\n" not in line
    assert str(foreign) in line
    assert str(several[0]) in line


def test_the_same_weights_put_together_otherwise_are_another_encoder(
    several: list[Path], bert: Path, tmp_path: Path
) -> None:
    encoder = tmp_path / "encoder"
    shutil.copytree(bert, encoder)
    config = json.loads((encoder / "config.json").read_text(encoding="utf-8"))
    changed = json.dumps(config | {"num_attention_heads": 4})
    (encoder / "config.json").write_text(changed, encoding="utf-8")
    foreign = saved(adapted(encoder), tmp_path / "foreign")
    assert load(foreign)("Oslo").sentences
    with pytest.raises(ModelError, match="another encoder than those of"):
        load_adapters([*several, foreign])
    # The model's own configuration counts, not what the folder by that name says now.
    before = votes(load(foreign), tiny.documents(1))
    (encoder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert furthest(votes(load(foreign), tiny.documents(1)), before) == 0


def test_the_embedded_backbone_serves_several(tmp_path: Path) -> None:
    paths = []
    for seed in range(2):
        model = tiny.untrained(Recipe().with_values({"adapter.rank": 1}, where="test"), seed)
        paths.append(saved(model, tmp_path / f"model{seed}"))
    first, second = (places(own(recognizer)) for recognizer in load_adapters(paths))
    assert first == second


def test_an_encoder_that_transformers_does_not_know_is_told(several: list[Path]) -> None:
    manifest = read_manifest(several[1])
    (several[1] / "encoder.json").write_text('{"model_type": "nothing"}', encoding="utf-8")
    seal(several[1], manifest)
    with pytest.raises(ModelError, match="unknown encoder"):
        load_adapters(several)
    with pytest.raises(ModelError, match="cannot be loaded"):
        load(several[1])
