"""What is in a lexicon, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from posner.errors import DataError
from posner.postprocess.names import Name, each_name
from posner.schemes import OUTSIDE


@dataclass(frozen=True)
class LexiconFacts:
    """The figures of a lexicon.

    Attributes:
        names: entries by label.
        aliases: further spellings.
        ids: entries with an id.
        scores: entries with a score.
        ambiguous: spellings with more than one label.
        longest: the longest spelling.
    """

    names: dict[str, int]
    aliases: int
    ids: int
    scores: int
    ambiguous: int
    longest: str

    @classmethod
    def of(cls, names: Sequence[Name]) -> LexiconFacts:
        """Those of a lexicon."""
        return cls(
            names=dict(sorted(Counter(name.label for name in names).items())),
            aliases=sum(len(name.aliases) for name in names),
            ids=sum(name.id is not None for name in names),
            scores=sum(name.score is not None for name in names),
            ambiguous=len(_ambiguous(names)),
            longest=max((s for name in names for s in name.spellings), key=len, default=""),
        )

    def to_json(self) -> dict[str, Any]:
        """The figures of `posner lexicon info --json`."""
        return asdict(self)


def problems(path: Path) -> list[str]:
    """Everything that is wrong with a lexicon, a line each.

    Lines that hold no entry; entries that come again, unless with another id (two cities may have
    one name; the first gives the id); spellings of several labels, which neither add nor relabel.

    Raises:
        DataError: the file cannot be read as text at all.
    """
    found: list[str] = []
    names: list[Name] = []
    seen: dict[tuple[str, str, str | None], Name] = {}
    for entry in each_name(path):
        if isinstance(entry, DataError):
            found.append(entry.line())
            continue
        names.append(entry)
        key = entry.label, entry.name, entry.id
        if key in seen:
            same = "again" if seen[key] == entry else "again with other details; the first counts"
            found.append(f"{path}: {entry.label} {entry.name!r} {same}")
        seen.setdefault(key, entry)
    for spelling, labels in _ambiguous(names).items():
        found.append(f"{path}: {spelling!r} has several labels: {', '.join(labels)}")
    if not names and not found:
        found.append(f"{path}: holds no name")
    return found


def _ambiguous(names: Sequence[Name]) -> dict[str, list[str]]:
    """Spellings with several labels besides `O`, and those labels."""
    labels: dict[str, dict[str, None]] = {}
    for name in names:
        if name.label != OUTSIDE:
            for spelling in name.spellings:
                labels.setdefault(spelling, {})[name.label] = None
    return {spelling: list(own) for spelling, own in labels.items() if len(own) > 1}
