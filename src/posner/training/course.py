"""What each epoch learns from: the same documents, in windows that may differ from epoch to epoch.

An epoch is a function of the seed and its number, so every process and a resumed run see the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from posner.recipe import Recipe
from posner.training.plan import EpochPlan, Planner
from posner.training.prepare import PreparedSet
from posner.windows import Window, WindowPlan, without_overlap


@dataclass(frozen=True)
class Course:
    """The training set, epoch by epoch.

    Attributes:
        recipe: says how many epochs see neighbouring sentences, and for which share of documents.
        epochs: how many there are.
        prepared: the documents in windows with all the neighbours that the recipe wants.
        near: the windows of each document with neighbours.
        lone: the windows of each document without; empty where no epoch needs them.
    """

    recipe: Recipe
    epochs: int
    prepared: PreparedSet
    near: Sequence[Sequence[Window]]
    lone: Sequence[Sequence[Window]]

    @classmethod
    def of(cls, recipe: Recipe, epochs: int, prepared: PreparedSet, plan: WindowPlan) -> Course:
        """Lay out a prepared set over the epochs."""
        data = recipe.data
        has_neighbours = bool(data.context or data.pack)
        varies = has_neighbours and bool(data.alone or data.context_epochs)
        lone = _by_document(prepared, replace(plan, context=0, pack=0)) if varies else []
        return cls(recipe, epochs, prepared, _by_document(prepared, plan) if varies else [], lone)

    def at(self, epoch: int) -> PreparedSet:
        """What epoch `epoch`, counted from 0, learns from."""
        if not self.lone:
            return self.prepared
        last = self.recipe.data.context_epochs
        if last and epoch < self.epochs - last:
            return replace(self.prepared, windows=list(chain.from_iterable(self.lone)))
        random = np.random.default_rng([self.recipe.training.seed, epoch])
        alone = random.random(len(self.near)) < self.recipe.data.alone
        chosen = (
            lone if a else near for a, near, lone in zip(alone, self.near, self.lone, strict=True)
        )
        return replace(self.prepared, windows=list(chain.from_iterable(chosen)))

    @property
    def windows(self) -> list[Window]:
        """Every window that some epoch learns from."""
        return [*self.prepared.windows, *chain.from_iterable(self.lone)]

    def plan(self, epoch: int, planner: Planner) -> EpochPlan:
        """The steps of epoch `epoch`, counted from 0."""
        return planner.epoch(epoch, self.at(epoch).lengths)

    def steps(self, planner: Planner) -> int:
        """The steps of all epochs together."""
        return sum(len(self.plan(epoch, planner).steps) for epoch in range(self.epochs))


def _by_document(prepared: PreparedSet, plan: WindowPlan) -> list[list[Window]]:
    return [
        without_overlap(list(plan.of_document(i, document)))
        for i, document in enumerate(prepared.encoded)
    ]
