"""A network in a folder: safetensors and JSON, written beside and renamed, no pickle."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from posner import __version__
from posner.align import PieceTokenizer
from posner.errors import DataError, ModelError
from posner.files import folder_beside
from posner.folder import TOKENIZER, Base, Manifest
from posner.model.adapters import fingerprint, load_base, with_shared_weights, without_base
from posner.model.backbone import (
    architecture,
    encoder_config,
    encoder_from_config,
    first_line,
)
from posner.model.network import Network, build_network
from posner.seal import seal
from posner.surface import Surface

WEIGHTS = "model.safetensors"
ENCODER = "encoder.json"


def save_network(
    folder: Path,
    network: Network,
    manifest: Manifest,
    tokenizer: PieceTokenizer,
    weights: dict[str, Tensor] | None = None,
    *,
    surface: Surface | None = None,
) -> None:
    """Write a model folder in the place of whatever stands there.

    Args:
        folder: the model folder.
        network: its encoder's configuration is saved, and its weights unless others are given.
        manifest: what `posner.json` says.
        tokenizer: what `tokenizer.json` says.
        weights: other weights than the network's own, such as a moving average.
        surface: what stands beside it.

    Beside adapters the encoder's own weights are left out; `posner.json` tells their checksum.

    Raises:
        DataError: it cannot be written; what stood there stays.
    """
    state = weights if weights is not None else network.state_dict()
    if network.recipe.adapter.rank:
        state = without_base(state)
        name = network.recipe.backbone.name
        if Path(name).is_dir():  # else it would be found from this working directory alone
            name = str(Path(name).resolve())
        base = Base(name, fingerprint(network.encoder))
        manifest = dataclasses.replace(manifest, base=base)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    with folder_beside(folder) as beside:
        try:
            safetensors.torch.save_file(tensors, beside / WEIGHTS)
        except SafetensorError as error:  # a full disk, say
            raise DataError("cannot be written", where=folder, got=first_line(error)) from error
        config = json.dumps(encoder_config(network.encoder), indent=2, sort_keys=True)
        (beside / ENCODER).write_text(config + "\n", encoding="utf-8")
        shutil.copymode(beside / ENCODER, beside / WEIGHTS)  # safetensors keeps all others out
        (beside / TOKENIZER).write_text(tokenizer.to_json(), encoding="utf-8")
        if surface is not None:
            surface.write(beside)
        seal(beside, dataclasses.replace(manifest, version=__version__))


def load_network(folder: Path, manifest: Manifest) -> Network:
    """Build the network that a folder holds and load its weights; it is in evaluation mode.

    Raises:
        ModelError: the folder's files do not fit together, or the encoder that its adapters stand
            on is not to be had.
        MissingExtraError: it has adapters, and peft is not installed.
    """
    config = saved_config(folder)
    if manifest.base is None:
        encoder = encoder_from_config(config)
    else:
        encoder = load_base(manifest.base, config, folder)
    return _filled(folder, manifest, encoder)


def load_networks(models: Sequence[tuple[Path, Manifest]], device: torch.device) -> list[Network]:
    """Load models with adapters over one encoder, whose weights all their networks share.

    Each network has modules of its own around the same tensors, so that none has a state that
    another one switches.

    Raises:
        ModelError: as `load_network`; or a model without adapters, or over another encoder.
    """
    networks: list[Network] = []
    if not models:
        return networks
    first, base = models[0][0], models[0][1].base
    for folder, manifest in models:
        if base is None or manifest.base is None:
            raise ModelError("has no adapters, and so an encoder of its own", where=folder)
        same = manifest.base.sha256 == base.sha256
        if not same or architecture(saved_config(folder)) != architecture(saved_config(first)):
            raise ModelError(
                f"its adapters stand on another encoder than those of {first}",
                where=folder,
                expected=base,
                got=manifest.base,
            )
    assert base is not None
    encoder = load_base(base, saved_config(first), first).to(device)
    for folder, manifest in models:
        networks.append(_filled(folder, manifest, with_shared_weights(encoder)).to(device))
    return networks


def saved_config(folder: Path) -> dict[str, Any]:
    """The configuration of a folder's encoder.

    Raises:
        ModelError: it cannot be read.
    """
    with _damaged(folder):
        config: dict[str, Any] = json.loads((folder / ENCODER).read_text(encoding="utf-8"))
    return config


def _filled(folder: Path, manifest: Manifest, encoder: nn.Module) -> Network:
    """A folder's network over an encoder, with the folder's weights in it."""
    with _damaged(folder):
        state = safetensors.torch.load_file(folder / WEIGHTS)
    network = build_network(encoder, manifest)
    whole = network.state_dict()
    saved = whole if manifest.base is None else without_base(whole)
    try:
        # Strict, but for the encoder's own weights where the folder leaves them out.
        network.load_state_dict(state, strict=saved.keys() != state.keys())
    except RuntimeError as error:
        detail = " ".join(str(error).split())[:200]
        raise ModelError("weights do not fit the model", where=folder, got=detail) from error
    return network.eval().requires_grad_(False)


@contextlib.contextmanager
def _damaged(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelError("damaged", where=folder, got=error) from error


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


def takes_bf16(device: torch.device, wanted: str) -> bool:
    """Whether a recipe's `precision` means bf16 there: by name, or with `auto` where it pays."""
    return native_bf16(device) if wanted == "auto" else wanted == "bf16"
