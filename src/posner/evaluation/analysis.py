"""Everything that is known of tagged documents beside their gold ones, from one pass over them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from posner.document import Document, Entity
from posner.evaluation.bootstrap import RESAMPLES, intervals_json
from posner.evaluation.calibration import Calibration
from posner.evaluation.confusion import Cell, Confusion
from posner.evaluation.documents import character_spans
from posner.evaluation.matching import closest_pairs
from posner.evaluation.mentions import KnownMentions
from posner.evaluation.mistakes import Kind, Mistake, count_kinds, kind_of
from posner.evaluation.model import as_read_by, evaluate_each, timed_tagging, with_labels
from posner.evaluation.places import Places
from posner.evaluation.result import Evaluation
from posner.evaluation.splits import Splits, Splitter, add_splits, check_fields, splits_json
from posner.evaluation.unit_counts import UnitCounts
from posner.evaluation.units import unit_counts
from posner.tagger import Tagger


@dataclass(frozen=True)
class Analysis:
    """What was found, where it went wrong, and how sure the figures are.

    Attributes:
        evaluation: the counts of all readings.
        units: each document's counts, or each sentence's of few documents, for intervals and
            paired tests.
        confusion: gold labels against predicted ones, missed and spurious entities among them.
        mistakes: every error with its sentence, in the order of the documents.
        splits: the strict counts of parts of the data: `mention_length`, `sentence_length`,
            `casing`, `familiarity` (where a training corpus was given), `field.NAME`.
        calibration: scores against what was right.
    """

    evaluation: Evaluation
    units: UnitCounts
    confusion: Confusion = field(default_factory=Confusion)
    mistakes: tuple[Mistake, ...] = ()
    splits: Splits = field(default_factory=dict)
    calibration: Calibration = field(default_factory=Calibration)

    def __add__(self, other: Analysis) -> Analysis:
        """What analysing both sets together gives."""
        before = len(self.units.documents)
        return Analysis(
            self.evaluation + other.evaluation,
            self.units + other.units,
            self.confusion + other.confusion,
            self.mistakes + tuple(replace(m, index=before + m.index) for m in other.mistakes),
            add_splits(self.splits, other.splits),
            self.calibration + other.calibration,
        )

    def to_json(self, *, text: bool = False, resamples: int = RESAMPLES) -> dict[str, Any]:
        """The figures of `Evaluation.to_json`, and beside them all else.

        Args:
            text: list the errors with their sentences, not only their numbers.
            resamples: of the bootstrap.
        """
        errors: dict[str, Any] = {"counts": count_kinds(self.mistakes)}
        if text:
            errors["list"] = [mistake.to_json() for mistake in self.mistakes]
        return {
            **self.evaluation.to_json(),
            "intervals": intervals_json(self.units, resamples=resamples),
            "confusion": self.confusion.to_json(),
            "errors": errors,
            "splits": splits_json(self.splits),
            "calibration": self.calibration.to_json(),
        }


def analyse_tagger(
    tagger: Tagger,
    documents: Sequence[Document],
    *,
    train: KnownMentions | None = None,
    by: Sequence[str] = (),
    labels: Sequence[str] = (),
) -> Analysis:
    """Tag the words of gold documents and analyse what was found; see `analyse`.

    Where `labels` are named, the entities of others count neither as annotated nor as found.
    """
    check_fields(documents, by)  # before the long work
    documents = with_labels(as_read_by(tagger, documents), labels)
    tagged, seconds = timed_tagging(tagger, documents)
    has_pos = bool(tagger.manifest.pos_tags)
    found = with_labels(tagged, labels)
    return analyse(documents, found, train=train, by=by, has_pos=has_pos, seconds=seconds)


def analyse(
    gold: Sequence[Document],
    tagged: Sequence[Document],
    *,
    train: KnownMentions | None = None,
    by: Sequence[str] = (),
    has_pos: bool = False,
    seconds: float = 0.0,
) -> Analysis:
    """Score tagged documents against gold ones with the same words, in every way.

    Args:
        gold: documents as annotated.
        tagged: the same documents with predicted entities.
        train: the mentions of a training corpus; entities are then split by whether they were
            seen in it.
        by: fields of the metadata to split by.
        has_pos: whether the tagged documents' parts of speech were predicted.
        seconds: wall time of the prediction.

    Raises:
        DataError: other words, or no document has such a field.
    """
    check_fields(gold, by)
    each = list(evaluate_each(gold, tagged, has_pos))
    evaluation = sum(each, Evaluation(seconds=seconds))
    seen = _Pairs(Splitter(train, by))
    for index, (truth, found) in enumerate(zip(gold, tagged, strict=True)):
        places = Places(truth)
        for left, right in aligned_entities(truth, found):
            seen.add(places, index, left, right)
    return Analysis(
        evaluation,
        unit_counts(gold, tagged, each),
        Confusion() + Confusion(seen.cells),
        tuple(seen.mistakes),
        seen.splitter.splits(),
        Calibration.of(seen.scored),
    )


@dataclass
class _Pairs:
    """What the pairs of gold and predicted entities add up to."""

    splitter: Splitter
    cells: Counter[Cell] = field(default_factory=Counter)
    mistakes: list[Mistake] = field(default_factory=list)
    scored: list[tuple[float | None, bool]] = field(default_factory=list)

    def add(
        self, places: Places, index: int, gold: Entity | None, predicted: Entity | None
    ) -> None:
        """Count a pair, or an entity without a partner, of the document at `index`."""
        self.cells[_label(gold), _label(predicted)] += 1
        kind = kind_of(gold, predicted)
        if predicted is not None:
            self.scored.append((predicted.score, kind is None))
        if kind is None:
            assert gold is not None
            self.splitter.add(places, gold, gold=True, predicted=True)
            return
        self.mistakes.append(_mistake(places, kind, index, gold, predicted))
        if gold is not None:
            self.splitter.add(places, gold, gold=True, predicted=False)
        if predicted is not None:
            self.splitter.add(places, predicted, gold=False, predicted=True)


def aligned_entities(
    gold: Document, predicted: Document
) -> Iterator[tuple[Entity | None, Entity | None]]:
    """The entities of two documents, paired one to one as they agree best; see `closest_pairs`.

    Of entities with the same borders and label, the one with the higher score comes first and one
    without a score last, so that the order of the documents' entities never matters.
    """
    left, right = (
        sorted(
            document.entities,
            key=lambda e: (e.start, e.end, e.label, e.score is None, -(e.score or 0.0)),
        )
        for document in (gold, predicted)
    )
    for i, j in closest_pairs(character_spans(left), character_spans(right)):
        yield (None if i is None else left[i]), (None if j is None else right[j])


def _label(entity: Entity | None) -> str | None:
    return None if entity is None else entity.label


def _mistake(
    places: Places, kind: Kind, index: int, gold: Entity | None, predicted: Entity | None
) -> Mistake:
    document = places.document
    start, end = places.surroundings([e for e in (gold, predicted) if e is not None])
    return Mistake(kind, gold, predicted, document.text[start:end], start, document.id, index)
