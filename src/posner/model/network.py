"""The network: encoder, word features, positional attention, heads. Batches in, emissions out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from posner.decode import legal_transitions
from posner.folder import Manifest
from posner.labels import inside_table
from posner.model.adapters import add_adapters
from posner.model.attention import PositionalAttention
from posner.model.backbone import encoder_layers
from posner.model.crf import CRF
from posner.model.features import CharacterCNN, ShapeEmbedding
from posner.model.tensors import TensorBatch
from posner.recipe import Recipe
from posner.schemes import SCHEMES


class Outputs(NamedTuple):
    """What the heads say of the core words, in float32.

    Attributes:
        entity: (cores, core words, tags).
        pos: (cores, core words, part-of-speech tags), or None without that head.
        chunk: (cores, core words, chunk tags), or None without that head.
        pieces: (batch, pieces, tags) with `pooling = none`, where the loss is on pieces; or None.
    """

    entity: Tensor
    pos: Tensor | None
    chunk: Tensor | None
    pieces: Tensor | None


class Head(nn.Sequential):
    """Dropout and a linear layer."""

    def __init__(self, width: int, outputs: int, dropout: float) -> None:
        super().__init__(nn.Dropout(dropout), nn.Linear(width, outputs))


class Network(nn.Module):
    """See the module.

    Args:
        encoder: a transformers model whose first result is the states of its pieces.
        manifest: the recipe, and the tags that the heads predict.
    """

    inside: Tensor

    def __init__(self, encoder: nn.Module, manifest: Manifest) -> None:
        super().__init__()
        recipe = manifest.recipe
        self.recipe = recipe
        self.encoder = encoder
        width = int(encoder.config.hidden_size)  # type: ignore[union-attr, arg-type]
        embedding_width = encoder.get_input_embeddings().weight.shape[1]  # type: ignore[operator]
        self.shape_embedding = ShapeEmbedding(embedding_width) if recipe.features.casing else None
        self.characters = None
        if recipe.features.characters:
            channels = recipe.features.character_width
            self.characters = CharacterCNN(len(manifest.characters), channels)
            width += channels
        self.attention = None
        if recipe.attention.layers:
            self.attention = PositionalAttention(recipe.attention, width, recipe.heads.dropout)
            width = self.attention.output_width
        heads, tags = recipe.heads, manifest.tags
        self.entity_head = Head(width, len(tags), heads.dropout)
        self.pos_head = _optional_head(width, manifest.pos_tags, heads.pos_dropout)
        self.chunk_head = _optional_head(width, manifest.chunk_tags, heads.chunk_dropout)
        scheme = SCHEMES[recipe.data.scheme]
        self.crf = CRF(legal_transitions(tags, scheme)) if heads.entity == "crf" else None
        table = torch.arange(len(tags))
        if recipe.data.pooling == "none" and recipe.data.label_rule == "all-inside":
            table = torch.from_numpy(inside_table(tags))
        self.register_buffer("inside", table, persistent=False)

    def forward(self, batch: TensorBatch) -> Outputs:
        """Emissions of the core words."""
        pieces = self._piece_states(batch)  # (batch, pieces, width)
        if self.recipe.data.pooling == "none":
            return self._piece_outputs(pieces, batch)
        words = self._word_states(pieces, batch)  # (batch, words, width)
        if self.attention is not None:
            words = self.attention(words, batch.word_mask)
        core = _take_cores(words, batch)  # (cores, core words, width)
        return Outputs(
            entity=self.entity_head(core).float(),
            pos=None if self.pos_head is None else self.pos_head(core).float(),
            chunk=None if self.chunk_head is None else self.chunk_head(core).float(),
            pieces=None,
        )

    def _piece_states(self, batch: TensorBatch) -> Tensor:
        """(batch, pieces, width) the encoder's last states."""
        embedded: Tensor = self.encoder.get_input_embeddings()(batch.piece_ids)  # type: ignore[operator]
        if self.shape_embedding is not None:
            place = batch.piece_words.clamp(min=0)
            shapes = batch.shapes.gather(1, place)  # (batch, pieces)
            shapes = shapes.masked_fill(batch.piece_words < 0, 0)
            embedded = embedded + self.shape_embedding(shapes)
        result: Tensor = self.encoder(
            inputs_embeds=embedded, attention_mask=batch.piece_mask.long()
        )[0]
        return result

    def _word_states(self, pieces: Tensor, batch: TensorBatch) -> Tensor:
        """(batch, words, width): each word's state, its characters joined."""
        if self.recipe.data.pooling == "mean":
            words = _mean_by_word(pieces, batch)
        else:
            words = _take(pieces, batch.word_pieces)
        if self.characters is not None:
            assert batch.characters is not None
            words = torch.cat([words, self.characters(batch.characters).to(words.dtype)], dim=-1)
        return words

    def _piece_outputs(self, pieces: Tensor, batch: TensorBatch) -> Outputs:
        """Heads on pieces; a word's emission is the mean over the pieces that its rule labels.

        With `all-inside` a later piece speaks for a word's tag with its emission of the tag that
        this piece would carry, so B-PER is upheld by I-PER on the pieces after the first.
        """
        emissions = self.entity_head(pieces).float()  # (batch, pieces, tags)
        first = _take(emissions, batch.word_pieces)
        words = first
        if self.recipe.data.label_rule != "first":
            is_first = torch.zeros_like(batch.piece_mask)
            is_first = is_first.scatter(1, batch.word_pieces, batch.word_mask)
            later = emissions[..., self.inside]
            speaking = torch.where(is_first.unsqueeze(2), emissions, later)
            words = _mean_by_word(speaking, batch)
        first_states = _take_cores(_take(pieces, batch.word_pieces), batch)
        return Outputs(
            entity=_take_cores(words, batch),
            pos=None if self.pos_head is None else self.pos_head(first_states).float(),
            chunk=None if self.chunk_head is None else self.chunk_head(first_states).float(),
            pieces=emissions,
        )

    def freeze(self) -> None:
        """Stop the gradients of what the recipe keeps as pretrained."""
        backbone = self.recipe.backbone
        if self.recipe.adapter.rank:  # the adapters' arrival has frozen all the rest
            return
        if backbone.freeze_encoder:
            self.encoder.requires_grad_(False)
            return
        if backbone.freeze_layers:
            for name, module in self.encoder.named_children():
                if "embedding" in name:
                    module.requires_grad_(False)
            for layer in encoder_layers(self.encoder)[: backbone.freeze_layers]:
                layer.requires_grad_(False)
        if backbone.freeze_embeddings or backbone.freeze_layers:
            self.encoder.get_input_embeddings().requires_grad_(False)  # type: ignore[operator]


