"""AdamW with a rate for the encoder and one for what stands above it; their course; averaging."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn

from posner.errors import RecipeError
from posner.model.backbone import encoder_layers
from posner.model.network import Network
from posner.recipe import Recipe, TrainingRecipe


def build_optimizer(network: Network, recipe: TrainingRecipe) -> torch.optim.AdamW:
    """AdamW over everything that takes a gradient.

    Each group holds its own peak rate as `peak`. An encoder layer's is the encoder's times
    `layer_decay` for every layer above it. Vectors (biases, normalisation) are not decayed. The
    fused kernel took a fifth of the plain one's time on the CPU that this was written on.

    Raises:
        RecipeError: it names layers that the encoder does not have.
    """
    _check_layers(network, recipe)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    rates = _rates(network, recipe)
    for parameter in network.parameters():
        if parameter.requires_grad:
            decay = recipe.weight_decay if parameter.dim() > 1 else 0.0
            groups.setdefault((rates[id(parameter)], decay), []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": parameters, "lr": rate, "peak": rate, "weight_decay": decay}
            for (rate, decay), parameters in groups.items()
        ],
        fused=True,
    )


def _check_layers(network: Network, recipe: TrainingRecipe) -> None:
    """Refuse settings of layers that would do nothing, as where all layers share their weights."""
    backbone, count = network.recipe.backbone, len(encoder_layers(network.encoder))
    if backbone.freeze_encoder:
        return
    if backbone.freeze_layers > count:
        raise RecipeError(
            "the encoder does not have that many layers of its own",
            where="backbone.freeze-layers",
            expected=f"at most {count}",
            got=backbone.freeze_layers,
        )
    if recipe.layer_decay != 1 and not count:
        raise RecipeError(
            "the encoder has no layers whose rates could differ",
            where="training.layer-decay",
            expected=1,
            got=recipe.layer_decay,
        )


def encoder_rate(recipe: Recipe) -> float:
    """The peak rate of what is trained in the encoder: adapters start from nothing, as heads do.

    Where nothing in it is, that of what stands above it.
    """
    training = recipe.training
    above = recipe.adapter.rank or recipe.backbone.freeze_encoder
    return training.head_learning_rate if above else training.learning_rate


def _rates(network: Network, recipe: TrainingRecipe) -> dict[int, float]:
    """The peak rate of each parameter, by identity."""
    peak = encoder_rate(network.recipe)
    rates = {id(p): recipe.head_learning_rate for p in network.parameters()}
    layers = encoder_layers(network.encoder)
    lowest = peak * recipe.layer_decay ** len(layers)
    rates |= {id(p): lowest for p in network.encoder.parameters()}
    for height, layer in enumerate(layers):
        rate = peak * recipe.layer_decay ** (len(layers) - 1 - height)
        rates |= {id(p): rate for p in layer.parameters()}
    return rates


@dataclass
class Schedule:
    """The learning rate relative to its peak; it begins anew for each member.

    Attributes:
        recipe: names the schedule.
        starts: the first step of each member, counted from 0.
        total: steps of the whole training.
        factor: what plateaus have lowered it to.
        best: the best dev F1 that the plateau rule has seen.
        stale: evaluations since.
    """

    recipe: TrainingRecipe
    starts: tuple[int, ...]
    total: int
    factor: float = 1.0
    best: float = -1.0
    stale: int = 0

    @classmethod
    def of(cls, recipe: TrainingRecipe, members: Sequence[int]) -> Schedule:
        """For members of that many steps each."""
        ends = list(accumulate(members))
        return cls(recipe, (0, *ends[:-1]), ends[-1])

    def at(self, step: int) -> float:
        """The relative rate of step `step`, counted from 0."""
        member = bisect_right(self.starts, step) - 1
        begin = self.starts[member]
        end = (*self.starts, self.total)[member + 1]
        return self._within(step - begin, end - begin)

    def _within(self, step: int, total: int) -> float:
        """The relative rate of a step of a member that has `total`."""
        warmup = self.recipe.warmup
        warmup = round(warmup * total) if warmup < 1 else round(warmup)
        if step < warmup:
            return (step + 1) / warmup
        share = (step - warmup) / max(1, total - warmup)
        match self.recipe.schedule:
            case "linear":
                return max(0.0, 1.0 - share)
            case "cosine":
                return 0.5 * (1.0 + math.cos(math.pi * min(1.0, share)))
            case "constant":
                return 1.0
            case "plateau":
                return self.factor

    def apply(self, optimizer: torch.optim.Optimizer, step: int) -> None:
        """Set the rates of all groups for a step."""
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * self.at(step)

    def observe(self, f1: float) -> None:
        """Tell the dev F1 of an evaluation; a plateau lowers the rate from now on."""
        if f1 > self.best:
            self.best, self.stale = f1, 0
            return
        self.stale += 1
        if self.stale >= self.recipe.plateau_patience:
            self.factor *= self.recipe.plateau_factor
            self.stale = 0

    def restart(self) -> None:
        """Forget what plateaus were seen: another member begins."""
        self.factor, self.best, self.stale = 1.0, -1.0, 0

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold."""
        return {"factor": self.factor, "best": self.best, "stale": self.stale}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        self.factor, self.best = float(state["factor"]), float(state["best"])
        self.stale = int(state["stale"])


def trained_weights(network: nn.Module) -> dict[str, Tensor]:
    """The weights that take a gradient, by name."""
    return {name: p for name, p in network.named_parameters() if p.requires_grad}


class WeightAverage:
    """An exponential moving average of the weights that are trained.

    Its decay grows with the steps as (1 + n) / (10 + n) up to the recipe's, so that the first
    weights do not linger (after TensorFlow's ExponentialMovingAverage). torch's AveragedModel
    copies frozen weights too, which are half of the embedded backbone.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.weights: dict[str, Tensor] = {
            name: parameter.detach().clone() for name, parameter in trained_weights(network).items()
        }

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take in the weights after a step."""
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        current = list(trained_weights(network).values())
        torch._foreach_lerp_(list(self.weights.values()), current, 1 - decay)

    def restart(self, network: nn.Module) -> None:
        """Begin again with the weights as they are."""
        self.restore({n: p.detach() for n, p in trained_weights(network).items()}, 0)

    def restore(self, weights: dict[str, Tensor], steps: int) -> None:
        """Go on from a checkpoint's state."""
        for name, tensor in weights.items():
            self.weights[name].copy_(tensor)
        self.steps = steps
