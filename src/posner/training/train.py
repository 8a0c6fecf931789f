"""`train`: from a labelled corpus and a recipe to a run folder with a model."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedDataParallelKwargs, set_seed

from posner.align import Encoder, PieceTokenizer
from posner.calibration.calibrate import calibrate_folder
from posner.collector import collector_paused
from posner.corpus import Corpus
from posner.evaluation.model import evaluate_documents
from posner.evaluation.result import Evaluation
from posner.folder import Manifest
from posner.loading import load
from posner.model.backbone import Backbone, load_backbone
from posner.model.dropout import use_byte_dropout
from posner.model.layers import check_sentence
from posner.model.network import Network, build_network, required_head_tags
from posner.model.saved import native_bf16, torch_device
from posner.recipe import Recipe
from posner.recognizer import window_plan
from posner.training.console import Reporter, clock
from posner.training.course import Course
from posner.training.fresh import FreshSets
from posner.training.frozen import FrozenStates, StateKeeper, wants_states
from posner.training.loop import Loop
from posner.training.members import Members
from posner.training.optimisation import Schedule, WeightAverage, build_optimizer
from posner.training.parts import NO_TAGS, Parts, training_parts
from posner.training.plan import Planner, affordable_epochs
from posner.training.prepare import PreparedSet, prepare
from posner.training.run import FINISHED, RunFolder
from posner.training.start import Start
from posner.training.watch import memory_gigabytes
from posner.training.work import Work
from posner.word_features import alphabet_of


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
            to start from is built with.
        ModelError: the backbone, or the model to start from, cannot be loaded.
        InterruptedRunError: the user stopped it; `resume` goes on.
    """
    accelerator = _accelerator(recipe)
    reporter = reporter if accelerator.is_main_process else Reporter()
    begun = None if start is None else Start.at(start)
    known = NO_TAGS if begun is None else begun.known
    parts = training_parts(corpus, dev, recipe, reporter, known=known)
    if begun is not None:
        begun.check(recipe)
        parts = begun.extend(parts)
    run = RunFolder(out)
    main = bool(accelerator.is_main_process)
    if resume:
        record = run.check_resumable(recipe, parts.facts)
        if record["state"] == FINISHED:
            reporter.say(f"{out}: this run is finished already, and stays as it is")
            evaluation = _saved_evaluation(run, parts, recipe) if main else None
            return TrainResult(out, evaluation, float(record["seconds"]))
    elif main:
        run.refuse(force=force)
    accelerator.wait_for_everyone()
    work = _build(parts, recipe, accelerator, run, reporter, begun)
    if wants_states(recipe):
        work.states = _frozen_states(work, parts)
    if main and not resume:  # only now: whatever could be refused leaves no folder behind
        run.start(recipe, parts.facts, force=force)
    accelerator.wait_for_everyone()
    judge = copy.deepcopy(work.network)
    set_seed(recipe.training.seed, device_specific=True)
    loop = Loop(work, judge)
    best = loop.run(resume=resume)
    if not main:
        loop.checkpoints.clear()
        return TrainResult(out, None, loop.seconds)
    evaluation = best.evaluation if best else _saved_evaluation(run, parts, recipe)
    calibrated = calibrate_folder(
        run.model,
        parts.dev.documents,
        source=str(parts.dev.path),
        device=recipe.training.device,
        votes=best.votes if best else None,
    )
    for line in calibrated:
        reporter.say(line)
    run.write_record(run.read_record() | _cost(loop, accelerator))
    loop.checkpoints.clear()  # only now: a run killed before this line can still be resumed
    return TrainResult(out, evaluation, loop.seconds)


def _cost(loop: Loop, accelerator: Accelerator) -> dict[str, Any]:
    """What `run.json` says of a run that came to its end; memory is this process's peak."""
    memory = memory_gigabytes(accelerator.device)
    return {
        "state": FINISHED,
        "seconds": round(loop.seconds, 1),
        "memory_gigabytes": round(memory, 3),
    }


def _frozen_states(work: Work, parts: Parts) -> FrozenStates:
    """The frozen encoder's states of everything that stays the same; one process computes them."""
    keeper = StateKeeper(work.network, work.tokenizer, work.reporter)
    course, accelerator = work.course, work.accelerator

    def kept() -> FrozenStates:
        learned = None
        if course.fresh is None:  # else each epoch has documents of its own
            path = str(parts.train.path)
            learned = keeper.states(course.prepared.encoded, course.windows, path)
        judged = keeper.states(work.dev.encoded, work.dev.windows, str(parts.dev.path))
        return FrozenStates(course.prepared, learned, judged)

    found = kept() if accelerator.is_main_process else None
    accelerator.wait_for_everyone()
    return found or kept()


def _saved_evaluation(run: RunFolder, parts: Parts, recipe: Recipe) -> Evaluation:
    """The dev figures of the run's model, where this process did not see its best epoch."""
    recognizer = load(run.model, device=recipe.training.device)
    return evaluate_documents(recognizer, parts.dev.documents)


def _accelerator(recipe: Recipe) -> Accelerator:
    """Accelerate for the recipe's device and precision, fresh for every training."""
    AcceleratorState._reset_state()
    device = torch_device(recipe.training.device)
    wanted = recipe.training.precision
    bf16 = native_bf16(device) if wanted == "auto" else wanted == "bf16"
    # Where layers are chosen, parts of some encoders outside the layers may learn nothing.
    idle = DistributedDataParallelKwargs(find_unused_parameters=recipe.backbone.layers != "last")
    return Accelerator(
        mixed_precision="bf16" if bf16 else "no",
        cpu=device.type == "cpu",
        kwargs_handlers=[idle],
    )


