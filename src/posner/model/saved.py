"""A network in a folder: safetensors and JSON, written beside and renamed, no pickle."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from posner import __version__
from posner.align import PieceTokenizer
from posner.errors import ModelError
from posner.files import folder_beside
from posner.folder import TOKENIZER, Manifest, seal
from posner.model.backbone import encoder_config, encoder_from_config
from posner.model.network import Network, build_network

WEIGHTS = "model.safetensors"
ENCODER = "encoder.json"


def save_network(
    folder: Path,
    network: Network,
    manifest: Manifest,
    tokenizer: PieceTokenizer,
    weights: dict[str, Tensor] | None = None,
) -> None:
    """Write a model folder in the place of whatever stands there.

    Args:
        folder: the model folder.
        network: its encoder's configuration is saved, and its weights unless others are given.
        manifest: what `posner.json` says.
        tokenizer: what `tokenizer.json` says.
        weights: other weights than the network's own, such as a moving average.
    """
    state = weights if weights is not None else network.state_dict()
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    with folder_beside(folder) as beside:
        safetensors.torch.save_file(tensors, beside / WEIGHTS)
        config = json.dumps(encoder_config(network.encoder), indent=2, sort_keys=True)
        (beside / ENCODER).write_text(config + "\n", encoding="utf-8")
        (beside / TOKENIZER).write_text(tokenizer.to_json(), encoding="utf-8")
        seal(beside, dataclasses.replace(manifest, version=__version__))


def load_network(folder: Path, manifest: Manifest) -> Network:
    """Build the network that a folder holds and load its weights; it is in evaluation mode.

    Raises:
        ModelError: the folder's files do not fit together.
    """
    try:
        config = json.loads((folder / ENCODER).read_text(encoding="utf-8"))
        state = safetensors.torch.load_file(folder / WEIGHTS)
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelError("damaged", where=folder, got=error) from error
    network = build_network(encoder_from_config(config), manifest)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        detail = " ".join(str(error).split())[:200]
        raise ModelError("weights do not fit the model", where=folder, got=detail) from error
    return network.eval().requires_grad_(False)


def torch_device(name: str) -> torch.device:
    """The device of that name; `auto` takes CUDA, then Apple's, then the CPU.

    Raises:
        ModelError: this machine has no such device.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelError(
            "this machine or this build of torch has no such device",
            where=name,
            remedy="use auto or cpu",
        ) from error
    return device


def native_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 matrices natively, so that autocast pays."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and bool(torch.cpu._is_avx512_bf16_supported())
