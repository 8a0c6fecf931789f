"""A training step by itself: the network, its optimiser and some batches, timed block by block.

It computes what a step of `posner.training.loop` does, without reports and checkpoints, so that
two builds of it can be timed in turns on the same sentences.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from posner.align import Encoder, PieceTokenizer
from posner.batching import collate
from posner.corpus import Corpus
from posner.folder import Manifest
from posner.model.backbone import load_backbone
from posner.model.dropout import use_byte_dropout
from posner.model.losses import loss_of
from posner.model.network import Network, build_network, required_head_tags
from posner.model.saved import takes_bf16
from posner.model.tensors import TensorBatch
from posner.recipe import Recipe
from posner.recognizer import window_plan
from posner.training.optimisation import build_optimizer
from posner.training.plan import Planner
from posner.training.prepare import PreparedSet, prepare, tag_sets
from posner.training.targets import batch_targets
from posner.word_features import alphabet_of

CPU = torch.device("cpu")
WARMUP = 3
"""Steps before the first timed block: they pay for compiled kernels and fresh memory."""


@dataclass(frozen=True)
class Block:
    """Some steps: their wall time, and what they took in."""

    seconds: float
    steps: int
    pieces: int
    words: int


@dataclass
class Rig:
    """Everything that a step needs.

    Attributes:
        network, optimizer, tokenizer: as a training builds them.
        prepared: the sentences.
        steps: the windows of each step of a block.
        bf16: whether it computes in bf16.
        clip: the largest norm of a gradient.
        around: entered around a block, for what a variant changes only while it runs.
    """

    network: Network
    optimizer: torch.optim.Optimizer
    tokenizer: PieceTokenizer
    prepared: PreparedSet
    steps: Sequence[Sequence[int]]
    bf16: bool
    clip: float
    around: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext

    def step(self, windows: Sequence[int]) -> None:
        """One step."""
        batch = collate(
            [self.prepared.windows[i] for i in windows], self.prepared.encoded, self.tokenizer
        )
        tensors = TensorBatch.of(batch, CPU)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            outputs = self.network(tensors)
        targets = batch_targets(self.prepared, windows, batch, self.network)
        loss = loss_of(self.network, outputs, targets, tensors).total / targets.words
        loss.backward()  # type: ignore[no-untyped-call]
        if self.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()

    def warm_up(self, steps: int = WARMUP) -> None:
        """Steps that are not counted."""
        with self.around():
            for windows in self.steps[:steps]:
                self.step(windows)

    def block(self) -> Block:
        """All steps, timed."""
        self.network.train()
        with self.around():
            begin = time.perf_counter()
            for windows in self.steps:
                self.step(windows)
            seconds = time.perf_counter() - begin
        used = [self.prepared.windows[i] for step in self.steps for i in step]
        return Block(
            seconds,
            len(self.steps),
            sum(window.pieces for window in used),
            sum(window.core_words for window in used),
        )

    def shapes(self) -> list[tuple[int, int]]:
        """(rows, pieces) of each step's batch, padding included."""
        lengths = [[self.prepared.windows[i].pieces for i in step] for step in self.steps]
        return [(len(step), max(step)) for step in lengths]


def build_rig(corpus: Corpus, recipe: Recipe, steps: int, *, byte_dropout: bool = True) -> Rig:
    """A rig whose blocks are the first steps of the recipe's first epoch over the corpus."""
    torch.manual_seed(recipe.training.seed)
    settings = recipe.training
    backbone = load_backbone(recipe.backbone, dropout=settings.encoder_dropout)
    manifest = manifest_of(corpus, recipe, backbone.window)
    network = build_network(backbone.encoder, manifest)
    if byte_dropout:
        use_byte_dropout(network)
    plan = window_plan(manifest, backbone.tokenizer)
    encoder = Encoder(backbone.tokenizer, manifest.characters)
    prepared = prepare(corpus.documents, manifest, encoder, plan)
    planner = Planner(
        batch_pieces=settings.batch_pieces, processes=1, accumulation=1, seed=settings.seed
    )
    planned = planner.epoch(0, prepared.lengths).steps[:steps]
    return Rig(
        network=network.train(),
        optimizer=build_optimizer(network, settings),
        tokenizer=backbone.tokenizer,
        prepared=prepared,
        steps=[step[0][0].windows for step in planned],
        bf16=takes_bf16(CPU, settings.precision),
        clip=settings.clip,
    )


def manifest_of(corpus: Corpus, recipe: Recipe, window: int) -> Manifest:
    """What a model trained on the corpus would say of itself."""
    tags = tag_sets(corpus)
    pos, chunk = required_head_tags(recipe, tags.pos, tags.chunk)
    return Manifest(
        recipe=recipe,
        labels=tags.labels,
        window=window,
        pos_tags=pos,
        chunk_tags=chunk,
        characters=alphabet_of(corpus.documents) if recipe.features.characters else "",
    )


def in_turns(rigs: Sequence[Rig], rounds: int) -> list[list[Block]]:
    """A B A B ...: the blocks of each rig, after a warm-up."""
    for rig in rigs:
        rig.warm_up()
    found: list[list[Block]] = [[] for _ in rigs]
    for _ in range(rounds):
        for rig, blocks in zip(rigs, found, strict=True):
            blocks.append(rig.block())
    return found


def words_per_second(blocks: Sequence[Block]) -> float:
    """The median over the blocks."""
    return statistics.median(block.words / block.seconds for block in blocks)


def pieces_per_second(blocks: Sequence[Block]) -> float:
    """The median over the blocks; real pieces, padding not counted."""
    return statistics.median(block.pieces / block.seconds for block in blocks)


@contextlib.contextmanager
def replaced(owner: object, name: str, value: object) -> Iterator[None]:
    """An attribute that is another one for a while."""
    before = vars(owner)[name]
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
