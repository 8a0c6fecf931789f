"""Adapters on tiny encoders: where they stand, and what a folder holds."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file
from torch import nn

import tiny
from adapted import ADAPTED, adapted, furthest, of, saved, trained, votes
from posner.cli import main
from posner.errors import MissingExtraError, ModelError, RecipeError
from posner.folder import MANIFEST, read_manifest
from posner.loading import load
from posner.model.adapters import add_adapters, fingerprint, fold_adapters, linear_layers
from posner.model.backbone import load_backbone
from posner.model.saved import load_network
from posner.recipe import AdapterRecipe, BackboneRecipe, Recipe
from posner.training.optimisation import build_optimizer, encoder_rate

# Where they stand


@pytest.mark.parametrize("kind", tiny.KINDS)
@pytest.mark.parametrize(("targets", "layers"), [("attention", 4), ("all", 6)])
def test_adapters_stand_in_every_layer_and_only_they_learn_in_the_encoder(
    encoders: dict[str, Path], kind: str, targets: str, layers: int
) -> None:
    settings = tiny.recipe(encoders[kind], ADAPTED | {"adapter.targets": targets})
    model = tiny.untrained(settings)
    inside = {name for name in trained(model.network) if name.startswith("encoder.")}
    assert len(inside) == 2 * layers * tiny.LAYERS
    assert all(".lora_" in name for name in inside)
    above = {name for name, _ in model.network.named_parameters() if "encoder." not in name}
    assert above
    assert above <= trained(model.network)


SMALL = {
    "vocab_size": 30,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}


@pytest.mark.parametrize(
    ("config", "attention", "every"),
    [
        (transformers.ElectraConfig(**SMALL, embedding_size=8), 8, 12),
        (transformers.AlbertConfig(**SMALL, embedding_size=8), 4, 6),  # one layer, run twice
        (transformers.DebertaV2Config(**SMALL), 8, 12),
        (transformers.MPNetConfig(**SMALL), 8, 12),
        (transformers.ModernBertConfig(**SMALL, pad_token_id=0), 4, 8),
    ],
    ids=lambda value: getattr(value, "model_type", None),
)
def test_other_encoders_take_adapters_and_lose_them_again(
    config: Any, attention: int, every: int
) -> None:
    encoder = transformers.AutoModel.from_config(config)
    found = linear_layers(encoder, attention_only=True)
    assert len(found) == attention
    assert all(isinstance(encoder.get_submodule(name), nn.Linear) for name in found)
    assert len(linear_layers(encoder, attention_only=False)) == every
    assert set(found) < set(linear_layers(encoder, attention_only=False))
    assert not any("embed" in name for name in found)
    pieces = torch.arange(1, 7).view(1, 6)
    encoder.eval()
    add_adapters(encoder, AdapterRecipe(rank=2, targets="all"))
    with torch.no_grad():
        untouched = encoder(pieces)[0]
        for name, parameter in encoder.named_parameters():
            if ".lora_B." in name:
                parameter.normal_(std=0.3)
        beside = encoder(pieces)[0]
        fold_adapters(encoder)
        merged = encoder(pieces)[0]
    assert (beside - untouched).abs().max() > 0.01
    assert (beside - merged).abs().max() < 1e-5


def test_an_encoder_without_such_layers_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"adapter\.targets"):
        add_adapters(nn.Sequential(nn.Linear(2, 2)), AdapterRecipe(rank=2))


def test_a_new_adapter_changes_nothing(bert: Path) -> None:
    documents = tiny.documents(2)
    without, fresh = (tiny.untrained(tiny.recipe(bert, {"adapter.rank": rank})) for rank in (0, 2))
    above = {k: v for k, v in without.network.state_dict().items() if not k.startswith("encoder.")}
    fresh.network.load_state_dict(above, strict=False)
    answers = [votes(of(model), documents) for model in (without, fresh)]
    assert furthest(*answers) == 0
    assert furthest(answers[0], votes(of(adapted(bert)), documents)) > 0.01


def test_a_frozen_encoder_contradicts_adapters_and_the_rest_is_implied() -> None:
    with pytest.raises(RecipeError, match=r"backbone\.freeze-encoder") as caught:
        Recipe().with_values({"adapter.rank": 4, "backbone.freeze-encoder": True}, where="test")
    assert "\n" not in caught.value.line()
    Recipe().with_values({"adapter.rank": 4, "backbone.freeze-embeddings": False}, where="test")


def test_adapters_in_frozen_layers_do_not_learn(bert: Path) -> None:
    every = trained(adapted(bert).network)
    upper = trained(adapted(bert, {"backbone.freeze-layers": 1}).network)
    assert upper == {name for name in every if ".layer.0." not in name}


def test_adapters_in_layers_that_nothing_reads_do_not_learn(bert: Path) -> None:
    learning = trained(adapted(bert, {"backbone.layers": "1"}).network)
    inside = {name for name in learning if name.startswith("encoder.")}
    assert inside
    assert all(".layer.0." in name for name in inside)


def test_adapters_learn_at_the_rate_of_heads(bert: Path) -> None:
    model = adapted(bert, {"training.layer-decay": 0.5})
    assert encoder_rate(model.network.recipe) == model.network.recipe.training.head_learning_rate
    optimizer = build_optimizer(model.network, model.network.recipe.training)
    listed = [p for group in optimizer.param_groups for p in group["params"]]
    assert {id(p) for p in listed} == {id(p) for p in model.network.parameters() if p.requires_grad}
    rates = {id(p): group["peak"] for group in optimizer.param_groups for p in group["params"]}
    by_layer = {
        layer: {
            rates[id(p)]
            for name, p in model.network.named_parameters()
            if f".layer.{layer}." in name and ".lora_" in name
        }
        for layer in range(tiny.LAYERS)
    }
    assert by_layer == {0: {0.5e-2}, 1: {1e-2}}


def test_without_peft_the_extra_is_named(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'posner\[adapters\]'") as caught:
        adapted(bert)
    assert "\n" not in caught.value.line()


# What a folder holds


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_a_folder_gives_the_model_back(
    encoders: dict[str, Path], kind: str, tmp_path: Path
) -> None:
    model = adapted(encoders[kind], {"heads.entity": "crf", "attention.layers": 1})
    folder = saved(model, tmp_path / "model")
    assert (
        furthest(votes(of(model), tiny.documents(3)), votes(load(folder), tiny.documents(3))) == 0
    )
    network = load_network(folder, read_manifest(folder))
    assert not network.training
    assert not trained(network)


def test_a_folder_holds_nothing_of_the_encoder_but_its_adapters(bert: Path, tmp_path: Path) -> None:
    model = adapted(bert)
    folder = saved(model, tmp_path / "model")
    names = set(load_file(folder / "model.safetensors"))
    assert names == trained(model.network)
    manifest = read_manifest(folder)
    assert manifest.base is not None
    assert manifest.base.name == str(bert)
    plain = load_backbone(BackboneRecipe(name=str(bert)), dropout=0.3).encoder
    assert manifest.base.sha256 == fingerprint(plain)
    assert read_manifest(saved(tiny.untrained(tiny.recipe(bert)), tmp_path / "whole")).base is None


def test_a_model_over_the_embedded_backbone_is_small(tmp_path: Path) -> None:
    settings = Recipe().with_values({"adapter.rank": 16}, where="test")
    folder = saved(tiny.untrained(settings), tmp_path / "model")
    size = sum(path.stat().st_size for path in folder.iterdir())
    assert size < 4e6  # 3.3 MB with the tokenizer; the encoder alone has 90
    assert load(folder)("Ada lives in Oslo.").sentences


def test_only_the_weights_count_in_a_fingerprint() -> None:
    torch.manual_seed(0)
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    before = fingerprint(nn.ModuleDict({"a": first, "b": second}))
    assert before == fingerprint(nn.ModuleDict({"b": second, "a": first}))
    assert before != fingerprint(nn.ModuleDict({"a": second, "b": first}))
    with torch.no_grad():
        first.weight[0, 0] += 1e-6
    assert before != fingerprint(nn.ModuleDict({"a": first, "b": second}))


@pytest.fixture
def moved(bert: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A model with adapters, and the encoder of its own that it stands on."""
    encoder = tmp_path / "encoder"
    shutil.copytree(bert, encoder)
    return saved(adapted(encoder), tmp_path / "model"), encoder


