"""A NumPy batch as tensors on the model's device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from posner.batching import Batch
from posner.model.states import States, StateSource

CPU_BATCH_PIECES, ACCELERATOR_BATCH_PIECES = 768, 8192


def device_of(module: nn.Module) -> torch.device:
    """Where a module's weights are."""
    return next(module.parameters()).device


def batch_pieces(device: torch.device) -> int:
    """Padded pieces that a device computes fastest at once, without gradients.

    On two cores the 22M backbone tags 3,000 words a second with 2,048, and 4,350 with 768
    (`bench_inference.py`). For accelerators the number is not measured.
    """
    return CPU_BATCH_PIECES if device.type == "cpu" else ACCELERATOR_BATCH_PIECES


@dataclass(frozen=True)
class TensorBatch:
    """`posner.batching.Batch` in torch; the same names and shapes.

    Attributes:
        states: what the encoder gives for it, where that is known already.
    """

    piece_ids: Tensor
    piece_mask: Tensor
    piece_words: Tensor
    word_pieces: Tensor
    word_mask: Tensor
    shapes: Tensor
    characters: Tensor | None
    core: Tensor
    core_mask: Tensor
    core_window: Tensor
    states: States | None = None

    @classmethod
    def of(
        cls, batch: Batch, device: torch.device, source: StateSource | None = None
    ) -> TensorBatch:
        """Copy a batch to a device, with the states of its windows from whoever knows them."""

        def move(array: np.ndarray) -> Tensor:
            return torch.from_numpy(array).to(device)

        return cls(
            piece_ids=move(batch.piece_ids),
            piece_mask=move(batch.piece_mask),
            piece_words=move(batch.piece_words),
            word_pieces=move(batch.word_pieces),
            word_mask=move(batch.word_mask),
            shapes=move(batch.shapes),
            characters=None if batch.characters is None else move(batch.characters),
            core=move(batch.core),
            core_mask=move(batch.core_mask),
            core_window=move(batch.core_window),
            states=None if source is None else source.states(batch.windows, device),
        )
