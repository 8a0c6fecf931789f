"""Encoders of several families, and their tokenizers: what they hold, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

import tiny
from posner.align import Encoder
from posner.batching import collate
from posner.errors import ModelError
from posner.model.backbone import load_backbone, window_of
from posner.model.tensors import TensorBatch
from posner.recipe import BackboneRecipe
from posner.recognizer import window_plan

SMALL: dict[str, Any] = {
    "vocab_size": 200,
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
}
FROM_ZERO: dict[str, dict[str, Any]] = {
    "bert": {},
    "electra": {"embedding_size": 32},
    "distilbert": {"dim": 32, "n_layers": 1, "n_heads": 2, "hidden_dim": 32},
    "albert": {"embedding_size": 16},
}
FROM_BEHIND_PADDING: dict[str, dict[str, Any]] = {
    "roberta": {},
    "xlm-roberta": {},
    "camembert": {},
    "mpnet": {},
    "data2vec-text": {},
    "longformer": {"attention_window": 8, "max_position_embeddings": 42},
    "luke": {"entity_vocab_size": 4, "entity_emb_size": 8},
    "lilt": {"hidden_size": 48, "channel_shrink_ratio": 2},
}


def encoder_of(kind: str, values: dict[str, Any]) -> torch.nn.Module:
    torch.manual_seed(5)
    config = transformers.AutoConfig.for_model(kind, **(SMALL | {"pad_token_id": 1} | values))
    encoder: torch.nn.Module = transformers.AutoModel.from_config(config)
    return encoder.eval()


def runs(encoder: torch.nn.Module, pieces: int) -> bool:
    """Whether a window of that many embedded pieces goes through."""
    width = encoder.get_input_embeddings().weight.shape[1]  # type: ignore[operator]
    embedded = torch.zeros(1, pieces, width)
    try:
        with torch.inference_mode():
            encoder(inputs_embeds=embedded, attention_mask=torch.ones(1, pieces).long())
    except (IndexError, RuntimeError):
        return False
    return True


@pytest.mark.parametrize("kind", FROM_ZERO)
def test_the_window_of_encoders_that_count_positions_from_zero(kind: str) -> None:
    encoder = encoder_of(kind, FROM_ZERO[kind])
    assert window_of(encoder) == 40
    assert runs(encoder, 40)
    assert not runs(encoder, 41)


@pytest.mark.parametrize("kind", FROM_BEHIND_PADDING)
def test_the_window_of_encoders_that_count_positions_from_behind_padding(kind: str) -> None:
    encoder = encoder_of(kind, FROM_BEHIND_PADDING[kind])
    window = window_of(encoder)
    assert window == encoder.config.max_position_embeddings - 2  # type: ignore[union-attr, operator]
    assert runs(encoder, window)
    assert not runs(encoder, window + 1)


def saved(folder: Path, bert: Path, kind: str) -> Path:
    """An encoder of that kind with the tiny BERT's tokenizer."""
    size = transformers.AutoConfig.from_pretrained(bert).vocab_size
    encoder_of(kind, {"vocab_size": size}).save_pretrained(folder)  # type: ignore[operator]
    shutil.copy(bert / "tokenizer.json", folder)
    return folder


@pytest.mark.parametrize("kind", ["mpnet", "data2vec-text"])
def test_a_long_sentence_never_asks_for_more_than_the_window(
    bert: Path, tmp_path: Path, kind: str
) -> None:
    values = {"data.overlap": 8, "data.context": 8}
    model = tiny.untrained(tiny.recipe(saved(tmp_path / kind, bert, kind), values))
    encoded = Encoder(model.tokenizer).encode([tiny.labelled([("the " * 100 + "end", [])])])
    windows = window_plan(model.manifest, model.tokenizer).windows(encoded)
    batch = collate(windows, encoded, model.tokenizer)
    assert batch.piece_ids.shape[1] == model.manifest.window == 38
    with torch.inference_mode():
        outputs = model.network(TensorBatch.of(batch, torch.device("cpu")))
    assert outputs.entity.isfinite().all()


def refusal(folder: Path) -> ModelError:
    with pytest.raises(ModelError) as caught:
        load_backbone(BackboneRecipe(name=str(folder)), dropout=0.0)
    assert caught.value.where is not None
    assert str(folder) in caught.value.where
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_a_backbone_without_a_tokenizer_is_refused(
    encoders: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    alone = shutil.copytree(encoders[kind], tmp_path / "alone")
    (alone / "tokenizer.json").unlink()
    assert "tokenizer.json" in (refusal(alone).remedy or "")


@pytest.mark.parametrize("content", [b"", b"{broken", b"{}", b"\xff"])
def test_a_broken_tokenizer_is_refused(bert: Path, tmp_path: Path, content: bytes) -> None:
    broken = shutil.copytree(bert, tmp_path / "broken")
    (broken / "tokenizer.json").write_bytes(content)
    assert "not a fast tokenizer's file" in refusal(broken).problem
