"""How fast a training goes, and what it will still take."""

from __future__ import annotations

from dataclasses import dataclass

_WARMUP_STEPS = 2
"""The first steps pay for compiled kernels and fresh memory; they are not counted."""

_EVALUATION_SHARE = 0.35
"""What a piece costs in an evaluation (float32, forward only) relative to a training step."""


@dataclass
class Pace:
    """Steps of this process since it started.

    Attributes:
        total: steps of the whole training.
        steps, pieces, seconds: what was counted so far.
    """

    total: int
    steps: int = -_WARMUP_STEPS
    pieces: int = 0
    seconds: float = 0.0

    def count(self, pieces: int, seconds: float) -> None:
        """Count a step."""
        self.steps += 1
        if self.steps > 0:
            self.pieces += pieces
            self.seconds += seconds

    @property
    def pieces_per_second(self) -> float:
        """Real pieces a second, padding not counted; 0 before the first counted step."""
        return self.pieces / self.seconds if self.seconds else 0.0

    def seconds_left(self, done: int) -> float:
        """Of training steps, evaluations not included."""
        return (self.total - done) * self.seconds / self.steps if self.steps > 0 else 0.0

    def expected_seconds(self, done: int, dev_pieces: int, evaluations: int) -> float:
        """Everything that is left, evaluations included."""
        if not self.pieces_per_second:
            return 0.0
        each = _EVALUATION_SHARE * dev_pieces / self.pieces_per_second
        return self.seconds_left(done) + evaluations * each
