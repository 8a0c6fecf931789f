"""A folder that transformers saved, loaded as a network of Posner's, or as it is.

A token classifier is an encoder with a linear layer on each piece's state. Posner's network is the
same with the layer on each word's first piece, which is the piece that such models are trained on.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import tokenizers
import torch
import transformers
from torch import Tensor, nn

from posner.align import PieceTokenizer
from posner.decode import ILLEGAL
from posner.errors import ModelError
from posner.folder import Manifest
from posner.foreign.folder import CONFIG
from posner.foreign.tags import ForeignTags, read_names
from posner.model.backbone import (
    UNREADABLE,
    check_vocabulary,
    first_line,
    quieten,
    window_of,
    with_prefix_space,
)
from posner.model.network import Network, build_network
from posner.recipe import load_recipe


@dataclass(frozen=True)
class ForeignModel:
    """A token classifier as transformers has it.

    Attributes:
        folder: where it was read from.
        model: its network, in evaluation mode.
        names: of its outputs.
        tags: what they mean.
        raw_tokenizer: as transformers' pipeline uses it, on raw text.
        unknown: its unknown piece.
        padding: fills batches.
        window: pieces that it can hold at once, special ones included.
    """

    folder: Path
    model: nn.Module
    names: tuple[str, ...]
    tags: ForeignTags
    raw_tokenizer: tokenizers.Tokenizer
    unknown: int | None
    padding: int | None
    window: int

    def manifest(self) -> Manifest:
        """What Posner says of it."""
        values = {
            "backbone.name": str(self.folder),
            "data.scheme": self.tags.scheme.name,
            "data.pooling": "first",
            "data.repeats": 0.0,
            "data.long-window": 0,
            "features.casing": False,
            "features.surface": False,
            "heads.entity": "softmax",
            "heads.pos-weight": 0.0,
        }
        figures = {"foreign": {"outputs": list(self.names), "left_out": list(self.tags.left_out)}}
        return Manifest(
            recipe=load_recipe("default").with_values(values, where=str(self.folder)),
            labels=self.tags.labels,
            window=self.window,
            figures=figures,
        )

    def tokenizer(self) -> PieceTokenizer:
        """Splits words that are known; byte-level ones see a space before each."""
        copied = tokenizers.Tokenizer.from_str(self.raw_tokenizer.to_str())
        try:
            found = PieceTokenizer(with_prefix_space(copied))
        except ModelError as error:
            raise ModelError(error.problem, where=self.folder) from error
        if self.padding is not None:
            found.padding = self.padding
        return found


def read_foreign(folder: Path) -> ForeignModel:
    """Load a token classifier and its tokenizer; nothing is downloaded, and no code of it is run.

    Raises:
        ModelError: it is no token classifier, is damaged, holds a pickle alone, or has outputs
            that cannot be understood.
    """
    quieten()
    with _unreadable(folder):
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    names = tuple(str(config.id2label[i]) for i in range(len(config.id2label)))
    tags = read_names(names, folder / CONFIG)
    model = _load_model(folder)
    with _unreadable(folder):
        loaded = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    if not getattr(loaded, "is_fast", False):
        raise ModelError("has no fast tokenizer", where=folder, remedy="put tokenizer.json into it")
    raw = tokenizers.Tokenizer.from_str(loaded.backend_tokenizer.to_str())
    check_vocabulary(PieceTokenizer(raw), config, str(folder))
    named = int(getattr(loaded, "model_max_length", 0) or 0)
    return ForeignModel(
        folder=folder,
        model=model,
        names=names,
        tags=tags,
        raw_tokenizer=raw,
        unknown=loaded.unk_token_id,
        padding=loaded.pad_token_id,
        window=min(window_of(model), named) if named > 0 else window_of(model),
    )


def _load_model(folder: Path) -> nn.Module:
    with _unreadable(folder):
        model, report = transformers.AutoModelForTokenClassification.from_pretrained(
            folder,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
    missing = sorted(report["missing_keys"])
    if missing:
        raise ModelError(
            "its weights are not those of a token classifier",
            where=folder,
            expected=", ".join(missing[:3]),
            got=_architecture(folder),
            remedy="an encoder alone is trained with: posner train --backbone.name FOLDER",
        )
    return cast(nn.Module, model.eval().requires_grad_(False))


def _architecture(folder: Path) -> str:
    found = json.loads((folder / CONFIG).read_text(encoding="utf-8")).get("architectures")
    return ", ".join(found) if isinstance(found, list) and found else "no such weights"


@contextlib.contextmanager
def _unreadable(folder: Path) -> Iterator[None]:
    try:
        yield
    except UNREADABLE as error:
        raise ModelError(
            "cannot be loaded as a token classifier",
            where=folder,
            expected="what transformers saves: config.json, safetensors, tokenizer.json",
            got=first_line(error),
        ) from error


def foreign_network(foreign: ForeignModel) -> Network:
    """A foreign model as a network of Posner's, with the same emissions on words' first pieces.

    The model's parts become the network's; use one of the two only.

    Raises:
        ModelError: its outputs do not come from one linear layer.
    """
    classifier = classifier_name(foreign)
    encoder = _WithoutClassifier(foreign.model, classifier)
    network = build_network(encoder, foreign.manifest())
    fill_head(network, encoder.taken, foreign.tags)
    return network.eval().requires_grad_(False)


def fill_head(network: Network, layer: nn.Linear, tags: ForeignTags) -> None:
    """Make a foreign model's last layer the entity head of a network."""
    head = cast(nn.Linear, network.entity_head[-1])
    assert head.in_features == layer.in_features, "a classifier of another width than its encoder"
    with torch.no_grad():
        head.weight.zero_()
        head.bias.fill_(ILLEGAL)  # of tags that the model does not have
        for row, column in enumerate(tags.columns):
            if column is not None:
                head.weight[row] = layer.weight[column]
                head.bias[row] = 0.0 if layer.bias is None else layer.bias[column]


