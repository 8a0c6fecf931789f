"""What each epoch learns from: the same documents, whose windows and words may differ by epoch.

An epoch is a function of the seed and its number, so every process and a resumed run see the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np

from posner.recipe import Recipe
from posner.training.fresh import FreshSets
from posner.training.plan import EpochPlan, Extent, Planner
from posner.training.prepare import PreparedSet
from posner.windows import Window, WindowPlan, without_overlap

FEW_EPOCHS_DROPOUT = 0.1
"""The most dropout where the epochs are cut: 3 of 6 on GMB came to 84.9 with it, to 83.7 with more
and hidden words.
"""


@dataclass(frozen=True)
class Course:
    """The training set, epoch by epoch.

    Attributes:
        recipe: says how many epochs see neighbouring sentences, and for which share of documents.
        extent: how many members and epochs there are.
        prepared: the documents in windows with all the neighbours that the recipe wants.
        near: the windows of each document with neighbours.
        lone: the windows of each document without; empty where no epoch needs them.
        window_plan: how windows are made.
        fresh: prepares the documents as an epoch changes them; None where none does.

    Changed epochs are not kept, but for the latest and the lengths of all: planning the steps of
    the whole training looks at every epoch once, and learning once more.
    """

    recipe: Recipe
    extent: Extent
    prepared: PreparedSet
    near: Sequence[Sequence[Window]]
    lone: Sequence[Sequence[Window]]
    window_plan: WindowPlan
    fresh: FreshSets | None
    _latest: dict[int, PreparedSet] = field(default_factory=dict, repr=False, compare=False)
    _lengths: dict[int, list[int]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        extent: Extent,
        prepared: PreparedSet,
        plan: WindowPlan,
        fresh: FreshSets | None = None,
    ) -> Course:
        """Lay out a prepared set over the epochs; `fresh` gives another of it for each."""
        data = recipe.data
        has_neighbours = bool(data.context or data.pack)
        varies = has_neighbours and bool(data.alone or data.context_epochs)
        lone = _by_document(prepared, replace(plan, context=0, pack=0)) if varies else []
        near = _by_document(prepared, plan) if varies else []
        return cls(recipe, extent, prepared, near, lone, plan, fresh)

    def at(self, epoch: int) -> PreparedSet:
        """What epoch `epoch`, counted from 0, learns from."""
        if self.fresh is None:
            return self._in_windows(epoch)
        if epoch not in self._latest:
            self._latest.clear()
            changed = self.fresh(epoch)
            course = Course.of(self.recipe, self.extent, changed, self.window_plan)
            self._latest[epoch] = course.at(epoch)
            self._lengths[epoch] = self._latest[epoch].lengths
        return self._latest[epoch]

    def _in_windows(self, epoch: int) -> PreparedSet:
        """The prepared set with the neighbours that an epoch sees."""
        if not self.lone:
            return self.prepared
        last = self.recipe.data.context_epochs
        if last and epoch % self.member_epochs < self.member_epochs - last:
            return replace(self.prepared, windows=list(chain.from_iterable(self.lone)))
        random = np.random.default_rng([self.recipe.training.seed, epoch])
        alone = random.random(len(self.near)) < self.recipe.data.alone
        chosen = (
            lone if a else near for a, near, lone in zip(alone, self.near, self.lone, strict=True)
        )
        return replace(self.prepared, windows=list(chain.from_iterable(chosen)))

    @property
    def epochs(self) -> int:
        """Epochs over all members."""
        return self.extent.members * self.extent.epochs

    @property
    def member_epochs(self) -> int:
        """Epochs of one member."""
        return self.extent.epochs

    @property
    def is_cut(self) -> bool:
        """Whether a large corpus leaves half of the wanted epochs or fewer.

        What keeps many passes from learning by heart only hinders few: then no words are hidden,
        and dropout is `FEW_EPOCHS_DROPOUT` at most.
        """
        return 2 * self.extent.epochs <= self.recipe.training.epochs

    @property
    def windows(self) -> list[Window]:
        """Every window that some epoch learns from."""
        return [*self.prepared.windows, *chain.from_iterable(self.lone)]

    def plan(self, epoch: int, planner: Planner) -> EpochPlan:
        """The steps of epoch `epoch`, counted over all members; each has its own order."""
        known = self._lengths.get(epoch)
        lengths = self.at(epoch).lengths if known is None else known
        return planner.epoch(epoch, lengths)

    def steps(self, planner: Planner) -> list[int]:
        """The steps of each member.

        The first epoch is planned last, since it is needed next.
        """
        steps = [len(self.plan(epoch, planner).steps) for epoch in reversed(range(self.epochs))]
        size = self.member_epochs
        return [sum(steps[end - size : end]) for end in range(self.epochs, 0, -size)]


def _by_document(prepared: PreparedSet, plan: WindowPlan) -> list[list[Window]]:
    return [
        without_overlap(list(plan.of_document(i, document)))
        for i, document in enumerate(prepared.encoded)
    ]
