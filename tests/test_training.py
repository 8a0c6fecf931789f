"""Training on the toy corpus: what a run writes, what it refuses, and that every setting works."""

from __future__ import annotations

import dataclasses
import io
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file
from torch import Tensor

import tiny
from listener import Listener
from posner.corpus import Corpus
from posner.document import Document
from posner.errors import DataError, PosnerError, RecipeError, SchemeError
from posner.folder import read_manifest
from posner.loading import load
from posner.recipe import Recipe, load_recipe
from posner.training import console as training_console
from posner.training import loop
from posner.training.console import LiveReporter, PassingReporter, PlainReporter
from posner.training.develop import DevResult, evaluate_prepared
from posner.training.prepare import hold_out
from posner.training.run import MetricsLine
from posner.training.train import TrainResult, describe, train


def run_training(
    recipe: Recipe,
    out: Path,
    corpus: Corpus | None = None,
    dev: Corpus | None = None,
    listener: Listener | None = None,
    force: bool = False,
) -> TrainResult:
    learned = corpus or tiny.corpus(4)
    return train(
        learned,
        dev or (tiny.corpus(2, first=4, name="dev.conll") if corpus is None else None),
        recipe,
        out,
        reporter=listener or Listener(),
        force=force,
    )


def tensors(run: Path) -> dict[str, Tensor]:
    return load_file(run / "model" / "model.safetensors")


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def corpus_of(documents: Iterable[Document]) -> Corpus:
    return Corpus(path="mine.conll", documents=tuple(documents), format="conll")


