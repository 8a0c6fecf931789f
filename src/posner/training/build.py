"""Everything that a training works with, out of its parts and its recipe."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedDataParallelKwargs, set_seed

from posner.align import Encoder, PieceTokenizer
from posner.collector import collector_paused
from posner.corpus import Corpus
from posner.folder import Manifest
from posner.model.backbone import Backbone, load_backbone
from posner.model.dropout import limit_dropout, use_byte_dropout
from posner.model.layers import check_sentence
from posner.model.network import Network, build_network, required_head_tags
from posner.model.saved import takes_bf16, torch_device
from posner.plural import counted
from posner.recipe import Recipe, TrainingRecipe
from posner.recognizer import window_plan
from posner.training.console import Reporter
from posner.training.course import FEW_EPOCHS_DROPOUT, Course
from posner.training.fresh import FreshSets
from posner.training.frozen import FrozenStates, StateKeeper, wants_states
from posner.training.members import Members
from posner.training.optimisation import Schedule, WeightAverage, build_optimizer
from posner.training.parts import Parts
from posner.training.plan import Extent, Planner, affordable, judged_epochs
from posner.training.prepare import PreparedSet, prepare
from posner.training.run import RunFolder
from posner.training.start import Start
from posner.training.work import Work
from posner.word_features import alphabet_of


def accelerator_for(recipe: Recipe) -> Accelerator:
    """Accelerate for the recipe's device and precision, fresh for every training."""
    AcceleratorState._reset_state()
    device = torch_device(recipe.training.device)
    bf16 = takes_bf16(device, recipe.training.precision)
    # Where layers are chosen, parts of some encoders outside the layers may learn nothing.
    idle = DistributedDataParallelKwargs(find_unused_parameters=recipe.backbone.layers != "last")
    return Accelerator(
        mixed_precision="bf16" if bf16 else "no",
        cpu=device.type == "cpu",
        kwargs_handlers=[idle],
    )


@collector_paused()
def build_work(
    parts: Parts,
    recipe: Recipe,
    accelerator: Accelerator,
    run: RunFolder,
    reporter: Reporter,
    start: Start | None = None,
) -> Work:
    """Everything that the loop works with; the reporter is told what is going to be done.

    Args:
        parts: what is learned from, and what judges.
        recipe: every setting.
        accelerator: see `accelerator_for`.
        run: where everything lands; nothing is written yet.
        reporter: is told.
        start: whose weights to go on from, instead of the recipe's backbone.

    Raises:
        RecipeError: settings that do not fit the corpus or the backbone.
        ModelError: the backbone cannot be loaded.
    """
    settings = recipe.training
    set_seed(settings.seed)
    tokenizer, manifest, network = _network(parts, recipe, start)
    network.to(accelerator.device)
    planner = _planner(settings, accelerator)
    course = _course(parts, manifest, tokenizer, planner)
    if course.is_cut:
        limit_dropout(network, FEW_EPOCHS_DROPOUT)
    weights = _weights(network)
    work = Work(
        accelerator=accelerator,
        network=network,
        manifest=dataclasses.replace(manifest, figures=manifest.figures | {"weights": weights}),
        tokenizer=tokenizer,
        optimizer=build_optimizer(network, settings),
        schedule=Schedule.of(settings, course.steps(planner)),
        average=WeightAverage(network, settings.ema) if settings.ema else None,
        members=Members(network) if course.extent.members > 1 else None,
        planner=planner,
        course=course,
        dev=_prepared(parts.dev, manifest, tokenizer),
        run=run,
        reporter=reporter,
    )
    for line in (*_announcement(work, parts), _weights_line(weights, accelerator)):
        reporter.say(line)
    if wants_states(recipe):
        work.states = _frozen_states(work, parts)
    return work


