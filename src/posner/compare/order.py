"""What a cell is told to do, and what it answers, as files of its folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from posner.evaluation.unit_counts import UnitCounts
from posner.files import write_json

ORDER = "order.json"
TRAINED = "trained.json"
PARTS = "parts.json"
SCORED = "scored.json"
FAILED = "failed.json"


@dataclass(frozen=True)
class Data:
    """The corpora of a comparison, and how they are read.

    Attributes:
        train: learned from.
        dev: scored on.
        format: of both; None: detected.
        scheme: of their tags; None: detected.
        labels: that are learned and scored; all where there are none.
        fingerprint: of both corpora's words and entities.
    """

    train: str
    dev: str
    format: str | None
    scheme: str | None
    labels: tuple[str, ...]
    fingerprint: str

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Data:
        """What `asdict` gave."""
        return cls(**(found | {"labels": tuple(found["labels"])}))


@dataclass(frozen=True)
class Order:
    """What a cell is told.

    Attributes:
        system: its name.
        share: of the training sentences.
        seed: of its weights and order.
        data: the corpora.
        recipe: all settings; nothing for a system that needs no training.
        mapping: an opponent's labels in the corpus's names, where the built-in ones do not do.
        device: where networks compute.
    """

    system: str
    share: float
    seed: int
    data: Data
    recipe: dict[str, dict[str, Any]] = field(default_factory=dict)
    mapping: dict[str, str] = field(default_factory=dict)
    device: str = "auto"

    def differences(self, other: Order) -> list[str]:
        """In which settings another order asks for other figures, as `name: this, not that`.

        The corpora count by their contents, not by how they are named and read, and the device
        does not count: it is no part of what is compared.
        """
        mine, theirs = self._settings(), other._settings()
        return [
            f"{name}: {mine.get(name, '-')}, not {theirs.get(name, '-')}"
            for name in sorted(mine.keys() | theirs.keys())
            if mine.get(name) != theirs.get(name)
        ]

    def _settings(self) -> dict[str, object]:
        """What its figures hang on, under the names that recipes give."""
        found: dict[str, object] = {
            "system": self.system,
            "share": self.share,
            "seed": self.seed,
            "labels": " ".join(self.data.labels),
            "corpora": self.data.fingerprint,
            "mapping": " ".join(f"{own}={name}" for own, name in sorted(self.mapping.items())),
        }
        for section, values in self.recipe.items():
            found |= {f"{section}.{key}": value for key, value in values.items() if key != "device"}
        return found

    def write(self, folder: Path) -> None:
        """Into a cell's folder."""
        write_json(folder / ORDER, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> Order | None:
        """What a folder was told; None where nothing readable stands there."""
        try:
            found = json.loads((folder / ORDER).read_text(encoding="utf-8"))
            return cls(**(found | {"data": Data.from_json(found["data"])}))
        except (OSError, ValueError, TypeError, KeyError):
            return None


@dataclass(frozen=True)
class Trained:
    """What training cost.

    Attributes:
        seconds: wall time of the training, from corpus to model, earlier parts of a resumed one
            included; None where there was none.
        gigabytes: the most memory that one of its processes held; None where unknown.
        steps: of a network's optimiser; None for others.
    """

    seconds: float | None
    gigabytes: float | None
    steps: int | None = None

    def after(self, earlier: Trained | None) -> Trained:
        """What it cost together with an earlier part."""
        if earlier is None:
            return self
        known = [g for g in (self.gigabytes, earlier.gigabytes) if g is not None]
        seconds = (self.seconds or 0) + (earlier.seconds or 0)
        return Trained(seconds, max(known, default=None), self.steps)

    def write(self, folder: Path, name: str = TRAINED) -> None:
        """Into a cell's folder."""
        write_json(folder / name, asdict(self))


@dataclass(frozen=True)
class Scored:
    """What scoring found, and cost.

    Attributes:
        figures: of `Evaluation.to_json`.
        units: each document's counts.
        words_per_second: of tagging the dev set.
        gigabytes: the most memory that its process held; None where unknown.
        bytes: of the model on disk.
    """

    figures: dict[str, Any]
    units: UnitCounts
    words_per_second: float
    gigabytes: float | None
    bytes: int

    def write(self, folder: Path) -> None:
        """Into a cell's folder."""
        units = {
            "names": list(self.units.names),
            "documents": self.units.documents.tolist(),
            "sentences": None if self.units.sentences is None else self.units.sentences.tolist(),
        }
        kept = {name: getattr(self, name) for name in ("figures", "words_per_second", "gigabytes")}
        write_json(folder / SCORED, {**kept, "bytes": self.bytes, "units": units})


def read_trained(folder: Path, name: str = TRAINED) -> Trained | None:
    """What a cell's training cost, or the parts of it so far; None while it is not finished."""
    try:
        return Trained(**json.loads((folder / name).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def read_scored(folder: Path) -> Scored | None:
    """What a cell found; None while it is not finished."""
    try:
        found = json.loads((folder / SCORED).read_text(encoding="utf-8"))
        units = found.pop("units")
        documents, parts = np.array(units["documents"], dtype=np.int64), units["sentences"]
        sentences = None if parts is None else np.array(parts, dtype=np.int64)
        return Scored(**found, units=UnitCounts(tuple(units["names"]), documents, sentences))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def read_failure(folder: Path) -> str | None:
    """Why a cell failed; None where it did not."""
    try:
        found = json.loads((folder / FAILED).read_text(encoding="utf-8"))
        return str(found["error"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
