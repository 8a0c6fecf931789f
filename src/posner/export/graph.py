"""A network as an ONNX graph: torch's exporter, with each encoder layer's attention as one node.

The graph takes the arrays of a `posner.batching.Batch` by their names and gives the heads'
emissions, so everything between pieces and emissions is inside: the shape embedding, the encoder,
pooling, characters, positional attention, all heads. Transitions are not: decoding is NumPy's.
"""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx_ir as ir
import torch
from torch import Tensor, nn
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from posner.errors import ModelError
from posner.model.features import CharacterCNN
from posner.model.network import Network
from posner.model.tensors import TensorBatch
from posner.word_features import CHARACTERS_PER_WORD

OPSET = 23
"""The first with attention as one operator."""

FUSED = "posner-fused"
"""What transformers calls our attention."""

PLAIN_ATTENTION = frozenset(
    ("bert", "camembert", "distilbert", "electra", "ernie", "roberta", "xlm-roberta")
)
"""Encoders whose attention is softmax(q k / sqrt(d)) v over all pieces and nothing else."""

AXES: dict[str, tuple[str, ...]] = {
    "piece_ids": ("windows", "pieces"),
    "piece_mask": ("windows", "pieces"),
    "piece_words": ("windows", "pieces"),
    "word_pieces": ("windows", "words"),
    "word_mask": ("windows", "words"),
    "shapes": ("windows", "words"),
    "characters": ("windows", "words"),
    "core": ("cores", "core_words"),
    "core_window": ("cores",),
}
"""The graph's inputs and which of their axes have any length."""

HEADS = ("entity", "pos", "chunk")
"""The graph's outputs, of which a network has the first and perhaps the others."""


def network_graph(network: Network) -> ir.Model:
    """The graph of a network in evaluation mode; the network is changed and of no further use.

    Raises:
        ModelError: torch cannot export its encoder.
    """
    if network.characters is not None:
        network.characters = _EveryWord(network.characters)  # type: ignore[assignment]
    config = network.encoder.config
    if getattr(config, "model_type", None) in PLAIN_ATTENTION:
        _register()
        config._attn_implementation = FUSED  # type: ignore[union-attr]
    example = _example(network)
    try:
        with _quietly():
            program = torch.onnx.export(
                _Flat(network, tuple(example)).eval(),
                tuple(example.values()),
                dynamo=True,
                opset_version=OPSET,
                input_names=list(example),
                output_names=_output_names(network),
                dynamic_shapes=(_dynamic(example),),
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        kind = getattr(config, "model_type", "unknown")
        raise ModelError(
            "torch cannot export this encoder",
            where=f"encoder {kind}",
            got=str(error.__cause__ or error).splitlines()[0],
        ) from error
    assert program is not None
    model: ir.Model = program.model
    return model


def _output_names(network: Network) -> list[str]:
    heads = (network.entity_head, network.pos_head, network.chunk_head)
    return [name for name, head in zip(HEADS, heads, strict=True) if head is not None]


class _Flat(nn.Module):
    """The network with a batch's arrays as its arguments."""

    def __init__(self, network: Network, names: tuple[str, ...]) -> None:
        super().__init__()
        self.network = network
        self.names = names

    def forward(self, *arrays: Tensor) -> tuple[Tensor, ...]:
        """The heads' emissions, without those of heads that are missing."""
        given: dict[str, Tensor | None] = dict(zip(self.names, arrays, strict=True))
        batch = TensorBatch(**{"characters": None, "core_mask": None, **given})  # type: ignore[arg-type]
        outputs = self.network(batch)
        return tuple(o for o in (outputs.entity, outputs.pos, outputs.chunk) if o is not None)


class _EveryWord(nn.Module):
    """The character CNN over all words: a graph would lose by finding equal ones."""

    def __init__(self, characters: CharacterCNN) -> None:
        super().__init__()
        self.inner = characters

    def forward(self, characters: Tensor) -> Tensor:
        """(batch, words, characters) indices to (batch, words, width)."""
        batch, words, _ = characters.shape
        return self.inner.vectors(characters.flatten(0, 1)).view(batch, words, -1)


def _example(network: Network) -> dict[str, Tensor]:
    """A batch to trace; no two of its axes have one length, so that none are taken for equal."""
    lengths = {"windows": 3, "pieces": 11, "words": 7, "cores": 5, "core_words": 4}
    example = {
        name: torch.zeros([lengths[axis] for axis in axes], dtype=torch.long)
        for name, axes in AXES.items()
    }
    example["piece_ids"] += 1
    example["piece_mask"] = example["piece_mask"] == 0
    example["word_mask"] = example["word_mask"] == 0
    del example["characters"]
    if network.characters is not None:
        example["characters"] = torch.ones(3, 7, CHARACTERS_PER_WORD, dtype=torch.long)
    return example


def _dynamic(example: dict[str, Tensor]) -> tuple[dict[int, Any], ...]:
    axes = {name: torch.export.Dim(name) for names in AXES.values() for name in names}
    return tuple({i: axes[axis] for i, axis in enumerate(AXES[name])} for name in example)


def _attention(
    _module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor,
    *,
    scaling: float | None = None,
    **_ignored: Any,
) -> tuple[Tensor, None]:
    """What transformers calls in place of its own attention while a graph is traced.

    Takes (batch, heads, pieces, width) each, and (batch, 1, pieces, pieces) true where seen.
    """
    batch, heads, pieces, width = query.shape
    joined = (t.transpose(1, 2).reshape(batch, -1, heads * width) for t in (query, key, value))
    queries, keys, values = joined
    mixed = torch.onnx.ops.attention(
        queries, keys, values, attention_mask, q_num_heads=heads, kv_num_heads=heads, scale=scaling
    )[0]
    return mixed.view(batch, pieces, heads, width), None


def _mask(*_: Any, attention_mask: Tensor, **_ignored: Any) -> Tensor:
    """The mask of padding as ONNX's attention wants it: the same row for each piece that looks."""
    seen = attention_mask.bool()[:, None, None, :]
    return seen.expand(-1, -1, seen.shape[-1], -1)


def _register() -> None:
    ALL_ATTENTION_FUNCTIONS.register(FUSED, _attention)
    ALL_MASK_ATTENTION_FUNCTIONS.register(FUSED, _mask)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """The exporter warns of its own inner deprecations, and logs what it does not need."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with (
            warnings.catch_warnings(),
            Path(os.devnull).open("w") as nowhere,
            contextlib.redirect_stdout(nowhere),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
