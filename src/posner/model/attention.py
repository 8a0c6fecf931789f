"""Positional attention: self-attention over words that knows the distance between them.

For each head of width d, the score of word i looking at word j is

    a_ij = (q_i . k_j + q_i . r_delta(i,j)) / sqrt(d) + b_delta(i,j)

with delta(i,j) = j - i clipped to [-c, c], and r and b learned for each head. The vectors r are
those of Shaw et al. 2018 (keys only), the scalars b those of Raffel et al. 2020. `content` leaves
out r and b, `position` keeps only b; a band sets a_ij to minus infinity beyond a distance.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from posner.recipe import AttentionRecipe


class RelativeSelfAttention(nn.Module):
    """One layer's attention, without residual or normalisation."""

    def __init__(self, recipe: AttentionRecipe, dropout: float) -> None:
        super().__init__()
        self.heads, self.clip, self.band = recipe.heads, recipe.clip, recipe.band
        self.head_width = recipe.width // recipe.heads
        self.uses_content = recipe.terms != "position"
        self.uses_position = recipe.terms != "content"
        distances = 2 * recipe.clip + 1
        if self.uses_content:
            self.query_key = nn.Linear(recipe.width, 2 * recipe.width)
        self.value = nn.Linear(recipe.width, recipe.width)
        self.output = nn.Linear(recipe.width, recipe.width)
        self.dropout = nn.Dropout(dropout)
        if self.uses_position:
            self.distance_bias = nn.Parameter(torch.zeros(self.heads, distances))
        if self.uses_position and self.uses_content:
            vectors = torch.randn(self.heads, distances, self.head_width)
            self.distance_keys = nn.Parameter(vectors * 0.02)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Attend.

        Args:
            states: (batch, words, width).
            mask: (batch, words) true on real words.

        Returns:
            (batch, words, width).
        """
        batch, words, width = states.shape
        scores = self.scores(states)  # (batch | 1, heads, words, words)
        hidden = ~mask[:, None, None, :]
        if self.band:
            place = torch.arange(words, device=states.device)
            far = (place[:, None] - place[None, :]).abs() > self.band
            hidden = hidden | far
        # A padded row of a band may hide everything; a finite minimum keeps NaN away.
        scores = scores.masked_fill(hidden, torch.finfo(scores.dtype).min)
        weights = self.dropout(scores.softmax(dim=-1))
        values = self._split(self.value(states))  # (batch, heads, words, head width)
        mixed = weights.to(values.dtype) @ values
        joined: Tensor = self.output(mixed.transpose(1, 2).reshape(batch, words, width))
        return joined

    def scores(self, states: Tensor) -> Tensor:
        """(batch or 1, heads, words, words): a_ij before any mask, in float32."""
        words = states.shape[1]
        place = torch.arange(words, device=states.device)
        distance = (place[None, :] - place[:, None]).clamp(-self.clip, self.clip) + self.clip
        scores = torch.zeros(1, self.heads, words, words, device=states.device)
        if self.uses_content:
            query, key = (self._split(part) for part in self.query_key(states).chunk(2, dim=-1))
            content = query @ key.transpose(-1, -2)  # (batch, heads, words, words)
            if self.uses_position:
                by_distance = query @ self.distance_keys.to(query.dtype).transpose(-1, -2)
                index = distance.expand(*by_distance.shape[:2], words, words)
                content = content + by_distance.gather(-1, index)
            scores = content.float() / math.sqrt(self.head_width)
        if self.uses_position:
            scores = scores + self.distance_bias.float()[:, distance]
        return scores

    def _split(self, states: Tensor) -> Tensor:
        """(batch, words, width) to (batch, heads, words, head width)."""
        batch, words, _ = states.shape
        return states.view(batch, words, self.heads, self.head_width).transpose(1, 2)


class AttentionLayer(nn.Module):
    """Attention and a feed-forward part, each with a residual, normalised before (pre-norm)."""

    def __init__(self, recipe: AttentionRecipe, dropout: float) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(recipe.width)
        self.attention = RelativeSelfAttention(recipe, dropout)
        self.feed_forward_norm = nn.LayerNorm(recipe.width)
        self.feed_forward = nn.Sequential(
            nn.Linear(recipe.width, 2 * recipe.width),
            nn.GELU(),
            nn.Linear(2 * recipe.width, recipe.width),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """(batch, words, width) to the same."""
        states = states + self.dropout(self.attention(self.attention_norm(states), mask))
        result: Tensor = states + self.dropout(self.feed_forward(self.feed_forward_norm(states)))
        return result


class PositionalAttention(nn.Module):
    """The stack between encoder and heads: projection, layers, and the way around them.

    Its result is joined to what came in, so that the heads see both.
    """

    def __init__(self, recipe: AttentionRecipe, input_width: int, dropout: float) -> None:
        super().__init__()
        self.projection = nn.Linear(input_width, recipe.width)
        self.layers = nn.ModuleList(AttentionLayer(recipe, dropout) for _ in range(recipe.layers))
        self.norm = nn.LayerNorm(recipe.width)
        self.output_width = input_width + recipe.width

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """(batch, words, input width) to (batch, words, input width + width)."""
        inner = self.projection(states)
        for layer in self.layers:
            inner = layer(inner, mask)
        return torch.cat([states, self.norm(inner).to(states.dtype)], dim=-1)
