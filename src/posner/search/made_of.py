"""What a study is made of, so that no other search writes into it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from posner.errors import DataError, RecipeError
from posner.recipe import Recipe, recipe_from_dict
from posner.search.space import Space

_REMEDY = "search with what the study was begun with, or name another --out"


@dataclass(frozen=True)
class MadeOf:
    """What a study's trials have in common; another search may not write into it.

    Attributes:
        data: fingerprint of the corpora.
        recipe: the settings around which the space varies.
        space: what varies.
    """

    data: str
    recipe: Recipe
    space: Space

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "data": self.data,
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
        if kept["data"] != self.data:
            raise DataError(
                "the study was begun on other data",
                where=where,
                expected=f"sha256 {kept['data'][:12]}...",
                got=f"{self.data[:12]}...",
                remedy=_REMEDY,
            )

    def _check_space(self, kept: dict[str, Any], where: Path) -> None:
        own = json.loads(json.dumps(self.space.to_dict()))
        if kept != own:
            name = next(n for n in [*kept, *own] if kept.get(n) != own.get(n))
            raise RecipeError(
                "the study was begun with another space",
                where=f"{where}: {name}",
                expected=json.dumps(kept.get(name)),
                got=json.dumps(own.get(name)),
                remedy=_REMEDY,
            )

    def _check_recipe(self, kept: Recipe, where: Path) -> None:
        begun = kept.to_dict()
        for section, values in self.recipe.to_dict().items():
            for key, value in values.items():
                name = f"{section}.{key}"
                if name not in self.space.keys and begun[section][key] != value:
                    raise RecipeError(
                        "the study was begun with another value",
                        where=f"{where}: {name}",
                        expected=begun[section][key],
                        got=value,
                        remedy=_REMEDY,
                    )
