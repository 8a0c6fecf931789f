"""What a word tells besides its pieces: its shape, and at the output its characters."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from posner.word_features import CHARACTER_PADDING, CHARACTER_UNKNOWN, SHAPES


class ShapeEmbedding(nn.Embedding):
    """A learned vector for each word shape, added to the encoder's piece embeddings.

    Starts at zero, so that training begins from the pretrained encoder as it is.
    """

    def __init__(self, width: int) -> None:
        super().__init__(len(SHAPES), width, padding_idx=0)
        nn.init.zeros_(self.weight)


SHAPE_WIDTH = 16
"""Enough for each of the shapes to have a direction of its own."""


class ShapeFeature(nn.Embedding):
    """A learned vector for each word shape, joined to the word's state above the encoder.

    At the input of an encoder that is wholly frozen it would change every state in every step, so
    that none could be kept, and would have to be learned through all layers.
    """

    def __init__(self) -> None:
        super().__init__(len(SHAPES), SHAPE_WIDTH, padding_idx=0)


class CharacterCNN(nn.Module):
    """A word's characters as one vector: convolution and maximum (after Ma and Hovy 2016)."""

    def __init__(self, alphabet_size: int, width: int) -> None:
        super().__init__()
        inner = 32
        self.embedding = nn.Embedding(
            alphabet_size + CHARACTER_UNKNOWN + 1, inner, padding_idx=CHARACTER_PADDING
        )
        self.convolution = nn.Conv1d(inner, width, kernel_size=3, padding=1)

    def forward(self, characters: Tensor) -> Tensor:
        """(batch, words, characters) indices to (batch, words, width)."""
        batch, words, _ = characters.shape
        # A third of a text's words or more stand in a batch several times: each is computed once.
        flat, places = torch.unique(characters.flatten(0, 1), dim=0, return_inverse=True)
        result: Tensor = self.vectors(flat).index_select(0, places).view(batch, words, -1)
        return result

    def vectors(self, characters: Tensor) -> Tensor:
        """(words, characters) indices to (words, width)."""
        embedded = self.embedding(characters).transpose(1, 2)  # (words, inner, characters)
        activity = torch.relu(self.convolution(embedded))  # (words, width, characters)
        present = (characters != CHARACTER_PADDING).unsqueeze(1)
        return (activity * present).amax(dim=2)
