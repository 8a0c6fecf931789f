"""A training's course: time and dev F1 after each epoch, kept as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Point:
    """One look at the dev set.

    Attributes:
        epoch: passes finished.
        f1: strict micro F1 on the dev set, 0 to 1.
        seconds: since the process began, imports, reading and evaluations included.
        evaluation_seconds: how much of that went into looks at the dev set, this one included.
        train_seconds: what the training since the point before took.
        pieces_per_second: real pieces that it took in a second, padding not counted.
    """

    epoch: int
    f1: float
    seconds: float
    evaluation_seconds: float
    train_seconds: float
    pieces_per_second: float

    @property
    def minutes(self) -> float:
        """Since the process began, looks at the dev set not counted."""
        return (self.seconds - self.evaluation_seconds) / 60


def append_point(path: Path, point: Point) -> None:
    """Add a line."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(point)) + "\n")


def read_points(path: Path) -> list[Point]:
    """The points of a run; none where there is no file."""
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Point(**json.loads(line)) for line in lines]


def seconds_to(points: Sequence[Point], f1: float) -> float | None:
    """Wall time, evaluations included, until F1 was at least `f1`; None where it never was."""
    return next((point.seconds for point in points if point.f1 >= f1), None)


def f1_within(points: Sequence[Point], minutes: float) -> float | None:
    """The best F1 within that many minutes, evaluations not counted; None before the first."""
    return max((point.f1 for point in points if point.minutes <= minutes), default=None)


def best_f1(points: Sequence[Point]) -> float:
    """The best F1, which is that of the model that is kept."""
    return max(point.f1 for point in points)


def useful_pieces_per_second(points: Sequence[Point]) -> float:
    """Real pieces trained in a second of training, over all epochs."""
    seconds = sum(point.train_seconds for point in points)
    return sum(p.pieces_per_second * p.train_seconds for p in points) / seconds


def minutes_per_epoch(points: Sequence[Point]) -> float:
    """Of training alone, the mean over the epochs, of which the first may have no points."""
    return sum(point.train_seconds for point in points) / points[-1].epoch / 60


def percent(f1: float | None) -> str:
    """`93.85`, or a dash."""
    return "-" if f1 is None else f"{100 * f1:.2f}"
