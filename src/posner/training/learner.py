"""One step of the optimiser: batches to losses to gradients to weights."""

from __future__ import annotations

import contextlib
import dataclasses
import math

import torch

from posner.batching import Batch, collate
from posner.errors import RecipeError
from posner.model.losses import Loss, Targets, divergence, loss_of, zero_like
from posner.model.tensors import TensorBatch
from posner.recipe import TrainingRecipe
from posner.training.checkpoint import Progress
from posner.training.plan import Part
from posner.training.prepare import PreparedSet
from posner.training.targets import batch_targets
from posner.training.work import Work


def check_finite(loss: float, of: str) -> None:
    """Refuse to go on where the weights have run away: no later step brings them back.

    Args:
        loss: what to look at.
        of: what it is the loss of, for the message.

    Raises:
        RecipeError: it is infinite, or no number.
    """
    if not math.isfinite(loss):
        raise RecipeError(
            f"the {of} loss is no finite number, so nothing more can be learned",
            where="training.learning-rate",
            got=loss,
            remedy="lower training.learning-rate and training.head-learning-rate",
        )


class Learner:
    """Takes the steps of a training.

    Args:
        work: see there; its network and optimiser are wrapped for the device and the processes.
    """

    def __init__(self, work: Work) -> None:
        self.work = work
        self.recipe: TrainingRecipe = work.network.recipe.training
        self.wrapped, self.optimizer = work.accelerator.prepare(work.network, work.optimizer)

    def step(self, learned: PreparedSet, step: list[list[Part]], progress: Progress) -> None:
        """One step; this process's parts, one after the other.

        Args:
            learned: what the epoch learns from.
            step: the parts of every process.
            progress: the step's loss, words and pieces are added to it.

        Raises:
            RecipeError: the loss is no finite number any more.
        """
        work, accelerator = self.work, self.work.accelerator
        counted = [part for process in step for part in process if part.counted]
        words = sum(learned.core_words(part.windows) for part in counted)
        parts = step[accelerator.process_index]
        hidden = 0.0 if work.course.is_cut else work.network.recipe.hidden_share
        work.schedule.apply(work.optimizer, progress.step)
        self.wrapped.train()
        for number, part in enumerate(parts, start=1):
            last = number == len(parts)
            with contextlib.nullcontext() if last else accelerator.no_sync(self.wrapped):
                # Gradients are averaged over processes; the loss is a mean over all words.
                loss = self._part_loss(learned, part, hidden)
                check_finite(float(loss.total.detach()), "training")
                if part.counted:
                    # Processes take parts of one size: this one's sum stands for its share.
                    progress.loss += float(loss.entity) * accelerator.num_processes
                total = loss.total if part.counted else zero_like(loss)
                accelerator.backward(total * (accelerator.num_processes / words))
        if self.recipe.clip:
            accelerator.clip_grad_norm_(self.wrapped.parameters(), self.recipe.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        if work.average is not None:
            work.average.update(work.network)
        progress.words += words
        progress.pieces += sum(learned.windows[i].pieces for part in counted for i in part.windows)

    def _part_loss(self, learned: PreparedSet, part: Part, hidden: float) -> Loss:
        """The summed loss of one part, of whose words a share is hidden."""
        work = self.work
        batch = collate([learned.windows[i] for i in part.windows], learned.encoded, work.tokenizer)
        targets = batch_targets(learned, part.windows, batch, work.network)
        tensors = self.tensors(batch, learned, hidden)
        return self._pass_loss(tensors, targets.to(work.accelerator.device))

    def tensors(self, batch: Batch, learned: PreparedSet, share: float) -> TensorBatch:
        """The batch on its device, with kept states, and a share of its words hidden."""
        kept = self.work.states
        source = None if kept is None else kept.of(learned)
        tensors = TensorBatch.of(batch, self.work.accelerator.device, source)
        if not share:
            return tensors
        drawn = torch.rand(tensors.word_mask.shape, device=tensors.piece_ids.device)
        hidden = drawn < share
        pieces = hidden.gather(1, tensors.piece_words.clamp(min=0)) & (tensors.piece_words >= 0)
        spelt = tensors.characters
        return dataclasses.replace(
            tensors,
            piece_ids=tensors.piece_ids.masked_fill(pieces, self.work.tokenizer.mask),
            characters=None if spelt is None else spelt.masked_fill(hidden.unsqueeze(2), 0),
        )

    def _pass_loss(self, tensors: TensorBatch, targets: Targets) -> Loss:
        """The loss of one pass, or the mean of two with what they differ in added."""
        network = self.work.network
        outputs = self.wrapped(tensors)
        loss = loss_of(network, outputs, targets, tensors)
        if not self.recipe.consistency:
            return loss
        again = self.wrapped(tensors)
        other = loss_of(network, again, targets, tensors)
        differ = divergence(network.recipe.heads, outputs, again, tensors.core_mask)
        differ = self.recipe.consistency * differ
        return Loss((loss.total + other.total) / 2 + differ, (loss.entity + other.entity) / 2)
