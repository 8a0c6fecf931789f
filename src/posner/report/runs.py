"""Runs as a report tells them: each with its story and, where a corpus was tagged, its findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from posner.evaluation.bootstrap import Interval
from posner.report.findings import Findings
from posner.report.story import Story


@dataclass(frozen=True)
class ReportedRun:
    """One run of a report."""

    story: Story
    findings: Findings | None = None

    @property
    def name(self) -> str:
        """What it is called beside the others."""
        return self.story.name

    @property
    def figures(self) -> Mapping[str, Any]:
        """The figures of the tagged corpus; else those that training wrote down."""
        return self.findings.figures if self.findings else self.story.dev

    @property
    def source(self) -> str:
        """What the figures were measured on."""
        if self.findings:
            return self.findings.source
        if not self.story.dev:
            return "nothing yet"
        if self.story.otherwise:
            return f"its dev set, {self.story.otherwise}, as it was written down"
        if "thresholds" in self.story.dev:
            return "its dev set, with its threshold, as calibration wrote it down"
        return "its dev set, as training wrote it down"

    @property
    def corpus(self) -> str:
        """What tells the corpus of the figures from others; figures of one can be compared."""
        if self.findings:
            return self.findings.corpus
        data = self.story.data
        digest: str | None = figure(data, "fingerprints", "dev")
        return digest or repr([data.get(f"dev_{unit}") for unit in ("sentences", "words")])

    @property
    def unit(self) -> str:
        """What the intervals were drawn over; empty where there are none."""
        if self.findings:
            return self.findings.units.unit if self.findings.units and self.ranges else ""
        unit = figure(self.story.dev, "intervals", "unit")
        return str(unit) if unit and self.ranges else ""

    @property
    def ranges(self) -> Mapping[str, Interval]:
        """Intervals of precision, recall and f1, where they are known."""
        if self.findings:
            return self.findings.ranges
        found = figure(self.story.dev, "intervals", "strict") or {}
        return {name: Interval(**interval) for name, interval in found.items()}

    @property
    def labels(self) -> Mapping[str, Mapping[str, float]]:
        """By label: precision, recall, f1 and support."""
        found: Mapping[str, Mapping[str, float]] = figure(self.figures, "strict", "labels") or {}
        return found


def figure(figures: Mapping[str, Any], *keys: str) -> Any:
    """A figure by its keys, one below the other; None where there is none."""
    found: Any = figures
    for key in keys:
        if not isinstance(found, dict) or key not in found:
            return None
        found = found[key]
    return found


def all_labels(runs: Sequence[ReportedRun]) -> list[str]:
    """The labels of all runs that have a gold entity or a prediction, the most frequent first."""
    support: dict[str, float] = {}
    for run in runs:
        for label, values in run.labels.items():
            support[label] = max(support.get(label, 0), values.get("support", 0))
    return sorted(support, key=lambda label: (-support[label], label))
