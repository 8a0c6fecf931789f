"""Backends: a batch in, emissions out. A small protocol, so that the road is the same for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from posner.batching import Batch
from posner.decode import Transitions
from posner.windows import FloatArray


@dataclass(frozen=True, slots=True)
class Emissions:
    """What the heads say of a batch's cores, as float32.

    Attributes:
        entity: (cores, core words, tags).
        pos: (cores, core words, part-of-speech tags), or None.
        chunk: (cores, core words, chunk tags), or None.
    """

    entity: FloatArray
    pos: FloatArray | None
    chunk: FloatArray | None


class Backend(Protocol):
    """Runs a network."""

    @property
    def transitions(self) -> Transitions | None:
        """The CRF's weights within the legal paths, or None for a softmax head."""

    @property
    def batch_pieces(self) -> int:
        """Padded pieces that it computes fastest at once."""

    def emissions(self, batch: Batch) -> Emissions:
        """Run one batch."""
