"""Dropout by bytes: its rate, its scale, its gradient, and attention written out beside torch's."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import nn

from posner.model.backbone import load_backbone
from posner.model.dropout import ByteDropout, dropped, use_byte_dropout
from posner.recipe import BackboneRecipe
from tiny import KINDS, save_encoder


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(1000, 333), (7, 11, 13, 501)])
def test_a_share_is_zero_and_the_mean_stays(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    torch.manual_seed(3)
    result = dropped(torch.ones(shape, dtype=dtype), 0.25)
    assert (result.dtype, result.shape) == (dtype, shape)
    assert float((result == 0).float().mean()) == pytest.approx(0.25, abs=0.005)
    assert float(result.float().mean()) == pytest.approx(1.0, abs=0.01)
    assert len(set(result.flatten().tolist())) == 2


def test_gradients_flow_where_values_do() -> None:
    values = torch.randn(50, 40, requires_grad=True)
    result = dropped(values, 0.5)
    result.sum().backward()  # type: ignore[no-untyped-call]
    assert values.grad is not None
    assert torch.equal(values.grad == 0, result == 0)


def test_the_seed_decides_and_evaluation_drops_nothing() -> None:
    values = torch.randn(64, 64)
    drawn = []
    for _ in range(2):
        torch.manual_seed(5)
        drawn.append(dropped(values, 0.1))
    assert torch.equal(*drawn)
    assert not torch.equal(dropped(values, 0.1), drawn[0])
    assert torch.equal(ByteDropout(0.5).eval()(values), values)
    assert torch.equal(ByteDropout(0.0)(values), values)


@pytest.mark.parametrize("kind", KINDS)
def test_without_dropout_training_computes_what_evaluation_does(kind: str, tmp_path: Path) -> None:
    folder = save_encoder(tmp_path / kind, kind)
    encoder = load_backbone(BackboneRecipe(name=str(folder)), dropout=0.0).encoder
    exchanged = copy.deepcopy(encoder)
    use_byte_dropout(exchanged)
    assert not any(type(module) is nn.Dropout for module in exchanged.modules())
    ids = torch.randint(5, 40, (3, 9))
    mask = torch.ones(3, 9, dtype=torch.long)
    mask[1, 6:] = mask[2, 2:] = 0
    expected = encoder.eval()(input_ids=ids, attention_mask=mask)[0]
    for mode in (True, False):
        found = exchanged.train(mode)(input_ids=ids, attention_mask=mask)[0]
        torch.testing.assert_close(found[mask.bool()], expected[mask.bool()], atol=1e-5, rtol=1e-4)
