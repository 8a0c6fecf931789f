"""`train`: from a labelled corpus and a recipe to a run folder with a model."""

from __future__ import annotations

import copy
import dataclasses
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from accelerate.utils import set_seed

from posner.calibration.calibrate import calibrate_folder
from posner.corpus import Corpus
from posner.evaluation.model import evaluate_documents
from posner.evaluation.result import Evaluation
from posner.folder import FINISHED
from posner.loading import load
from posner.recipe import Recipe
from posner.training.beside import set_beside
from posner.training.build import accelerator_for, build_work
from posner.training.console import Reporter, clock
from posner.training.develop import DevResult
from posner.training.hold import held, refuse_held
from posner.training.loop import InterruptedRunError, Loop
from posner.training.parts import NO_TAGS, Parts, training_parts
from posner.training.run import RunFolder
from posner.training.start import Start
from posner.training.watch import Interruption, memory_gigabytes
from posner.training.work import Work

START_F1 = "start_f1"
"""In `run.json`: the dev F1 of the model that a training began with."""


@dataclass(frozen=True)
class TrainResult:
    """What a training came to.

    Attributes:
        run: the run folder.
        evaluation: the best model's on the dev set; None on all processes but the main one.
        seconds: wall time of the training, earlier parts of a resumed run included.
    """

    run: Path
    evaluation: Evaluation | None
    seconds: float


def train(
    corpus: Corpus,
    dev: Corpus | None,
    recipe: Recipe,
    out: Path,
    *,
    reporter: Reporter,
    start: Path | None = None,
    resume: bool = False,
    force: bool = False,
) -> TrainResult:
    """Fine-tune a recogniser.

    Args:
        corpus: what it learns from.
        dev: what chooses the best epoch; by default a share of the corpus is set aside.
        recipe: every setting.
        out: the run folder.
        reporter: is told how it goes.
        start: a model or run folder whose weights and tags to go on from, instead of the
            recipe's backbone.
        resume: go on from the folder's last checkpoint; from the start if there is none. A run
            that is finished stays as it is.
        force: write into a folder that is not empty.

    Raises:
        DataError: the corpus cannot be learned from, or a resumed run's was another.
        RecipeError: settings that contradict each other, a resumed run's or those that the model
            to start from is built with; or rates so high that the loss runs away.
        ModelError: the backbone, or the model to start from, cannot be loaded.
        InterruptedRunError: the user stopped it; `resume` goes on.
        PosnerError: `out` may not be replaced or cannot be written, or another process trains
            into it.
    """
    accelerator = accelerator_for(recipe)
    main = bool(accelerator.is_main_process)
    reporter = reporter if main else Reporter()
    begun = None if start is None else Start.at(start)
    known = NO_TAGS if begun is None else begun.known
    parts = training_parts(corpus, dev, recipe, reporter, known=known)
    if begun is not None:
        begun.check(recipe)
        parts = begun.extend(parts)
    run = RunFolder(out)
    if main:
        refuse_held(out)
    if resume:
        record = run.check_resumable(recipe, parts.facts)
        if record["state"] == FINISHED:
            reporter.say(f"{out}: this run is finished already, and stays as it is")
            evaluation = _saved_evaluation(run, parts, recipe) if main else None
            return TrainResult(out, evaluation, float(record["seconds"]))
    elif main:
        run.refuse(force=force)
    accelerator.wait_for_everyone()
    work = build_work(parts, recipe, accelerator, run, reporter, begun)
    if main and not resume:  # only now: whatever could be refused leaves no folder behind
        run.start(recipe, parts.facts, force=force)
    accelerator.wait_for_everyone()
    with held(out) if main else nullcontext(), Interruption(reporter) as interruption:
        work = dataclasses.replace(work, reporter=interruption)
        result = _learn(work, parts, begun, resume=resume)
    if work.anywhere(interruption.requested):  # too late for this run, not for what would follow it
        raise InterruptedRunError("stopped when all was done", out)
    return result


