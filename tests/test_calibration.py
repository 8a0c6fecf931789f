"""Calibration: a temperature that is known is found, thresholds reach what is wished for."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

import tiny
from oracles import enumerate_paths
from posner.calibration.calibrate import (
    ThresholdResult,
    calibrate,
    calibrate_folder,
    store,
    summary,
)
from posner.calibration.judged import JudgedSpans, SpanScorer
from posner.calibration.temperature import GRID, Reliability, fit, fitted, loss_table
from posner.calibration.threshold import Wish, choose, counts_with
from posner.card import CARD
from posner.cli import main
from posner.corpus import Corpus, write
from posner.decode import Float64Array, Transitions, legal_transitions
from posner.document import Document
from posner.errors import PosnerError
from posner.evaluation.counts import Counts
from posner.evaluation.model import evaluate_documents
from posner.folder import MANIFEST, Manifest, read_manifest
from posner.loading import load
from posner.model.saved import save_network
from posner.postprocess.thresholds import NO_THRESHOLDS, Thresholds
from posner.recipe import load_recipe
from posner.recognizer import Recognizer, Votes
from posner.schemes import SCHEMES, tags_to_spans
from posner.seal import rewrite
from posner.segment import Segmenter, segment

LABELS = ("X", "Y")
SCHEME = SCHEMES["IOB2"]


@dataclass
class FixedBackend:
    transitions: Transitions | None


@dataclass
class FixedRecognizer:
    """Answers emissions that are given beforehand, sentence by sentence."""

    manifest: Manifest
    emissions: list[Float64Array]
    backend: FixedBackend
    segmenter: Segmenter = segment

    @property
    def transitions(self) -> Transitions | None:
        return self.backend.transitions

    def votes(self, documents: Sequence[Document]) -> list[Votes]:
        assert sum(len(d.sentences) for d in documents) == len(self.emissions)
        return [Votes(e.astype(np.float32), None, None) for e in self.emissions]


def world(count: int, temperature: float, seed: int = 5) -> tuple[Recognizer, list[Document]]:
    """Documents whose truth is drawn from the emissions' own paths at a temperature."""
    random = np.random.default_rng(seed)
    tags = SCHEME.tags(LABELS)
    transitions = legal_transitions(tags, SCHEME).plus(
        *(random.normal(size=size).astype(np.float32) for size in (5, (5, 5), 5))
    )
    cool = transitions.divided(temperature)
    tables = (cool.start.tolist(), cool.pairs.tolist(), cool.end.tolist())
    emissions, documents = [], []
    for _ in range(count):
        emission = 4.0 * random.normal(size=(2, 5))
        paths = enumerate_paths((emission / temperature).tolist(), *tables, LABELS, SCHEME).paths
        drawn = random.choice(len(paths), p=np.array(list(paths.values())))
        path = [tags[i] for i in list(paths)[drawn]]
        emissions.append(emission)
        documents.append(tiny.labelled([("a b", tags_to_spans(path, SCHEME))]))
    manifest = Manifest(recipe=load_recipe("default"), labels=LABELS, window=128)
    fixed = FixedRecognizer(manifest, emissions, FixedBackend(transitions))
    return cast(Recognizer, fixed), documents


@pytest.fixture(scope="module")
def scorer() -> SpanScorer:
    """Spans of a world whose temperature is 3."""
    return SpanScorer(*world(600, 3.0), folds=5)


def test_the_temperature_of_the_world_is_found(scorer: SpanScorer) -> None:
    found = fit(scorer, 5)
    assert found.spans > 400
    assert found.temperature == pytest.approx(3.0, rel=0.25)
    assert found.before.error > 0.1
    assert found.after.error < 0.06
    assert found.after.log_loss < found.before.log_loss
    assert (found.units, found.unit_count) == ("documents", 600)


FITTED = (
    r"a fitted temperature \(\d\.\d{{3}}\) would make the log loss on held-out {} "
    r"(worse|no better) \(\d\.\d{{4}} to \d\.\d{{4}}\)"
)


