"""Tiny models with adapters, and how far apart two answers are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

import tiny
from posner.backends.torch import TorchBackend
from posner.document import Document
from posner.model.network import Network
from posner.model.saved import save_network
from posner.recognizer import Recognizer

ADAPTED = {"adapter.rank": 2, "adapter.alpha": 8}


def adapted(encoder: Path, values: dict[str, Any] | None = None, seed: int = 3) -> tiny.Untrained:
    """A model whose adapters are as if they had learned something."""
    model = tiny.untrained(tiny.recipe(encoder, ADAPTED | (values or {})), seed)
    with torch.no_grad():
        for name, parameter in model.network.named_parameters():
            if ".lora_B." in name:
                parameter.normal_(std=0.3)
    return model


def saved(model: tiny.Untrained, folder: Path) -> Path:
    save_network(folder, model.network, model.manifest, model.tokenizer)
    return folder


def votes(recognizer: Recognizer, documents: list[Document]) -> list[np.ndarray]:
    return [vote.entity for vote in recognizer.votes(documents)]


def furthest(first: list[np.ndarray], second: list[np.ndarray]) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(first, second, strict=True))


def trained(network: Network) -> set[str]:
    return {name for name, p in network.named_parameters() if p.requires_grad}


def of(model: tiny.Untrained) -> Recognizer:
    backend = TorchBackend(model.network, model.manifest)
    return Recognizer(model.manifest, model.tokenizer, backend)
