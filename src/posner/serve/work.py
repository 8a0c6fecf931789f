"""What is asked of a model, and what it answers: plain values that another process can get."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from posner.folder import Manifest
from posner.systems.manifest import SystemManifest
from posner.tagger import Tagger

PIECEWISE = "none"
"""The strategy that answers with the pieces and their tags."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client wants to know of a text.

    Attributes:
        pieces: the pieces with their tags, not the entities.
        words: also the words, sentence by sentence.
        uncertainty: also how unsure the model is of the text.
        threshold: entities with a smaller score are left out; None: as the model's own thresholds.
        labels: the labels to keep; None for all.
        ignored: labels to leave out.
        lexicon: whether the service's lexicon is applied.
    """

    pieces: bool = False
    words: bool = False
    uncertainty: bool = False
    threshold: float | None = None
    labels: frozenset[str] | None = None
    ignored: frozenset[str] = frozenset()
    lexicon: bool = True

    def takes(self, label: str, score: float | None) -> bool:
        """Whether an entity with this label and score is part of the answer."""
        if label in self.ignored or (self.labels is not None and label not in self.labels):
            return False
        return score is None or self.threshold is None or score >= self.threshold


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a text its next part begins, and the part before it, whose words the model sees."""

    before: int = 0
    start: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """One text, what is wanted of it, and from where on; long ones are answered part by part."""

    text: str
    wanted: Wanted
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in one text.

    Attributes:
        entities: with the keys of Hugging Face's token classification.
        word_count: words of the text.
        words: `[start, end, sentence]` of each word, where they were wanted.
        uncertainty: see `posner.uncertainty`, where it was wanted.
        rest: where the text goes on; None: nothing is left.
        raw: label and score of all that the model itself found, whatever was wanted of it.
        revision: of the model that found it.
    """

    entities: list[dict[str, Any]]
    word_count: int
    words: list[tuple[int, int, int]] | None = None
    uncertainty: float | None = None
    rest: Place | None = None
    raw: tuple[tuple[str, float | None], ...] = ()
    revision: str = ""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What `/info` says of a model: everything that needs no weights.

    Attributes:
        labels: entity labels.
        scheme: its tag scheme.
        pos_tags: parts of speech that it tags.
        version: the program that made it.
        calibration: the temperature of its scores, and what was measured of them, if anything.
        dev_f1: strict F1 on its dev set, or None.
        revision: changes with any file of the model.
        threshold: the model's own one for all labels that have none of their own.
        thresholds: the one that holds, for each label.
        lexicon: whether names of a lexicon are known.
        is_recognizer: whether it reads pieces, and says how unsure it is of a text.
        plain_words: whether its words are those that plain segmentation finds.
    """

    labels: tuple[str, ...]
    scheme: str
    pos_tags: tuple[str, ...]
    version: str
    calibration: Any
    dev_f1: float | None
    revision: str
    threshold: float = 0.0
    thresholds: Mapping[str, float] = field(default_factory=dict)
    lexicon: bool = False
    is_recognizer: bool = True
    plain_words: bool = True

    @classmethod
    def of(cls, model: Tagger) -> ModelFacts:
        """The facts of a model, as far as it says them."""
        manifest = model.manifest
        figures = manifest.figures
        dev = figures.get("dev") or {}
        told = manifest.to_dict() if isinstance(manifest, Manifest | SystemManifest) else {}
        everything = json.dumps(told, sort_keys=True)
        return cls(
            labels=manifest.labels,
            scheme=told.get("scheme", ""),
            pos_tags=manifest.pos_tags,
            version=told.get("version", ""),
            calibration={
                "temperature": told.get("temperature", 1.0),
                "measured": figures.get("calibration"),
            },
            dev_f1=dev.get("strict", {}).get("micro", {}).get("f1"),
            revision=hashlib.sha256(everything.encode()).hexdigest()[:12],
        )


class TextTagger(Protocol):
    """What the service needs of a model."""

    @property
    def facts(self) -> ModelFacts:
        """What `/info` says."""

    def find(self, tasks: Sequence[Task]) -> list[Found]:
        """Answer tasks, in their order."""