def test_a_temperature_that_harms_what_is_held_out_is_not_taken() -> None:
    recognizer, documents = world(600, 3.0)
    scorer = SpanScorer(recognizer, documents, folds=5)
    best = fit(scorer, 5).temperature
    again = fit(scorer, 5, current=best)  # nothing held out is better than the best of all
    assert again.temperature == best
    assert again.kept == "these documents give the same"
    assert again.current == Reliability.of(scorer.at(best).scores, scorer.judged.correct)
    assert again.after == fit(scorer, 5).after  # held out, whatever stays
    assert again.after.log_loss > again.current.log_loss
    near = fit(scorer, 5, current=best * 1.002)
    assert near.kept is not None
    assert re.fullmatch(FITTED.format("documents"), near.kept)
    few = calibrate(*world(4, 1.0, seed=1)).fit
    assert few.temperature == 1.0
    assert few.current == few.before
    assert summary(few).startswith("scores stay as they are (temperature 1.000): ")


def test_the_edge_of_what_is_tried_is_not_taken() -> None:
    recognizer, documents = world(30, 1.0)
    unlabelled = [document.with_entities(()) for document in documents]
    found = fit(SpanScorer(recognizer, unlabelled, folds=5), 5, current=1.5)
    assert found.temperature == 1.5
    assert found.kept == "the best temperature lies at 8, the edge of what is tried"


def test_a_model_that_finds_nothing_keeps_its_temperature() -> None:
    recognizer, documents = world(1, 1.0)
    nothing = SpanScorer(recognizer, documents, folds=5, votes=[_outside()])
    found = fit(nothing, 5, current=1.5)
    assert (found.temperature, found.kept) == (1.5, "no entity was found")


def _outside() -> Votes:
    emission = np.full((2, 5), -50, dtype=np.float32)
    emission[:, 0] = 50
    return Votes(emission, None, None)


def test_the_parabola_is_near_the_best_of_a_fine_grid(scorer: SpanScorer) -> None:
    judged = scorer.judged
    everything = np.ones(len(judged), dtype=np.bool_)
    coarse = fitted(loss_table(scorer), judged.correct, everything)
    fine = [coarse * 1.02**step for step in range(-10, 11)]
    losses = [Reliability.of(scorer.at(t).scores, judged.correct).log_loss for t in fine]
    assert losses[10] == pytest.approx(min(losses), abs=5e-4)


def test_spans_stay_and_scores_spread_at_a_higher_temperature(scorer: SpanScorer) -> None:
    hot, cold = scorer.at(6.0), scorer.at(0.5)
    assert hot.labels == cold.labels == scorer.judged.labels
    assert (hot.correct == cold.correct).all()
    assert hot.scores.mean() < scorer.judged.scores.mean() < cold.scores.mean()


def test_a_few_spans_that_are_all_right_do_not_make_scores_certain() -> None:
    table = {t: np.array([0.9, 0.8]) ** t for t in GRID}
    used = np.array([True, True])
    few = fitted(table, used, used)
    assert GRID[0] < few < 2
    assert fitted(table, used, ~used) == 1.0


def test_the_calibration_error_of_known_scores() -> None:
    scores = np.array([0.95, 0.95, 0.95, 0.95, 0.0, 1.0])
    correct = np.array([True, True, True, False, False, True])
    # One bin of five from 14/15 on (mean 0.96, four right), and one of a score of 0.
    assert Reliability.of(scores, correct).error == pytest.approx(5 / 6 * (0.96 - 0.8))
    assert Reliability.of(np.zeros(0), np.zeros(0, dtype=np.bool_)) == Reliability(0.0, 0.0)


def spans(scores: list[float], correct: list[bool], labels: str, gold: int) -> JudgedSpans:
    return JudgedSpans(
        np.array(scores),
        np.array(correct),
        tuple(labels),
        np.arange(len(scores)),
        {(i % len(scores), labels[i % len(scores)]): 1 for i in range(gold)},
        len(scores),
        "documents",
    )


def test_thresholds_for_f1_and_precision_lie_between_two_scores() -> None:
    judged = spans([0.9, 0.8, 0.7, 0.6, 0.5], [True, True, False, True, False], "XXXXX", 5)
    assert choose(judged, range(5), Wish()).thresholds == Thresholds(0.55)
    assert choose(judged, range(5), Wish(0.75)).thresholds == Thresholds(0.55)
    assert choose(judged, range(5), Wish(0.76)).thresholds == Thresholds(0.75)
    assert choose(judged, range(5), Wish(0.5)).thresholds == NO_THRESHOLDS
    assert choose(judged, range(2), Wish(1.0)).thresholds == NO_THRESHOLDS
    with pytest.raises(PosnerError, match=r"reached at no threshold.*0\.0000 at most"):
        choose(judged, [2, 4], Wish(0.5))
    assert choose(judged, [], Wish()).thresholds == NO_THRESHOLDS


