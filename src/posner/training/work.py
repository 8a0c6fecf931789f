"""What a training works with."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from accelerate import Accelerator

from posner.align import PieceTokenizer
from posner.folder import Manifest
from posner.model.network import Network
from posner.training.console import Reporter
from posner.training.course import Course
from posner.training.frozen import FrozenStates
from posner.training.members import Members
from posner.training.optimisation import Schedule, WeightAverage
from posner.training.plan import Planner
from posner.training.prepare import PreparedSet
from posner.training.run import RunFolder


@dataclass
class Work:
    """Built by `posner.training.build`.

    Attributes:
        accelerator: device, precision, processes.
        network: the bare network, whose weights are trained.
        manifest: what the saved model will say of itself.
        tokenizer: belongs to the network.
        optimizer: over the network's weights.
        schedule: its course.
        average: the weights' moving average, if wanted.
        members: several trainings from one start, if wanted.
        planner: which windows go into which step.
        course: what is learned in each epoch.
        dev: what is scored after each epoch.
        run: where everything lands.
        reporter: whom to tell.
        states: those of a wholly frozen encoder, where they are kept.
    """

    accelerator: Accelerator
    network: Network
    manifest: Manifest
    tokenizer: PieceTokenizer
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    average: WeightAverage | None
    members: Members | None
    planner: Planner
    course: Course
    dev: PreparedSet
    run: RunFolder
    reporter: Reporter
    states: FrozenStates | None = None

    def anywhere(self, here: bool) -> bool:
        """Whether something is so in any process; all ask, and all are answered alike."""
        if self.accelerator.num_processes == 1:
            return here
        flag = torch.tensor(float(here), device=self.accelerator.device)
        return bool(self.accelerator.reduce(flag, reduction="sum") > 0)