@pytest.fixture(scope="module")
def finished(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("finished") / "run"
    run_training(tiny.recipe(bert), out)
    return out


def test_a_run_holds_what_the_house_says(finished: Path, bert: Path) -> None:
    assert sorted(p.name for p in finished.iterdir()) == [
        "metrics.jsonl",
        "model",
        "recipe.toml",
        "run.json",
        "steps.jsonl",
    ]
    lines = [json.loads(line) for line in (finished / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    keys = "epoch step train_loss dev_loss precision recall f1 learning_rate seconds padding best"
    for line in lines:
        assert set(keys.split()) <= set(line)
        assert 0 <= line["padding"] < 0.5
        assert line["train_loss"] > 0 < line["dev_loss"]
    assert lines[0]["step"] < lines[1]["step"]
    assert lines[1]["train_loss"] < lines[0]["train_loss"]
    assert load_recipe(str(finished / "recipe.toml")) == tiny.recipe(bert)
    record = json.loads((finished / "run.json").read_text())
    assert record["state"] == "finished"
    assert record["data"]["train_sentences"] == 16
    assert record["data"]["train_entities"].keys() == {"LOC", "ORG", "PER"}
    assert record["memory_gigabytes"] > 0
    steps = [json.loads(line) for line in (finished / "steps.jsonl").read_text().splitlines()]
    assert [line["step"] for line in steps] == list(range(1, lines[-1]["step"] + 1))
    assert steps[-1]["learning_rate"] == lines[-1]["learning_rate"]
    first = [line["train_loss"] for line in steps[: lines[0]["step"]]]
    assert min(first) < lines[0]["train_loss"] < max(first)
    assert record["environment"]["threads"] == torch.get_num_threads()
    manifest = read_manifest(finished / "model")
    assert manifest.labels == ("LOC", "ORG", "PER")
    assert 0 < manifest.figures["weights"]["trained"] < manifest.figures["weights"]["all"]
    best = max(lines, key=lambda line: float(line["f1"]))
    assert manifest.figures["dev"]["epoch"] == best["epoch"]
    assert manifest.figures["dev"]["strict"]["micro"]["f1"] == best["f1"]


def test_the_same_seed_gives_the_same_model(finished: Path, bert: Path, tmp_path: Path) -> None:
    run_training(tiny.recipe(bert), tmp_path / "again")
    run_training(tiny.recipe(bert, {"training.seed": 2}), tmp_path / "other")
    assert same(tensors(finished), tensors(tmp_path / "again"))
    assert not same(tensors(finished), tensors(tmp_path / "other"))


def test_it_learns(bert: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"training.epochs": 12, "backbone.freeze-embeddings": False}
    settings |= {"training.learning-rate": 5e-3, "training.batch-pieces": 128}
    toy = tiny.corpus(4)
    result = run_training(tiny.recipe(bert, settings), tmp_path / "run", toy, toy)
    assert result.evaluation is not None
    assert result.evaluation.counts.f1 > 0.9
    recognizer = load(tmp_path / "run")
    (document,) = recognizer.tag([toy.documents[0]])
    found = {(e.text, e.label) for e in document.entities}
    assert ("Ada Marsh", "PER") in found


def test_a_threshold_is_chosen_where_the_recipe_says_so(bert: Path, tmp_path: Path) -> None:
    listener = Listener()
    values = {"training.threshold": "best-f1"}
    run_training(tiny.recipe(bert, values), tmp_path / "run", listener=listener)
    (line,) = [said for said in listener.said if "held out in turn)" in said and "dev F1" in said]
    kept = read_manifest(tmp_path / "run" / "model").thresholds
    assert line.startswith(f"threshold {kept}: " if kept else "no threshold is kept: ")


def test_the_closing_line_is_of_the_model_with_its_threshold(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("posner.calibration.calibrate.ThresholdResult.is_in_vain", False)
    monkeypatch.setattr("posner.calibration.threshold._between", Mock(return_value=1.0))
    values = {"training.threshold": "best-f1", "training.epochs": 1}
    result = run_training(tiny.recipe(bert, values), tmp_path / "run")
    manifest = read_manifest(tmp_path / "run" / "model")
    assert manifest.thresholds.overall == 1.0
    assert manifest.figures["dev"]["strict"]["micro"]["f1"] == 0.0
    assert manifest.figures["dev"]["thresholds"] == manifest.thresholds.to_json()
    assert manifest.figures["dev"]["epoch"] == 1
    assert result.evaluation is not None
    assert result.evaluation.counts.predicted == 0
    assert describe(result).startswith("best dev F1 0.00 in ")


def test_without_a_dev_set_a_tenth_is_set_aside(bert: Path, tmp_path: Path) -> None:
    listener = Listener()
    recipe = tiny.recipe(bert, {"training.epochs": 1})
    run_training(recipe, tmp_path / "run", tiny.corpus(12), listener=listener)
    assert listener.said[0] == "no dev set given: 1 document of toy.conll is set aside"
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["data"]["train_sentences"] == 44
    assert record["data"]["dev_sentences"] == 4


def test_what_is_set_aside_is_parted_cleanly() -> None:
    few, many = tiny.documents(5), tiny.documents(30)
    by_sentence, by_document = hold_out(few, 0.1, 1), hold_out(many, 0.1, 1)
    assert (by_sentence.unit, by_document.unit) == ("sentences", "documents")
    assert sum(len(d.sentences) for d in by_sentence.train) == 18
    assert sum(len(d.sentences) for d in by_sentence.dev) == 2
    assert [len(by_document.train), len(by_document.dev)] == [27, 3]
    for whole, train_part, dev_part in zip(few, by_sentence.train, by_sentence.dev, strict=True):
        sentences = (*train_part.sentences, *dev_part.sentences)
        assert sorted(sentences, key=lambda s: s.start) == list(whole.sentences)
        assert sorted((*train_part.entities, *dev_part.entities), key=lambda e: e.start) == list(
            whole.entities
        )
    assert hold_out(few, 0.1, 1) == by_sentence
    assert hold_out(few, 0.1, 2) != by_sentence
    with pytest.raises(DataError, match="too few sentences"):
        hold_out([tiny.labelled([("Oslo", [(0, 1, "LOC")])])], 0.1, 1)


@pytest.mark.parametrize("head", ["softmax", "crf"])
def test_a_label_only_in_dev_counts_as_missed(bert: Path, tmp_path: Path, head: str) -> None:
    listener = Listener()
    nile = tiny.labelled([("the Nile floods", [(1, 2, "RIVER")])])
    strange = corpus_of([*tiny.documents(1), nile])
    recipe = tiny.recipe(bert, {"training.epochs": 1, "heads.entity": head})
    result = run_training(recipe, tmp_path / "run", tiny.corpus(2), strange, listener)
    assert listener.said[0].startswith("warning: RIVER occurs in mine.conll but not in what is")
    assert result.evaluation is not None
    river = result.evaluation.strict.labels["RIVER"]
    assert (river.gold, river.predicted) == (1, 0)
    assert np.isfinite(listener.lines[0].dev_loss)
    assert listener.lines[0].dev_loss < 100


def refusals() -> dict[str, tuple[Corpus, Corpus | None, type[PosnerError], str]]:
    toy = tiny.corpus(2)
    plain = corpus_of([tiny.labelled([("no names here", []), ("nor here", [])])])
    overlapping = tiny.labelled([("Acme Oslo Ltd", [(0, 3, "ORG"), (1, 2, "LOC")])])
    inside = tiny.documents(1)[0]
    inside = inside.with_entities([inside.entity(0, 2, "PER")])
    return {
        "empty": (corpus_of([]), None, DataError, r"mine\.conll: holds no sentence"),
        "no words": (corpus_of([Document("")]), None, DataError, "holds no sentence"),
        "no entity": (plain, None, DataError, "no entity to learn from"),
        "empty dev": (toy, corpus_of([]), DataError, r"mine\.conll: holds no sentence"),
        "no entity in dev": (toy, plain, DataError, r"mine\.conll: holds no entity, so it cannot"),
        "overlap": (corpus_of([overlapping]), None, SchemeError, "overlapping.*keep one of each"),
        "overlap in dev": (toy, corpus_of([overlapping]), SchemeError, "overlapping"),
        "inside a word": (corpus_of([inside]), None, DataError, "word borders.*posner check"),
    }


@pytest.mark.parametrize("case", refusals())
def test_what_cannot_be_learned_from_is_refused(bert: Path, tmp_path: Path, case: str) -> None:
    corpus, dev, error, told = refusals()[case]
    with pytest.raises(error, match=told):
        run_training(tiny.recipe(bert), tmp_path / "run", corpus, dev)
    assert not (tmp_path / "run").exists()


def test_entities_that_are_all_set_aside_are_no_fault_of_the_format(
    bert: Path, tmp_path: Path
) -> None:
    lines: list[tuple[str, list[tuple[int, int, str]]]]
    lines = [("Ada lives here", [(0, 1, "PER")]), ("nobody lives there", [])]
    told = []
    for order in (lines, lines[::-1]):
        corpus = corpus_of([tiny.labelled(order)])
        with pytest.raises(DataError) as caught:
            run_training(tiny.recipe(bert), tmp_path / "run", corpus)
        told.append(str(caught.value))
    (rest,) = [line for line in told if "what is left" in line]
    assert "name a dev set with --dev" in rest
    assert "--format" not in rest


def test_a_sentence_that_fits_no_batch_is_refused(bert: Path, tmp_path: Path) -> None:
    recipe = tiny.recipe(bert, {"training.batch-pieces": 16})
    with pytest.raises(RecipeError, match=r"training\.batch-pieces: a sentence fits no batch"):
        run_training(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_rates_that_run_away_end_in_one_line(bert: Path, tmp_path: Path) -> None:
    recipe = tiny.recipe(bert, {"training.learning-rate": 1e38})
    with pytest.raises(RecipeError, match=r"training\.learning-rate: the training loss is no fin"):
        run_training(recipe, tmp_path / "run")
    assert not (tmp_path / "run" / "model").exists()


def test_a_model_that_runs_away_on_dev_is_not_kept(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*arguments: Any) -> DevResult:
        return dataclasses.replace(evaluate_prepared(*arguments), loss=float("nan"))

    monkeypatch.setattr(loop, "evaluate_prepared", away)
    with pytest.raises(RecipeError, match="the dev loss is no finite number"):
        run_training(tiny.recipe(bert), tmp_path / "run")
    assert not (tmp_path / "run" / "model").exists()


def test_one_of_a_thing_is_told_as_one(bert: Path, tmp_path: Path) -> None:
    corpus = corpus_of([tiny.labelled([("Ada met Ben", [(0, 1, "PER")])])])
    listener = Listener()
    recipe = tiny.recipe(bert, {"training.epochs": 1})
    run_training(recipe, tmp_path / "run", corpus, corpus, listener)
    told = "\n".join(listener.said)
    assert "1 sentence (3 words) to learn from" in told
    assert "1 epoch of 1 step of at most" in told


def test_windows_make_any_sentence_fit(bert: Path, tmp_path: Path) -> None:
    """A CRF over windows that are cut inside entities still has a loss of a sensible size."""
    long = tiny.labelled([(" ".join(["Ada"] * 40), [(i, i + 8, "PER") for i in range(0, 40, 8)])])
    listener = Listener()
    values = {"data.window": 16, "training.batch-pieces": 32, "heads.entity": "crf"}
    recipe = tiny.recipe(bert, values | {"training.epochs": 1})
    corpus = corpus_of([long, *tiny.documents(1)])
    run_training(recipe, tmp_path / "run", corpus, corpus, listener)
    assert 0 < listener.lines[0].train_loss < 100


def test_a_filled_folder_is_refused_without_force(
    finished: Path, bert: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    (out / "model").mkdir(parents=True)
    (out / "model" / "mine.txt").write_text("precious")
    recipe = tiny.recipe(bert, {"training.epochs": 1})
    with pytest.raises(PosnerError, match="is not empty"):
        run_training(recipe, out)
    with pytest.raises(PosnerError, match="no run, which --force does not replace"):
        run_training(recipe, out, force=True)
    assert (out / "model" / "mine.txt").read_text() == "precious"
    (out / "model").rename(tmp_path / "notes")
    run_training(recipe, out)
    (tmp_path / "notes").rename(out / "notes")
    before = tensors(out)
    run_training(recipe, out, force=True)
    assert same(before, tensors(out))
    assert len((out / "metrics.jsonl").read_text().splitlines()) == 1
    assert (out / "notes" / "mine.txt").read_text() == "precious"
    with pytest.raises(PosnerError, match="is a file"):
        run_training(recipe, finished / "run.json")
    listener = Listener()
    with pytest.raises(PosnerError, match="cannot be made"):
        run_training(recipe, finished / "run.json" / "below", listener=listener)
    assert not listener.said  # before anything is computed


def test_a_folder_that_cannot_be_written_is_refused_first(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != tmp_path)
    listener = Listener()
    with pytest.raises(PosnerError, match="cannot be written"):
        run_training(tiny.recipe(bert), tmp_path / "new" / "run", listener=listener)
    assert not listener.said


COURSES: list[dict[str, Any]] = [
    {"heads.entity": "crf"},
    {"heads.entity": "crf", "data.scheme": "BIOES", "data.pooling": "mean"},
    {"attention.layers": 2, "attention.clip": 4},
    {"attention.layers": 1, "attention.terms": "content", "attention.band": 3},
    {"attention.layers": 1, "attention.terms": "position"},
    {"features.characters": True, "features.casing": False},
    {"heads.chunk-weight": 0.3, "heads.pos-weight": 0.0},
    {"backbone.freeze-encoder": True},
    {"backbone.freeze-layers": 1},
    {"data.pooling": "none", "data.label-rule": "first"},
    {"data.pooling": "none", "data.label-rule": "all"},
    {"data.pooling": "none", "data.label-rule": "all-inside", "data.scheme": "BILOU"},
    {"data.context": 16, "data.window": 40},
    {"data.pack": 48, "data.alone": 0.5, "data.context": 4},
    {"data.pack": 48, "data.pooling": "none", "data.label-rule": "all"},
    {"training.mask": 0.2, "training.consistency": 0.5},
    {"training.mask": 0.5, "training.consistency": 1.0, "heads.entity": "crf", "data.pack": 48},
    {"training.ema": 0.9, "training.layer-decay": 0.8, "training.clip": 0.0},
    {"training.accumulation": 2, "training.schedule": "plateau"},
    {"training.precision": "bf16"},
    {"augment.mentions": 0.5, "augment.casing": 0.3, "data.pack": 40, "features.characters": True},
]


@pytest.mark.parametrize(
    "values", COURSES, ids=lambda v: " ".join(f"{k}={x}" for k, x in v.items())
)
def test_every_setting_trains_saves_and_predicts(
    bert: Path, tmp_path: Path, values: dict[str, Any]
) -> None:
    recipe = tiny.recipe(bert, {"training.epochs": 1, **values})
    listener = Listener()
    result = run_training(recipe, tmp_path / "run", listener=listener)
    assert result.evaluation is not None
    assert np.isfinite([listener.lines[0].train_loss, listener.lines[0].dev_loss]).all()
    recognizer = load(tmp_path / "run")
    assert recognizer.manifest.recipe == recipe
    tagged = recognizer.tag(tiny.documents(2, first=4))
    assert [d.word_count for d in tagged] == [d.word_count for d in tiny.documents(2, first=4)]
    if values.get("backbone.freeze-encoder"):
        kept, fresh = tensors(tmp_path / "run"), load_file(bert / "model.safetensors")
        for name, tensor in fresh.items():
            if not name.startswith("pooler"):
                assert torch.equal(kept[f"encoder.{name}"], tensor)


@pytest.mark.parametrize("kind", ["roberta", "distilbert"])
def test_other_encoders_train(encoders: dict[str, Path], tmp_path: Path, kind: str) -> None:
    recipe = tiny.recipe(encoders[kind], {"training.epochs": 1, "training.batch-pieces": 512})
    run_training(recipe, tmp_path / "run")
    assert load(tmp_path / "run")("Ada Marsh lives in Oslo.").word_count == 6


def test_early_stopping_waits_for_patience_and_minimum_epochs(bert: Path, tmp_path: Path) -> None:
    """With rates of zero no epoch is better than the first."""
    still = {"training.learning-rate": 0, "training.head-learning-rate": 0, "training.epochs": 7}
    for patience, minimum, expected in ((1, 1, 2), (2, 1, 3), (1, 4, 4), (0, 1, 7)):
        values = still | {"training.patience": patience, "training.minimum-epochs": minimum}
        listener = Listener()
        out = tmp_path / f"{patience}-{minimum}"
        run_training(tiny.recipe(bert, values), out, tiny.corpus(1), tiny.corpus(1), listener)
        assert len(listener.lines) == expected
        assert [line.best for line in listener.lines] == [True] + [False] * (expected - 1)


@pytest.mark.parametrize(("wanted", "expected"), [(0, [1, 2, 3]), (2, [2, 3]), (1, [3])])
def test_evaluations_may_be_fewer(
    bert: Path, tmp_path: Path, wanted: int, expected: list[int]
) -> None:
    listener = Listener()
    values = {"training.epochs": 3, "training.evaluations": wanted}
    run_training(tiny.recipe(bert, values), tmp_path / "run", listener=listener)
    assert [line.epoch for line in listener.lines] == expected
    told = [line for line in listener.said if line.startswith("dev is scored")]
    count = {1: "1 time", 2: "2 times"}.get(wanted)
    assert told == ([f"dev is scored {count} in 3 epochs"] if count else [])
    assert read_manifest(tmp_path / "run" / "model").figures["dev"]["epoch"] in expected


def test_early_stopping_waits_for_an_evaluation(bert: Path, tmp_path: Path) -> None:
    """Epoch 5 is past the minimum and patience is spent, but only even epochs are scored."""
    still = {"training.learning-rate": 0, "training.head-learning-rate": 0, "training.epochs": 10}
    values = {"training.evaluations": 5, "training.patience": 1, "training.minimum-epochs": 5}
    listener = Listener()
    recipe = tiny.recipe(bert, still | values)
    run_training(recipe, tmp_path / "run", tiny.corpus(1), tiny.corpus(1), listener)
    assert [line.epoch for line in listener.lines] == [2, 4, 6]


def test_reporters_print_every_evaluation() -> None:
    line = MetricsLine(1, 10, 0.5, 0.25, 0.9, 0.8, 0.847, 1e-4, 61.0, 1000.0, 0.05, best=True)
    for reporter in (PlainReporter, LiveReporter):
        live = reporter is LiveReporter
        console = Console(record=True, width=120, force_terminal=live, file=io.StringIO())
        told = reporter(console)
        told.begin(0, 20)
        told.step(10, 1000.0, 5.0)
        told.evaluating()
        told.evaluated(line)
        told.say("a line [of] its own")
        told.end()
        text = console.export_text()
        assert "84.70" in text
        assert "1:01" in text
        assert "a line [of] its own" in text


def test_reporters_tell_of_other_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_console, "SECONDS_BETWEEN_LINES", 0.0)
    shown = []
    for reporter in (PlainReporter, LiveReporter):
        live = reporter is LiveReporter
        console = Console(record=True, width=120, force_terminal=live, file=io.StringIO())
        told = PassingReporter(reporter(console))
        with told.working("words", 2000) as tell:
            told.say("a line above")
            tell(1000)
        shown.append(console.export_text())
        assert "a line above" in shown[-1]
    plain, live_table = shown
    assert "1000/2000 words" in live_table
    assert "1,000 of 2,000 words, 0:00 left" in plain
