"""`transformer`: word vectors with positions, a transformer that starts from nothing, a softmax."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

from posner.systems.neural import NeuralSystem, WordNetwork
from posner.systems.recipes import TransformerRecipe
from posner.systems.vocabulary import PADDING
from posner.systems.words import WordVectors

LONGEST = 512
"""Words that attention sees at once."""


class TransformerNetwork(WordNetwork):
    """Vectors, sines for the positions (Vaswani et al. 2017), encoder layers, softmax."""

    sines: Tensor

    def __init__(self, recipe: TransformerRecipe, rows: int, tags: int) -> None:
        super().__init__()
        settings, width = recipe.transformer, recipe.vectors.width
        self.words = WordVectors(rows, width, recipe.vectors.freeze)
        self.register_buffer("sines", position_sines(LONGEST, width), persistent=False)
        self.dropout = nn.Dropout(settings.dropout)
        layer = nn.TransformerEncoderLayer(
            width, settings.heads, settings.hidden, settings.dropout, batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, settings.layers, enable_nested_tensor=False)
        for parameter in self.encoder.parameters():  # else all layers begin as copies of one
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
        self.head = nn.Linear(width, tags)

    def forward(self, rows: Tensor) -> Tensor:
        """(sentences, words) rows to (sentences, words, tags)."""
        states = self.dropout(self.words(rows) + self.sines[: rows.shape[1]])
        seen = self.encoder(states, src_key_padding_mask=rows == PADDING)
        emissions: Tensor = self.head(seen)
        return emissions


def position_sines(length: int, width: int) -> Tensor:
    """(length, width): sines in the even places and cosines in the odd ones."""
    places = torch.arange(length)[:, None]  # (length, 1)
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    table = torch.zeros(length, width)
    table[:, 0::2] = torch.sin(places * rates)
    table[:, 1::2] = torch.cos(places * rates)[:, : width // 2]
    return table


class TransformerSystem(NeuralSystem[TransformerRecipe]):
    """A transformer over word vectors."""

    longest: ClassVar[int | None] = LONGEST

    @classmethod
    def network_of(cls, recipe: TransformerRecipe, rows: int, tags: int) -> TransformerNetwork:
        """The network, with random weights."""
        return TransformerNetwork(recipe, rows, tags)
