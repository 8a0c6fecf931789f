"""What is asked of a model, and what it answers: plain values that another process can get."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from posner.document import Document
from posner.folder import Manifest
from posner.postprocess.correct import LexiconStep
from posner.postprocess.thresholds import ThresholdStep
from posner.recognizer import Recognizer
from posner.render.records import to_dict
from posner.systems.manifest import SystemManifest
from posner.tagger import Tagger, segmented
from posner.uncertainty import uncertainties

GROUPED = ("simple", "first", "average", "max")
"""Strategies that join pieces to entities; a word never has two labels, so they are all one."""

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
        lexicon: whether the service's lexicon is applied.
    """

    pieces: bool = False
    words: bool = False
    uncertainty: bool = False
    threshold: float | None = None
    labels: frozenset[str] | None = None
    lexicon: bool = True


@dataclass(frozen=True, slots=True)
class Task:
    """One text and what is wanted of it."""

    text: str
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in one text.

    Attributes:
        entities: with the keys of Hugging Face's token classification.
        word_count: words of the text.
        words: `[start, end, sentence]` of each word, where they were wanted.
        uncertainty: see `posner.uncertainty`, where it was wanted.
    """

    entities: list[dict[str, Any]]
    word_count: int
    words: list[tuple[int, int, int]] | None = None
    uncertainty: float | None = None


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
        threshold: the model's own one for all labels.
        lexicon: whether names of a lexicon are known.
        is_recognizer: whether it reads pieces, and says how unsure it is of a text.
    """

    labels: tuple[str, ...]
    scheme: str
    pos_tags: tuple[str, ...]
    version: str
    calibration: Any
    dev_f1: float | None
    revision: str
    threshold: float = 0.0
    lexicon: bool = False
    is_recognizer: bool = True

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


class ModelTagger:
    """A Posner model as a `TextTagger`.

    Args:
        model: the model.
    """

    def __init__(self, model: Tagger) -> None:
        self.model = model
        own = next((s for s in model.steps if isinstance(s, ThresholdStep)), None)
        self.facts = replace(
            ModelFacts.of(model),
            threshold=0.0 if own is None else own.thresholds.overall,
            lexicon=any(isinstance(step, LexiconStep) for step in model.steps),
            is_recognizer=isinstance(model, Recognizer),
        )

    def find(self, tasks: Sequence[Task]) -> list[Found]:
        """Answer tasks, in their order."""
        segmenter = self.model.segmenter
        raw = self.model.find([segmented(task.text, segmenter) for task in tasks])
        documents = [self._finished(d, t.wanted) for d, t in zip(raw, tasks, strict=True)]
        found = [self._found(d, t.wanted) for d, t in zip(documents, tasks, strict=True)]
        if any(task.wanted.uncertainty for task in tasks) and isinstance(self.model, Recognizer):
            unsure = uncertainties(self.model, raw)
            found = [replace(f, uncertainty=u) for f, u in zip(found, unsure, strict=True)]
        return found

    def _finished(self, document: Document, wanted: Wanted) -> Document:
        """After the model's steps, but for those that the client does without."""
        for step in self.model.steps:
            unwanted = isinstance(step, LexiconStep) and not wanted.lexicon
            replaced = isinstance(step, ThresholdStep) and wanted.threshold is not None
            if not unwanted and not replaced:
                document = step(document)
        return document

    def _found(self, document: Document, wanted: Wanted) -> Found:
        if wanted.pieces and isinstance(self.model, Recognizer):
            record = to_dict(document, pieces=self.model.pieces(document))
            records = [p for p in record["pieces"] if _is_wanted(p, p["entity"][2:], wanted)]
        else:
            entities = to_dict(document)["entities"]
            records = [e for e in entities if _is_wanted(e, e["entity_group"], wanted)]
        return Found(records, document.word_count, _words(document) if wanted.words else None)


def _is_wanted(record: dict[str, Any], label: str, wanted: Wanted) -> bool:
    if wanted.labels is not None and label not in wanted.labels:
        return False
    if wanted.pieces and not label:  # Hugging Face's pipeline leaves out pieces with the tag O
        return False
    score = record["score"]
    return score is None or wanted.threshold is None or score >= wanted.threshold


def _words(document: Document) -> list[tuple[int, int, int]]:
    return [
        (token.start, token.end, number)
        for number, sentence in enumerate(document.sentences)
        for token in sentence.tokens
    ]