def _network(
    parts: Parts, recipe: Recipe, start: Start | None
) -> tuple[PieceTokenizer, Manifest, Network]:
    """The network that is going to learn, and what belongs to it."""
    dropout = recipe.training.encoder_dropout
    if start is None:
        backbone = load_backbone(recipe.backbone, dropout=dropout)
    else:
        backbone = start.backbone(dropout)
    check_sentence(recipe, backbone.tokenizer)
    manifest = _manifest(parts, recipe, backbone, start)
    network = build_network(backbone.encoder, manifest)
    if start is not None:
        start.fill(network, manifest)
    use_byte_dropout(network)
    return backbone.tokenizer, manifest, network


def _planner(settings: TrainingRecipe, accelerator: Accelerator) -> Planner:
    return Planner(
        batch_pieces=settings.batch_pieces,
        processes=accelerator.num_processes,
        accumulation=settings.accumulation,
        seed=settings.seed,
    )


def _course(
    parts: Parts, manifest: Manifest, tokenizer: PieceTokenizer, planner: Planner
) -> Course:
    """What is learned epoch by epoch, and for how many of them."""
    recipe, documents = manifest.recipe, parts.train.documents
    plan = window_plan(manifest, tokenizer)
    learned = _prepared(parts.train, manifest, tokenizer)
    wanted = Extent(recipe.training.members, recipe.training.epochs)
    first = Course.of(recipe, wanted, learned, plan).plan(0, planner)
    extent = affordable(len(first.steps), recipe.training)
    fresh = FreshSets.of(documents, parts.lexicon, manifest, tokenizer)
    return Course.of(recipe, extent, learned, plan, fresh)


def _announcement(work: Work, parts: Parts) -> Iterator[str]:
    """What is going to be done."""
    settings, course = work.network.recipe.training, work.course
    learned = course.prepared
    members, epochs = course.extent.members, course.extent.epochs
    if members < settings.members:
        yield f"{counted(members, 'member')} instead of {settings.members}, to {_within(settings)}"
    if epochs < settings.epochs:
        yield f"{counted(epochs, 'epoch')} instead of {settings.epochs}, to {_within(settings)}"
    if course.is_cut:
        yield f"so few that no words are hidden, and dropout is {FEW_EPOCHS_DROPOUT} at most"
    if epochs > settings.epochs:
        least = f"come to training.min-steps = {settings.min_steps}"
        yield f"{epochs} epochs instead of {settings.epochs}, to {least}"
    words = counted(learned.words, "word")
    yield (
        f"{counted(learned.sentences, 'sentence')} ({words}) to learn from, "
        f"{work.dev.sentences:,} to judge by; labels {' '.join(parts.tags.labels)}"
    )
    if course.fresh is not None:
        yield from course.fresh.announcement()
    plan = course.plan(0, work.planner)
    several = f"{members} members, each in " if members > 1 else ""
    yield (
        f"{several}{counted(epochs, 'epoch')} of {counted(len(plan.steps), 'step')} of at most "
        f"{settings.batch_pieces:,} pieces, {100 * plan.padding:.1f} % of them padding"
    )
    judged = len(judged_epochs(epochs, settings))
    if judged < epochs:
        each = " of each member" if members > 1 else ""
        yield f"dev is scored {counted(judged, 'time')} in {epochs} epochs{each}"


def _within(settings: TrainingRecipe) -> str:
    return f"stay within training.max-steps = {settings.max_steps}"


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
        figures={"data": {k: v for k, v in parts.facts.items() if k != "fingerprints"}},
    )


def _prepared(part: Corpus, manifest: Manifest, tokenizer: PieceTokenizer) -> PreparedSet:
    encoder = Encoder(tokenizer, manifest.characters)
    return prepare(part.documents, manifest, encoder, window_plan(manifest, tokenizer))


def _frozen_states(work: Work, parts: Parts) -> FrozenStates:
    """The frozen encoder's states of everything that stays the same; one process computes them."""
    keeper = StateKeeper(work.network, work.tokenizer, work.reporter)
    course, accelerator = work.course, work.accelerator
    if course.fresh is not None:
        work.reporter.say("the frozen encoder runs over these anew in each epoch: nothing is kept")

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
