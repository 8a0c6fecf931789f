"""A model with adapters made whole: its encoder with the adapters added to the weights."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from posner.align import PieceTokenizer
from posner.errors import ModelError
from posner.files import refuse_filled
from posner.folder import MANIFEST, TOKENIZER, Manifest, find_model, read_manifest
from posner.model.adapters import fold_adapters
from posner.model.network import Network, build_network
from posner.model.saved import load_network, save_network
from posner.surface import surface_of


def merge_model(path: Path, out: Path, *, force: bool = False) -> Manifest:
    """Write a model with adapters as one that needs neither peft nor another encoder's weights.

    Args:
        path: a model or run folder with adapters.
        out: the model folder to make.
        force: replace a model that stands there.

    Returns:
        What the new model says of itself. Its recipe has no adapters, for that is how its network
        is built; `figures["adapter"]` says which ones it was trained with, and over what.

    Raises:
        ModelError: the model has no adapters, or its encoder is not to be had; or `out` holds
            something that is no model.
        DataError: `out` holds a model and `force` is off, or it cannot be written.
    """
    folder = find_model(path)
    manifest = read_manifest(folder)
    if manifest.base is None:
        raise ModelError("is a whole model, with no adapters to merge", where=folder)
    refuse_other(out, force=force)
    network, whole = whole_network(folder, manifest)
    tokenizer = PieceTokenizer.from_file(folder / TOKENIZER)
    save_network(out, network, whole, tokenizer, surface=surface_of(folder, manifest))
    return whole


def refuse_other(out: Path, *, force: bool) -> None:
    """Refuse a target that holds something: with `force` only what is no model.

    Raises:
        ModelError: `out` holds something that is no model.
        DataError: it holds a model, and `force` is off.
    """
    refuse_filled(out, force=force)
    if out.is_dir() and any(out.iterdir()) and not (out / MANIFEST).is_file():
        raise ModelError(
            "holds something that is no model, which --force does not replace",
            where=out,
            remedy="name another folder",
        )


def whole_network(folder: Path, manifest: Manifest) -> tuple[Network, Manifest]:
    """A folder's network without adapters: those that it has are added to its encoder's weights.

    Returns:
        the network, and what it says of itself; that is `manifest` where it has no adapters.

    Raises:
        ModelError: see `load_network`.
    """
    loaded = load_network(folder, manifest)
    if manifest.base is None:
        return loaded, manifest
    fold_adapters(loaded.encoder)
    trained = {**manifest.recipe.to_dict()["adapter"], "base": dataclasses.asdict(manifest.base)}
    whole = dataclasses.replace(
        manifest,
        recipe=manifest.recipe.with_values({"adapter.rank": 0}, where=str(folder)),
        base=None,
        figures=manifest.figures | {"adapter": trained},
    )
    network = build_network(loaded.encoder, whole)
    network.load_state_dict(loaded.state_dict())
    return network.eval(), whole
