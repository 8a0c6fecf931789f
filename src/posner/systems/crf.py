"""`crf`: a linear-chain CRF over the features of words, learned by CRFsuite.

CRFsuite (Okazaki 2007, through python-crfsuite) learns the weights and keeps them in its own file.
They are read from it into a table, and the road's decoder does the rest: so paths are legal, and
a score is the CRF's marginal probability of exactly the span.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pycrfsuite

from posner.decode import Transitions, legal_transitions
from posner.document import Document
from posner.errors import ModelError
from posner.systems.crf_features import sentence_attributes, training_items
from posner.systems.labelling import gold_tags
from posner.systems.manifest import SystemManifest
from posner.systems.parts_of_speech import document_pos
from posner.systems.recipes import CrfRecipe
from posner.systems.system import System
from posner.training.console import Reporter
from posner.training.develop import chain_loss
from posner.windows import FloatArray

WEIGHTS = "model.crfsuite"


@dataclass(frozen=True)
class Weights:
    """What a CRF learned.

    Attributes:
        tags: in the order of the tables' last axes.
        rows: the row of each attribute in `states`.
        states: (attributes, tags).
        pairs: (tags, tags) from the first to the second.
    """

    tags: tuple[str, ...]
    rows: Mapping[str, int]
    states: FloatArray
    pairs: FloatArray


class CrfSystem(System[CrfRecipe]):
    """A CRF over features.

    Args:
        manifest: what the model is.
        recipe: its settings.
        model: CRFsuite's file.
    """

    def __init__(self, manifest: SystemManifest, recipe: CrfRecipe, model: bytes) -> None:
        super().__init__(manifest, recipe)
        self.model = model
        self.weights = read_weights(model, manifest.tags)

    @classmethod
    def fit(
        cls,
        name: str,
        train: Sequence[Document],
        dev: Sequence[Document],
        recipe: CrfRecipe,
        *,
        reporter: Reporter,
    ) -> Self:
        """Learn from documents; `dev` chooses nothing here, and only its loss is measured."""
        recipe = _with_known_pos(recipe, train, reporter)
        trainer = _Trainer(recipe, reporter)
        for items, tags in _examples(train, recipe):
            trainer.append(items, tags)
        reporter.begin(0, recipe.crf.iterations)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / WEIGHTS
            trainer.train(str(path))
            model = path.read_bytes()
        reporter.end()
        labels = tuple(sorted({e.label for d in train for e in d.entities}))
        tags = tuple(pycrfsuite_tags(model))
        learned = {
            "iterations": trainer.iterations,
            "loss": trainer.loss / max(1, sum(d.word_count for d in train)),
        }
        system = cls(SystemManifest(name, recipe, labels, tags), recipe, model)
        figures = {"learning": learned | {"dev_loss": system.mean_loss(dev)}}
        system.manifest = system.manifest.with_figures(figures)
        return system

    @classmethod
    def read(cls, folder: Path, manifest: SystemManifest, recipe: CrfRecipe) -> Self:
        """The model of a folder."""
        return cls(manifest, recipe, (folder / WEIGHTS).read_bytes())

    def write(self, folder: Path) -> None:
        """CRFsuite's own file."""
        (folder / WEIGHTS).write_bytes(self.model)

    @cached_property
    def transitions(self) -> Transitions:
        """The learned weights; CRFsuite has none for the borders of a sentence."""
        border = np.zeros(len(self.weights.tags), dtype=np.float32)
        legal = legal_transitions(self.weights.tags, self.manifest.scheme)
        return legal.plus(border, self.weights.pairs, border)

    def emissions(self, documents: Sequence[Document]) -> list[FloatArray]:
        """The sum of each word's attributes' weights."""
        pos = document_pos(documents, self.recipe.crf.pos)
        sentences = [s for document in documents for s in document.sentences]
        return [
            self._emission(sentence_attributes(s.words, tags, next=self.recipe.crf.next))
            for s, tags in zip(sentences, pos, strict=True)
        ]

    def mean_loss(self, documents: Sequence[Document]) -> float:
        """The mean negative log-likelihood a word of gold paths, without those it cannot say."""
        index = {tag: i for i, tag in enumerate(self.weights.tags)}
        gold = [t for d in documents for t in gold_tags(d, merge=self.recipe.labels.merge)]
        total, words = 0.0, 0
        for emission, tags in zip(self.emissions(documents), gold, strict=True):
            if tags and all(tag in index for tag in tags):
                path = np.array([index[tag] for tag in tags], dtype=np.int64)
                total += chain_loss(emission, path, self.transitions)
                words += len(tags)
        return total / words if words else 0.0

    def _emission(self, attributes: Sequence[Sequence[str]]) -> FloatArray:
        """(words, tags) from the attributes of each word."""
        rows = self.weights.rows
        found = [[rows[a] for a in word if a in rows] for word in attributes]
        summed = np.zeros((len(found), len(self.weights.tags)), dtype=np.float32)
        for word, own in enumerate(found):
            summed[word] = self.weights.states[own].sum(axis=0)
        return summed


