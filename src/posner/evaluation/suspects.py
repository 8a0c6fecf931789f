"""Where a system and the annotation disagree, ranked as the likeliest errors of the annotation.

The system should not have learned from what it judges (see `posner.training.folds`). How suspect
an annotation is: the probability that the system gives to what it says in its place, in the manner
of confident learning (Northcutt et al. 2021). Where it says an entity, that is the entity's score;
where it says none, the probability that none of the annotated words is in an entity.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from posner.decode import Decoder
from posner.document import Document, Entity, sentence_spans
from posner.errors import DataError
from posner.evaluation.analysis import Analysis, analyse_tagger
from posner.evaluation.mistakes import Mistake
from posner.evaluation.model import as_read_by
from posner.files import write_text
from posner.recognizer import Recognizer
from posner.schemes import OUTSIDE
from posner.tagger import Tagger
from posner.windows import FloatArray

SUSPECTS = "suspects.jsonl"
"""The file of a cross-validation's folder that holds them."""

_UNKNOWN = 0.5
"""How suspect a missed entity is to a system that says no probabilities."""

OutsideScores = dict[tuple[int, int, int, str], float]
"""Probabilities that no entity is there, by the document's place, start, end and label."""


@runtime_checkable
class HasEmissions(Protocol):
    """A tagger whose tags' weights are known, word by word."""

    @property
    def decoder(self) -> Decoder:
        """What makes probabilities of them."""
        ...

    def emissions(self, documents: Sequence[Document]) -> list[FloatArray]:
        """(words, tags) for each sentence, one after the other through all documents."""
        ...


@dataclass(frozen=True, slots=True)
class Suspect:
    """One disagreement.

    Attributes:
        suspicion: 0 to 1; see the module.
        mistake: the annotation beside the prediction.
        known: whether the system says how sure it is; else it stands among those of one half.
    """

    suspicion: float
    mistake: Mistake
    known: bool = True

    def to_json(self) -> dict[str, Any]:
        """A line of `suspects.jsonl`."""
        own = {"suspicion": self.suspicion, "known": self.known, "start": self.mistake.start}
        return {**own, **self.mistake.to_json()}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Suspect:
        """What `to_json` made.

        Raises:
            KeyError, TypeError: it is no such record.
        """
        start = int(record["start"])

        def entity(side: dict[str, Any] | None) -> Entity | None:
            if side is None:
                return None
            first, last = side["start"] + start, side["end"] + start
            return Entity(first, last, side["label"], side["text"], side.get("score"))

        mistake = Mistake(
            record["kind"],
            entity(record["gold"]),
            entity(record["predicted"]),
            record["text"],
            start,
            record["document"],
            int(record["index"]),
        )
        return cls(float(record["suspicion"]), mistake, bool(record.get("known", True)))


def outside_scores(
    tagger: Tagger, documents: Sequence[Document], places: Iterable[int]
) -> OutsideScores:
    """The probability that a system finds no entity at all where one is annotated.

    Args:
        tagger: a network, or whatever `HasEmissions`; others know no such probabilities, and
            nothing is returned.
        documents: with their annotated entities; one that is no span of words has no probability.
        places: for each document its place among all.
    """
    if isinstance(tagger, Recognizer):
        emissions = [vote.entity for vote in tagger.votes(documents)]
    elif isinstance(tagger, HasEmissions):
        emissions = tagger.emissions(documents)
    else:
        return {}
    spans = [sentence_spans(document).spans for document in documents]
    asked = [
        [span._replace(label=OUTSIDE) for span in own]
        for of_document in spans
        for own in of_document
    ]
    scores = iter(tagger.decoder.span_scores(emissions, asked))
    found: OutsideScores = {}
    for index, document, of_document in zip(places, documents, spans, strict=True):
        for sentence, own in zip(document.sentences, of_document, strict=True):
            for span, score in zip(own, next(scores), strict=True):
                entity = document.span_entity(sentence, span)
                found[index, entity.start, entity.end, entity.label] = score
    return found


def rank_suspects(analysis: Analysis, scores: OutsideScores) -> list[Suspect]:
    """The disagreements, the most suspect first; equals keep the order of the documents."""
    found = [_suspect(mistake, scores) for mistake in analysis.mistakes]
    return sorted(found, key=lambda suspect: -suspect.suspicion)


def write_suspects(path: Path, suspects: Iterable[Suspect]) -> None:
    """Write one suspect a line.

    Raises:
        DataError: the target cannot be written.
    """
    lines = (json.dumps(suspect.to_json()) for suspect in suspects)
    write_text(path, "".join(f"{line}\n" for line in lines))


def read_suspects(path: Path) -> list[Suspect]:
    """Read what `write_suspects` wrote.

    Raises:
        DataError: it cannot be read, or is something else.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
        return [Suspect.from_json(json.loads(line)) for line in lines if line]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError("cannot be read", where=path, got=error) from error


def find_suspects(
    folder: Path, documents: Sequence[Document], load: Callable[[Path], Tagger]
) -> list[Suspect]:
    """The suspects of a cross-validation's folder, or those that a model finds.

    A model that has learned from these documents finds fewer, since it has learned their errors.

    Args:
        folder: what `posner train --folds` made, or a model.
        documents: the corpus.
        load: opens the model, if it is one.

    Raises:
        DataError: the folder's suspects are those of another corpus.
        PosnerError: what `load` raises.
    """
    if not (folder / SUSPECTS).is_file():
        tagger = load(folder)
        documents = as_read_by(tagger, documents)
        analysis = analyse_tagger(tagger, documents)
        return rank_suspects(analysis, outside_scores(tagger, documents, range(len(documents))))
    suspects = read_suspects(folder / SUSPECTS)
    for suspect in suspects:
        mistake = suspect.mistake
        known = documents[mistake.index].text if mistake.index < len(documents) else ""
        if not known.startswith(mistake.text, mistake.start):
            found = known[mistake.start : mistake.start + 40]
            raise DataError(
                "the suspects are those of another corpus",
                where=folder / SUSPECTS,
                expected=f"{mistake.text[:40]!r} in document {mistake.index + 1}",
                got=repr(found) if found else f"a corpus of {len(documents):,} documents",
                remedy="check the corpus that was trained on",
            )
    return suspects


def _suspect(mistake: Mistake, scores: OutsideScores) -> Suspect:
    gold = mistake.gold
    if mistake.predicted is not None:
        score = mistake.predicted.score
    else:
        assert gold is not None
        score = scores.get((mistake.index, gold.start, gold.end, gold.label))
    return Suspect(_UNKNOWN if score is None else score, mistake, score is not None)
