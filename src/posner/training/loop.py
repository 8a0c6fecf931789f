"""The loop: steps, evaluations, early stopping, checkpoints."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

from accelerate.utils import broadcast_object_list
from torch import Tensor

from posner.backends.torch import TorchBackend
from posner.errors import PosnerError
from posner.model.network import Network
from posner.model.saved import save_network
from posner.plural import counted
from posner.recipe import TrainingRecipe
from posner.recognizer import Recognizer
from posner.training.checkpoint import Checkpointer, Progress
from posner.training.develop import DevResult, evaluate_prepared
from posner.training.learner import Learner, check_finite
from posner.training.optimisation import encoder_rate, trained_weights
from posner.training.pace import Pace
from posner.training.plan import Part, judged_epochs
from posner.training.run import MetricsLine, StepLine
from posner.training.watch import Stopwatch, memory_gigabytes
from posner.training.work import Work


class InterruptedRunError(PosnerError):
    """The user stopped a training; what was done stands in a checkpoint."""

    exit_code = 130

    def __init__(self, what: str, run: Path) -> None:
        """Say what was done, and how to go on.

        Args:
            what: how far it came.
            run: the run folder.
        """
        super().__init__(what, where=run, remedy="go on with the same command and --resume")


class Loop:
    """Runs a training from wherever it stands."""

    def __init__(self, work: Work, judge: Network) -> None:
        """Prepare.

        Args:
            work: see there.
            judge: another network of the same build, which evaluates: in float32, with the
                averaged weights where there are such, and without touching the one that learns.
        """
        self.work = work
        self.recipe: TrainingRecipe = work.network.recipe.training
        self.judge = judge
        self.learner = Learner(work)
        self.checkpoints = Checkpointer(
            work.run.checkpoints, work.accelerator, work.schedule, work.average, work.members
        )
        self.progress = Progress()
        self.watch = Stopwatch()
        self.pace = Pace(work.schedule.total)
        self.estimated = False
        self.judged = judged_epochs(work.course.member_epochs, self.recipe)
        self.saved_step = 0
        self.train = work.course.prepared
        self.padding = 0.0
        self.steps: list[StepLine] = []

    def run(self, *, resume: bool) -> DevResult | None:
        """Train to the end; the best evaluation's result, or None if none beat a resumed one.

        Raises:
            InterruptedRunError: the reporter wanted it to end; a checkpoint was written.
        """
        latest = self.checkpoints.latest() if resume else None
        if latest is not None:
            self.progress = self.checkpoints.restore(latest)
            self.saved_step = self.progress.step
            done, total = self.progress.step, self.work.schedule.total
            self.work.reporter.say(f"goes on after step {done:,} of {total:,}")
        if self._is_main:
            self.work.run.rewind(self.progress.epoch, self.progress.step)
        self.work.reporter.begin(self.progress.step, self.work.schedule.total)
        best: DevResult | None = None
        try:
            while not self._finished():
                self._train_epoch()
                best = self._end_epoch() or best
        finally:
            self.work.reporter.end()
        return best

    @property
    def _is_main(self) -> bool:
        return bool(self.work.accelerator.is_main_process)

    @property
    def _since_checkpoint(self) -> int:
        """Steps that would have to be done again."""
        return self.progress.step - self.saved_step

    @property
    def seconds(self) -> float:
        """Wall time of the training, earlier parts of a resumed run included."""
        return self.progress.seconds + self.watch.seconds

    def _end_epoch(self) -> DevResult | None:
        """Evaluate, begin another member, write a checkpoint: each if it is time."""
        judged, member = self._is_judged(self.progress.epoch), self._ends_member()
        best = self._evaluate() if judged else None
        if member:
            self._next_member()
        if judged or member or self._since_checkpoint >= self.recipe.checkpoint_steps > 0:
            self._checkpoint()
        return best

    def _is_judged(self, epoch: int) -> bool:
        """Whether dev is scored after an epoch, counted from 1 over all members."""
        return (epoch - 1) % self.work.course.member_epochs + 1 in self.judged

    def _ends_member(self) -> bool:
        """Whether the latest epoch was a member's last, and not the training's."""
        epoch, course = self.progress.epoch, self.work.course
        return epoch < course.epochs and epoch % course.member_epochs == 0

    def _next_member(self) -> None:
        """Keep the weights as they are, and begin again from the start."""
        work = self.work
        assert work.members is not None
        work.members.finish(self._trained())
        work.members.restart(work.network, work.optimizer)
        work.schedule.restart()
        if work.average is not None:
            work.average.restart(work.network)

    def _finished(self) -> bool:
        progress, recipe = self.progress, self.recipe
        if progress.epoch >= self.work.course.epochs:
            return True
        enough = progress.epoch >= recipe.minimum_epochs and self._is_judged(progress.epoch)
        patient = recipe.patience and self.work.members is None
        return bool(patient) and enough and progress.stale >= recipe.patience

    def _train_epoch(self) -> None:
        progress = self.progress
        self.train = self.work.course.at(progress.epoch)
        plan = self.work.course.plan(progress.epoch, self.work.planner)
        self.padding = plan.padding
        if not progress.step_in_epoch:
            progress.loss, progress.words = 0.0, 0
        for step in plan.steps[progress.step_in_epoch :]:
            self._step(step)
            every = self.recipe.checkpoint_steps
            due = bool(every) and progress.step % every == 0
            stop = self.work.anywhere(self.work.reporter.wants_stop())
            if (due and progress.step_in_epoch < len(plan.steps)) or stop:
                self._checkpoint()
            if stop:
                raise InterruptedRunError(f"stopped after step {progress.step}", self.work.run.path)
        progress.epoch += 1
        progress.step_in_epoch = 0
        if not self.estimated:
            self._estimate()

    def _step(self, step: list[list[Part]]) -> None:
        """One step of the optimiser, and what it says of pace and progress."""
        begin, progress = time.perf_counter(), self.progress
        before, loss, words = progress.pieces, progress.loss, progress.words
        self.learner.step(self.train, step, progress)
        seconds = time.perf_counter() - begin
        progress.step += 1
        progress.step_in_epoch += 1
        progress.train_seconds += seconds
        self.pace.count(progress.pieces - before, seconds)
        mean = (progress.loss - loss) / max(1, progress.words - words)
        self.steps.append(StepLine(progress.step, round(mean, 6), self._rate()))
        self._report_step()

    def _report_step(self) -> None:
        work, pace, done = self.work, self.pace, self.progress.step
        work.reporter.step(done, pace.pieces_per_second, pace.seconds_left(done))
        if not self.estimated and pace.seconds > 1.5:
            self._estimate()

    def _estimate(self) -> None:
        """Say once how long the training is expected to take, and what it holds by now."""
        self.estimated = True
        work, progress = self.work, self.progress
        pieces = sum(w.pieces for w in work.dev.windows)
        epochs = range(progress.epoch + 1, work.course.epochs + 1)
        evaluations = sum(map(self._is_judged, epochs))
        seconds = self.pace.expected_seconds(progress.step, pieces, evaluations)
        memory = memory_gigabytes(work.accelerator.device)
        work.reporter.say(
            f"expects to need about {_duration(seconds)}; {memory:.1f} GB of memory so far"
        )

    def _evaluate(self) -> DevResult | None:
        """Score the dev set, save the model if it is the best; its result in that case.

        Raises:
            RecipeError: the dev loss is no finite number.
        """
        work, progress = self.work, self.progress
        work.reporter.evaluating()
        own = self.judge_now() if self._is_main else None
        # The votes stay where they are needed: they are as many as the dev set has words.
        found = [None if own is None else dataclasses.replace(own, votes=())]
        broadcast_object_list(found, from_process=0)
        result = own or found[0]
        assert result is not None
        check_finite(result.loss, "dev")
        f1 = result.evaluation.counts.f1
        better = f1 > progress.best_f1
        line = self._metrics(result, better)
        if better:
            progress.best_f1, progress.stale = f1, 0
        else:
            progress.stale += 1
        work.schedule.observe(f1)
        if self._is_main:
            if better:
                self._save_model(line, result)
            work.run.append(line)
            work.reporter.evaluated(line)
        progress.pieces, progress.train_seconds = 0, 0.0
        return result if better else None

    def judge_now(self) -> DevResult:
        """What the weights as they are find in the dev set."""
        work = self.work
        self.judge.load_state_dict(self._weights())
        source = None if work.states is None else work.states.dev
        backend = TorchBackend(self.judge, work.manifest, source=source)
        return evaluate_prepared(Recognizer(work.manifest, work.tokenizer, backend), work.dev)

    def _weights(self) -> dict[str, Tensor]:
        """The weights to judge and save: at a member's end, the mean with those before it."""
        weights = dict(self.work.network.state_dict()) | self._trained()
        members, course = self.work.members, self.work.course
        if members is not None and self.progress.epoch % course.member_epochs == 0:
            weights |= members.with_member(weights)
        return weights

    def _trained(self) -> dict[str, Tensor]:
        """What was trained, averaged over the latest steps where that is wanted."""
        if self.work.average is not None:
            return self.work.average.weights
        return {
            name: weight.detach() for name, weight in trained_weights(self.work.network).items()
        }

    def _metrics(self, result: DevResult, better: bool) -> MetricsLine:
        progress, counts = self.progress, result.evaluation.counts
        return MetricsLine(
            epoch=progress.epoch,
            step=progress.step,
            train_loss=progress.loss / max(1, progress.words),
            dev_loss=result.loss,
            precision=counts.precision,
            recall=counts.recall,
            f1=counts.f1,
            learning_rate=self._rate(),
            seconds=round(self.seconds, 2),
            pieces_per_second=round(progress.pieces / max(progress.train_seconds, 1e-9), 1),
            padding=round(self.padding, 4),
            best=better,
        )

    def _rate(self) -> float:
        """The encoder's learning rate at the last step."""
        work = self.work
        return encoder_rate(work.network.recipe) * work.schedule.at(self.progress.step - 1)

    def _save_model(self, line: MetricsLine, result: DevResult) -> None:
        figures = dict(self.work.manifest.figures)
        figures["dev"] = {"epoch": line.epoch, "seconds": line.seconds, **result.to_json()}
        manifest = dataclasses.replace(self.work.manifest, figures=figures)
        save_network(
            self.work.run.model, self.work.network, manifest, self.work.tokenizer, self._weights()
        )

    def _checkpoint(self) -> None:
        if self._is_main:  # before the checkpoint: going on from it finds every step up to it
            self.work.run.append_steps(self.steps)
        self.steps.clear()
        kept = dataclasses.replace(self.progress, seconds=self.seconds)
        self.checkpoints.save(kept)
        self.saved_step = self.progress.step


def _duration(seconds: float) -> str:
    """About how long, in the larger unit that tells it."""
    if seconds < 90:
        return counted(max(1, round(seconds)), "second")
    return f"{seconds / 60:,.0f} minutes"
