"""A frozen encoder's states: kept once, read again, and the same comes out as without them."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import signal
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, processors

import tiny
from listener import Listener
from posner.cache import clear, entries
from posner.corpus import Corpus
from posner.errors import DataError, RecipeError
from posner.evaluation.model import evaluate_documents
from posner.loading import load
from posner.model.network import Network
from posner.model.stored import StateLayout
from posner.recipe import Recipe
from posner.training.course import Course
from posner.training.loop import InterruptedRunError, Loop
from posner.training.run import MetricsLine
from posner.training.train import TrainResult, train

HEADS = {"heads.dropout": 0, "heads.pos-dropout": 0, "heads.chunk-dropout": 0}
FROZEN: dict[str, Any] = {"backbone.freeze-encoder": True, **HEADS}
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POSNER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "states"


class Toy:
    """Trains on the toy corpus."""

    def __init__(self, encoder: Path, folder: Path) -> None:
        self.encoder = encoder
        self.folder = folder
        self.said: list[str] = []
        self.lines: list[MetricsLine] = []
        self.worked: list[tuple[str, int, int]] = []

    def recipe(self, values: dict[str, Any]) -> Recipe:
        return tiny.recipe(self.encoder, {"training.batch-pieces": 128, **FROZEN, **values})

    def train(
        self, name: str, values: dict[str, Any], *, resume: bool = False, dev: Corpus | None = None
    ) -> TrainResult:
        listener = Listener()
        try:
            return train(
                tiny.corpus(6),
                dev or tiny.corpus(2, first=6, name="dev.conll"),
                self.recipe(values),
                self.folder / name,
                reporter=listener,
                resume=resume,
            )
        finally:
            self.said, self.lines = listener.said, listener.lines
            self.worked = listener.worked

    @property
    def computed(self) -> int:
        """How many corpora's states were computed."""
        return sum("computing the frozen encoder's states" in text for text in self.said)

    def tensors(self, name: str) -> dict[str, torch.Tensor]:
        return load_file(self.folder / name / "model" / "model.safetensors")


