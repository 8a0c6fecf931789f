"""What the encoder gives to everything above it, whether just computed or read from disk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from posner.windows import Window


class States(NamedTuple):
    """The encoder's outputs for a batch of windows.

    Attributes:
        tokens: (batch, words, layers, width), or of pieces where `data.pooling` is none.
        sentence: (batch, width) the last state of each window's first special piece, or None
            where the recipe does not want it.
    """

    tokens: Tensor
    sentence: Tensor | None


class StateSource(Protocol):
    """Knows the states of windows already."""

    def states(self, windows: Sequence[Window], device: torch.device) -> States:
        """The states of some windows, padded to the longest."""
