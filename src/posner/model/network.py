"""The network: encoder, word features, positional attention, heads. Batches in, emissions out.

`states` is the encoder with what it is pooled by, `heads` is all that stands above it. A wholly
frozen encoder is never in training mode and takes no gradient, so its states may be kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn

from posner.decode import legal_transitions
from posner.folder import Manifest
from posner.labels import inside_table
from posner.model.adapters import add_adapters
from posner.model.attention import PositionalAttention
from posner.model.backbone import encoder_layers
from posner.model.crf import CRF
from posner.model.features import SHAPE_WIDTH, CharacterCNN, ShapeEmbedding, ShapeFeature
from posner.model.layers import LayerMix, check_layers
from posner.model.states import States
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
        width = self._build_features(manifest)
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

    def _build_features(self, manifest: Manifest) -> int:
        """Everything between the encoder and the attention; the width of a word's state."""
        backbone, features = self.recipe.backbone, self.recipe.features
        config = self.encoder.config
        own = int(config.hidden_size)  # type: ignore[union-attr, arg-type]
        check_layers(backbone, int(config.num_hidden_layers))  # type: ignore[union-attr, arg-type]
        self.mix = LayerMix(backbone, own)
        width = self.mix.output_width + (own if features.sentence else 0)
        self.shape_embedding = self.shape_feature = self.characters = None
        if features.casing and backbone.freeze_encoder:
            self.shape_feature = ShapeFeature()
            width += SHAPE_WIDTH
        elif features.casing:
            pieces = self.encoder.get_input_embeddings()  # type: ignore[operator]
            self.shape_embedding = ShapeEmbedding(pieces.weight.shape[1])
        if features.characters:
            self.characters = CharacterCNN(len(manifest.characters), features.character_width)
            width += features.character_width
        return width

    def train(self, mode: bool = True) -> Self:
        """As ever, but a wholly frozen encoder stays in evaluation mode, without dropout."""
        super().train(mode)
        if self.recipe.backbone.freeze_encoder:
            self.encoder.eval()
        return self

    def forward(self, batch: TensorBatch) -> Outputs:
        """Emissions of the core words; the encoder is not run where the batch has its states."""
        return self.heads(self.states(batch) if batch.states is None else batch.states, batch)

    def states(self, batch: TensorBatch) -> States:
        """Run the encoder."""
        with torch.set_grad_enabled(
            torch.is_grad_enabled() and not self.recipe.backbone.freeze_encoder
        ):
            layers, last = self._piece_states(batch)  # each (batch, pieces, width)
            pooled = [self._pooled(pieces, batch) for pieces in layers]
            sentence = last[:, 0] if self.recipe.features.sentence else None
            # One layer, as ever by default, needs no copy.
            tokens = pooled[0].unsqueeze(2) if len(pooled) == 1 else torch.stack(pooled, dim=2)
            return States(tokens, sentence)

    def heads(self, states: States, batch: TensorBatch) -> Outputs:
        """Everything above the encoder."""
        tokens = states.tokens
        if self.recipe.backbone.freeze_encoder and torch.is_autocast_enabled(tokens.device.type):
            # They need no gradient in full precision, and are wide: half the bytes to move.
            tokens = tokens.to(torch.get_autocast_dtype(tokens.device.type))
        tokens = self.mix(tokens)  # (batch, words or pieces, width)
        if states.sentence is not None:
            window = states.sentence.to(tokens.dtype).unsqueeze(1)
            tokens = torch.cat([tokens, window.expand(-1, tokens.shape[1], -1)], dim=-1)
        if self.recipe.data.pooling == "none":
            return self._piece_outputs(self._with_shapes(tokens, _piece_shapes(batch)), batch)
        words = self._with_characters(self._with_shapes(tokens, batch.shapes), batch)
        if self.attention is not None:
            words = self.attention(words, batch.word_mask)
        core = _take_cores(words, batch)  # (cores, core words, width)
        return Outputs(
            entity=self.entity_head(core).float(),
            pos=None if self.pos_head is None else self.pos_head(core).float(),
            chunk=None if self.chunk_head is None else self.chunk_head(core).float(),
            pieces=None,
        )

    def _piece_states(self, batch: TensorBatch) -> tuple[list[Tensor], Tensor]:
        """(batch, pieces, width) of each layer that the recipe names, and of the last."""
        embedded: Tensor = self.encoder.get_input_embeddings()(batch.piece_ids)  # type: ignore[operator]
        if self.shape_embedding is not None:
            embedded = embedded + self.shape_embedding(_piece_shapes(batch))
        numbers = self.recipe.backbone.layer_numbers
        found = self.encoder(
            inputs_embeds=embedded,
            attention_mask=batch.piece_mask.long(),
            output_hidden_states=bool(numbers),
        )
        last: Tensor = found[0]
        return [found.hidden_states[number] for number in numbers] or [last], last

    def _pooled(self, pieces: Tensor, batch: TensorBatch) -> Tensor:
        """(batch, pieces, width) to (batch, words, width), or as it is with `pooling = none`."""
        match self.recipe.data.pooling:
            case "first":
                return _take(pieces, batch.word_pieces)
            case "mean":
                return _mean_by_word(pieces, batch)
            case "none":
                return pieces

    def _with_shapes(self, states: Tensor, shapes: Tensor) -> Tensor:
        """Join the embeddings of the words' shapes, where they do not stand at the input."""
        if self.shape_feature is None:
            return states
        return torch.cat([states, self.shape_feature(shapes).to(states.dtype)], dim=-1)

    def _with_characters(self, words: Tensor, batch: TensorBatch) -> Tensor:
        """Join what the words' characters say."""
        if self.characters is None:
            return words
        assert batch.characters is not None
        return torch.cat([words, self.characters(batch.characters).to(words.dtype)], dim=-1)

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
        """Stop the gradients of what the recipe keeps as pretrained, and of layers not used."""
        backbone = self.recipe.backbone
        if backbone.freeze_encoder:
            self.encoder.requires_grad_(False)
            return
        if backbone.layer_numbers and not self.recipe.features.sentence:
            for layer in encoder_layers(self.encoder)[max(backbone.layer_numbers) :]:
                layer.requires_grad_(False)  # several processes would wait for their gradients
        for layer in encoder_layers(self.encoder)[: backbone.freeze_layers]:
            layer.requires_grad_(False)
        if self.recipe.adapter.rank:  # their arrival has frozen all the rest
            return
        if backbone.freeze_layers:
            for name, module in self.encoder.named_children():
                if "embedding" in name:
                    module.requires_grad_(False)
        if backbone.freeze_embeddings or backbone.freeze_layers:
            self.encoder.get_input_embeddings().requires_grad_(False)  # type: ignore[operator]


def _optional_head(width: int, tags: Sequence[str], dropout: float) -> Head | None:
    return Head(width, len(tags), dropout) if tags else None


def _piece_shapes(batch: TensorBatch) -> Tensor:
    """(batch, pieces) the shape of each piece's word; 0 on special pieces and padding."""
    shapes = batch.shapes.gather(1, batch.piece_words.clamp(min=0))
    return shapes.masked_fill(batch.piece_words < 0, 0)


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
