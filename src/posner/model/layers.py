"""Which layers of the encoder speak, and how several become one state."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from posner.align import PieceTokenizer
from posner.errors import RecipeError
from posner.recipe import BackboneRecipe, Recipe


class LayerMix(nn.Module):
    """Several layers' states as one: their weighted sum, or all of them joined.

    The sum is gamma * sum_j softmax(w)_j h_j with learned w and gamma (Peters et al. 2018, ELMo,
    equation 1). It starts as the mean.

    Args:
        recipe: names the layers, and which of the two is wanted.
        width: of one layer's states.

    Attributes:
        output_width: of the result.
    """

    def __init__(self, recipe: BackboneRecipe, width: int) -> None:
        super().__init__()
        self.count = max(1, len(recipe.layer_numbers))
        self.joins = recipe.mix == "concat"
        self.output_width = width * self.count if self.joins else width
        if self.count > 1 and not self.joins:
            self.weights = nn.Parameter(torch.zeros(self.count))
            self.scale = nn.Parameter(torch.ones(()))

    def forward(self, states: Tensor) -> Tensor:
        """(batch, n, layers, width) to (batch, n, output width)."""
        if self.count == 1 or self.joins:
            return states.flatten(2)
        weights = (self.scale * self.weights.softmax(dim=0)).to(states.dtype)
        return torch.einsum("bnlw,l->bnw", states, weights)


def check_layers(recipe: BackboneRecipe, count: int) -> None:
    """Refuse layers that an encoder of `count` layers does not have.

    Raises:
        RecipeError: there is such a one.
    """
    missing = [number for number in recipe.layer_numbers if number > count]
    if missing:
        raise RecipeError(
            "the encoder does not have that many layers",
            where="backbone.layers",
            expected=f"numbers from 0 to {count}",
            got=missing[0],
        )


def check_sentence(recipe: Recipe, tokenizer: PieceTokenizer) -> None:
    """Refuse the window's own state where no special piece begins a window.

    Raises:
        RecipeError: the recipe wants it, and there is none.
    """
    if recipe.features.sentence and not tokenizer.prefix:
        raise RecipeError(
            "the encoder's windows begin with no special piece whose state could be joined",
            where="features.sentence",
            expected="false",
        )