def _learn(work: Work, parts: Parts, start: Start | None, *, resume: bool) -> TrainResult:
    """Run the loop, and let the main process finish the model that came of it."""
    run, recipe = work.run, work.network.recipe
    judge = copy.deepcopy(work.network)
    set_seed(recipe.training.seed, device_specific=True)
    loop = Loop(work, judge)
    start_f1 = None if start is None else _start_f1(loop, start)
    best = loop.run(resume=resume)
    # As they are printed: less than that is no loss.
    if start_f1 is not None and round(loop.progress.best_f1, 4) < round(start_f1, 4):
        work.reporter.say(_warning(start_f1, loop.progress.best_f1, recipe))
    evaluation, stop = None, None
    if work.accelerator.is_main_process:
        try:
            evaluation = _finish(work, parts, start, best)
        except KeyboardInterrupt as error:
            stop = error
    if work.anywhere(stop is not None):
        what = "stopped after the last step, before all was chosen on the dev set"
        raise InterruptedRunError(what, run.path) from stop
    seconds = loop.seconds
    if work.accelerator.is_main_process:
        memory = memory_gigabytes(work.accelerator.device)
        ended = {"seconds": round(seconds, 1), "memory_gigabytes": round(memory, 3)}
        run.write_record(run.read_record() | {"state": FINISHED, **ended})
    loop.checkpoints.clear()  # only now: a run killed before this line can still be resumed
    return TrainResult(run.path, evaluation, seconds)


def _start_f1(loop: Loop, start: Start) -> float | None:
    """What the dev F1 is before anything is learned; the main process looks, and tells it once."""
    work = loop.work
    if not work.accelerator.is_main_process:
        return None
    record = work.run.read_record()
    if START_F1 in record:  # a resumed run's
        return float(record[START_F1])
    f1 = loop.judge_now().evaluation.counts.f1
    work.run.write_record(record | {START_F1: f1})
    alone = ", without its surface features" if start.beside else ""
    new = [label for label in work.manifest.labels if label not in start.manifest.labels]
    random = f", with nothing learned of {', '.join(new)} yet" if new else ""
    work.reporter.say(f"before learning: dev F1 {100 * f1:.2f}{alone}{random}")
    return f1


def _warning(start: float, best: float, recipe: Recipe) -> str:
    """What to say of a training that lost what its start knew."""
    rates = recipe.training
    return (
        f"warning: no epoch came to the F1 of {100 * start:.2f} before learning, the best is "
        f"{100 * best:.2f}: go on with gentler rates than training.learning-rate "
        f"{rates.learning_rate:g} and training.head-learning-rate {rates.head_learning_rate:g}, "
        "or stay with the model that it began with"
    )


def _finish(work: Work, parts: Parts, start: Start | None, best: DevResult | None) -> Evaluation:
    """What follows the last step: surface features beside the network, temperature, threshold."""
    run, recipe = work.run, work.network.recipe
    votes = best.votes if best else None
    evaluation = best.evaluation if best else None
    if recipe.features.surface:
        work.reporter.say("surface features are learned and weighed beside the network")
        beside = set_beside(
            run.model,
            parts.train.documents,
            parts.dev.documents,
            source=str(parts.dev.path),
            votes=votes,
            start=None if start is None else start.surface(work.manifest),
            device=recipe.training.device,
            reporter=work.reporter,
        )
        work.reporter.say(beside.line)
        votes, evaluation = beside.votes, beside.evaluation or evaluation
    if evaluation is None:
        evaluation = _saved_evaluation(run, parts, recipe)
    calibrated = calibrate_folder(
        run.model,
        parts.dev.documents,
        source=str(parts.dev.path),
        device=recipe.training.device,
        best_f1=recipe.training.threshold == "best-f1",
        votes=votes,
    )
    for line in calibrated.lines:
        work.reporter.say(line)
    return calibrated.evaluation or evaluation


def _saved_evaluation(run: RunFolder, parts: Parts, recipe: Recipe) -> Evaluation:
    """The dev figures of the run's model, where this process did not see its best epoch."""
    recognizer = load(run.model, device=recipe.training.device)
    return evaluate_documents(recognizer, parts.dev.documents)


def describe(result: TrainResult) -> str:
    """One closing line of the main process."""
    assert result.evaluation is not None
    f1 = 100 * result.evaluation.counts.f1
    return (
        f"best dev F1 {f1:.2f} in {clock(result.seconds)}; the model is in {result.run / 'model'}"
    )
