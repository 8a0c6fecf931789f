"""Low-rank adapters (Hu et al. 2021, LoRA) beside the encoder's linear layers, through `peft`.

They are put into the encoder in place: whoever runs it need not know of them. The encoder's own
weights stay as pretrained, so a model folder leaves them out and says which they were.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from posner.errors import ModelError, RecipeError
from posner.extras import needs_extra
from posner.folder import Base
from posner.model.backbone import pretrained_encoder
from posner.recipe import AdapterRecipe

_ADAPTER = (".lora_A.", ".lora_B.")
_WRAPPED = ".base_layer."
"""What peft puts into the names of tensors: its own, and those of the layers that it wraps."""


def add_adapters(encoder: nn.Module, recipe: AdapterRecipe) -> None:
    """Put adapters into an encoder, in place; from then on only they take a gradient in it.

    Raises:
        RecipeError: the encoder has no linear layers of the wanted kind.
        MissingExtraError: peft is not installed.
    """
    targets = linear_layers(encoder, attention_only=recipe.targets == "attention")
    if not targets:
        raise RecipeError(
            "the encoder has no linear layers of that kind, which adapters could stand beside",
            where="adapter.targets",
            got=recipe.targets,
        )
    with needs_extra("a model with low-rank adapters", "adapters"):
        # Not at the top: it takes seconds, and most models have no adapters.
        import peft
        from peft.tuners.lora import LoraLayer
    config = peft.LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules=targets,
    )
    peft.inject_adapter_in_model(config, encoder)
    for module in encoder.modules():
        if isinstance(module, LoraLayer):
            # Autocast would undo peft's cast of the states to float32: it only costs time.
            module.cast_input_dtype_enabled = False


def linear_layers(encoder: nn.Module, *, attention_only: bool) -> list[str]:
    """The names of the linear layers inside an encoder's layers.

    Encoders name their parts each in its own way, but all keep layers in a list of modules, and
    call what belongs to attention so, by the name of the part or of its class. What stands outside
    such a list, as projections of embeddings do, is none of them.
    """
    return list(_linear_layers(encoder, "", inside=False, wanted=not attention_only))


def _linear_layers(module: nn.Module, name: str, *, inside: bool, wanted: bool) -> Iterator[str]:
    if type(module) is nn.Linear:  # subclasses may be read past their forward, unlike these
        if inside and wanted:
            yield name
        return
    inside = inside or isinstance(module, nn.ModuleList)
    for own, child in module.named_children():
        called = f"{own} {type(child).__name__}".lower()
        yield from _linear_layers(
            child,
            f"{name}.{own}" if name else own,
            inside=inside,
            wanted=wanted or (inside and ("attention" in called or "attn" in called)),
        )


def without_base(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A network's tensors without the encoder's own: its adapters, and all that stands above."""
    return {
        name: tensor
        for name, tensor in state.items()
        if not name.startswith("encoder.") or _of_adapter(name)
    }


def fingerprint(encoder: nn.Module) -> str:
    """SHA-256 over an encoder's own weights, its adapters left out: each with name and shape."""
    own = {
        name.replace(_WRAPPED, "."): parameter
        for name, parameter in encoder.named_parameters()
        if not _of_adapter(name)
    }
    digest = hashlib.sha256()
    for name, parameter in sorted(own.items()):
        digest.update(f"{name} {tuple(parameter.shape)}\n".encode())
        digest.update(parameter.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()


def load_base(base: Base, config: dict[str, Any], folder: Path) -> nn.Module:
    """The encoder that a model folder's adapters stand on, without adapters.

    Args:
        base: its name, and which weights it must have.
        config: its configuration, from the model folder.
        folder: the model folder, to name in errors.

    Raises:
        ModelError: it is not to be had, or another one goes by its name now.
    """
    whole = "make a whole model with `posner merge` on a machine that has it"
    try:
        encoder = pretrained_encoder(base.name, config)
    except ModelError as error:
        raise ModelError(
            "the encoder that its adapters stand on cannot be loaded",
            where=folder,
            expected=base,
            got=error.problem,
            remedy=f"{error.remedy or 'put it where that name leads'}, or {whole}",
        ) from error
    found = fingerprint(encoder)
    if found != base.sha256:
        raise ModelError(
            "its adapters stand on another encoder than the one that goes by that name here",
            where=folder,
            expected=base,
            got=f"sha256 {found[:12]}...",
            remedy=f"put the right one in its place, or {whole}",
        )
    return encoder


def with_shared_weights(encoder: nn.Module) -> nn.Module:
    """Another encoder of the same build over the very same tensors, which take no memory again."""
    tensors = [*encoder.parameters(), *encoder.buffers()]
    return copy.deepcopy(encoder, {id(tensor): tensor for tensor in tensors})


def fold_adapters(encoder: nn.Module) -> None:
    """Add each adapter to the weights that it stands beside, and take it away, in place.

    Raises:
        ModelError: weights that are not finite.
    """
    from peft.tuners.lora import LoraLayer

    for name, module in list(encoder.named_modules()):
        if isinstance(module, LoraLayer):
            try:
                module.merge(safe_merge=True)
            except ValueError as error:
                raise ModelError("weights that are not finite", where=name) from error
            parent, _, own = name.rpartition(".")
            setattr(encoder.get_submodule(parent), own, module.get_base_layer())
    del encoder.peft_config


def _of_adapter(name: str) -> bool:
    return any(part in name for part in _ADAPTER)
