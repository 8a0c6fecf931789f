"""Finding and loading the pretrained encoder: `minilm`, a local folder, or a hub name."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tokenizers
import torch
from safetensors import SafetensorError
from torch import nn

from posner.align import PieceTokenizer, read_tokenizer
from posner.backbones import MINILM, find_minilm
from posner.errors import ModelError
from posner.extras import needs_extra
from posner.folder import TOKENIZER
from posner.recipe import BackboneRecipe

with needs_extra("training and running models with torch", "train"):  # torch is not enough
    import huggingface_hub
    import transformers
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        RepositoryNotFoundError,
        StrictDataclassError,
    )

UNREADABLE = (
    OSError,
    KeyError,
    TypeError,
    ValueError,
    RuntimeError,
    SafetensorError,
    StrictDataclassError,
)
"""What transformers raises for a configuration or weights that it cannot make a model of."""

_CONFIG = "config.json"
_HUB_SECONDS = 10
"""The hub has to answer."""

_UNLIMITED = 512
"""The window of encoders that name no limit of their own."""

_TOKENIZER_REMEDY = "put the tokenizer.json that the encoder was pretrained with into its folder"


@dataclass(frozen=True)
class Backbone:
    """A pretrained encoder with its tokenizer.

    Attributes:
        encoder: the transformers model, without a pooler.
        tokenizer: its fast tokenizer.
        window: pieces that it can hold at once, special ones included.
    """

    encoder: nn.Module
    tokenizer: PieceTokenizer
    window: int


def load_backbone(recipe: BackboneRecipe, *, dropout: float) -> Backbone:
    """Load the encoder that a recipe names, with pretrained weights.

    Raises:
        ModelError: it is neither built in, nor a local folder, nor to be had from the hub.
    """
    name = _place(recipe.name)
    quieten()
    with _no_such_backbone(recipe.name):
        _ask_the_hub(name)
        config = transformers.AutoConfig.from_pretrained(name)
        _set_dropout(config, dropout)
        # Some encoders are published in half precision; training needs the whole.
        config.dtype = torch.float32
        encoder = transformers.AutoModel.from_pretrained(name, config=config, dtype=torch.float32)
    tokenizer = _load_tokenizer(name, recipe.name)
    check_vocabulary(tokenizer, config, recipe.name)
    return Backbone(without_pooler(encoder), tokenizer, window_of(encoder))


def pretrained_encoder(name: str, values: dict[str, Any]) -> nn.Module:
    """An encoder of that configuration with the pretrained weights that a recipe's name leads to.

    Weights of the hub are downloaded only where no copy is kept on this machine. Tensors of other
    names or shapes than the configuration's are left out, and their places filled at random.

    Raises:
        ModelError: there are no such weights, or no such architecture.
    """
    place = _place(name)
    quieten()
    with _no_such_backbone(name):
        settings = {
            "config": transformers.AutoConfig.for_model(**values),
            "dtype": torch.float32,
            "ignore_mismatched_sizes": True,
        }
        load = transformers.AutoModel.from_pretrained
        try:
            encoder = load(place, **settings, local_files_only=True)
        except OSError:
            _ask_the_hub(place)
            encoder = load(place, **settings)
    return without_pooler(encoder)


def _place(name: str) -> str:
    """What transformers has to be told for a recipe's name."""
    return str(find_minilm()) if name == MINILM else name


def _ask_the_hub(name: str) -> None:
    """Ask once for a model that is not on this machine.

    transformers asks for each of its files again and again: half a minute without a network.

    Raises:
        OSError: the hub cannot be reached, or knows no such model. Whatever else it answers (that
            it is busy, that one has to log in) is left to transformers, which waits or advises.
        ValueError: that is no name of a model.
    """
    kept = huggingface_hub.try_to_load_from_cache
    if Path(name).exists() or isinstance(kept(name, _CONFIG), str):
        return
    try:
        address = huggingface_hub.hf_hub_url(name, _CONFIG)
        huggingface_hub.get_hf_file_metadata(address, timeout=_HUB_SECONDS)
    except HfHubHTTPError as error:
        if isinstance(error, RepositoryNotFoundError) and not isinstance(error, GatedRepoError):
            raise
    except (OSError, ValueError):
        raise
    except Exception as error:  # of the HTTP client, which is not the same in all hub releases
        raise OSError(f"no copy here, and the hub cannot be asked: {first_line(error)}") from error


@contextlib.contextmanager
def _no_such_backbone(name: str) -> Iterator[None]:
    try:
        yield
    except UNREADABLE as error:
        raise ModelError(
            "no such backbone",
            where=name,
            expected="minilm, a folder saved by transformers, or a hub name",
            got=first_line(error),
        ) from error


def encoder_from_config(values: dict[str, Any], *, dropout: float | None = None) -> nn.Module:
    """An encoder of that configuration, with weights still to be loaded.

    Args:
        values: from `encoder_config`.
        dropout: another than the configuration's.

    Raises:
        ModelError: transformers knows no such architecture.
    """
    quieten()
    with _unknown_encoder():
        config = transformers.AutoConfig.for_model(**values)
        if dropout is not None:
            _set_dropout(config, dropout)
        encoder = transformers.AutoModel.from_config(config)
    return without_pooler(encoder)


@contextlib.contextmanager
def _unknown_encoder() -> Iterator[None]:
    try:
        yield
    except UNREADABLE as error:
        raise ModelError("unknown encoder", where="encoder.json", got=first_line(error)) from error


