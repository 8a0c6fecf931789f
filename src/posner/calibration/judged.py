"""The spans that a model finds in labelled documents: each with its score, and whether it is right.

The network runs once; scores at another temperature only need decoding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from posner.decode import DecodedSentence, Decoder, Float64Array
from posner.document import Document, SentenceSpans, sentence_spans
from posner.evaluation.model import as_read_by
from posner.recognizer import Recognizer, Votes
from posner.schemes import SCHEMES
from posner.windows import FloatArray

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class JudgedSpans:
    """Predicted spans beside the truth.

    Attributes:
        scores: (spans,) their probabilities.
        correct: (spans,) whether exactly this span with this label is in the gold.
        labels: their labels.
        units: (spans,) the number of each span's document (or sentence, see `unit_name`).
        gold: gold entities by unit and label.
        unit_count: how many units there are.
        unit_name: what a unit is, in the plural.
    """

    scores: Float64Array
    correct: BoolArray
    labels: tuple[str, ...]
    units: IntArray
    gold: Mapping[tuple[int, str], int]
    unit_count: int
    unit_name: str

    def __len__(self) -> int:
        return len(self.labels)

    def gold_count(self, units: Iterable[int], label: str | None = None) -> int:
        """Gold entities of some units, of one label or of all."""
        wanted = set(units)
        return sum(
            count
            for (unit, own), count in self.gold.items()
            if unit in wanted and label in (None, own)
        )


class SpanScorer:
    """Scores a model's spans at any temperature.

    Args:
        recognizer: the model; its own temperature does not count.
        documents: labelled; their words are tagged once.
        folds: with fewer documents than this, sentences are the units that are held out.
        votes: what the model says of the documents, where that is known already; then their words
            stay, since the votes are of these.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        documents: Sequence[Document],
        *,
        folds: int,
        votes: Sequence[Votes] | None = None,
    ) -> None:
        manifest = recognizer.manifest
        self._tags = manifest.tags
        self._scheme = SCHEMES[manifest.recipe.data.scheme]
        self._transitions = recognizer.transitions
        if votes is None:
            documents = as_read_by(recognizer, documents)
            votes = recognizer.votes(documents)
        emissions = [vote.entity for vote in votes]
        decoded = self._decode(emissions, 1.0)
        # Only sentences with spans have scores; the path is the same at every temperature.
        filled = [i for i, path in enumerate(decoded) if path.spans]
        self._emissions: list[FloatArray] = [emissions[i] for i in filled]
        self.judged = _judged([decoded[i] for i in filled], filled, documents, folds)

    def at(self, temperature: float) -> JudgedSpans:
        """The spans with their scores at a temperature."""
        paths = self._decode(self._emissions, temperature)
        scores = np.array([scored.score for path in paths for scored in path.spans])
        return replace(self.judged, scores=scores)

    def _decode(self, emissions: Sequence[FloatArray], temperature: float) -> list[DecodedSentence]:
        return Decoder(self._tags, self._scheme, self._transitions, temperature).decode(emissions)


def _judged(
    paths: Sequence[DecodedSentence],
    filled: Sequence[int],
    documents: Sequence[Document],
    folds: int,
) -> JudgedSpans:
    """The spans of those sentences, whose numbers count through all documents."""
    by_document = len(documents) >= folds
    aligned = [sentence_spans(document) for document in documents]
    gold = [spans for document in aligned for spans in document.spans]
    owner = [d for d, document in enumerate(documents) for _ in document.sentences]
    unit_of = owner if by_document else list(range(len(owner)))
    counts: Counter[tuple[int, str]] = Counter()
    for sentence, spans in enumerate(gold):
        counts.update((unit_of[sentence], span.label) for span in spans)
    for unit, label in _misaligned(documents, aligned, unit_of):
        counts[unit, label] += 1
    truth = [(set(gold[i]), unit_of[i]) for i in filled]
    found = [
        (scored, unit, scored.span in spans)
        for path, (spans, unit) in zip(paths, truth, strict=True)
        for scored in path.spans
    ]
    return JudgedSpans(
        scores=np.array([scored.score for scored, _, _ in found], dtype=np.float64),
        correct=np.array([right for _, _, right in found], dtype=np.bool_),
        labels=tuple(scored.span.label for scored, _, _ in found),
        units=np.array([unit for _, unit, _ in found], dtype=np.int64),
        gold=counts,
        unit_count=len(documents) if by_document else len(owner),
        unit_name="documents" if by_document else "sentences",
    )


def _misaligned(
    documents: Sequence[Document], aligned: Sequence[SentenceSpans], unit_of: Sequence[int]
) -> Iterator[tuple[int, str]]:
    """Gold entities that no span of words can express, which therefore no model finds."""
    first = 0
    for document, spans in zip(documents, aligned, strict=True):
        if document.sentences:
            yield from ((unit_of[first], entity.label) for entity in spans.misaligned)
        first += len(document.sentences)