@pytest.fixture
def toy(bert: Path, tmp_path: Path) -> Toy:
    return Toy(bert, tmp_path)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one whenever an encoder is run."""
    runs: list[int] = []
    states = Network.states

    def counting(self: Network, *arguments: Any) -> Any:
        runs.append(1)
        return states(self, *arguments)

    monkeypatch.setattr(Network, "states", counting)
    return runs


COURSES: list[dict[str, Any]] = [
    {},
    {"backbone.layers": "0 1 2", "attention.layers": 1, "features.characters": True},
    {"backbone.layers": "1 2", "backbone.mix": "concat", "data.pooling": "mean"},
    {"features.sentence": True, "heads.entity": "crf"},
    {"data.pack": 40, "data.context": 6, "data.alone": 0.5},
    {"data.pack": 40, "data.context-epochs": 1},
    {"data.window": 16, "data.overlap": 4},
    {"training.consistency": 0.5},
]


@pytest.mark.parametrize(
    "values", COURSES, ids=lambda v: " ".join(f"{k}={x}" for k, x in v.items())
)
def test_kept_states_teach_what_fresh_ones_teach(
    toy: Toy, counted: list[int], values: dict[str, Any]
) -> None:
    fresh = toy.train("fresh", values | {"backbone.cache": False})
    without, runs = toy.lines, len(counted)
    assert toy.computed == 0
    assert entries() == []
    kept = toy.train("kept", values)
    assert toy.computed == 2
    assert 0 < len(counted) - runs < runs
    for first, second in zip(without, toy.lines, strict=True):
        assert first.train_loss == pytest.approx(second.train_loss, rel=2e-3)
        assert first.dev_loss == pytest.approx(second.dev_loss, rel=2e-3)
    assert fresh.evaluation is not None
    assert kept.evaluation is not None
    assert fresh.evaluation.counts == kept.evaluation.counts
    before, after = toy.tensors("fresh"), toy.tensors("kept")
    pretrained = load_file(toy.encoder / "model.safetensors")
    for name, tensor in before.items():
        torch.testing.assert_close(tensor, after[name], rtol=0.05, atol=0.01)
        if name.startswith("encoder."):
            assert torch.equal(after[name], pretrained[name.removeprefix("encoder.")])


def test_augmented_documents_run_the_encoder_and_the_dev_set_does_not(
    toy: Toy, counted: list[int]
) -> None:
    toy.train("run", {"augment.mentions": 0.5})
    (entry,) = entries()
    assert entry.label is not None
    assert entry.label.corpus == "dev.conll"
    steps = toy.lines[-1].step
    assert len(counted) == steps + 1  # and once for the dev set, in one batch


def test_that_augmentation_runs_the_encoder_is_said(toy: Toy) -> None:
    told = "the frozen encoder runs over these anew in each epoch: nothing is kept"
    toy.train("plain", {})
    assert told not in toy.said
    toy.train("augmented", {"augment.mentions": 0.5})
    assert told in toy.said


def test_the_next_training_runs_no_encoder(toy: Toy, counted: list[int]) -> None:
    toy.train("first", {})
    runs = len(counted)
    others = {"training.seed": 2, "heads.entity": "crf", "training.head-learning-rate": 1e-3}
    toy.train("second", others | {"attention.layers": 1, "features.characters": True})
    assert len(counted) == runs
    assert toy.computed == 0
    kept = [text for text in toy.said if "are kept from before: " in text]
    assert [text.split(" of ")[1].split()[0] for text in kept] == ["toy.conll", "dev.conll"]
    assert len(entries()) == 2


def test_what_is_written_is_announced(toy: Toy, folder: Path) -> None:
    toy.train("run", {"backbone.layers": "1 2"})
    (first, done, *_) = [text for text in toy.said if "encoder's" in text or "done in" in text]
    assert first.startswith("computing the frozen encoder's states of toy.conll once: ")
    assert f"1 MB in {folder}" in first
    assert done.startswith("done in 0:0")
    labels = {entry.label.corpus for entry in entries() if entry.label}
    assert labels == {"toy.conll", "dev.conll"}


def test_progress_is_told(toy: Toy) -> None:
    toy.train("run", {})
    ((unit, done, total), *_) = reversed(toy.worked)
    assert (unit, done) == ("words", total)


def test_training_and_the_saved_model_agree(toy: Toy) -> None:
    """The judge reads float16 states of the dev set, the saved model computes its own."""
    values = {"training.epochs": 6, "features.sentence": True, "backbone.layers": "1 2"}
    result = toy.train("run", values)
    assert result.evaluation is not None
    dev = tiny.corpus(2, first=6).documents
    again = evaluate_documents(load(toy.folder / "run"), dev)
    assert again.counts == result.evaluation.counts
    assert again.counts.predicted > 0


def test_no_room_is_told_before_the_run_is_begun(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, counted: list[int]
) -> None:
    monkeypatch.setattr(StateLayout, "bytes", property(lambda _: 10**18))
    with pytest.raises(DataError, match="too little room"):
        toy.train("run", {})
    assert not (toy.folder / "run").exists()
    assert not counted


def test_a_run_goes_on_with_the_cache_and_without(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, counted: list[int]
) -> None:
    values = {"training.epochs": 3, "heads.dropout": 0.3, "training.checkpoint-steps": 1}
    toy.train("whole", values)
    step = Loop._step
    for name, cleared in (("kept", False), ("cleared", True)):

        def stopping(self: Loop, *arguments: Any) -> None:
            step(self, *arguments)
            if self.progress.step == 2:
                os.kill(os.getpid(), signal.SIGINT)

        with monkeypatch.context() as patch:
            patch.setattr(Loop, "_step", stopping)
            with pytest.raises(InterruptedRunError):
                toy.train(name, values)
        if cleared:
            clear()
        runs = len(counted)
        toy.train(name, values, resume=True)
        assert (len(counted) > runs) is cleared
        first, second = toy.tensors("whole"), toy.tensors(name)
        assert all(torch.equal(first[key], second[key]) for key in first)


def _dying_in_the_middle(encoder: Path, folder: Path) -> None:
    toy = Toy(encoder, folder)

    def killed(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    Listener.working = lambda *_: nullcontext(killed)  # type: ignore[assignment, method-assign]
    toy.train("run", {})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_killed_process_leaves_nothing_that_counts(toy: Toy, folder: Path) -> None:
    context = multiprocessing.get_context("fork")
    process = context.Process(target=_dying_in_the_middle, args=(toy.encoder, toy.folder))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert not (toy.folder / "run").exists()
    assert [entry.label for entry in entries()] == [None]
    toy.train("run", {})
    assert toy.computed == 2
    assert all(entry.label for entry in entries())
    assert len(list(folder.iterdir())) == 2


def test_other_documents_than_the_kept_ones_run_the_encoder(toy: Toy, counted: list[int]) -> None:
    """An epoch that learns from changed documents must not be given the states of the others."""
    at = Course.at

    def changed(self: Course, epoch: int) -> Any:
        prepared = at(self, epoch)
        if epoch == 0:
            return prepared
        return dataclasses.replace(prepared, encoded=list(prepared.encoded))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Course, "at", changed)
        toy.train("run", {"training.epochs": 2})
    assert toy.computed == 2
    steps = toy.lines[1].step - toy.lines[0].step
    assert len(counted) >= steps


def test_states_of_pieces_are_not_kept(toy: Toy) -> None:
    toy.train("run", {"data.pooling": "none", "features.sentence": True})
    assert toy.computed == 0
    assert entries() == []


def test_a_frozen_encoder_is_shown_every_word(toy: Toy) -> None:
    toy.train("run", {"training.mask": 0.9})
    assert toy.computed == 2
    toy.train("shown", {"training.mask": 0.0})
    hidden, shown = (toy.folder / name / "model/model.safetensors" for name in ("run", "shown"))
    assert hidden.read_bytes() == shown.read_bytes()


def test_an_encoder_without_a_first_special_piece_has_no_window_state(tmp_path: Path) -> None:
    bare = tiny.save_encoder(tmp_path / "bare")
    tokenizer = Tokenizer.from_file(str(bare / "tokenizer.json"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A [SEP]", special_tokens=[("[SEP]", 3)]
    )
    tokenizer.save(str(bare / "tokenizer.json"))
    other = Toy(bare, tmp_path)
    with pytest.raises(RecipeError, match=r"^features\.sentence: .* no special piece"):
        other.train("run", {"features.sentence": True})
    assert not (tmp_path / "run").exists()
    other.train("run", {})
