"""Counts unit by unit, of which a bootstrap draws: the documents, or their sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from posner.evaluation.counts import Counts, Ratios
from posner.evaluation.readings import MODES
from posner.evaluation.result import Evaluation

IntArray = npt.NDArray[np.int64]

LEAST_DOCUMENTS = 10
"""Of fewer documents the sentences are drawn: a few documents' draws say next to nothing."""


@dataclass(frozen=True)
class UnitCounts:
    """What each document adds to each figure, and each sentence where the documents are few.

    Attributes:
        names: the figures: `strict`, `exact`, `partial`, `type`, `per_word`, `flat` (micro,
            without `O`), and `strict.LABEL` for each label.
        documents: (documents, figures, 3): gold, predicted and correct, `partial` in half points.
        sentences: (sentences, figures, 3); None where there are documents enough to be drawn.
    """

    names: tuple[str, ...]
    documents: IntArray
    sentences: IntArray | None = None

    @classmethod
    def of(
        cls, documents: Sequence[Evaluation], sentences: Sequence[Evaluation] | None = None
    ) -> UnitCounts:
        """The counts of evaluations of one unit each."""
        rows, parts = (
            None if found is None else [_figures(evaluation) for evaluation in found]
            for found in (documents, sentences)
        )
        labels = {name for row in (*(rows or ()), *(parts or ())) for name in row}
        names = tuple(dict.fromkeys((*_figures(Evaluation()), *sorted(labels))))
        filled = None if parts is None else _filled(parts, names)
        return cls(names, _filled(rows or (), names), filled)

    @property
    def unit(self) -> Literal["documents", "sentences"]:
        """What is drawn."""
        return "documents" if self.sentences is None else "sentences"

    @property
    def counts(self) -> IntArray:
        """(units, figures, 3): of the units that are drawn."""
        return self.documents if self.sentences is None else self.sentences

    @property
    def sums(self) -> IntArray:
        """(figures, 3): of all documents."""
        total: IntArray = self.documents.sum(axis=0)
        return total

    @property
    def figures(self) -> dict[str, Ratios]:
        """Precision, recall and F1 of all documents."""
        return {
            name: Counts(*(int(c) for c in row)).ratios
            for name, row in zip(self.names, self.sums, strict=True)
        }

    def with_names(self, names: Sequence[str]) -> UnitCounts:
        """The same units with these figures in this order; those that are new are 0."""
        places = [self.names.index(name) if name in self.names else -1 for name in names]

        def chosen(counts: IntArray) -> IntArray:
            return np.pad(counts, ((0, 0), (0, 1), (0, 0)))[:, places]  # the last row is 0

        sentences = None if self.sentences is None else chosen(self.sentences)
        return UnitCounts(tuple(names), chosen(self.documents), sentences)

    def __add__(self, other: UnitCounts) -> UnitCounts:
        """The units of both."""
        names = self.names_with(other)
        one, two = self.with_names(names), other.with_names(names)
        documents = np.concatenate([one.documents, two.documents])
        if one.sentences is None or two.sentences is None or len(documents) >= LEAST_DOCUMENTS:
            return UnitCounts(names, documents)
        return UnitCounts(names, documents, np.concatenate([one.sentences, two.sentences]))

    def names_with(self, other: UnitCounts) -> tuple[str, ...]:
        """The figures of both."""
        return tuple(dict.fromkeys((*self.names, *sorted(other.names))))


def _figures(evaluation: Evaluation) -> dict[str, Counts]:
    flat = (counts for tag, counts in evaluation.flat.tags.items() if tag != "O")
    figures = {
        "strict": evaluation.strict.micro,
        **{
            mode: getattr(evaluation.readings, mode).total.halves
            for mode in MODES
            if mode != "strict"
        },
        "per_word": evaluation.readings.per_word.micro,
        "flat": sum(flat, Counts()),
    }
    return figures | {f"strict.{label}": c for label, c in evaluation.strict.labels.items()}


def _filled(rows: Sequence[Mapping[str, Counts]], names: Sequence[str]) -> IntArray:
    nothing = Counts()
    found = [
        [(c.gold, c.predicted, c.correct) for c in (row.get(name, nothing) for name in names)]
        for row in rows
    ]
    return np.array(found, dtype=np.int64).reshape(len(rows), len(names), 3)
