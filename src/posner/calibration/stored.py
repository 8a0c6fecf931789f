"""What a model's folder says of its dev set, once a threshold leaves out some of what is found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from posner.document import Document
from posner.evaluation.bootstrap import intervals_json
from posner.evaluation.model import evaluate_each
from posner.evaluation.result import Evaluation
from posner.evaluation.unit_counts import UnitCounts
from posner.evaluation.units import unit_counts
from posner.folder import Manifest
from posner.recognizer import Recognizer, Votes

_MEASURED_WITH = ("thresholds", "temperature", "precision")
"""Keys of dev figures that say what they were measured with, where something was left out."""


@dataclass(frozen=True)
class StoredFigures:
    """A model on labelled documents, with the temperature and the thresholds that it keeps.

    Attributes:
        manifest: what the model's folder says, or is about to say.
        evaluation: the counts.
        units: the counts of each document, for intervals.
    """

    manifest: Manifest
    evaluation: Evaluation
    units: UnitCounts

    def to_json(self) -> dict[str, Any]:
        """The dev figures of the model: its own, the measured ones in their place.

        The loss is the network's, so there is none where something stands beside it.
        """
        own = self.manifest.figures.get("dev") or {}
        measured = self.evaluation.to_json()
        measured.pop("words_per_second")
        outdated = (
            _MEASURED_WITH if "surface" not in self.manifest.figures else (*_MEASURED_WITH, "loss")
        )
        kept = {key: value for key, value in own.items() if key not in outdated}
        drawn = {"intervals": intervals_json(self.units, ["strict"])}
        return {**kept, **measured, **drawn, **self._measured_with()}

    def _measured_with(self) -> dict[str, Any]:
        thresholds = self.manifest.thresholds
        left_out = {"thresholds": thresholds.to_json(), "temperature": self.manifest.temperature}
        precision = (self.manifest.figures.get("export") or {}).get("precision")
        return (left_out if thresholds else {}) | ({"precision": precision} if precision else {})


def figures_as_stored(
    recognizer: Recognizer,
    manifest: Manifest,
    documents: Sequence[Document],
    votes: Sequence[Votes],
) -> StoredFigures:
    """Judge a model as its folder is about to be; the network does not run again.

    Args:
        recognizer: the model.
        manifest: what its folder is about to say.
        documents: labelled, with the words that the model reads.
        votes: what the network says of them.
    """
    as_stored = Recognizer(
        manifest, recognizer.tokenizer, recognizer.backend, surface=recognizer.surface
    )
    tagged = as_stored.assemble(documents, votes)
    for step in as_stored.steps:
        tagged = [step(document) for document in tagged]
    each = list(evaluate_each(documents, tagged, bool(manifest.pos_tags)))
    return StoredFigures(manifest, sum(each, Evaluation()), unit_counts(documents, tagged, each))


def is_dev_set(figures: Mapping[str, Any], documents: Sequence[Document]) -> bool:
    """Whether documents are those that a model was judged by, as far as their counts tell."""
    data = figures.get("data")
    if not isinstance(data, dict):
        return False
    found = {
        "dev_sentences": sum(len(document.sentences) for document in documents),
        "dev_words": sum(document.word_count for document in documents),
        "dev_entities": dict(Counter(e.label for d in documents for e in d.entities)),
    }
    return all(data.get(name) == value for name, value in found.items())