def _optional_head(width: int, tags: Sequence[str], dropout: float) -> Head | None:
    return Head(width, len(tags), dropout) if tags else None


def _take(states: Tensor, places: Tensor) -> Tensor:
    """(batch, length, width) at (batch, n) places: (batch, n, width)."""
    return states.gather(1, places.unsqueeze(2).expand(-1, -1, states.shape[2]))


def _take_cores(words: Tensor, batch: TensorBatch) -> Tensor:
    """(batch, words, width) at the words of the batch's cores: (cores, core words, width)."""
    places = batch.core_window[:, None] * words.shape[1] + batch.core
    taken = words.flatten(0, 1).index_select(0, places.flatten())
    return taken.view(*places.shape, -1)


def _mean_by_word(pieces: Tensor, batch: TensorBatch) -> Tensor:
    """(batch, pieces, width) to (batch, words, width): the mean over each word's pieces."""
    words = batch.word_mask.shape[1]
    place = batch.piece_words.masked_fill(batch.piece_words < 0, words)  # specials go to a spare
    total = pieces.new_zeros(pieces.shape[0], words + 1, pieces.shape[2])
    total = total.scatter_add(1, place.unsqueeze(2).expand_as(pieces), pieces)
    count = torch.zeros_like(total[..., :1])
    count = count.scatter_add(1, place.unsqueeze(2), torch.ones_like(pieces[..., :1]))
    return (total / count.clamp(min=1))[:, :words]


def build_network(encoder: nn.Module, manifest: Manifest) -> Network:
    """A network whose frozen parts take no gradient; adapters are put into the encoder given.

    Raises:
        RecipeError: adapters are wanted where the encoder has no place for them.
        MissingExtraError: adapters are wanted, and peft is not installed.
    """
    if manifest.recipe.adapter.rank:
        add_adapters(encoder, manifest.recipe.adapter)
    network = Network(encoder, manifest)
    network.freeze()
    return network


def required_head_tags(
    recipe: Recipe, pos: Sequence[str], chunk: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The tags of the part-of-speech and chunk heads: none where a head's loss weighs nothing."""
    return (
        tuple(pos) if recipe.heads.pos_weight > 0 else (),
        tuple(chunk) if recipe.heads.chunk_weight > 0 else (),
    )