def test_a_missing_encoder_is_named_with_the_way_out(
    moved: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    model, encoder = moved
    shutil.rmtree(encoder)
    assert main(["predict", str(model), "--text", "Oslo"]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    for part in (str(model), str(encoder), "sha256", "posner merge"):
        assert part in told
    assert main(["info", str(model)]) == 0  # what it is needs no encoder
    assert f"adapters of rank 2 over {encoder}" in capsys.readouterr().out


@pytest.mark.parametrize("change", ["weights", "width", "kind"])
def test_another_encoder_is_refused(
    moved: tuple[Path, Path], change: str, encoders: dict[str, Path]
) -> None:
    model, encoder = moved
    if change == "weights":
        other = transformers.AutoModel.from_pretrained(encoder)
        with torch.no_grad():
            other.encoder.layer[0].output.dense.weight[0, 0] += 1e-3
        other.save_pretrained(encoder)
    elif change == "width":
        config = transformers.AutoConfig.from_pretrained(encoder)
        config.hidden_size = 64
        transformers.AutoModel.from_config(config).save_pretrained(encoder)
    else:
        shutil.rmtree(encoder)
        shutil.copytree(encoders["distilbert"], encoder)
    with pytest.raises(ModelError, match="another encoder") as caught:
        load(model)
    line = caught.value.line()
    assert "\n" not in line
    assert str(encoder) in line
    assert "posner merge" in line


def test_a_manifest_without_its_encoder_is_damaged(bert: Path, tmp_path: Path) -> None:
    path = saved(adapted(bert), tmp_path / "model") / MANIFEST
    data = json.loads(path.read_text(encoding="utf-8"))
    for base in (None, "minilm", {"name": "minilm"}, {"name": 1, "sha256": "2"}):
        path.write_text(json.dumps(data | {"base": base}), encoding="utf-8")
        with pytest.raises(ModelError, match="damaged"):
            read_manifest(path.parent)


def test_weights_of_other_adapters_are_refused(bert: Path, tmp_path: Path) -> None:
    folder = saved(adapted(bert, {"adapter.targets": "attention"}), tmp_path / "model")
    path = folder / MANIFEST
    data = json.loads(path.read_text(encoding="utf-8"))
    for key, value in (("rank", 3), ("targets", "all")):
        data["recipe"]["adapter"][key] = value
        path.write_text(json.dumps(data), encoding="utf-8")
        with pytest.raises(ModelError, match="weights do not fit"):
            load(folder)


def test_a_copy_on_this_machine_is_taken_before_the_hub_is_asked(
    bert: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = saved(adapted(bert), tmp_path / "model")
    asked: list[bool] = []
    original = transformers.AutoModel.from_pretrained

    def listening(*arguments: Any, local_files_only: bool = False, **options: Any) -> Any:
        asked.append(local_files_only)
        if len(asked) == 2:
            raise OSError("not kept here")
        return original(*arguments, **options)

    monkeypatch.setattr(transformers.AutoModel, "from_pretrained", listening)
    load(folder)
    assert asked == [True]
    load(folder)
    assert asked == [True, True, False]