def encoder_config(encoder: nn.Module) -> dict[str, Any]:
    """What `encoder_from_config` needs to build this encoder again."""
    values: dict[str, Any] = encoder.config.to_dict()  # type: ignore[operator, union-attr]
    return {key: value for key, value in values.items() if not key.startswith("_")}


def architecture(values: dict[str, Any]) -> dict[str, Any]:
    """A configuration without what does not change an encoder's answers, such as dropout.

    Settings that the transformers which wrote it did not know yet have their defaults.

    Raises:
        ModelError: transformers knows no such architecture.
    """
    with _unknown_encoder():
        config = transformers.AutoConfig.for_model(**values).to_dict()
    idle = ("drop", "dtype", "version")
    return {k: v for k, v in config.items() if k[0] != "_" and not any(i in k for i in idle)}


def encoder_layers(encoder: nn.Module) -> list[nn.Module]:
    """The encoder's layers, lowest first (the first list of as many modules as it has layers)."""
    count = getattr(encoder.config, "num_hidden_layers", None)
    for module in encoder.modules():
        if isinstance(module, nn.ModuleList) and len(module) == count:
            return list(module)
    return []


def without_pooler(encoder: nn.Module) -> nn.Module:
    """Drop the part that pools a sentence: it has no use here, and unused weights only cost."""
    if getattr(encoder, "pooler", None) is not None:
        setattr(encoder, "pooler", None)  # noqa: B010 - torch types attributes as modules
    return encoder


def window_of(encoder: nn.Module) -> int:
    """Pieces that an encoder's positions allow, special ones included.

    RoBERTa and those after it count positions from behind the padding's index, which their
    position embedding names; others have none there and count from 0.
    """
    limit = int(getattr(encoder.config, "max_position_embeddings", None) or 0)
    shifts = (
        module.padding_idx + 1
        for name, module in encoder.named_modules()
        if name.rpartition(".")[2] == "position_embeddings"
        and getattr(module, "padding_idx", None) is not None
    )
    window = limit - next(shifts, 0)
    return window if window > 0 else _UNLIMITED


def quieten() -> None:
    """Silence transformers' progress bars and load reports: the command line speaks for itself."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)


def _set_dropout(config: Any, dropout: float) -> None:
    for name in (
        "hidden_dropout_prob",
        "attention_probs_dropout_prob",
        "dropout",
        "attention_dropout",
        "mlp_dropout",
        "embedding_dropout",
    ):
        if isinstance(getattr(config, name, None), float):
            setattr(config, name, dropout)


def _load_tokenizer(name: str, shown: str) -> PieceTokenizer:
    file = Path(name) / TOKENIZER
    tokenizer = read_tokenizer(file) if file.is_file() else _built_tokenizer(name, shown)
    try:
        return PieceTokenizer(with_prefix_space(tokenizer))
    except ModelError as error:
        raise ModelError(error.problem, where=shown, remedy=_TOKENIZER_REMEDY) from error


def _built_tokenizer(name: str, shown: str) -> tokenizers.Tokenizer:
    """What transformers makes of the hub's files, or of a vocabulary in another form."""
    try:
        loaded = transformers.AutoTokenizer.from_pretrained(name, use_fast=True)
    except Exception as error:  # tokenizers raises bare Exception for a file it cannot parse
        raise ModelError(
            "no tokenizer", where=shown, got=first_line(error), remedy=_TOKENIZER_REMEDY
        ) from error
    if not getattr(loaded, "is_fast", False):
        raise ModelError("has no fast tokenizer", where=shown, remedy=_TOKENIZER_REMEDY)
    tokenizer: tokenizers.Tokenizer = loaded.backend_tokenizer
    return tokenizer


def with_prefix_space(tokenizer: tokenizers.Tokenizer) -> tokenizers.Tokenizer:
    """Byte-level tokenizers must see a space before each word, as they did in pretraining.

    The post-processor must know of it too, or it trims the pieces' offsets by a letter.
    """
    state = json.loads(tokenizer.to_str())
    changed = False
    for part in (*_nested(state["pre_tokenizer"]), *_nested(state["post_processor"])):
        if part.get("add_prefix_space") is False:
            part["add_prefix_space"] = changed = True
    return tokenizers.Tokenizer.from_str(json.dumps(state)) if changed else tokenizer


def _nested(part: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    """A part of a tokenizer, or the parts of a sequence of them."""
    if part is None:
        return
    yield part
    for inner in (*part.get("pretokenizers", ()), *part.get("processors", ())):
        yield from _nested(inner)


def first_line(error: Exception) -> str:
    """What an error says, on one line; its name where it says nothing."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def check_vocabulary(tokenizer: PieceTokenizer, config: Any, shown: str) -> None:
    """Refuse another encoder's tokenizer, and the near-empty one that transformers makes up."""
    size, known = getattr(config, "vocab_size", None), tokenizer.vocabulary_size
    if size is None:
        return
    if known > size:
        raise ModelError(
            "the tokenizer does not belong to the encoder",
            where=shown,
            expected=f"at most {size} pieces",
            got=known,
        )
    if known < size / 2:  # encoders have room for some more pieces, but not for as many again
        raise ModelError(
            "has no tokenizer, or that of another encoder",
            where=shown,
            expected=f"about {size} pieces",
            got=known,
            remedy=_TOKENIZER_REMEDY,
        )