@pytest.mark.parametrize("wish", [Wish(), Wish(0.6), Wish(per_label=True)])
def test_no_other_cut_is_better(scorer: SpanScorer, wish: Wish) -> None:
    judged = scorer.at(3.0)
    units = range(judged.unit_count)
    chosen = choose(judged, units, wish).thresholds
    best = counts_with(judged, units, chosen)
    others = [counts_with(judged, units, Thresholds(float(s))) for s in judged.scores[::7]]
    if wish.precision is None:
        assert best.f1 >= max(c.f1 for c in others) - (0.01 if wish.per_label else 0)
        assert set(chosen.labels) == (set(LABELS) if wish.per_label else set())
    else:
        assert best.precision >= wish.precision
        assert best.recall >= max(c.recall for c in others if c.precision >= wish.precision)


def test_a_label_that_cannot_reach_the_precision_does_not_stop_the_others() -> None:
    count = 20
    scores = [0.9 - i / 1000 for i in range(2 * count)]
    judged = spans(scores, [True] * count + [False] * count, "X" * count + "Y" * count, 1)
    chosen = choose(judged, range(2 * count), Wish(0.9, per_label=True))
    assert dict(chosen.thresholds.labels) == {"X": 0.0}
    assert chosen.thresholds.overall > 0.8
    assert chosen.failed == ("Y: the precision is reached at no threshold (0.0000 at most)",)


def test_a_precision_that_does_not_hold_elsewhere_is_told() -> None:
    counts = [Counts(gold=10, predicted=10, correct=c) for c in (8, 9)]
    for wish, held_out, misses in (
        (Wish(0.9), counts[0], True),
        (Wish(0.9), counts[1], False),
        (Wish(0.9), None, True),
        (Wish(), counts[0], False),
        (None, None, False),
    ):
        result = ThresholdResult(Thresholds(0.5), wish, counts[0], counts[1], held_out)
        assert result.misses is misses


def test_counts_without_thresholds_are_those_of_all_spans(scorer: SpanScorer) -> None:
    judged = scorer.judged
    counts = counts_with(judged, range(judged.unit_count), NO_THRESHOLDS)
    assert counts.predicted == len(judged)
    assert counts.correct == judged.correct.sum()
    assert counts.gold == sum(judged.gold.values())


def test_what_is_held_out_is_judged_by_the_others() -> None:
    recognizer, documents = world(200, 3.0, seed=6)
    result = calibrate(recognizer, documents, wish=Wish()).threshold
    assert result is not None
    assert result.held_out is not None
    assert result.within.f1 >= result.without.f1
    assert result.held_out.gold == result.within.gold == result.without.gold
    assert calibrate(recognizer, documents).threshold is None


def test_few_documents_are_held_out_by_sentence() -> None:
    recognizer, documents = world(4, 1.0)
    assert SpanScorer(recognizer, documents, folds=5).judged.unit_name == "sentences"


@pytest.fixture
def folder(tmp_path: Path, bert: Path) -> Path:
    model = tiny.untrained(tiny.recipe(bert, {"heads.entity": "crf"}))
    save_network(tmp_path / "model", model.network, model.manifest, model.tokenizer)
    return tmp_path / "model"


def half_right(folder: Path) -> list[Document]:
    """Documents of which every other of the entities that a model finds is right."""
    found = load(folder).tag(tiny.documents(20))
    return [document.with_entities(document.entities[::2]) for document in found]


def test_a_folder_is_calibrated_in_place(folder: Path) -> None:
    documents = half_right(folder)
    before = load(folder).tag(documents)
    (line,) = calibrate_folder(folder, documents, source="dev.conll").lines
    manifest = read_manifest(folder)  # its checksums are verified
    assert line.startswith(f"temperature {manifest.temperature:.3f} from ")
    assert manifest.temperature > 1.0  # it is sure of all, and half is wrong
    assert manifest.figures["calibration"]["data"] == "dev.conll"
    after = load(folder).tag(documents)
    for one, other in zip(before, after, strict=True):
        assert [(e.start, e.end, e.label) for e in one.entities] == [
            (e.start, e.end, e.label) for e in other.entities
        ]
    flat = [[e.score or 0.0 for d in tagged for e in d.entities] for tagged in (before, after)]
    assert sum(flat[1]) < sum(flat[0])


