"""Sentences with errors as pages show them: text in segments, gold above what each run found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from posner.render.marks import colour_of
from posner.report.findings import Marked, Wrong, WrongSentence
from posner.report.runs import ReportedRun


@dataclass(frozen=True)
class Segment:
    """Part of a sentence.

    Attributes:
        text: its characters.
        colour: of its innermost entity's label; empty outside of entities.
        ends: labels of the entities that end with it.
    """

    text: str
    colour: str
    ends: Sequence[str]


@dataclass(frozen=True)
class RunErrors:
    """What one run made of a sentence.

    Attributes:
        number: the run's place in the report.
        name: the run's name.
        segments: the sentence with what it found; empty where it found just what is right.
        errors: what is wrong with it.
    """

    number: int
    name: str
    segments: Sequence[Segment]
    errors: Sequence[Wrong]


@dataclass
class Item:
    """A sentence that some run has errors in.

    Attributes:
        corpus: its digest.
        place: its number there.
        gold: the sentence with its entities.
        runs: what each run that tagged the corpus made of it.
    """

    corpus: str
    place: int
    gold: Sequence[Segment]
    runs: list[RunErrors] = field(default_factory=list)

    @property
    def tokens(self) -> str:
        """What the page's filter looks for: `run|kind|label` of each error, one a line."""
        listed = [
            f"{run.number}|{error.kind}|{label}"
            for run in self.runs
            for error in run.errors
            for label in error.labels
        ]
        return "\n".join(dict.fromkeys(listed))


def segments(text: str, marks: Iterable[Marked]) -> list[Segment]:
    """Cut a text at the borders of its entities; what overlaps has the colour of the shortest."""
    listed = list(marks)
    borders = sorted({0, len(text), *(m.start for m in listed), *(m.end for m in listed)})
    found = []
    for start, end in pairwise(borders):
        covering = [m for m in listed if m.start <= start and end <= m.end]
        inner = min(covering, key=lambda m: m.end - m.start, default=None)
        colour = "" if inner is None else colour_of(inner.label)
        closing = sorted((m for m in listed if m.end == end), key=lambda m: -m.start)
        found.append(Segment(text[start:end], colour, [m.label for m in closing]))
    return found


def error_items(runs: Sequence[ReportedRun], most: int) -> list[Item]:
    """The first `most` sentences with errors, and what each run on the corpus made of them."""
    items: dict[tuple[str, int, str], Item] = {}
    for run in runs:
        for wrong in run.findings.wrong if run.findings else ():
            key = _key(run, wrong)
            if key not in items:
                items[key] = Item(key[0], wrong.place, segments(wrong.text, wrong.gold))
    kept = dict(sorted(items.items())[:most])
    for number, run in enumerate(runs):
        if run.findings is None:
            continue
        own = {_key(run, wrong): wrong for wrong in run.findings.wrong}
        for key, item in kept.items():
            if key[0] != run.findings.corpus:
                continue
            wrong_here = own.get(key)
            found = segments(wrong_here.text, wrong_here.found) if wrong_here else []
            errors = wrong_here.errors if wrong_here else ()
            item.runs.append(RunErrors(number, run.name, found, errors))
    return list(kept.values())


def _key(run: ReportedRun, wrong: WrongSentence) -> tuple[str, int, str]:
    assert run.findings is not None
    return run.findings.corpus, wrong.place, wrong.text
