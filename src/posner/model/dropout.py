"""Dropout that costs little on a CPU, for training.

torch draws one random number for each value, on one thread: a seventh of a training step of the
embedded backbone. Here each value takes one byte of the same generator, which is eight times
fewer draws; a probability is rounded to a multiple of 1/256, and the values that are kept are
scaled by what was really dropped. On other devices torch's own dropout runs.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from torch.nn import functional
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

_ATTENTION = "posner"
_LEVELS = 256


class ByteDropout(nn.Dropout):
    """`nn.Dropout` with one random byte a value on the CPU."""

    def forward(self, input: Tensor) -> Tensor:
        """Zero some values and scale the others; nothing in evaluation mode."""
        return dropped(input, self.p) if self.training else input


def dropped(states: Tensor, probability: float) -> Tensor:
    """Any shape to the same: values zeroed with a probability, the others scaled up."""
    threshold = round(probability * _LEVELS)
    if states.device.type != "cpu" or not 0 < threshold < _LEVELS:
        return functional.dropout(states, probability)
    count = states.numel()
    drawn = torch.empty(math.ceil(count / 8), dtype=torch.int64).random_(-(2**63), None)
    kept = drawn.view(torch.uint8)[:count].view(states.shape) >= threshold
    return states * kept.to(states.dtype).mul_(_LEVELS / (_LEVELS - threshold))


def use_byte_dropout(network: nn.Module) -> None:
    """Let a network and the attention of its transformers encoder drop out this way.

    Encoders whose attention is not to be exchanged keep theirs, with torch's dropout.
    """
    for module in list(network.modules()):
        for name, child in module.named_children():
            if type(child) is nn.Dropout:
                setattr(module, name, ByteDropout(child.p))
        if isinstance(module, transformers.PreTrainedModel) and _exchangeable(module):
            module.set_attn_implementation(_ATTENTION)


def limit_dropout(network: nn.Module, most: float) -> None:
    """Let no dropout layer of a network drop more than a share of its values."""
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = min(module.p, most)


def _exchangeable(encoder: transformers.PreTrainedModel) -> bool:
    fused = encoder.config._attn_implementation == "sdpa"
    return bool(fused and encoder._can_set_attn_implementation())


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **options: Any,
) -> tuple[Tensor, Tensor | None]:
    """transformers' interface: (batch, heads, pieces, width) each to (batch, pieces, heads, width).

    Written out where it trains on a CPU: the backward pass of torch's fused kernel took longer
    there. Everything else, and all that is peculiar to an encoder, is left to torch.
    """
    plain = attention_mask is None or attention_mask.dtype == torch.bool
    written_out = module.training and query.device.type == "cpu" and plain
    peculiar = any(value is not None and value is not False for value in options.values())
    if not written_out or peculiar or query.shape[1] != key.shape[1]:
        result: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **options
        )
        return result
    # All in the precision that the projections came in, as torch's own kernels compute.
    with torch.autocast(query.device.type, enabled=False):
        scores = (query * (scaling or query.shape[-1] ** -0.5)) @ key.transpose(2, 3)
        if attention_mask is not None:
            scores = scores.masked_fill(~attention_mask, torch.finfo(scores.dtype).min)
        weights = scores.softmax(dim=-1)
        if dropout:
            weights = dropped(weights, dropout)
        return (weights @ value).transpose(1, 2).contiguous(), None


transformers.AttentionInterface.register(_ATTENTION, _attention)
AttentionMaskInterface.register(_ATTENTION, sdpa_mask)
