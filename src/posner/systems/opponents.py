"""Opponents that need no training: spaCy's small English model, and any token classifier by path.

`spacy` speaks of OntoNotes' labels; `spacy/conll` and `spacy/gmb` in those of these corpora.
`hf:PATH` is a model that transformers saved.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from posner import loading
from posner.document import Document, Sentence
from posner.errors import ModelError, UsageError
from posner.loading import Aggregation
from posner.schemes import Span
from posner.systems.mapping import MAPPINGS, Relabelled, best_mapping
from posner.systems.parts_of_speech import load_spacy, spacy_folder
from posner.tagger import Tagger

if TYPE_CHECKING:
    from spacy.tokens import Doc

SPACY = "spacy"
FOREIGN = "hf:"


@dataclass(frozen=True)
class OpponentFacts:
    """What is known of a model that was not trained here.

    Attributes:
        name: as users write it.
        labels: entity labels.
        path: the folder that it stands in.
        pos_tags, chunk_tags: none.
        figures: none.
    """

    name: str
    labels: tuple[str, ...]
    path: Path
    pos_tags: tuple[str, ...] = ()
    chunk_tags: tuple[str, ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)


class SpacyTagger(Tagger):
    """spaCy's entity recogniser over given words, a sentence at a time.

    It knows no probabilities of entities, so these have no score.

    Raises:
        MissingExtraError: spaCy or its small English model is not installed.
    """

    manifest: OpponentFacts

    def __init__(self) -> None:
        self.language = load_spacy()
        labels = tuple(sorted(self.language.pipe_labels["ner"]))
        self.manifest = OpponentFacts(SPACY, labels, Path(self.language.path))

    def find(self, documents: Sequence[Document]) -> list[Document]:
        """Tag the words of documents; entities are replaced, and parts of speech taken away."""
        sentences = [s for document in documents for s in document.sentences if s.tokens]
        with self.language.select_pipes(enable=["tok2vec", "ner"]):
            found = self.language.pipe(self._doc(sentence) for sentence in sentences)
            return [self._answer(document, found) for document in documents]

    def _doc(self, sentence: Sentence) -> Doc:
        from spacy.tokens import Doc

        ends = [token.end for token in sentence.tokens]
        starts = [token.start for token in sentence.tokens[1:]]
        spaces = [start > end for end, start in zip(ends, [*starts, ends[-1]], strict=True)]
        return Doc(self.language.vocab, words=sentence.words, spaces=spaces)

    def _answer(self, document: Document, found: Any) -> Document:
        entities = []
        sentences = []
        for sentence in document.sentences:
            if sentence.tokens:
                entities += [
                    document.span_entity(sentence, Span(e.start, e.end, e.label_))
                    for e in next(found).ents
                ]
            bare = tuple(replace(token, pos=None, chunk=None) for token in sentence.tokens)
            sentences.append(replace(sentence, tokens=bare))
        return replace(document, sentences=tuple(sentences), entities=tuple(entities))


def is_opponent(name: str) -> bool:
    """Whether a name is one of these."""
    return name == SPACY or name.startswith((f"{SPACY}/", FOREIGN))


def names_opponent(model: str | os.PathLike[str]) -> bool:
    """Whether a model is given by an opponent's name; a file or folder so named comes first."""
    name = os.fspath(model)
    return is_opponent(name) and not Path(name).exists()


def place_of(model: str | os.PathLike[str]) -> Path | None:
    """The folder that a model is named by, also behind `hf:`; None for one of spaCy's names."""
    if not names_opponent(model):
        return Path(model)
    name = os.fspath(model)
    return Path(name.removeprefix(FOREIGN)) if name.startswith(FOREIGN) else None


def names_labels(name: str) -> bool:
    """Whether an opponent's name says in which corpus's labels it speaks: `spacy/conll`."""
    return name.startswith(f"{SPACY}/")


def better_name(name: str, own: Iterable[str], labels: Iterable[str]) -> str | None:
    """The opponent's name under which it speaks of more of a corpus's labels; None for no such.

    Args:
        name: as it was named.
        own: the labels that it knows under that name.
        labels: the corpus's.
    """
    if name.partition("/")[0] != SPACY:
        return None
    wanted = set(labels)
    best = best_mapping(wanted)
    gained = len(wanted & set(MAPPINGS[best].values())) - len(wanted & set(own))
    return f"{SPACY}/{best}" if gained > 0 else None


def load_opponent(
    name: str,
    *,
    device: str = "auto",
    precision: Literal["fp32", "bf16"] = "fp32",
    aggregation: Aggregation = "legal",
) -> Tagger:
    """An opponent by its name.

    Args:
        name: such as `spacy/conll`.
        device, precision, aggregation: of `hf:PATH`; see `posner.loading.load`.

    Raises:
        UsageError: there is no such mapping of labels.
        ModelError: there is no model at the path, or none that can be read.
        MissingExtraError: what it needs is not installed.
    """
    if name.startswith(FOREIGN):
        path = name.removeprefix(FOREIGN)
        return loading.load(path, device=device, precision=precision, aggregation=aggregation)
    mapping = spacy_mapping(name)
    return SpacyTagger() if mapping is None else Relabelled(SpacyTagger(), mapping)


def spacy_mapping(name: str) -> dict[str, str] | None:
    """The mapping of labels that one of spaCy's names asks for; None: OntoNotes' own labels.

    Raises:
        UsageError: there is no such mapping.
    """
    mapping = name.partition("/")[2]
    if not mapping:
        return None
    if mapping not in MAPPINGS:
        raise UsageError(
            "no such mapping of labels", where=name, expected=" or ".join(MAPPINGS), got=mapping
        )
    return MAPPINGS[mapping]


def opponent_folder(name: str) -> Path:
    """Where an opponent stands on the disk.

    Raises:
        ModelError, MissingExtraError: as `load_opponent`.
    """
    if name.startswith(FOREIGN):
        path = Path(name.removeprefix(FOREIGN))
        if not path.is_dir():
            raise ModelError("no such folder", where=path, expected="a token classifier")
        return path
    return spacy_folder()
