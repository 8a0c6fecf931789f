"""The figures of a comparison's rows, over all seeds, and who leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from statistics import fmean, stdev
from typing import Any

from posner.compare.compare import Comparison, Result
from posner.compare.plan import Row, SystemName, titles_of
from posner.errors import DataError
from posner.evaluation.bootstrap import (
    RATIOS,
    Difference,
    RatioIntervals,
    intervals,
    paired_differences,
)
from posner.evaluation.counts import Ratios
from posner.evaluation.report import p_value_text, signed_percent
from posner.evaluation.unit_counts import UnitCounts

STRICT, FLAT = "strict", "flat"
RATIO_NAMES = {"precision": "P", "recall": "R", "f1": "F1"}
"""What tables call the ratios."""


@dataclass(frozen=True)
class Line:
    """One row's figures.

    Attributes:
        name: as it stands in the table.
        row: what it is.
        figures: precision, recall and F1: `strict`, `flat`, `strict.LABEL`.
        intervals: the same with intervals; nothing where there is but one unit to draw.
        f1s: each seed's strict F1.
        minutes: of training, the mean; None for a system that was not trained.
        words_per_second: of tagging, the mean.
        megabytes: of the model on disk.
        training_gigabytes: the most memory of a training.
        tagging_gigabytes: the most memory of a tagging.
        steps: of a network's optimiser, the fewest; None for other systems.
        error: why a cell failed; None where all are done.
        units: each document's counts, added over the seeds; None where nothing is done.
    """

    name: str
    row: Row
    figures: Mapping[str, Ratios]
    intervals: Mapping[str, RatioIntervals] = field(default_factory=dict)
    f1s: tuple[float, ...] = ()
    minutes: float | None = None
    words_per_second: float | None = None
    megabytes: float | None = None
    training_gigabytes: float | None = None
    tagging_gigabytes: float | None = None
    steps: int | None = None
    error: str | None = None
    units: UnitCounts | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that it was scored on."""
        prefix = f"{STRICT}."
        return tuple(n.removeprefix(prefix) for n in self.figures if n.startswith(prefix))

    @property
    def spread(self) -> float | None:
        """The standard deviation of the seeds' strict F1; None for a single seed."""
        return stdev(self.f1s) if len(self.f1s) > 1 else None

    def to_json(self) -> dict[str, Any]:
        """All but the counts by document."""
        return {
            "name": self.name,
            "system": self.row.system.text,
            "share": self.row.share,
            "seeds": list(self.row.seeds),
            "strict_f1_by_seed": list(self.f1s),
            "strict_f1_spread": self.spread,
            "figures": {name: self._figure_json(name) for name in self.figures},
            "minutes": self.minutes,
            "words_per_second": self.words_per_second,
            "megabytes": self.megabytes,
            "training_gigabytes": self.training_gigabytes,
            "tagging_gigabytes": self.tagging_gigabytes,
            "steps": self.steps,
            "error": self.error,
        }

    def _figure_json(self, name: str) -> dict[str, dict[str, float]]:
        if name in self.intervals:
            return self.intervals[name].to_json()
        return {ratio: {"value": getattr(self.figures[name], ratio)} for ratio in RATIOS}


@dataclass(frozen=True)
class Duel:
    """Posner's own row against a rival's with the same share of the data.

    Attributes:
        own: Posner's.
        rival: the other.
        difference: of their strict F1, over the same draws of documents; None where they could
            not be compared.
        reason: why not.
    """

    own: Line
    rival: Line
    difference: Difference | None
    reason: str = ""

    @property
    def leads(self) -> bool | None:
        """Whether Posner's F1 is higher; None where they could not be compared."""
        found = self.difference
        return None if found is None else found.first > found.second

    @property
    def behind(self) -> tuple[str, ...]:
        """The figures in which the rival is ahead: F1 by label, and the whole's P, R and F1."""
        if self.difference is None:
            return ()
        own, rival = self.own.figures, self.rival.figures
        shared = [name for name in own if name in rival]
        found = [
            f"{name} {RATIO_NAMES[ratio]}"
            for name in (STRICT, FLAT)
            for ratio in RATIOS
            if name in shared and getattr(own[name], ratio) < getattr(rival[name], ratio)
        ]
        prefix = f"{STRICT}."
        labels = sorted(name for name in shared if name.startswith(prefix))
        lower = [name for name in labels if own[name].f1 < rival[name].f1]
        return (*found, *(f"{name.removeprefix(prefix)} F1" for name in lower))

    def to_json(self) -> dict[str, Any]:
        """Who leads whom, and by how much."""
        found = {"reason": self.reason} if self.difference is None else self.difference.to_json()
        names = {"own": self.own.name, "rival": self.rival.name}
        return {**names, "leads": self.leads, "behind": list(self.behind), **found}

    def sentence(self) -> str:
        """Who leads, by how much, and how sure that is."""
        found = self.difference
        if found is None:
            return f"{self.own.name} is not compared with {self.rival.name}: {self.reason}"
        verb = "leads" if self.leads else "does not lead"
        delta = found.difference
        low, high = signed_percent(delta.low), signed_percent(delta.high)
        ahead = f"; {self.rival.name} is ahead in {', '.join(self.behind)}" if self.behind else ""
        return (
            f"{self.own.name} {verb} {self.rival.name}: {100 * found.first:.2f} against "
            f"{100 * found.second:.2f} strict F1, difference {signed_percent(delta.value)} "
            f"({low} to {high}), {p_value_text(found.p_value)}{ahead}"
        )


