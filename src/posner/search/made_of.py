"""What a study is made of, so that no other search writes into it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from posner.errors import RecipeError
from posner.recipe import Recipe, recipe_from_dict
from posner.search.space import Space
from posner.training.fingerprints import check_same

_REMEDY = "search with what the study was begun with, or name another --out"


@dataclass(frozen=True)
class MadeOf:
    """What a study's trials have in common; another search may not write into it.

    Attributes:
        data: fingerprints of the corpora.
        recipe: the settings around which the space varies.
        space: what varies.
    """

    data: Mapping[str, str]
    recipe: Recipe
    space: Space

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "data": dict(self.data),
            "recipe": self.recipe.to_dict(),
            "space": self.space.to_dict(),
        }

    def check(self, kept: dict[str, Any], where: Path) -> None:
        """Compare with what a study was made of.

        Raises:
            RecipeError: another space, or another value of a setting that does not vary.
            DataError: other data.
        """
        self._check_space(kept["space"], where)
        self._check_recipe(recipe_from_dict(kept["recipe"], where=str(where)), where)
        check_same(kept["data"], self.data, "the study", where=where, remedy=_REMEDY)

    def _check_space(self, kept: dict[str, Any], where: Path) -> None:
        own = json.loads(json.dumps(self.space.to_dict()))
        if kept != own:
            name = next(n for n in [*kept, *own] if kept.get(n) != own.get(n))
            raise RecipeError(
                "the study was begun with another space",
                where=f"{where}: {name}",
                expected=_entry(kept, name),
                got=_entry(own, name),
                remedy=_REMEDY,
            )

    def _check_recipe(self, kept: Recipe, where: Path) -> None:
        for setting, begun, value in kept.differing(self.recipe):
            if setting.key not in self.space.keys:
                raise RecipeError(
                    "the study was begun with another value",
                    where=f"{where}: {setting.key}",
                    expected=begun,
                    got=value,
                    remedy=_REMEDY,
                )


def _entry(space: Mapping[str, Any], name: str) -> str:
    """What a space says of an entry, if it has it."""
    return json.dumps(space[name]) if name in space else "no such entry"
