"""A plain Posner model written as transformers saves its token classifiers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import tokenizers
import torch
import transformers
from torch import nn

from posner.align import PieceTokenizer
from posner.card import CARD, transformers_card
from posner.errors import ModelError
from posner.files import folder_beside, refuse_filled
from posner.folder import TOKENIZER, Manifest, find_model, read_manifest
from posner.foreign.folder import CONFIG
from posner.foreign.plain import Obstacle, obstacles
from posner.model.backbone import encoder_config, quieten
from posner.model.merge import whole_network
from posner.model.network import Network
from posner.surface import SURFACE


@dataclass(frozen=True)
class Written:
    """What became of a model.

    Attributes:
        tags: the names of its outputs, in their order.
        notes: what of the model transformers does not know, a line for each.
    """

    tags: tuple[str, ...]
    notes: tuple[str, ...]


def write_for_transformers(path: Path, out: Path, *, force: bool = False) -> Written:
    """Write a folder that `transformers.pipeline("token-classification", model=...)` opens.

    Each piece gets the logits that Posner's network gives it in the same place. Posner tags whole
    words on the best legal path, so the pipeline finds the same entities with
    `aggregation_strategy="first"` where the likeliest tags are legal and part no word. A word such
    as `E.U.`, of which BERT's tokenizer makes several, is tagged part by part there: all parts
    have learned their tags with `data.pooling` `none` and `data.label-rule` `all-inside`, else
    only the first. With `data.repeats` it holds in texts of one sentence only.

    Args:
        path: a model or run folder.
        out: the folder to make.
        force: replace a model of transformers' that stands there.

    Raises:
        ModelError: the model is more than an encoder with a linear layer; the error names the
            settings that make it so. Or `out` holds something that is no such model.
        DataError: `out` is not empty and `force` is off, or it cannot be written.
    """
    folder = find_model(path)
    manifest = read_manifest(folder)
    if manifest.is_exported:
        raise ModelError("is exported already", where=folder, remedy="name what it was made of")
    _refuse_more_than_plain(manifest, folder)
    refuse_filled(out, force=force)
    if out.is_dir() and any(out.iterdir()) and not (out / CONFIG).is_file():
        raise ModelError(
            "holds something that is no model of transformers', which --force does not replace",
            where=out,
            remedy="name another folder",
        )
    network, _ = whole_network(folder, manifest)
    model = token_classifier(network, manifest, folder)
    tokenizer = PieceTokenizer.from_file(folder / TOKENIZER)
    with folder_beside(out) as beside:
        model.save_pretrained(beside)  # type: ignore[operator]
        (beside / TOKENIZER).write_text(tokenizer.to_json(), encoding="utf-8")
        text = json.dumps(_tokenizer_config(tokenizer, manifest.window), indent=2) + "\n"
        (beside / "tokenizer_config.json").write_text(text, encoding="utf-8")
        notes = tuple(_notes(manifest))
        card = transformers_card(manifest.to_dict(), notes)
        (beside / CARD).write_text(card, encoding="utf-8")
    return Written(manifest.tags, notes)


def _refuse_more_than_plain(manifest: Manifest, folder: Path) -> None:
    found = obstacles(manifest.recipe)
    if SURFACE in manifest.files:
        found.append(Obstacle("features.surface", True, "false"))
    if found:
        settings = " ".join(f"--{o.setting} {o.expected}" for o in found)
        raise ModelError(
            "transformers cannot run this model: " + "; ".join(map(str, found)),
            where=folder,
            remedy=f"train it with: {settings}",
        )


def token_classifier(network: Network, manifest: Manifest, folder: Path) -> nn.Module:
    """The network as transformers' token classifier of the encoder's architecture.

    Raises:
        ModelError: that architecture's classifier is more than a linear layer on the encoder.
    """
    quieten()
    config = transformers.AutoConfig.for_model(**encoder_config(network.encoder))
    config.id2label = dict(enumerate(manifest.tags))
    config.label2id = {tag: i for i, tag in enumerate(manifest.tags)}
    try:
        model: Any = transformers.AutoModelForTokenClassification.from_config(config)
    except ValueError as error:
        raise _no_such_classifier(config, folder) from error
    head = cast(nn.Linear, network.entity_head[-1])
    base = getattr(model, model.base_model_prefix)
    above = {
        name: parameter
        for name, parameter in model.named_parameters()
        if not name.startswith(f"{model.base_model_prefix}.")
    }
    weights = {len(parameter.shape): parameter for parameter in above.values()}
    shapes = {tuple(parameter.shape) for parameter in above.values()}
    if len(above) != 2 or shapes != {tuple(head.weight.shape), tuple(head.bias.shape)}:
        raise _no_such_classifier(config, folder)
    try:
        base.load_state_dict(network.encoder.state_dict())
    except RuntimeError as error:
        raise _no_such_classifier(config, folder) from error
    with torch.no_grad():
        weights[2].copy_(head.weight)
        weights[1].copy_(head.bias)
    return cast(nn.Module, model.eval())


def _no_such_classifier(config: Any, folder: Path) -> ModelError:
    return ModelError(
        "transformers has no token classifier of this architecture that is a linear layer alone",
        where=folder,
        got=config.model_type,
    )


def _tokenizer_config(tokenizer: PieceTokenizer, window: int) -> dict[str, Any]:
    """What transformers has to know beside `tokenizer.json`."""
    pieces = tokenizers.Tokenizer.from_str(tokenizer.to_json())
    special: dict[str, int] = {"unk_token": tokenizer.unknown, "pad_token": tokenizer.padding}
    if tokenizer.mask != tokenizer.unknown:
        special["mask_token"] = tokenizer.mask
    if tokenizer.prefix and tokenizer.suffix:
        special["cls_token"] = tokenizer.prefix[0]
        special["sep_token"] = tokenizer.suffix[-1]
    return {
        # The name that every version since 2020 opens; newer ones call it otherwise.
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": window,
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
        **{name: pieces.id_to_token(piece) for name, piece in special.items()},
    }


def _notes(manifest: Manifest) -> Iterator[str]:
    data = manifest.recipe.data
    if manifest.pos_tags:
        yield "its part-of-speech head is left out"
    if manifest.chunk_tags:
        yield "its chunk head is left out"
    if manifest.thresholds:
        yield f"a pipeline leaves out nothing; Posner does below a score of {manifest.thresholds}"
    if data.context or data.pack:
        yield "Posner shows it a sentence's neighbours; a pipeline shows it the text it is given"
    if data.repeats:
        yield "Posner draws repeated words of a document together (data.repeats), a pipeline none"
    if data.scheme not in ("IOB2", "IOB1"):
        yield (
            f"its tags are {data.scheme}, of which a pipeline knows only B and I: join them "
            "yourself, or let Posner run the model"
        )