def lines_of(comparison: Comparison) -> list[Line]:
    """A line for each row; several seeds' counts are added, so each figure is over all of them."""
    titles = titles_of(comparison.rows)
    return [_line(row, _name(row, titles), comparison) for row in comparison.rows]


def duels_of(lines: Sequence[Line]) -> list[Duel]:
    """Posner's own against each rival, on the same share of the data and, if it can be, seeds."""
    own_lines = [line for line in lines if line.row.system.is_main]
    rivals = [line for line in lines if not line.row.system.is_main]
    return [_duel(own_lines, rival) for rival in rivals] if own_lines else []


def _duel(own_lines: Sequence[Line], rival: Line) -> Duel:
    fitting = [own for own in own_lines if own.row.share == rival.row.share]
    fitting.sort(key=lambda own: own.row.seeds != rival.row.seeds)
    if rival.row.system.once:  # its one training stands for all seeds
        fitting.sort(key=lambda own: -len(own.row.seeds))
    fitting.sort(key=lambda own: own.units is None)
    if not fitting:
        return Duel(own_lines[0], rival, None, "they learned from other shares of the data")
    own = fitting[0]
    for line in (rival, own):
        if line.units is None:
            return Duel(own, rival, None, f"{line.name} failed")
    assert own.units is not None
    assert rival.units is not None
    try:
        found = paired_differences(own.units, rival.units)
    except DataError as error:  # the other duels and all tables are lost to nobody
        return Duel(own, rival, None, error.line())
    if STRICT not in found:
        return Duel(own, rival, None, f"too few {own.units.unit} to draw from")
    return Duel(own, rival, found[STRICT])


def _line(row: Row, name: str, comparison: Comparison) -> Line:
    results = [comparison.results[cell] for cell in row.cells if cell in comparison.results]
    errors = [r.error for r in results if r.error is not None]
    done = [r for r in results if r.scored is not None]
    if not done:
        return Line(name, row, {}, error=errors[0] if errors else "not run")
    scored = [r.scored for r in done if r.scored is not None]
    units = reduce(_added, (s.units for s in scored))
    return Line(
        name=name,
        row=row,
        figures=units.figures,
        intervals=intervals(units),
        f1s=tuple(_strict_f1(s.units) for s in scored),
        minutes=_minutes(done),
        words_per_second=fmean(s.words_per_second for s in scored),
        megabytes=fmean(s.bytes for s in scored) / 1e6,
        training_gigabytes=_most([r.trained.gigabytes for r in done if r.trained]),
        tagging_gigabytes=_most([s.gigabytes for s in scored]),
        steps=min((r.trained.steps for r in done if r.trained and r.trained.steps), default=None),
        error=errors[0] if errors else None,
        units=units,
    )


def _name(row: Row, titles: Mapping[SystemName, str]) -> str:
    parts = [titles[row.system]]
    if row.share < 1:
        parts.append(f"{100 * row.share:g} % of the data")
    return ", ".join(parts)


def _added(first: UnitCounts, second: UnitCounts) -> UnitCounts:
    """The same documents with both seeds' counts; `+` would put them side by side."""
    names = first.names_with(second)
    one, two = first.with_names(names), second.with_names(names)
    if one.sentences is None or two.sentences is None:
        return UnitCounts(names, one.documents + two.documents)
    return UnitCounts(names, one.documents + two.documents, one.sentences + two.sentences)


def _strict_f1(units: UnitCounts) -> float:
    return units.figures[STRICT].f1


def _minutes(done: Sequence[Result]) -> float | None:
    seconds = [r.trained.seconds for r in done if r.trained and r.trained.seconds is not None]
    return fmean(seconds) / 60 if seconds else None


def _most(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