def test_a_threshold_for_the_best_f1_is_kept_where_it_gains(folder: Path) -> None:
    documents = likely_right(folder)
    _, line = calibrate_folder(folder, documents, source="dev", best_f1=True).lines
    kept = read_manifest(folder).thresholds
    assert line.startswith(f"threshold {kept}: dev F1 ")
    assert evaluate_documents(load(folder), documents).counts.f1 == 1.0


def with_dev(folder: Path, documents: Sequence[Document]) -> None:
    """Write dev figures into a model's folder, as a training does."""
    manifest = read_manifest(folder)
    counts = Counter(e.label for d in documents for e in d.entities)
    data = {
        "train": "train.conll",
        "train_sentences": 1,
        "dev": "dev.conll",
        "dev_sentences": sum(len(d.sentences) for d in documents),
        "dev_words": sum(d.word_count for d in documents),
        "dev_entities": dict(sorted(counts.items())),
    }
    found = evaluate_documents(load(folder), documents).to_json()
    figures = {"data": data, "dev": {"epoch": 2, "loss": 0.25, **found}}
    rewrite(folder, replace(manifest, figures=figures))


def likely_right(folder: Path) -> list[Document]:
    """Documents in which what a model is surest of is right."""
    found = load(folder).tag(tiny.documents(40))
    scores = sorted(e.score or 0.0 for d in found for e in d.entities)
    middle = scores[len(scores) // 2]
    likely = [[e for e in d.entities if (e.score or 0.0) >= middle] for d in found]
    return [d.with_entities(e) for d, e in zip(found, likely, strict=True)]


def test_a_threshold_changes_the_models_dev_figures_and_its_card(folder: Path) -> None:
    documents = likely_right(folder)
    with_dev(folder, documents)
    before = read_manifest(folder).figures["dev"]
    assert before["strict"]["micro"]["precision"] < 0.75
    calibrated = calibrate_folder(folder, documents, source="dev", best_f1=True)
    assert calibrated.evaluation is not None
    assert calibrated.evaluation.counts.f1 == 1.0
    manifest = read_manifest(folder)
    dev = manifest.figures["dev"]
    assert dev["strict"]["micro"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert dev["strict"] == evaluate_documents(load(folder), documents).to_json()["strict"]
    assert dev["intervals"]["strict"]["f1"]["value"] == 1.0
    assert (dev["epoch"], dev["loss"]) == (2, 0.25)
    assert dev["thresholds"] == manifest.thresholds.to_json()
    card = (folder / CARD).read_text(encoding="utf-8")
    assert "| **all** | 100.00 | 100.00 | 100.00 |" in card
    assert "was chosen on the same data, dev: F1 is 100.00 with it there" in card
    store(folder, calibrate(load(folder), documents, given=NO_THRESHOLDS), {"data": "dev"})
    assert "a threshold that the model has no more" in (folder / CARD).read_text(encoding="utf-8")


def test_the_commands_dev_figures_come_and_go_with_the_threshold(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    documents = likely_right(folder)
    dev, other = tmp_path / "dev.conll", tmp_path / "other.conll"
    for path, part in ((dev, documents), (other, documents[:20])):
        write(Corpus(path=path.name, documents=tuple(part), format="conll"), path)
    with_dev(folder, documents)

    def figures(data: Path, *flags: str) -> dict[str, Any]:
        assert main(["calibrate", str(folder), str(data), "--threads", "1", *flags]) == 0
        found: dict[str, Any] = read_manifest(folder).figures["dev"]
        return found

    plain = figures(dev)
    chosen = figures(dev, "--best-f1")
    assert chosen["strict"]["micro"]["f1"] == 1.0
    assert figures(other, "--threshold", "0.01") == chosen
    capsys.readouterr()
    assert main(["info", str(folder)]) == 0
    assert "(measured before its threshold changed)" in capsys.readouterr().out
    again = figures(dev, "--threshold", "0")
    assert again["strict"] == plain["strict"]
    assert "thresholds" not in again
    assert main(["info", str(folder)]) == 0
    assert "(measured" not in capsys.readouterr().out


def test_a_threshold_in_vain_is_not_kept(folder: Path) -> None:
    documents = load(folder).tag(tiny.documents(20))
    _, line = calibrate_folder(folder, documents, source="dev", best_f1=True).lines
    assert line.startswith("no threshold is kept: dev F1 100.00 without, 100.00 with it")
    assert not read_manifest(folder).thresholds


def test_stored_thresholds_are_used_and_a_new_fit_leaves_them(folder: Path) -> None:
    documents = tiny.documents(5)
    recognizer = load(folder)
    store(folder, calibrate(recognizer, documents, given=Thresholds(0.0, {"PER": 1.0})), {})
    found = load(folder)
    assert {e.label for d in recognizer.tag(documents) for e in d.entities} >= {"PER", "LOC"}
    assert "PER" not in {e.label for d in found.tag(documents) for e in d.entities}
    assert evaluate_documents(found, documents).strict.labels["PER"].predicted == 0
    calibrate_folder(folder, documents, source="dev")
    assert read_manifest(folder).thresholds == Thresholds(0.0, {"PER": 1.0})


def test_folders_from_before_have_neither(folder: Path) -> None:
    path = folder / MANIFEST
    record = json.loads(path.read_text(encoding="utf-8"))
    del record["temperature"], record["thresholds"]
    path.write_text(json.dumps(record), encoding="utf-8")
    manifest = read_manifest(folder)
    assert (manifest.temperature, manifest.thresholds) == (1.0, NO_THRESHOLDS)


@pytest.mark.parametrize(
    ("key", "value"),
    [("temperature", 0), ("temperature", "hot"), ("thresholds", {"overall": 2}), ("thresholds", 1)],
)
def test_damaged_settings_are_named(folder: Path, key: str, value: object) -> None:
    path = folder / MANIFEST
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(record | {key: value}), encoding="utf-8")
    with pytest.raises(PosnerError, match=f"damaged.*{key}"):
        read_manifest(folder)


def test_the_command(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dev = tiny.save_corpus(tmp_path / "dev.conll", 5)
    figures = tmp_path / "figures.json"
    flags = [str(folder), str(dev), "--json", str(figures)]
    before = (folder / MANIFEST).read_text(encoding="utf-8")
    assert main(["calibrate", *flags, "--threshold", "0.9", "--dry-run", "--threads", "1"]) == 0
    assert (folder / MANIFEST).read_text(encoding="utf-8") == before
    told = capsys.readouterr().out
    assert "calibration error" in told
    assert told.endswith("\n\nnothing stored (--dry-run)\n")
    assert main(["calibrate", *flags, "--threshold", "PER=0.9"]) == 0
    back = ["calibrate", str(folder), str(dev), "--threshold", "0"]
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(f"{folder}: ")
    assert last.endswith(
        f"threshold stored; `posner {' '.join(back)}` takes the threshold away again"
    )
    written = json.loads(figures.read_text(encoding="utf-8"))
    assert written["temperature"] == read_manifest(folder).temperature
    assert written["threshold"]["thresholds"] == {"overall": 0.0, "labels": {"PER": 0.9}}
    assert main(["predict", str(folder), "--text", "Ada lives in Oslo", "--threshold", "1"]) == 0
    assert "below the threshold 1 left out" in capsys.readouterr().err
    assert main(["info", str(folder)]) == 0
    assert "below 0, PER 0.9 are left out" in capsys.readouterr().out
    assert main(["calibrate", *flags, "--best-f1", "--per-label"]) == 0
    assert "the threshold does not raise F1" in capsys.readouterr().out  # nothing can be right
    assert main(["calibrate", *flags]) == 0
    assert capsys.readouterr().out.endswith("figures stored\n")
    assert main(back) == 0
    assert capsys.readouterr().out.endswith("no threshold leaves anything out\n")
    assert read_manifest(folder).thresholds == NO_THRESHOLDS
    for wrong in (["--per-label"], ["--precision", "2"], ["--best-f1", "--threshold", "0.5"]):
        assert main(["calibrate", *flags, *wrong]) == 2
