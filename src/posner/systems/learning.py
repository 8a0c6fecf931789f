"""The plain loop that trains a network over word vectors: epochs, batches, the best one kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from posner.evaluation.counts import Ratios
from posner.labels import IGNORED
from posner.model.saved import takes_bf16
from posner.systems.examples import Batch, Examples
from posner.systems.recipes import NeuralRecipe
from posner.systems.sections import LearningRecipe
from posner.training.console import Reporter
from posner.training.run import MetricsLine, StepLine


@dataclass(frozen=True, slots=True)
class DevScore:
    """What a look at the dev set found: strict ratios, and the mean loss a word."""

    ratios: Ratios
    loss: float


@dataclass
class _Pass:
    """What an epoch has learned from so far: words, places in its batches, seconds of learning."""

    words: int = 0
    places: int = 0
    seconds: float = 0.0


@dataclass
class Trainer:
    """Trains one network.

    The same seed gives the same weights on the same machine with the same number of threads.

    Attributes:
        network: (sentences, words) rows to (sentences, words, tags) emissions.
        examples: what it learns from.
        judge: looks at the dev set.
        recipe: how it learns.
        reporter: is told how it goes.
        device: where the network is.
    """

    network: nn.Module
    examples: Examples
    judge: Callable[[], DevScore]
    recipe: NeuralRecipe
    reporter: Reporter
    device: torch.device
    _steps: int = field(init=False, default=0)
    _begin: float = field(init=False, default=0.0)
    _pass: _Pass = field(init=False, default_factory=lambda: _Pass())

    @property
    def bf16(self) -> bool:
        """Whether it learns under autocast; it judges in full precision."""
        return takes_bf16(self.device, self.recipe.learning.precision)

    @property
    def total(self) -> int:
        """Steps of all epochs."""
        settings = self.recipe.learning
        return -(-len(self.examples.rows) // settings.batch) * settings.epochs

    def run(self) -> int:
        """Train, leave the network with the weights of its best epoch, and say which that was."""
        self._begin = time.perf_counter()
        self.reporter.begin(0, self.total)
        try:
            return self._run()
        finally:
            self.reporter.end()

    def _run(self) -> int:
        settings = self.recipe.learning
        optimizer = optimizer_of(self.network, settings)
        random = np.random.default_rng(settings.seed)
        best, best_epoch, last_gain = (-1.0, 0.0), 0, 0
        least_loss = math.inf
        kept: dict[str, Tensor] = {}
        for epoch in range(1, settings.epochs + 1):
            loss = self._epoch(optimizer, random)
            self.reporter.evaluating()
            judged = self.judge()
            # Of epochs that find as much, the one that is surer of it: on a small dev set F1 soon
            # stands still, and the first epoch to reach it has learned least.
            better = (judged.ratios.f1, -judged.loss) > best
            self.reporter.evaluated(self._line(epoch, loss, judged, better))
            if better:
                best, best_epoch = (judged.ratios.f1, -judged.loss), epoch
                state = self.network.state_dict()
                kept = {name: tensor.detach().clone() for name, tensor in state.items()}
            # At first a network finds next to nothing, and its loss alone tells that it learns.
            if better or judged.loss < least_loss:
                last_gain, least_loss = epoch, min(judged.loss, least_loss)
            if settings.patience and epoch - last_gain >= settings.patience:
                self.reporter.say(f"nothing gained in {settings.patience} epochs: it ends here")
                break
        self.network.load_state_dict(kept)
        self.network.eval()
        return best_epoch

    def _epoch(self, optimizer: torch.optim.Optimizer, random: np.random.Generator) -> float:
        """One pass; the mean loss a word."""
        settings = self.recipe.learning
        self.network.train()
        loss, words = 0.0, 0
        begin, self._pass = time.perf_counter(), _Pass()
        for batch in self.examples.batches(settings.batch, self.recipe.vectors.unknown, random):
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * relative_rate(
                    settings, self._steps, self.total
                )
            own = self._step(optimizer, batch)
            loss += own * batch.counted
            words += batch.counted
            self._steps += 1
            self._pass.words += batch.words
            self._pass.places += batch.rows.numel()
            self._pass.seconds = time.perf_counter() - begin
            rate = optimizer.param_groups[0]["lr"]
            self.reporter.stepped(StepLine(self._steps, round(own, 6), rate))
            pace = (time.perf_counter() - self._begin) / self._steps
            left = pace * (self.total - self._steps)
            self.reporter.step(self._steps, batch.counted / pace, left)
        return loss / max(1, words)

    def _step(self, optimizer: torch.optim.Optimizer, batch: Batch) -> float:
        """Learn from one batch; its mean loss a word."""
        optimizer.zero_grad()
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16):
            emissions = self.network(batch.rows.to(self.device))  # (sentences, words, tags)
        loss = nn.functional.cross_entropy(
            emissions.float().flatten(0, 1),
            batch.tags.to(self.device).flatten(),
            ignore_index=IGNORED,
        )
        loss.backward()  # type: ignore[no-untyped-call]
        if self.recipe.learning.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.learning.clip)
        optimizer.step()
        return loss.item()

    def _line(self, epoch: int, loss: float, judged: DevScore, best: bool) -> MetricsLine:
        seconds = time.perf_counter() - self._begin
        settings = self.recipe.learning
        return MetricsLine(
            epoch=epoch,
            step=self._steps,
            train_loss=loss,
            dev_loss=judged.loss,
            precision=judged.ratios.precision,
            recall=judged.ratios.recall,
            f1=judged.ratios.f1,
            learning_rate=settings.learning_rate * relative_rate(settings, self._steps, self.total),
            seconds=round(seconds, 2),
            pieces_per_second=round(self._pass.words / max(self._pass.seconds, 1e-9), 1),
            padding=round(1 - self._pass.words / max(1, self._pass.places), 4),
            best=best,
        )


def relative_rate(settings: LearningRecipe, step: int, total: int) -> float:
    """The learning rate of a step, counted from 0, relative to its peak."""
    warmup = round(settings.warmup * total)
    if step < warmup:
        return (step + 1) / warmup
    if settings.schedule == "constant":
        return 1.0
    return max(0.0, 1.0 - (step - warmup) / max(1, total - warmup))


def optimizer_of(network: nn.Module, settings: LearningRecipe) -> torch.optim.Optimizer:
    """The recipe's optimiser; neither vectors of words nor biases and norms are decayed."""
    rate = settings.learning_rate
    if settings.optimizer == "sgd":
        return torch.optim.SGD(network.parameters(), lr=rate, momentum=settings.momentum)
    if settings.optimizer == "adam":
        return torch.optim.Adam(network.parameters(), lr=rate)
    tables = {id(m.weight) for m in network.modules() if isinstance(m, nn.Embedding)}
    plain = [p for p in network.parameters() if p.dim() < 2 or id(p) in tables]
    others = [p for p in network.parameters() if p.dim() >= 2 and id(p) not in tables]
    return torch.optim.AdamW(
        [
            {"params": others, "weight_decay": settings.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ],
        lr=rate,
    )