class _Trainer(pycrfsuite.Trainer):  # type: ignore[misc]  # it comes without types
    """CRFsuite's L-BFGS, which tells the reporter of its iterations."""

    def __init__(self, recipe: CrfRecipe, reporter: Reporter) -> None:
        super().__init__(verbose=False)
        settings = recipe.crf
        self.select("lbfgs")
        self.set_params(
            {
                "c1": settings.c1,
                "c2": settings.c2,
                "max_iterations": settings.iterations,
                "feature.possible_transitions": settings.all_transitions,
            }
        )
        self.most = settings.iterations
        self.reporter = reporter
        self.iterations = 0
        self.loss = 0.0

    def message(self, message: str) -> None:
        """Read a line of CRFsuite's log; python-crfsuite calls this for each."""
        if self.logparser.feed(message) == "iteration":
            found: dict[str, Any] = self.logparser.last_iteration
            self.iterations, self.loss = int(found["num"]), float(found.get("loss", 0.0))
            left = (self.most - self.iterations) * float(found.get("time", 0.0))
            self.reporter.step(self.iterations, 0.0, left)


def _with_known_pos(recipe: CrfRecipe, train: Sequence[Document], reporter: Reporter) -> CrfRecipe:
    """Without parts of speech where they should come from a corpus that has none."""
    known = any(token.pos is not None for document in train for token in document.tokens)
    if recipe.crf.pos != "corpus" or known:
        return recipe
    reporter.say("the corpus has no parts of speech: the CRF learns without them (crf.pos = none)")
    return recipe.with_values({"crf.pos": "none"}, where="crf")


def _examples(
    documents: Sequence[Document], recipe: CrfRecipe
) -> list[tuple[list[dict[str, float]], tuple[str, ...]]]:
    """The weighed attributes and the gold tags of each sentence that has words."""
    seen = recipe.crf.next
    pos = document_pos(documents, recipe.crf.pos)
    tags = [t for d in documents for t in gold_tags(d, merge=recipe.labels.merge)]
    sentences = [s for document in documents for s in document.sentences]
    return [
        (training_items(sentence_attributes(s.words, own_pos, next=seen), next=seen), own_tags)
        for s, own_pos, own_tags in zip(sentences, pos, tags, strict=True)
        if s.tokens
    ]


def pycrfsuite_tags(model: bytes) -> list[str]:
    """The tags of a CRFsuite file, in its order."""
    return list(_opened(model).labels())


def read_weights(model: bytes, tags: Sequence[str]) -> Weights:
    """The weights of a CRFsuite file, which prints them with six decimals.

    Raises:
        ModelError: it is no such file, or has other tags.
    """
    info = _opened(model).info()
    place = {tag: i for i, tag in enumerate(tags)}
    if set(info.labels) != set(place):
        raise ModelError("has other tags than posner.json says", where=WEIGHTS, got=info.labels)
    used = dict.fromkeys(attribute for attribute, _ in info.state_features)
    rows = {attribute: i for i, attribute in enumerate(used)}
    states = np.zeros((len(rows), len(place)), dtype=np.float32)
    for (attribute, tag), weight in info.state_features.items():
        states[rows[attribute], place[tag]] = weight
    pairs = np.zeros((len(place), len(place)), dtype=np.float32)
    for (before, after), weight in info.transitions.items():
        pairs[place[before], place[after]] = weight
    return Weights(tuple(tags), rows, states, pairs)


def _opened(model: bytes) -> Any:
    tagger = pycrfsuite.Tagger()
    try:
        tagger.open_inmemory(model)
    except ValueError as error:
        raise ModelError("damaged", where=WEIGHTS, got=error) from error
    return tagger
