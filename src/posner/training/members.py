"""Several trainings from one start, whose weights are averaged into one model.

Each member begins with the same weights and differs by its order of sentences, its dropout and its
hidden words. Their mean judges at least as well as the best of them, at the size and speed of one
(Wortsman et al. 2022, "Model soups"): runs from one pretrained start end in one valley of the loss.
Members that shared their order of sentences gained nothing by their mean.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from posner.training.optimisation import trained_weights


class Members:
    """The start of all members, and the mean of those that are finished.

    Args:
        network: as the first member finds it. Only the weights that are trained are kept.
    """

    def __init__(self, network: nn.Module) -> None:
        self.start = {name: w.detach().clone() for name, w in trained_weights(network).items()}
        self.mean = {name: torch.zeros_like(weight) for name, weight in self.start.items()}
        self.finished = 0

    def with_member(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The mean of the finished members and of one more."""
        share = 1 / (self.finished + 1)
        return {n: torch.lerp(mean, weights[n].detach(), share) for n, mean in self.mean.items()}

    def finish(self, weights: Mapping[str, Tensor]) -> None:
        """Count a member's last weights in."""
        self.mean = self.with_member(weights)
        self.finished += 1

    @torch.no_grad()
    def restart(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Put the network and the optimiser back to where the first member began."""
        for name, weight in trained_weights(network).items():
            weight.copy_(self.start[name])
        optimizer.state.clear()

    def restore(self, mean: dict[str, Tensor], finished: int) -> None:
        """Go on from a checkpoint's state."""
        for name, tensor in mean.items():
            self.mean[name].copy_(tensor)
        self.finished = finished
