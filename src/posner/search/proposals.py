"""What to try next: the next point of a grid, or what TPE makes of the trials so far."""

from __future__ import annotations

import itertools
import random
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.exceptions import ExperimentalWarning
from optuna.trial import FrozenTrial, TrialState

from posner.errors import RecipeError
from posner.search.space import Choices, Entry, Space

LARGEST_GRID = 100_000
"""More combinations than anyone can try; their order is not written down."""

Point = dict[str, Any]
"""A value for each entry's name."""


class Proposer(Protocol):
    """Proposes what to try next."""

    def propose(self, trials: Sequence[FrozenTrial]) -> Point | None:
        """A point that none of the trials has; None where there is no other.

        Args:
            trials: all that were begun, those that others work on included.
        """


class GridProposer:
    """Every combination once, in an order that all processes agree on.

    The order is shuffled, so that a grid that ends early was tried everywhere and not in a corner.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self._points = list(_points(space))
        random.Random(seed).shuffle(self._points)

    def propose(self, trials: Sequence[FrozenTrial]) -> Point | None:
        """The first combination that no trial has."""
        return next(_untried(self._points, trials), None)


def check_grid(space: Space) -> None:
    """Refuse a space that no grid can walk.

    Raises:
        RecipeError: an entry is a range, or there are too many combinations.
    """
    for entry in space.entries:
        if not isinstance(entry.domain, Choices):
            raise RecipeError(
                "a grid needs values, not a range",
                where=f"space: {entry.name}",
                remedy="list its values, or search with --sampler tpe",
            )
    if space.size is not None and space.size > LARGEST_GRID:
        raise RecipeError(
            "too many combinations for a grid",
            where="space",
            expected=f"at most {LARGEST_GRID:,}",
            got=f"{space.size:,}",
            remedy="list fewer values, or search with --sampler tpe",
        )


class TpeProposer:
    """TPE after some random trials; where combinations can be counted, none is tried twice.

    A repeated combination would be the same training with the same seed.
    """

    def __init__(self, space: Space, seed: int, process: int) -> None:
        number = int(np.random.SeedSequence([seed, process]).generate_state(1)[0])
        self._distributions = distributions(space)
        self._random = random.Random(number)
        few = space.size is not None and space.size <= LARGEST_GRID
        self._points = list(_points(space)) if few else None
        with quiet():  # some of its options were experimental before Optuna 5
            self._sampler = optuna.samplers.TPESampler(
                seed=number, multivariate=True, constant_liar=True
            )

    def propose(self, trials: Sequence[FrozenTrial]) -> Point | None:
        """Where TPE expects the most; a copy is asked, so that an unwanted answer leaves none."""
        untried: list[Point] = []
        if self._points is not None:
            untried = list(_untried(self._points, trials))
            if not untried:
                return None
        with quiet():
            study = optuna.create_study(direction="maximize", sampler=self._sampler)
            study.add_trials([trial for trial in trials if trial.state != TrialState.WAITING])
            point = study.ask(self._distributions).params
        if self._points is not None and point not in untried:
            return self._random.choice(untried)
        return point


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """The space as Optuna has it."""
    return {entry.name: _distribution(entry) for entry in space.entries}


def _distribution(entry: Entry) -> BaseDistribution:
    domain = entry.domain
    if isinstance(domain, Choices):
        return CategoricalDistribution(domain.values)
    if entry.settings[0].type is int:
        low, high = int(domain.low), int(domain.high)
        return IntDistribution(low, high, log=domain.log, step=int(domain.step or 1))
    return FloatDistribution(domain.low, domain.high, log=domain.log, step=domain.step)


def _points(space: Space) -> Iterator[Point]:
    """All combinations, in the order of the file."""
    names = [entry.name for entry in space.entries]
    for values in itertools.product(*(entry.domain.points or () for entry in space.entries)):
        yield dict(zip(names, values, strict=True))


def _untried(points: Sequence[Point], trials: Sequence[FrozenTrial]) -> Iterator[Point]:
    tried = {_identity(trial.params) for trial in trials}
    return (point for point in points if _identity(point) not in tried)


def _identity(point: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(point.items()))


@contextmanager
def quiet() -> Iterator[None]:
    """Inside the block Optuna neither logs nor warns of what is experimental in it."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)
