"""Curves of a training: its phases, how they are smoothed, and that drawings say what they show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import reported
from posner.report.curves import Course, draw_losses, draw_scores, loss_range, score_range
from posner.report.phases import Phase, phases, smoothed
from posner.training.run import StepLine

FOUR = ["warmup", "plateau", "second plateau", "overfitting"]


def names(found: Sequence[Phase]) -> list[str]:
    return [phase.name for phase in found]


def test_four_phases_are_found_where_they_were_put() -> None:
    made = reported.course()
    found = phases(made.steps, made.metrics)
    assert names(found) == FOUR
    assert [phase.first for phase in found] == [0, 10, pytest.approx(40, abs=1), 70]
    assert [phase.last for phase in found] == [*(phase.first for phase in found[1:]), 100]


def test_phases_that_did_not_happen_are_not_told() -> None:
    made = reported.course()
    falling = [replace(m, dev_loss=1 / m.epoch) for m in made.metrics]
    assert names(phases(made.steps, falling)) == FOUR[:3]
    cold = [replace(s, learning_rate=1e-4) for s in made.steps]
    assert names(phases(cold, made.metrics)) == FOUR[1:]
    assert names(phases(made.steps[:3], [])) == ["warmup"]
    assert phases([], made.metrics) == []


def test_only_the_first_member_has_phases() -> None:
    made = reported.course()
    again = [replace(s, step=s.step + 100) for s in made.steps]
    later = [replace(m, step=m.step + 100, dev_loss=0.01) for m in made.metrics]
    once = phases(made.steps, made.metrics)
    assert phases([*made.steps, *again], [*made.metrics, *later]) == once


@given(st.lists(st.floats(0, 20), min_size=1, max_size=400), st.integers(1, 50))
def test_smoothing_keeps_the_mean_and_the_number_of_points(losses: list[float], most: int) -> None:
    steps = [StepLine(i, loss, 1e-4) for i, loss in enumerate(losses, start=1)]
    points = smoothed(steps, most)
    assert 1 <= len(points) <= most
    assert min(losses) - 1e-9 <= min(p.loss for p in points)
    assert max(p.loss for p in points) <= max(losses) + 1e-9
    assert [p.step for p in points] == sorted(p.step for p in points)
    if len(losses) <= most:
        assert [p.loss for p in points] == losses


@given(
    st.lists(st.tuples(st.floats(0, 10), st.floats(0, 1e-3)), min_size=1, max_size=60),
    st.lists(st.floats(0, 10), max_size=6),
)
@example([(0.0, 0.0)] * 3 + [(1.0, 0.0)] + [(0.0, 0.0)] * 2, [1.0, 0.0, 1.0])
def test_phases_part_the_whole_training(lines: list[tuple[float, float]], dev: list[float]) -> None:
    steps = [StepLine(i, loss, rate) for i, (loss, rate) in enumerate(lines, start=1)]
    every = max(1, len(steps) // max(1, len(dev)))
    template = reported.course().metrics[0]
    metrics = [
        replace(template, step=min((i + 1) * every, len(steps)), dev_loss=loss)
        for i, loss in enumerate(dev)
    ]
    found = phases(steps, metrics)
    for phase, following in pairwise(found):
        assert phase.first < phase.last == following.first
    if found:
        assert found[0].first == 0
        assert found[-1].last <= len(steps)
    assert set(names(found)) <= set(FOUR)


def test_the_curves_say_their_phases_and_their_best_epoch() -> None:
    made = reported.course()
    drawing = draw_losses(made, loss_range([made]), "mine")
    texts = [element.text for element in ElementTree.fromstring(drawing.file()).iter()]
    for said in (*FOUR, "training loss", "dev loss", "learning rate", "3e-4", "best, epoch 6"):
        assert said in texts
    scores = draw_scores(made, score_range([made]), (1, 10), "mine").file()
    assert "best, epoch 6" in scores
    assert "epoch 10: F1 69.00" in scores


@pytest.mark.parametrize("kept", [0, 1])
def test_a_run_without_steps_or_with_one_evaluation_is_drawn(kept: int) -> None:
    made = reported.course()
    short = Course(made.steps[:kept], made.metrics[:1])
    drawn = draw_losses(short, loss_range([short]), "mine").file()
    assert "epoch 1, step 10: dev loss 0.5" in drawn
    assert "best, epoch" not in drawn  # of a single one nothing was chosen
    assert "<circle" in draw_scores(short, score_range([short]), (1, 1), "mine").file()


def test_one_evaluation_is_no_curve() -> None:
    made = reported.course()
    assert made.is_curve
    assert Course([], made.metrics[:2]).is_curve
    assert not Course([], made.metrics[:1]).is_curve
    assert not Course([], []).is_curve


def test_losses_of_nothing_are_drawn() -> None:
    made = reported.course()
    none = Course(
        [replace(s, train_loss=0.0, learning_rate=0.0) for s in made.steps],
        [replace(m, dev_loss=0.0, train_loss=0.0) for m in made.metrics],
    )
    assert "svg" in draw_losses(none, loss_range([none]), "mine").file()
