"""A saved model that a training goes on from, with its tags and perhaps more of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from posner.align import PieceTokenizer
from posner.decode import ILLEGAL
from posner.errors import ModelError, RecipeError
from posner.folder import TOKENIZER, Manifest, find_model, read_manifest
from posner.model.backbone import Backbone, encoder_from_config
from posner.model.network import Network
from posner.model.saved import load_network, saved_config
from posner.recipe import Recipe
from posner.surface import Surface, surface_of
from posner.training.parts import Parts
from posner.training.prepare import TagSets

FREE = ("training", "augment")
"""Sections of a recipe that say how a model is trained; the others say how it is built."""
BESIDE = "features.surface"
"""A setting on which no weight of the network depends."""


@dataclass(frozen=True)
class Start:
    """A model to go on from.

    Attributes:
        folder: the model folder.
        manifest: what it says of itself.
        beside: its surface CRF; read at once, as the folder may be replaced by what is learned.
    """

    folder: Path
    manifest: Manifest
    beside: Surface | None = None

    @classmethod
    def at(cls, path: Path) -> Start:
        """The model at a model or run folder.

        Raises:
            ModelError: there is none, it is exported, or it is one of adapters over an encoder
                elsewhere.
        """
        folder = find_model(path)
        manifest = read_manifest(folder)
        if manifest.is_exported:
            raise ModelError(
                "is exported, so there are no weights to go on from",
                where=folder,
                remedy="name what it was made of",
            )
        if manifest.base is not None:
            raise ModelError(
                "has adapters over an encoder that it does not hold",
                where=folder,
                remedy="make a whole model of it with `posner merge`, and go on from that",
            )
        return cls(folder, manifest, surface_of(folder, manifest))

    def extend(self, parts: Parts) -> Parts:
        """The parts of a training with the model's tags, and with the model in their facts."""
        digest = hashlib.sha256(json.dumps(self.manifest.files, sort_keys=True).encode())
        facts = parts.facts | {
            "from": str(self.folder),
            "fingerprints": parts.facts["fingerprints"] | {"from": digest.hexdigest()},
        }
        return replace(parts, tags=self.tags(parts.tags), facts=facts)

    @property
    def known(self) -> TagSets:
        """What the model's heads can say."""
        own = self.manifest
        return TagSets(labels=own.labels, pos=own.pos_tags, chunk=own.chunk_tags)

    def check(self, recipe: Recipe) -> None:
        """Refuse a recipe that builds another network.

        Raises:
            RecipeError: names the first setting that differs.
        """
        for setting, own, value in self.manifest.recipe.differing(recipe):
            if setting.section not in FREE and setting.key != BESIDE:
                raise RecipeError(
                    f"the model in {self.folder} is built with another value",
                    where=setting.key,
                    expected=own,
                    got=value,
                    remedy="go on with the model's own, or train anew without --from",
                )

    def tags(self, found: TagSets) -> TagSets:
        """The model's tags, and after them those that only the new data have."""
        own = self.known
        return TagSets(
            labels=_joined(own.labels, found.labels),
            pos=_joined(own.pos, found.pos),
            chunk=_joined(own.chunk, found.chunk),
        )

    def backbone(self, dropout: float) -> Backbone:
        """The model's encoder, to be filled, with a dropout of its own."""
        encoder = encoder_from_config(saved_config(self.folder), dropout=dropout)
        tokenizer = PieceTokenizer.from_file(self.folder / TOKENIZER)
        return Backbone(encoder, tokenizer, self.manifest.window)

    def surface(self, manifest: Manifest) -> Surface | None:
        """The model's surface CRF over the tags of a new model; None where it has none.

        Args:
            manifest: what the new model will say of itself.
        """
        if self.beside is None:
            return None
        places = _places(self.manifest.tags, manifest.tags).tolist()
        return self.beside.over(places, len(manifest.tags))

    @torch.no_grad()
    def fill(self, network: Network, manifest: Manifest) -> None:
        """Give a new network the model's weights; those of new tags stay as they are.

        Args:
            network: built as the model is, with the tags of `manifest`.
            manifest: what the new model will say of itself.
        """
        own, old = self.manifest, load_network(self.folder, self.manifest).state_dict()
        places = {
            "entity_head": _places(own.tags, manifest.tags),
            "crf": _places(own.tags, manifest.tags),
            "pos_head": _places(own.pos_tags, manifest.pos_tags),
            "chunk_head": _places(own.chunk_tags, manifest.chunk_tags),
        }
        # Tags that an adopted model lacks are forbidden there; here they may be learned.
        known = old["entity_head.1.bias"] > ILLEGAL / 2  # (old tags,)
        places["entity_head"] = places["entity_head"][known]
        state = network.state_dict()
        for name, values in old.items():
            part = name.partition(".")[0]
            if name in state:
                kept = values[known] if part == "entity_head" else values
                pairs = name == "crf.pairs"
                state[name] = _spread(kept, state[name], places.get(part), pairs=pairs)
        network.load_state_dict(state)


def _joined(first: Sequence[str], second: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*first, *second]))


def _places(old: Sequence[str], new: Sequence[str]) -> Tensor:
    """For each old tag its place among the new."""
    return torch.tensor([new.index(tag) for tag in old], dtype=torch.long)


def _spread(values: Tensor, target: Tensor, places: Tensor | None, *, pairs: bool) -> Tensor:
    """The new weights with the old ones at the places of their tags."""
    if places is None:
        return values
    result = target.clone()
    if pairs:
        result[places[:, None], places] = values  # (old tags, old tags)
    else:
        result[places] = values  # (old tags, ...)
    return result