def classifier_name(foreign: ForeignModel) -> str:
    """The name of the linear layer above the encoder that the outputs come from.

    Raises:
        ModelError: there is none.
    """
    prefix = f"{getattr(foreign.model, 'base_model_prefix', '')}."
    found: list[str] = [
        name
        for name, module in foreign.model.named_modules()
        if isinstance(module, nn.Linear)
        and module.out_features == len(foreign.names)
        and not name.startswith(prefix)
    ]
    if not found:
        raise ModelError(
            "its outputs do not come from a linear layer",
            where=foreign.folder,
            remedy="name an aggregation (first, average, max or simple), which runs it as it is",
        )
    return found[-1]


class _WithoutClassifier(nn.Module):
    """A token classifier without its last layer, in the manner of an encoder.

    Attributes:
        config: the model's configuration.
        taken: the layer that was taken away.
    """

    def __init__(self, model: nn.Module, classifier: str) -> None:
        super().__init__()
        parent, _, own = classifier.rpartition(".")
        layer = model.get_submodule(classifier)
        assert isinstance(layer, nn.Linear)
        object.__setattr__(self, "taken", layer)  # not a part of this module
        setattr(model.get_submodule(parent), own, nn.Identity())
        self.model = model
        self.config: Any = model.config

    taken: nn.Linear

    def get_input_embeddings(self) -> nn.Module:
        """The embeddings of pieces."""
        return cast(nn.Module, self.model.get_input_embeddings())  # type: ignore[operator]

    def forward(
        self, inputs_embeds: Tensor, attention_mask: Tensor, output_hidden_states: bool = False
    ) -> tuple[Tensor]:
        """(batch, pieces, width) states, which were the last layer's input."""
        assert not output_hidden_states
        found = self.model(inputs_embeds=inputs_embeds, attention_mask=attention_mask)
        return (found.logits,)
