"""Which windows go into which step of an epoch, on which process. Known in advance, from the seed.

Because every process knows the whole plan, the loss is normalised by the words of the whole step
without a word between processes, and a resumed run simply goes on at step n.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from posner.batching import padding_share, shuffled_batches
from posner.errors import RecipeError
from posner.recipe import TrainingRecipe


@dataclass(frozen=True, slots=True)
class Part:
    """What one process computes at once.

    Attributes:
        windows: indices into the training windows.
        counted: false for a repetition that only keeps all processes in step.
    """

    windows: tuple[int, ...]
    counted: bool = True


@dataclass(frozen=True)
class EpochPlan:
    """One epoch.

    Attributes:
        steps: for each step, for each process, its parts in order.
        padding: the share of the places that hold padding.
    """

    steps: list[list[list[Part]]]
    padding: float


@dataclass(frozen=True)
class Planner:
    """Plans epochs.

    Attributes:
        batch_pieces: padded pieces a step, over all processes and parts.
        processes: how many compute a step together.
        accumulation: parts that each computes one after the other.
        seed: of the order.
    """

    batch_pieces: int
    processes: int
    accumulation: int
    seed: int

    @property
    def part_pieces(self) -> int:
        """Padded pieces that a part may hold."""
        return self.batch_pieces // (self.processes * self.accumulation)

    def epoch(self, number: int, lengths: Sequence[int]) -> EpochPlan:
        """The plan of epoch `number`, counted from 0.

        Args:
            number: decides the order.
            lengths: pieces of each window that the epoch learns from.

        Raises:
            RecipeError: a window is longer than a part may be.
        """
        self._check(max(lengths, default=0))
        batches = shuffled_batches(lengths, self.part_pieces, seed=self.seed * 1000 + number)
        size = self.processes * self.accumulation
        steps = []
        for begin in range(0, len(batches), size):
            parts = [Part(tuple(batch)) for batch in batches[begin : begin + size]]
            parts += [Part(parts[0].windows, counted=False)] * (size - len(parts))
            steps.append([parts[process :: self.processes] for process in range(self.processes)])
        return EpochPlan(steps, padding_share(lengths, batches))

    def _check(self, longest: int) -> None:
        if longest > self.part_pieces:
            raise RecipeError(
                "a sentence fits no batch",
                where="training.batch-pieces",
                expected=f"at least {longest * self.processes * self.accumulation}",
                got=self.batch_pieces,
                remedy="raise it, or cut long sentences into windows with a smaller data.window",
            )


@dataclass(frozen=True, slots=True)
class Extent:
    """How long a training is: `members` of them, each of `epochs`."""

    members: int
    epochs: int


def affordable(steps: int, recipe: TrainingRecipe) -> Extent:
    """What is wanted, or more or less of it to come within the wanted steps.

    More epochs to come to `min_steps`. Where that is more than `max_steps`, which counts before
    it: fewer members, so that each has all its epochs; and where one cannot have them, fewer
    epochs, but its `minimum_epochs`.

    Args:
        steps: of one epoch.
        recipe: what is wanted.
    """
    epochs = max(recipe.epochs, math.ceil(recipe.min_steps / steps))
    if not recipe.max_steps:
        return Extent(recipe.members, epochs)
    members = min(recipe.members, max(1, recipe.max_steps // (steps * epochs)))
    possible = max(recipe.minimum_epochs, recipe.max_steps // (steps * members))
    return Extent(members, min(epochs, possible))


def judged_epochs(epochs: int, recipe: TrainingRecipe) -> frozenset[int]:
    """After which epochs of a member, counted from 1, dev is scored: evenly, the last always.

    Args:
        epochs: that the member has, which may be more or fewer than the recipe wants.
        recipe: says how often.
    """
    evaluations = min(epochs, recipe.evaluations or recipe.epochs)
    return frozenset(math.ceil(epochs * n / evaluations) for n in range(1, evaluations + 1))
