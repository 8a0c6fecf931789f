"""A foreign model run as it is: the outputs of each piece, in the model's own order."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import nn

from posner.backends import Emissions
from posner.batching import Batch
from posner.decode import Transitions
from posner.model.tensors import batch_pieces, device_of


class PieceBackend:
    """Runs a token classifier of transformers'.

    Args:
        model: in evaluation mode, on its device.
        precision: see `TorchBackend`.
    """

    def __init__(self, model: nn.Module, precision: Literal["fp32", "bf16"] = "fp32") -> None:
        self.model = model
        self.precision = precision

    @property
    def transitions(self) -> Transitions | None:
        """None: it has no CRF."""
        return None

    @property
    def batch_pieces(self) -> int:
        """Padded pieces that it computes fastest at once."""
        return batch_pieces(device_of(self.model))

    def emissions(self, batch: Batch) -> Emissions:
        """Run one batch; each word is scored by its first piece."""
        device = device_of(self.model)
        with (
            torch.inference_mode(),
            torch.autocast(device.type, dtype=torch.bfloat16, enabled=self.precision == "bf16"),
        ):
            found = self.model(
                input_ids=torch.from_numpy(batch.piece_ids).to(device),
                attention_mask=torch.from_numpy(batch.piece_mask.astype(np.int64)).to(device),
            )
        logits = found.logits.float().cpu().numpy()  # (batch, pieces, outputs)
        rows = batch.core_window[:, None]
        places = batch.word_pieces[rows, batch.core]  # (cores, core words)
        return Emissions(entity=logits[rows, places], pos=None, chunk=None)
