"""What each epoch learns from: every word once an epoch, alone or among neighbours."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import tiny
from posner.backends.torch import TorchBackend
from posner.batching import Batch, collate
from posner.model.tensors import TensorBatch
from posner.recognizer import Recognizer, window_plan
from posner.training.build import accelerator_for, build_work
from posner.training.checkpoint import Progress
from posner.training.console import Reporter
from posner.training.course import FEW_EPOCHS_DROPOUT, Course
from posner.training.learner import Learner
from posner.training.parts import training_parts
from posner.training.plan import Planner
from posner.training.prepare import PreparedSet
from posner.training.run import RunFolder
from posner.windows import Core, Window


def course_of(encoder: Path, folder: Path, values: dict[str, Any]) -> Course:
    recipe = tiny.recipe(encoder, values | {"training.epochs": 4})
    corpus = tiny.corpus(60)
    assert any(len(d.sentences) > 1 for d in corpus.documents)
    parts = training_parts(corpus, corpus, recipe, Reporter())
    return build_work(parts, recipe, accelerator_for(recipe), RunFolder(folder), Reporter()).course


def words_of(windows: list[Window]) -> Counter[tuple[int, int]]:
    return Counter(
        (w.document, i) for w in windows for core in w.cores for i in range(core.first, core.last)
    )


def lone(windows: list[Window]) -> bool:
    return all(
        len(w.cores) == 1 and (w.first, w.last) == (w.cores[0].first, w.cores[0].last)
        for w in windows
    )


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"data.context": 8},
        {"data.pack": 40},
        {"data.pack": 40, "data.context": 6, "data.alone": 0.5},
        {"data.pack": 40, "data.context-epochs": 1},
    ],
)
def test_every_epoch_holds_every_word_once(
    bert: Path, tmp_path: Path, values: dict[str, Any]
) -> None:
    course = course_of(bert, tmp_path, values)
    everything = words_of(course.at(0).windows)
    assert set(everything.values()) == {1}
    assert len(everything) == course.prepared.words
    for epoch in range(course.epochs):
        assert words_of(course.at(epoch).windows) == everything
        assert course.at(epoch).windows == course.at(epoch).windows


def test_neighbours_in_the_last_epochs_only(bert: Path, tmp_path: Path) -> None:
    course = course_of(bert, tmp_path, {"data.pack": 40, "data.context-epochs": 1})
    assert [lone(course.at(epoch).windows) for epoch in range(4)] == [True, True, True, False]
    planner = Planner(batch_pieces=256, processes=1, accumulation=1, seed=1)
    assert course.steps(planner) == [sum(len(course.plan(e, planner).steps) for e in range(4))]


def test_another_share_of_documents_is_alone_in_each_epoch(bert: Path, tmp_path: Path) -> None:
    course = course_of(bert, tmp_path, {"data.pack": 40, "data.alone": 1.0})
    assert lone(course.at(0).windows)
    course = course_of(bert, tmp_path, {"data.pack": 40, "data.alone": 0.0})
    assert course.at(0) is course.prepared
    assert not lone(course.at(0).windows)


def test_a_shared_window_gives_each_sentence_its_own_words(bert: Path) -> None:
    """Emissions of packed cores are those of one long core over the same words."""
    untrained = tiny.untrained(tiny.recipe(bert, {"data.pack": 64, "data.repeats": 0}))
    manifest, tokenizer = untrained.manifest, untrained.tokenizer
    backend = TorchBackend(untrained.network, manifest)
    recognizer = Recognizer(manifest, tokenizer, backend)
    document = tiny.labelled([("Ada lives in Oslo", []), ("the son", []), ("Ben met Ada .", [])])
    encoded = recognizer.encoder.encode([document])
    windows = window_plan(manifest, tokenizer).windows(encoded)
    assert [len(w.cores) for w in windows] == [3]
    everything = Core(0, 0, document.word_count)
    whole = Window(0, 0, document.word_count, (everything,), windows[0].pieces)
    expected = backend.emissions(collate([whole], encoded, tokenizer)).entity[0]
    votes = recognizer.votes([document])
    found = np.concatenate([vote.entity for vote in votes])
    assert [len(vote.entity) for vote in votes] == [len(s) for s in document.sentences]
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(("most_steps", "cut"), [(0, False), (10_000, False), (1, True)])
def test_few_epochs_of_a_large_corpus_see_every_word(
    bert: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    most_steps: int,
    cut: bool,
) -> None:
    values = {
        "training.epochs": 4,
        "training.max-steps": most_steps,
        "training.mask": 0.5,
        "training.encoder-dropout": 0.2,
        "heads.dropout": 0.3,
    }
    recipe, corpus = tiny.recipe(bert, values), tiny.corpus(8)
    parts = training_parts(corpus, corpus, recipe, Reporter())
    work = build_work(parts, recipe, accelerator_for(recipe), RunFolder(tmp_path), Reporter())
    assert (work.course.member_epochs, work.course.is_cut) == ((1, True) if cut else (4, False))
    dropouts = {m.p for m in work.network.modules() if isinstance(m, nn.Dropout)}
    assert max(dropouts) == (FEW_EPOCHS_DROPOUT if cut else 0.3)
    learner = Learner(work)
    shares: list[float] = []

    def tensors(batch: Batch, _: PreparedSet, share: float) -> TensorBatch:
        shares.append(share)
        return TensorBatch.of(batch, work.accelerator.device, None)

    monkeypatch.setattr(learner, "tensors", tensors)
    step = work.course.plan(0, work.planner).steps[0]
    learner.step(work.course.at(0), step, Progress())
    assert set(shares) == {0.0 if cut else 0.5}
