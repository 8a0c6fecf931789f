"""What matching spans one to one gives: counts by reading, which add up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from posner.evaluation.counts import Counts, Ratios, Score

MODES = ("strict", "exact", "partial", "type")
"""The readings that match spans one to one; see `Readings`."""


@dataclass(frozen=True, slots=True)
class Matches:
    """How the spans of one reading were matched.

    Attributes:
        correct: pairs that agree in all that the reading asks for.
        incorrect: pairs that do not.
        partial: pairs that overlap without having the same borders; only the partial reading
            knows them, and gives half of a point.
        missed: gold spans without a partner.
        spurious: predicted spans without a partner.
    """

    correct: int = 0
    incorrect: int = 0
    partial: int = 0
    missed: int = 0
    spurious: int = 0

    def __add__(self, other: Matches) -> Matches:
        return Matches(
            self.correct + other.correct,
            self.incorrect + other.incorrect,
            self.partial + other.partial,
            self.missed + other.missed,
            self.spurious + other.spurious,
        )

    @property
    def gold(self) -> int:
        """All gold spans (MUC's "possible")."""
        return self.correct + self.incorrect + self.partial + self.missed

    @property
    def predicted(self) -> int:
        """All predicted spans (MUC's "actual")."""
        return self.correct + self.incorrect + self.partial + self.spurious

    @property
    def halves(self) -> Counts:
        """Gold, predicted and credit in half points; its ratios are the reading's."""
        return Counts(2 * self.gold, 2 * self.predicted, 2 * self.correct + self.partial)

    @property
    def ratios(self) -> Ratios:
        """Precision, recall and F1."""
        return self.halves.ratios

    def to_json(self) -> dict[str, float]:
        """Counts and ratios under their names."""
        counts = {name.name: getattr(self, name.name) for name in fields(self)}
        return {**counts, **self.ratios.to_json()}


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading's matches: of all spans, and of each label's spans by themselves."""

    total: Matches = field(default_factory=Matches)
    labels: Mapping[str, Matches] = field(default_factory=dict)

    def __add__(self, other: Reading) -> Reading:
        nothing = Matches()
        labels = {
            label: self.labels.get(label, nothing) + other.labels.get(label, nothing)
            for label in sorted(self.labels.keys() | other.labels.keys())
        }
        return Reading(self.total + other.total, labels)

    def to_json(self) -> dict[str, object]:
        """The total's figures, and each label's under `labels`."""
        labels = {label: matches.to_json() for label, matches in self.labels.items()}
        return {**self.total.to_json(), "labels": labels}


@dataclass(frozen=True, slots=True)
class Readings:
    """All readings of the same spans.

    Attributes:
        strict: the same borders and the same label.
        exact: the same borders, whatever the label.
        partial: an overlap, whatever the label; other borders give half of a point.
        type: an overlap with the same label.
        per_word: each word with each label that it carries, `O` not counted.
    """

    strict: Reading = field(default_factory=Reading)
    exact: Reading = field(default_factory=Reading)
    partial: Reading = field(default_factory=Reading)
    type: Reading = field(default_factory=Reading)
    per_word: Score = field(default_factory=Score)

    def __add__(self, other: Readings) -> Readings:
        return Readings(
            self.strict + other.strict,
            self.exact + other.exact,
            self.partial + other.partial,
            self.type + other.type,
            self.per_word + other.per_word,
        )

    def to_json(self) -> dict[str, object]:
        """Each reading under its name; `per_word` in the manner of the strict table."""
        return {
            **{mode: getattr(self, mode).to_json() for mode in MODES},
            "per_word": {
                **self.per_word.micro.ratios.to_json(),
                "labels": self.per_word.to_json(),
            },
        }
