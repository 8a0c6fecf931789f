"""The loss: active words only, each head with its weight."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from posner.labels import IGNORED
from posner.model.network import Network, Outputs
from posner.model.tensors import TensorBatch
from posner.recipe import HeadsRecipe


@dataclass(frozen=True)
class Targets:
    """Gold tags of a batch; `IGNORED` where nothing is counted.

    Attributes:
        entity: (cores, core words).
        pos: (cores, core words) or None.
        chunk: (cores, core words) or None.
        pieces: (batch, pieces) projected entity tags with `pooling = none`, or None.
        begins, ends: (cores,) true where a core begins, or ends, its sentence.
        words: core words in the batch.
    """

    entity: Tensor
    pos: Tensor | None
    chunk: Tensor | None
    pieces: Tensor | None
    begins: Tensor
    ends: Tensor
    words: int

    def to(self, device: torch.device) -> Targets:
        """The same on a device."""

        def move(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.to(device)

        return Targets(
            entity=self.entity.to(device),
            pos=move(self.pos),
            chunk=move(self.chunk),
            pieces=move(self.pieces),
            begins=self.begins.to(device),
            ends=self.ends.to(device),
            words=self.words,
        )


@dataclass(frozen=True)
class Loss:
    """Sums over the batch's words: what is minimised, and its entity part alone."""

    total: Tensor
    entity: Tensor


def loss_of(network: Network, outputs: Outputs, targets: Targets, batch: TensorBatch) -> Loss:
    """The weighted sum of the heads' losses, summed over words (not averaged)."""
    if network.crf is not None:
        entity = network.crf.loss(
            outputs.entity, targets.entity, batch.core_mask, targets.begins, targets.ends
        )
    elif outputs.pieces is not None and targets.pieces is not None:
        entity = cross_entropy(outputs.pieces, targets.pieces)
        # A rule that labels every piece counts more places than words; keep the scale of words.
        entity = entity * (targets.words / (targets.pieces != IGNORED).sum().clamp(min=1))
    else:
        entity = cross_entropy(outputs.entity, targets.entity)
    heads = network.recipe.heads
    total = heads.entity_weight * entity
    if outputs.pos is not None and targets.pos is not None:
        total = total + heads.pos_weight * cross_entropy(outputs.pos, targets.pos)
    if outputs.chunk is not None and targets.chunk is not None:
        total = total + heads.chunk_weight * cross_entropy(outputs.chunk, targets.chunk)
    return Loss(total, entity.detach())


def divergence(heads: HeadsRecipe, first: Outputs, second: Outputs, mask: Tensor) -> Tensor:
    """How much two passes differ: Kullback-Leibler both ways, halved, summed over core words.

    Over each head's tags, with the weight of its loss; with a CRF over the emissions alone
    (R-Drop, Liang et al. 2021).

    Args:
        heads: the weights.
        first, second: what two passes over one batch gave.
        mask: (cores, core words) true on real words.
    """
    total = first.entity.new_zeros(())
    for weight, one, other in (
        (heads.entity_weight, first.entity, second.entity),
        (heads.pos_weight, first.pos, second.pos),
        (heads.chunk_weight, first.chunk, second.chunk),
    ):
        if one is not None and other is not None:
            log_p, log_q = one[mask].log_softmax(-1), other[mask].log_softmax(-1)
            differ = ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum() / 2
            total = total + weight * differ
    return total


def cross_entropy(emissions: Tensor, tags: Tensor) -> Tensor:
    """Summed over all places that are not `IGNORED`; (batch, n, tags) and (batch, n)."""
    return functional.cross_entropy(
        emissions.flatten(0, 1), tags.flatten(), ignore_index=IGNORED, reduction="sum"
    )


def zero_like(loss: Loss) -> Tensor:
    """A zero that still reaches every weight, for a step in which a process has nothing to add."""
    return loss.total * torch.zeros((), device=loss.total.device)
