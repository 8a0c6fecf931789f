"""Which layers speak, how they are mixed, the window's own state; what stays still when frozen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import tiny
from posner.align import Encoder
from posner.batching import collate
from posner.errors import RecipeError
from posner.model.layers import LayerMix
from posner.model.losses import cross_entropy
from posner.model.states import States
from posner.model.tensors import TensorBatch
from posner.recipe import BackboneRecipe, Recipe
from posner.recognizer import window_plan

CPU = torch.device("cpu")


def batch_of(model: tiny.Untrained) -> TensorBatch:
    encoded = Encoder(model.tokenizer, model.manifest.characters).encode(tiny.documents(2))
    windows = window_plan(model.manifest, model.tokenizer).windows(encoded)
    return TensorBatch.of(collate(windows, encoded, model.tokenizer), CPU)


def states_of(model: tiny.Untrained) -> States:
    with torch.no_grad():
        return model.network.states(batch_of(model))


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_layers_are_those_of_the_encoder(encoders: dict[str, Path], kind: str) -> None:
    plain = {"features.casing": False}
    every = tiny.untrained(tiny.recipe(encoders[kind], plain | {"backbone.layers": "2 0 1"}))
    last = tiny.untrained(tiny.recipe(encoders[kind], plain))
    tokens = states_of(every).tokens
    assert tokens.shape[2:] == (3, tiny.WIDTH)
    torch.testing.assert_close(tokens[:, :, :1], states_of(last).tokens)
    batch = batch_of(every)
    encoder = every.network.encoder
    embedded = encoder.get_input_embeddings()(batch.piece_ids)  # type: ignore[operator]
    with torch.no_grad():
        hidden = encoder(
            inputs_embeds=embedded,
            attention_mask=batch.piece_mask.long(),
            output_hidden_states=True,
        ).hidden_states
    for place, number in enumerate((2, 0, 1)):
        for row in range(len(tokens)):
            words = int(batch.word_mask[row].sum())
            expected = hidden[number][row, batch.word_pieces[row, :words]]
            torch.testing.assert_close(tokens[row, :words, place], expected)


def test_a_weighted_mix_is_elmos() -> None:
    torch.manual_seed(1)
    mix = LayerMix(BackboneRecipe(layers="1 2 6"), 5)
    states = torch.randn(2, 4, 3, 5)
    torch.testing.assert_close(mix(states), states.mean(dim=2))  # where it starts
    torch.nn.init.normal_(mix.weights)
    torch.nn.init.normal_(mix.scale)
    shares = torch.exp(mix.weights) / torch.exp(mix.weights).sum()
    expected = sum(mix.scale * shares[j] * states[:, :, j] for j in range(3))
    torch.testing.assert_close(mix(states), expected)
    assert mix.output_width == 5


def test_a_joined_mix_keeps_every_layer() -> None:
    mix = LayerMix(BackboneRecipe(layers="1 2", mix="concat"), 5)
    states = torch.randn(2, 4, 2, 5)
    torch.testing.assert_close(mix(states), torch.cat([states[:, :, 0], states[:, :, 1]], dim=-1))
    assert mix.output_width == 10
    assert not list(mix.parameters())


@pytest.mark.parametrize("mix", ["weighted", "concat"])
@pytest.mark.parametrize("frozen", [False, True])
def test_gradients_reach_the_mix_and_only_an_encoder_that_is_not_frozen(
    bert: Path, mix: str, frozen: bool
) -> None:
    values = {"backbone.layers": "0 1", "backbone.mix": mix, "backbone.freeze-encoder": frozen}
    network = tiny.untrained(tiny.recipe(bert, values)).network.train()
    batch = batch_of(tiny.untrained(tiny.recipe(bert, values)))
    entity = network(batch).entity
    loss = cross_entropy(entity, torch.zeros(entity.shape[:2], dtype=torch.long))
    loss.backward()  # type: ignore[no-untyped-call]
    gradients = {name: p.grad for name, p in network.named_parameters()}
    reached = {name for name, g in gradients.items() if g is not None and bool(g.any())}
    assert ("mix.weights" in reached) is (mix == "weighted")
    assert "entity_head.1.weight" in reached
    assert ("shape_feature.weight" in reached) is frozen
    layer = "encoder.encoder.layer.{}.output.dense.weight"
    assert (layer.format(0) in reached) is not frozen
    assert layer.format(1) not in reached  # no layer above those named has a part in it
    assert any(name.startswith("encoder.") for name in reached) is not frozen


WRONG = ["", "first", "2 2", "last 2", "-1", "1.5", "last last", "²"]


@pytest.mark.parametrize("layers", WRONG)
def test_texts_that_name_no_layers_are_refused(bert: Path, layers: str) -> None:
    with pytest.raises(RecipeError, match=r"^backbone\.layers: names no layers"):
        tiny.recipe(bert, {"backbone.layers": layers})


def test_layers_that_the_encoder_lacks_are_refused(bert: Path) -> None:
    recipe = tiny.recipe(bert, {"backbone.layers": "1 3"})
    with pytest.raises(RecipeError, match=r"backbone\.layers.*numbers from 0 to 2, got 3"):
        tiny.untrained(recipe)


@pytest.mark.parametrize("pooling", ["first", "mean", "none"])
def test_the_windows_state_is_joined_to_every_word(bert: Path, pooling: str) -> None:
    values = {"features.sentence": True, "data.pooling": pooling, "features.casing": False}
    model = tiny.untrained(tiny.recipe(bert, values))
    states = states_of(model)
    with torch.no_grad():
        pieces = model.network._piece_states(batch_of(model))[1]
    assert states.sentence is not None
    torch.testing.assert_close(states.sentence, pieces[:, 0])
    seen: list[Tensor] = []
    model.network.entity_head.register_forward_hook(lambda _, given, __: seen.append(given[0]))
    batch = batch_of(model)
    model.network.heads(states, batch)
    joined = seen[0][..., tiny.WIDTH :]
    windows = torch.arange(len(pieces)) if pooling == "none" else batch.core_window
    torch.testing.assert_close(joined, states.sentence[windows].unsqueeze(1).expand_as(joined))


def test_shapes_above_a_frozen_encoder_tell_case_by_piece_too(bert: Path) -> None:
    for pooling in ("first", "none"):
        values = {"backbone.freeze-encoder": True, "data.pooling": pooling}
        model = tiny.untrained(tiny.recipe(bert, values))
        assert model.network.shape_embedding is None
        upper, lower = (
            Encoder(model.tokenizer).encode([tiny.labelled([(text, [])])])
            for text in ("Ada met Oslo", "ada met oslo")
        )
        found = []
        for encoded in (upper, lower):
            windows = window_plan(model.manifest, model.tokenizer).windows(encoded)
            batch = TensorBatch.of(collate(windows, encoded, model.tokenizer), CPU)
            found.append((model.network.states(batch).tokens, model.network(batch).entity))
        torch.testing.assert_close(found[0][0], found[1][0])
        assert not torch.allclose(found[0][1][:, 0], found[1][1][:, 0], atol=1e-3)
        torch.testing.assert_close(found[0][1][:, 1], found[1][1][:, 1])


def dropping(bert: Path, **values: Any) -> Recipe:
    return tiny.recipe(bert, {"heads.dropout": 0, **values})


def test_a_frozen_encoder_is_never_in_training_mode(bert: Path) -> None:
    frozen = tiny.untrained(dropping(bert, **{"backbone.freeze-encoder": True})).network
    for module in frozen.encoder.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
    batch = batch_of(tiny.untrained(dropping(bert)))
    frozen.train()
    assert frozen.training
    assert not any(module.training for module in frozen.encoder.modules())
    first, second = frozen.states(batch).tokens, frozen.states(batch).tokens
    assert torch.equal(first, second)
    assert not first.requires_grad
    frozen.eval()
    assert torch.equal(frozen.states(batch).tokens, first)
    learning = tiny.untrained(dropping(bert)).network.train()
    assert all(module.training for module in learning.encoder.modules())
    assert learning.states(batch).tokens.requires_grad
