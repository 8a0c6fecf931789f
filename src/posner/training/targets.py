"""The gold tags of a batch: on core words, and on pieces where the loss is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from posner.align import IntArray
from posner.batching import Batch
from posner.labels import IGNORED, project_labels
from posner.model.losses import Targets
from posner.model.network import Network
from posner.training.prepare import GoldTags, PreparedSet


def batch_targets(
    prepared: PreparedSet, indices: Sequence[int], batch: Batch, network: Network
) -> Targets:
    """The targets of the windows `indices`, which `batch` holds in that order."""
    entity = core_tags(prepared, indices, batch, lambda gold: gold.entity)
    assert entity is not None
    data = network.recipe.data
    pieces = None
    if data.pooling == "none":
        pieces = piece_tags(entity, batch, network)
    return Targets(
        entity=torch.from_numpy(entity),
        pos=_tensor(core_tags(prepared, indices, batch, lambda gold: gold.pos)),
        chunk=_tensor(core_tags(prepared, indices, batch, lambda gold: gold.chunk)),
        pieces=_tensor(pieces),
        begins=torch.tensor([prepared.begins_sentence(*core) for core in prepared.cores(indices)]),
        ends=torch.tensor([prepared.ends_sentence(*core) for core in prepared.cores(indices)]),
        words=prepared.core_words(indices),
    )


def core_tags(
    prepared: PreparedSet,
    indices: Sequence[int],
    batch: Batch,
    choose: Callable[[GoldTags], IntArray | None],
) -> IntArray | None:
    """(cores, core words) gold tags, `IGNORED` on padding; None without that head."""
    table = np.full(batch.core.shape, IGNORED, dtype=np.int64)
    for row, (document, core) in enumerate(prepared.cores(indices)):
        tags = choose(prepared.gold[document])
        if tags is None:
            return None
        table[row, : len(core)] = tags[core.first : core.last]
    return table


def piece_tags(entity: IntArray, batch: Batch, network: Network) -> IntArray:
    """(windows, pieces) the words' tags put onto their pieces by the recipe's rule.

    Special pieces, padding and the pieces of context words are `IGNORED`.

    Args:
        entity: (cores, core words) gold tags.
        batch: the batch that they belong to.
        network: knows the rule, and the tag that goes on after each tag.
    """
    inside = network.inside.cpu().numpy()
    table = np.full(batch.piece_ids.shape, IGNORED, dtype=np.int64)
    for row, word_of_piece in enumerate(batch.piece_words):
        words = int(batch.word_mask[row].sum())
        own = batch.core_window == row
        real = batch.core_mask[own]
        tags = np.full(words, IGNORED, dtype=np.int64)
        tags[batch.core[own][real]] = entity[own][real]
        inner = word_of_piece >= 0
        counts = np.bincount(word_of_piece[inner], minlength=words)
        table[row, inner] = project_labels(tags, counts, network.recipe.data.label_rule, inside)
    return table


def _tensor(table: IntArray | None) -> Tensor | None:
    return None if table is None else torch.from_numpy(table)
