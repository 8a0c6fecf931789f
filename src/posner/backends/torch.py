"""The network on PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch

from posner.backends import Emissions
from posner.batching import Batch
from posner.decode import Transitions, legal_transitions
from posner.folder import Manifest
from posner.model.network import Network
from posner.model.saved import load_network, load_networks, torch_device
from posner.model.states import StateSource
from posner.model.tensors import TensorBatch, batch_pieces, device_of
from posner.schemes import SCHEMES


class TorchBackend:
    """Runs a network in evaluation mode.

    Args:
        network: it is run as it is, wherever its weights are.
        manifest: names its tags.
        precision: `bf16` computes under autocast: faster where the device does so natively, and
            then batching can change the last digits and, rarely, an entity.
        source: knows the states of all windows that will come, so that a frozen encoder is not run.
    """

    def __init__(
        self,
        network: Network,
        manifest: Manifest,
        precision: Literal["fp32", "bf16"] = "fp32",
        source: StateSource | None = None,
    ) -> None:
        self.network = network
        self.precision = precision
        self.source = source
        self._manifest = manifest

    @classmethod
    def load(
        cls,
        folder: Path,
        manifest: Manifest,
        *,
        device: str = "auto",
        precision: Literal["fp32", "bf16"] = "fp32",
    ) -> TorchBackend:
        """Load a model folder's network onto a device."""
        network = load_network(folder, manifest).to(torch_device(device))
        return cls(network, manifest, precision)

    @classmethod
    def load_adapters(
        cls,
        models: Sequence[tuple[Path, Manifest]],
        *,
        device: str = "auto",
        precision: Literal["fp32", "bf16"] = "fp32",
    ) -> list[TorchBackend]:
        """Load the networks of models with adapters over one encoder."""
        networks = load_networks(models, torch_device(device))
        return [
            cls(network, manifest, precision)
            for network, (_, manifest) in zip(networks, models, strict=True)
        ]

    @staticmethod
    def limit_threads(threads: int) -> None:
        """Let torch compute on so many threads, in the whole process."""
        torch.set_num_threads(threads)

    @property
    def transitions(self) -> Transitions | None:
        """The CRF's weights within the legal paths, or None for a softmax head."""
        crf = self.network.crf
        if crf is None:
            return None
        legal = legal_transitions(self._manifest.tags, SCHEMES[self._manifest.recipe.data.scheme])
        start, pairs, end = (p.detach().cpu().numpy() for p in (crf.start, crf.pairs, crf.end))
        return legal.plus(start, pairs, end)

    @property
    def batch_pieces(self) -> int:
        """Padded pieces that it computes fastest at once."""
        return batch_pieces(device_of(self.network))

    def emissions(self, batch: Batch) -> Emissions:
        """Run one batch."""
        device = device_of(self.network)
        training = self.network.training
        if training:
            self.network.eval()
        bf16 = self.precision == "bf16"
        with (
            torch.inference_mode(),
            torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16),
        ):
            outputs = self.network(TensorBatch.of(batch, device, self.source))
        if training:
            self.network.train()
        pos, chunk = outputs.pos, outputs.chunk
        return Emissions(
            entity=outputs.entity.cpu().numpy(),
            pos=None if pos is None else pos.cpu().numpy(),
            chunk=None if chunk is None else chunk.cpu().numpy(),
        )
