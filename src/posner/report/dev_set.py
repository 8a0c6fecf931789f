"""The dev set that a run was judged by, found again and known to be the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from posner.calibration.stored import is_dev_set
from posner.corpus import read
from posner.corpus.words import resegmented
from posner.document import Document
from posner.errors import DataError, PosnerError
from posner.recipe import Recipe
from posner.report.runs import figure
from posner.report.story import Story
from posner.segment import Segmenter
from posner.systems.labelling import only_labels
from posner.training.prepare import fingerprint, hold_out


@dataclass(frozen=True)
class DevSet:
    """A run's dev set, what it is called, and where it or what it is a part of stands."""

    name: str
    documents: Sequence[Document]
    path: str


def own_dev_set(story: Story) -> DevSet:
    """Read the dev set that a run was judged by, or set aside again what was set aside then.

    It is looked for where the run's own call found it, and then from here.

    Raises:
        PosnerError: it is not there any more, or has changed.
    """
    data = story.data
    source = data.get("dev") or data.get("train")
    if not isinstance(source, str):
        raise PosnerError("the run does not say what it was judged by", where=story.path)
    places = _places(source, story)
    if not places:
        raise DataError("is not there any more", where=source, remedy=_remedy(story))
    for place in places:
        documents = _judging(place, story)
        if _is_same(documents, data):
            name = Path(source).name
            given = bool(data.get("dev"))
            return DevSet(name if given else f"a part of {name}, set aside", documents, str(place))
    raise DataError("has changed since the run was made", where=source, remedy=_remedy(story))


def _places(source: str, story: Story) -> list[Path]:
    """Where the corpus may stand: seen from where the training was called, and from here."""
    folders = [Path(str(story.environment.get("folder", ""))), Path()]
    found = {(folder / source).resolve(): None for folder in folders}
    return [place for place in found if place.exists()]


def _remedy(story: Story) -> str:
    return f"name the data behind the runs: posner report {story.path} DATA"


def _judging(place: Path, story: Story) -> Sequence[Document]:
    """The documents of a corpus that judge such a run: all, or those that were set aside."""
    # Training went on where a repair costs an annotation only if it was told to; then it was this.
    kept = story.recipe.get("labels", {}).get("keep", "").split()
    corpus = only_labels(read(str(place), problems=[]), kept, known=kept)
    segmenter = _segmenter(story)
    documents: Sequence[Document] = [resegmented(d, segmenter) for d in corpus.documents]
    if story.data.get("dev"):
        return documents
    # The other systems' recipes do not say how their corpus was split: as by default.
    training = {**Recipe().to_dict()["training"], **story.recipe.get("training", {})}
    return hold_out(documents, training["dev-share"], training["seed"]).dev


def _is_same(documents: Sequence[Document], data: Mapping[str, Any]) -> bool:
    """Whether a run was judged by these documents; a model alone keeps only their counts."""
    digest = figure(data, "fingerprints", "dev")
    if digest is not None:
        return bool(fingerprint(documents) == digest)
    return is_dev_set({"data": data}, documents)


def _segmenter(story: Story) -> Segmenter:
    """How the run's training cut raw texts into words; other systems have no such settings."""
    data = story.recipe.get("data", {})
    names = ("join-hyphens", "dictionaries")
    values = {f"data.{name}": data[name] for name in names if name in data}
    return Recipe().with_values(values, where=str(story.path)).data.segmenter
