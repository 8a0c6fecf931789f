"""What each of the other systems is: learned, saved, loaded, judged, and a `Tagger`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Generic, Self, TypeVar

from posner import __version__
from posner.decode import DecodedSentence, Decoder, Transitions
from posner.document import Document, Sentence
from posner.evaluation.model import evaluate_documents
from posner.evaluation.result import Evaluation
from posner.files import folder_beside
from posner.seal import seal
from posner.systems.manifest import SystemManifest
from posner.systems.recipes import SystemRecipe
from posner.tagger import Tagger
from posner.training.console import Reporter
from posner.training.memory import peak_gigabytes
from posner.windows import FloatArray

R = TypeVar("R", bound=SystemRecipe)


class System(Tagger, Generic[R]):
    """A system that gives each word an emission a tag; decoding and scores are those of the road.

    Attributes:
        manifest: what the model is.
        recipe: its settings.
    """

    manifest: SystemManifest
    recipe: R

    def __init__(self, manifest: SystemManifest, recipe: R) -> None:
        self.manifest = manifest
        self.recipe = recipe

    @classmethod
    def check(cls, recipe: R) -> None:
        """Refuse what would fail before anything is learned, so that no run is begun with it.

        Raises:
            DataError: a file that the recipe names cannot be used.
        """
        del recipe

    @classmethod
    @abstractmethod
    def fit(
        cls,
        name: str,
        train: Sequence[Document],
        dev: Sequence[Document],
        recipe: R,
        *,
        reporter: Reporter,
    ) -> Self:
        """Learn from documents.

        Args:
            name: the system's name.
            train: what is learned; the labels are those that occur here.
            dev: what chooses the best epoch, where there are epochs.
            recipe: every setting.
            reporter: is told how it goes.
        """

    @classmethod
    @abstractmethod
    def read(cls, folder: Path, manifest: SystemManifest, recipe: R) -> Self:
        """The model whose files are in a folder; `load` is what opens any."""

    @abstractmethod
    def write(self, folder: Path) -> None:
        """Write the model's own files into a folder."""

    @abstractmethod
    def emissions(self, documents: Sequence[Document]) -> list[FloatArray]:
        """(words, tags) for each sentence, one after the other through all documents."""

    def peak_gigabytes(self) -> float | None:
        """The most memory that learning took; None where the system does not tell."""
        return peak_gigabytes()

    def move(self, device: str) -> None:
        """Compute on a device from now on; a system without a network has none to choose.

        Raises:
            ModelError: there is no such device.
        """
        del device

    @property
    def transitions(self) -> Transitions | None:
        """Learned weights between tags; None where it has none."""
        return None

    @cached_property
    def decoder(self) -> Decoder:
        """What makes paths and scores of emissions."""
        return Decoder(self.manifest.tags, self.manifest.scheme, self.transitions)

    def find(self, documents: Sequence[Document]) -> list[Document]:
        """Tag the words of documents; entities, and the tags of other heads, are replaced."""
        return self.assemble(documents, self.emissions(documents))

    def assemble(
        self, documents: Sequence[Document], emissions: Sequence[FloatArray]
    ) -> list[Document]:
        """Decode emissions into the documents' entities."""
        decoded = iter(self.decoder.decode(emissions))
        return [_with_paths(d, list(islice(decoded, len(d.sentences)))) for d in documents]

    def evaluate(self, documents: Sequence[Document]) -> Evaluation:
        """`evaluate_documents`, which judges any `Tagger`."""
        return evaluate_documents(self, documents)

    def save(self, folder: Path) -> None:
        """Write a model folder in the place of whatever stands there."""
        with folder_beside(folder) as beside:
            self.write(beside)
            seal(beside, replace(self.manifest, version=__version__))


def kept_labels(tagger: Tagger) -> tuple[str, ...]:
    """The labels that a model has chosen to learn (`labels.keep`); nothing where it learned all."""
    return tagger.recipe.labels.kept if isinstance(tagger, System) else ()


def _with_paths(document: Document, paths: Sequence[DecodedSentence]) -> Document:
    entities = [
        document.span_entity(sentence, scored.span, scored.score)
        for sentence, path in zip(document.sentences, paths, strict=True)
        for scored in path.spans
    ]
    sentences = tuple(map(_bare, document.sentences))
    return replace(document, sentences=sentences, entities=tuple(entities))


def _bare(sentence: Sentence) -> Sentence:
    """Without parts of speech and chunks, which this system did not predict."""
    tokens = tuple(replace(token, pos=None, chunk=None) for token in sentence.tokens)
    return replace(sentence, tokens=tokens)
