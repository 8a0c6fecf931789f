"""What tagging a labelled corpus with a run's model showed: figures, confusion, errors, trust."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from posner.evaluation.bootstrap import Interval
from posner.evaluation.unit_counts import UnitCounts
from posner.report.reliability import Bin

KINDS: Mapping[str, str] = {
    "boundary": "right label, wrong borders",
    "label": "right borders, wrong label",
    "both": "overlaps, but borders and label are wrong",
    "missed": "nothing was found there",
    "spurious": "there is no entity",
}
"""The kinds of errors, in the order in which they are shown, and what each means."""


@dataclass(frozen=True)
class Marked:
    """Characters of a sentence that belong to an entity: half-open, counted from its start."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class Wrong:
    """One error: its kind, the labels that it has to do with, and a line that says what it is."""

    kind: str
    labels: Sequence[str]
    line: str


@dataclass(frozen=True)
class WrongSentence:
    """A sentence with errors in it.

    Attributes:
        place: its number in the corpus.
        text: the sentence.
        gold: its entities.
        found: those that the model found.
        errors: at least one.
    """

    place: int
    text: str
    gold: Sequence[Marked]
    found: Sequence[Marked]
    errors: Sequence[Wrong]


@dataclass(frozen=True)
class Findings:
    """A run's model on one corpus.

    Attributes:
        source: the corpus's name.
        corpus: a digest of it, by which runs on the same one are known.
        sentences: how many it has.
        figures: as `posner evaluate --json` writes them.
        ranges: precision, recall and f1 with their 95 % intervals; empty where there are none.
        units: what each document (or sentence) adds, for differences between runs.
        confusion: entities by gold and predicted label, None for none; empty where not counted.
        kinds: how many errors of each kind; None where not counted.
        bins: for the calibration curve.
        calibration_error: the expected calibration error.
        wrong: the sentences with errors, unless they are left out.
        note: what is to be known of the scores there; empty where nothing.
    """

    source: str
    corpus: str
    sentences: int
    figures: Mapping[str, Any]
    ranges: Mapping[str, Interval] = field(default_factory=dict)
    units: UnitCounts | None = None
    confusion: Mapping[tuple[str | None, str | None], int] = field(default_factory=dict)
    kinds: Mapping[str, int] | None = None
    bins: Sequence[Bin] = ()
    calibration_error: float | None = None
    wrong: Sequence[WrongSentence] = ()
    note: str = ""
