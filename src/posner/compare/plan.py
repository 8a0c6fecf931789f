"""What is compared with what: which system, on how much of the data, with which seeds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from posner.errors import UsageError
from posner.recipe import load_recipe
from posner.systems.opponents import FOREIGN, is_opponent, names_labels
from posner.systems.recipes import MAIN, has_epochs, system_recipe


@dataclass(frozen=True)
class SystemName:
    """A system as `--systems` names it: `bert`, `crf-next`, `bilstm:mine.toml`, `spacy`, `hf:PATH`.

    Attributes:
        text: the whole name.
    """

    text: str

    @property
    def base(self) -> str:
        """The name without its recipe."""
        return self.text if self.is_opponent else self.text.partition(":")[0]

    @property
    def recipe(self) -> str | None:
        """The recipe behind the colon."""
        return None if self.is_opponent else self.text.partition(":")[2] or None

    @property
    def title(self) -> str:
        """As a table names it: of a recipe's path only the file's name."""
        return self.short(1)

    def short(self, length: int) -> str:
        """Its name with the last parts of its recipe's path."""
        if self.recipe is None:
            return self.text
        parts = Path(self.recipe).with_suffix("").parts
        return f"{self.base}:{'/'.join(parts[-length:])}"

    @property
    def is_main(self) -> bool:
        """Whether it is Posner's own."""
        return self.base == MAIN

    @property
    def is_opponent(self) -> bool:
        """Whether it needs no training."""
        return is_opponent(self.text)

    @property
    def is_foreign(self) -> bool:
        """Whether it is a token classifier that stands in a folder."""
        return self.text.startswith(FOREIGN)

    @property
    def takes_mapping(self) -> bool:
        """Whether its labels are named as `--map` says: its own name says nothing of them."""
        return self.is_opponent and not names_labels(self.text)

    @property
    def once(self) -> bool:
        """Whether each seed would give the same."""
        return self.is_opponent or not (self.is_main or has_epochs(self.base))

    @property
    def chooses_epoch(self) -> bool:
        """Whether it is the dev set that chooses its best epoch."""
        return not self.once

    @property
    def has_random_vectors(self) -> bool:
        """Whether it learns the vectors of words from nothing."""
        vectors = {} if self.is_opponent else self.settings().get("vectors", {})
        return vectors.get("path") == ""

    def settings(self) -> dict[str, dict[str, object]]:
        """The recipe in full; nothing for a system that needs no training.

        Raises:
            UsageError: there is no such system.
            RecipeError: there is no such recipe, or it is wrong.
        """
        if self.is_opponent:
            return {}
        if self.is_main:
            return load_recipe(self.recipe or "default").to_dict()
        return system_recipe(self.base, file=self.recipe).to_dict()


@dataclass(frozen=True)
class Cell:
    """One training and scoring.

    Attributes:
        system: which.
        share: of the training sentences.
        seed: of its weights and order.
    """

    system: SystemName
    share: float
    seed: int

    @property
    def slug(self) -> str:
        """The name of its folder: no two systems' are the same."""
        plain = self.system.text.replace(":", "_", 1)
        name = re.sub(r"[^A-Za-z0-9._-]+", "_", plain)
        if name != plain:
            name += f"-{sha256(self.system.text.encode()).hexdigest()[:8]}"
        share = "" if self.share == 1 else f"-{self.share:g}"
        return f"{name}{share}-{self.seed}"


@dataclass(frozen=True)
class Row:
    """A line of the table: a system, on a share of the data, over some seeds.

    Attributes:
        system: which.
        share: of the training sentences.
        seeds: of each of its cells.
    """

    system: SystemName
    share: float
    seeds: tuple[int, ...]

    @property
    def cells(self) -> Iterator[Cell]:
        """Its cells."""
        for seed in self.seeds:
            yield Cell(self.system, self.share, seed)


def plan_rows(
    systems: Sequence[str],
    *,
    seeds: int,
    shares: Mapping[str, float] | None = None,
    fewer: Mapping[str, int] | None = None,
) -> list[Row]:
    """The rows of a comparison.

    A rival on a share of the data, or with fewer seeds, is followed by a row of Posner's own (the
    first of the systems that is) with the same, but never with more seeds than Posner's own has; a
    system that no seed changes is trained once, and has no such row for that alone.

    Args:
        systems: names, each once.
        seeds: how many; they are 1, 2, 3 and so on.
        shares: of the data, by name; others get all of it.
        fewer: seeds, by name.

    Raises:
        UsageError: a name twice, or a share or number of seeds that is none, or of a system that
            has none to choose.
    """
    shares, fewer = shares or {}, fewer or {}
    _check(systems, seeds, shares, fewer)
    names = [SystemName(text) for text in systems]
    _check_choices(names, shares, fewer)
    own = next((name for name in names if name.is_main), None)
    rows: list[Row] = []
    for name in names:
        count = 1 if name.once else fewer.get(name.text, seeds)
        share = 1.0 if name.is_opponent else shares.get(name.text, 1.0)
        rows.append(Row(name, share, _first(count)))
        if own is None or name.is_main or name.is_opponent:
            continue
        most = fewer.get(own.text, seeds)
        beside = Row(own, share, _first(most if name.once else min(count, most)))
        usual = Row(own, shares.get(own.text, 1.0), _first(most))
        if beside not in rows and beside != usual:
            rows.append(beside)
    return rows


def cells_of(rows: Sequence[Row]) -> list[Cell]:
    """Every cell once, in the order of the rows."""
    return list(dict.fromkeys(cell for row in rows for cell in row.cells))


def titles_of(rows: Sequence[Row]) -> dict[SystemName, str]:
    """What the systems are called in a table: the shortest that tells each from the others."""
    names = dict.fromkeys(row.system for row in rows)
    found = {}
    for name in names:
        length = 1
        while length < len(name.text) and any(
            other.short(length) == name.short(length) for other in names if other != name
        ):
            length += 1
        found[name] = name.short(length)
    return found


def _first(count: int) -> tuple[int, ...]:
    return tuple(range(1, count + 1))


def _check(
    systems: Sequence[str], seeds: int, shares: Mapping[str, float], fewer: Mapping[str, int]
) -> None:
    if not systems:
        raise UsageError("no system is named")
    twice = {name for name in systems if systems.count(name) > 1}
    if twice:
        raise UsageError("a system is named twice", got=", ".join(sorted(twice)))
    for name in (*shares, *fewer):
        if name not in systems:
            raise UsageError("not one of the systems", where=name, expected=", ".join(systems))
    if seeds < 1 or any(count < 1 for count in fewer.values()):
        raise UsageError("a number of seeds must be at least 1")
    if any(not 0 < share <= 1 for share in shares.values()):
        raise UsageError("a share must be above 0 and at most 1")


def _check_choices(
    names: Sequence[SystemName], shares: Mapping[str, float], fewer: Mapping[str, int]
) -> None:
    for name in names:
        if name.is_opponent and name.text in shares:
            raise UsageError("is not trained, and has no share of the data", where=name.text)
        if name.once and fewer.get(name.text, 1) > 1:
            raise UsageError("no seed changes it", where=name.text, got=fewer[name.text])
