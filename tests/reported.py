"""Runs that a report can be made of: made up, in full, without a training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from posner.document import Document
from posner.errors import PosnerError
from posner.evaluation.analysis import analyse
from posner.report.curves import Course
from posner.report.judge import findings_of
from posner.report.pictures import need_font
from posner.report.runs import ReportedRun
from posner.report.story import Story
from posner.training.run import MetricsLine, StepLine
from tiny import documents

STEPS, WARM = 100, 10
NASTY = "<script>alert(1)</script>&\"'\x00\ud800\uffff|"
"""What a label or a word may hold, and a page may not."""


def need_letters() -> None:
    """Skip the test on a machine that has no font to draw letters with."""
    try:
        need_font()
    except PosnerError as error:
        pytest.skip(error.line())


def course(best: int = 6, peak: float = 3e-4) -> Course:
    """Ten epochs of ten steps: warmup, two levels of loss, and a dev loss that rises at the end."""
    steps = [
        StepLine(
            step,
            1.0 if step <= 40 else 0.1,
            peak * min(step / WARM, (STEPS - step) / (STEPS - WARM)),
        )
        for step in range(1, STEPS + 1)
    ]
    metrics = [
        MetricsLine(
            epoch=epoch,
            step=10 * epoch,
            train_loss=0.5 / epoch,
            dev_loss=0.2 + 0.05 * abs(epoch - 7),
            precision=0.5 + 0.04 * min(epoch, best),
            recall=0.4 + 0.04 * min(epoch, best),
            f1=0.45 + 0.04 * min(epoch, best),
            learning_rate=steps[10 * epoch - 1].learning_rate,
            seconds=6.0 * epoch,
            pieces_per_second=1000.0,
            padding=0.05,
            best=epoch <= best,
        )
        for epoch in range(1, 11)
    ]
    return Course(steps, metrics)


def story(name: str = "mine") -> Story:
    """A run of that course."""
    return Story(
        path=Path(name),
        name=name,
        course=course(),
        recipe={"training": {"seed": len(name), "epochs": 10}},
        recipe_text="[training]\nseed = 1\n",
        data={"train": "/data/train.conll", "dev": None, "train_sentences": 40},
        weights={"all": 22_600_000, "trained": 10_900_000},
        environment={"processor": "a processor", "threads": 1, "posner": "0", "python": "3"},
        seconds=61.0,
        memory=1.25,
        labels=("LOC", "ORG", "PER"),
    )


def wrong(gold: list[Document], skip: int = 3) -> list[Document]:
    """The documents with scores, and every so many entities missed, shortened or given a label."""
    tagged = []
    number = 0
    for document in gold:
        entities = []
        for entity in document.entities:
            number += 1
            start, end, label = entity.start, entity.end, entity.label
            if number % skip == 0 and number % 2:
                continue
            if number % skip == 0:
                label = "PER" if label != "PER" else "ORG"
            if number % (skip + 1) == 0:
                end = start + len(document.text[start:end].split()[0])
            score = 0.3 + 0.69 * (number % skip != 0)
            entities.append(document.entity(start, end, label, score))
        tagged.append(document.with_entities(entities))
    return tagged


def run(name: str = "mine", skip: int = 3, *, texts: bool = True, count: int = 6) -> ReportedRun:
    """A run with what it found in the toy corpus."""
    gold = documents(count)
    tagged = wrong(gold, skip)
    analysis = analyse(gold, tagged, seconds=0.5)
    return ReportedRun(story(name), findings_of(analysis, gold, tagged, "dev.conll", texts=texts))


def of_members(name: str = "mine") -> ReportedRun:
    """A run of two members: the learning rate and the losses begin anew in the middle."""
    own, once = run(name), course()
    again = [replace(line, step=line.step + STEPS) for line in once.steps]
    later = [replace(m, epoch=m.epoch + 10, step=m.step + STEPS) for m in once.metrics]
    both = Course([*once.steps, *again], [*once.metrics, *later])
    return ReportedRun(replace(own.story, course=both), own.findings)