@collector_paused()
def _build(
    parts: Parts,
    recipe: Recipe,
    accelerator: Accelerator,
    run: RunFolder,
    reporter: Reporter,
    start: Start | None = None,
) -> Work:
    """Everything that the loop works with."""
    set_seed(recipe.training.seed)
    dropout = recipe.training.encoder_dropout
    if start is None:
        backbone = load_backbone(recipe.backbone, dropout=dropout)
    else:
        backbone = start.backbone(dropout)
    check_sentence(recipe, backbone.tokenizer)
    manifest = _manifest(parts, recipe, backbone, start)
    network = build_network(backbone.encoder, manifest).to(accelerator.device)
    if start is not None:
        start.fill(network, manifest)
    use_byte_dropout(network)
    train_set, dev_set = _prepared(parts, manifest, backbone.tokenizer)
    settings = recipe.training
    planner = Planner(
        batch_pieces=settings.batch_pieces,
        processes=accelerator.num_processes,
        accumulation=settings.accumulation,
        seed=settings.seed,
    )
    plan = window_plan(manifest, backbone.tokenizer)
    fresh = FreshSets.of(parts.train.documents, parts.lexicon, manifest, backbone.tokenizer)
    wanted = settings.members * settings.epochs
    first = Course.of(recipe, wanted, train_set, plan).plan(0, planner)
    epochs = settings.members * affordable_epochs(len(first.steps), settings)
    course = Course.of(recipe, epochs, train_set, plan, fresh)
    schedule = Schedule.of(settings, course.steps(planner))
    for line in _announcement(parts, recipe, course, dev_set, planner):
        reporter.say(line)
    weights = _weights(network)
    reporter.say(_weights_line(weights, accelerator))
    manifest = dataclasses.replace(manifest, figures=manifest.figures | {"weights": weights})
    return Work(
        accelerator=accelerator,
        network=network,
        manifest=manifest,
        tokenizer=backbone.tokenizer,
        optimizer=build_optimizer(network, settings),
        schedule=schedule,
        average=WeightAverage(network, settings.ema) if settings.ema else None,
        members=Members(network) if settings.members > 1 else None,
        planner=planner,
        course=course,
        dev=dev_set,
        run=run,
        reporter=reporter,
    )


def _announcement(
    parts: Parts, recipe: Recipe, course: Course, dev_set: PreparedSet, planner: Planner
) -> Iterator[str]:
    """What is going to be done."""
    settings, train_set = recipe.training, course.prepared
    epochs = course.member_epochs
    if epochs != settings.epochs:
        fewer = epochs < settings.epochs
        wanted = (
            f"stay within training.max-steps = {settings.max_steps}"
            if fewer
            else f"come to training.min-steps = {settings.min_steps}"
        )
        yield f"{epochs} epochs instead of {settings.epochs}, to {wanted}"
    yield (
        f"{train_set.sentences:,} sentences ({train_set.words:,} words) to learn from, "
        f"{dev_set.sentences:,} to judge by; labels {' '.join(parts.tags.labels)}"
    )
    if course.fresh is not None:
        yield from course.fresh.announcement()
    plan = course.plan(0, planner)
    several = f"{settings.members} members, each in " if settings.members > 1 else ""
    yield (
        f"{several}{epochs} epochs of {len(plan.steps):,} steps of at most "
        f"{settings.batch_pieces:,} pieces, {100 * plan.padding:.1f} % of them padding"
    )


def _weights(network: Network) -> dict[str, int]:
    """How many weights there are, and how many of them learn."""
    sizes = [(p.numel(), p.requires_grad) for p in network.parameters()]
    return {"all": sum(n for n, _ in sizes), "trained": sum(n for n, learns in sizes if learns)}


def _weights_line(weights: Mapping[str, int], accelerator: Accelerator) -> str:
    precision = "bf16" if accelerator.mixed_precision == "bf16" else "fp32"
    trained, total = weights["trained"] / 1e6, weights["all"] / 1e6
    return (
        f"{trained:.1f} of {total:.1f} million weights are trained, "
        f"on {accelerator.device} in {precision}"
    )


def _manifest(parts: Parts, recipe: Recipe, backbone: Backbone, start: Start | None) -> Manifest:
    tags = parts.tags
    characters = alphabet_of(parts.train.documents) if recipe.features.characters else ""
    pos, chunk = required_head_tags(recipe, tags.pos, tags.chunk)
    return Manifest(
        recipe=recipe,
        labels=tags.labels,
        window=backbone.window,
        pos_tags=pos,
        chunk_tags=chunk,
        characters=characters if start is None else start.manifest.characters,
        figures={"data": {k: v for k, v in parts.facts.items() if k != "fingerprint"}},
    )


def _prepared(
    parts: Parts, manifest: Manifest, tokenizer: PieceTokenizer
) -> tuple[PreparedSet, PreparedSet]:
    encoder = Encoder(tokenizer, manifest.characters)
    plan = window_plan(manifest, tokenizer)
    first, second = (
        prepare(part.documents, manifest, encoder, plan) for part in (parts.train, parts.dev)
    )
    return first, second


def describe(result: TrainResult) -> str:
    """One closing line of the main process."""
    assert result.evaluation is not None
    f1 = 100 * result.evaluation.counts.f1
    return (
        f"best dev F1 {f1:.2f} in {clock(result.seconds)}; the model is in {result.run / 'model'}"
    )
