"""Surface features: what they are, how they are learned and weighed, and every way a model goes."""

from __future__ import annotations

import json
import pickle
import shutil
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiny
from listener import Listener
from posner.backends.torch import TorchBackend
from posner.calibration.surface import WEIGHTS, Weighing, most_expected, weigh
from posner.cli import main
from posner.corpus import write
from posner.decode import Decoder, legal_transitions
from posner.document import Document
from posner.errors import ModelError
from posner.evaluation.counts import Counts
from posner.evaluation.model import evaluate_documents
from posner.folder import read_manifest
from posner.loading import load, load_adapters
from posner.recognizer import Recognizer
from posner.schemes import SCHEMES
from posner.surface import BEGIN, END, OFFSETS, SURFACE, Surface, key_of, word_features
from posner.training.beside import set_beside
from posner.training.loop import InterruptedRunError
from posner.training.network_folds import cross_validate
from posner.training.run import MetricsLine, RunFolder
from posner.training.surface import LEAST_STEPS, learn_surface
from posner.training.train import TrainResult, train
from posner.windows import FloatArray

IOB2 = SCHEMES["IOB2"]
TAGS = IOB2.tags(("LOC", "ORG", "PER"))
TRAIN = tiny.documents(4)
DEV = tiny.documents(2, first=4)
ON: dict[str, Any] = {"features.surface": True}


def random_surface(words: Sequence[str], tags: int = 3, weight: float = 1.0) -> Surface:
    names = {name for word in words for own in word_features(word) for name in own}
    keys = np.array(sorted({key_of(name) for name in (*names, *BEGIN, *END)}), dtype=np.uint32)
    random = np.random.default_rng(len(keys))

    def table(*shape: int) -> FloatArray:
        return random.normal(size=shape).astype(np.float32)

    pairs = table(tags, tags)
    states = table(len(keys), tags).astype(np.float16)
    return Surface(keys, states, table(tags), pairs, table(tags), weight)


def summed(surface: Surface, words: Sequence[str], place: int) -> FloatArray:
    """What the word at a place weighs, feature by feature."""
    features = [*(BEGIN if place == 0 else ()), *(END if place == len(words) - 1 else ())]
    for number, offset in enumerate(OFFSETS):
        if 0 <= place - offset < len(words):
            features += word_features(words[place - offset])[number]
    rows = {int(key): row for row, key in enumerate(surface.keys)}
    known = [surface.states[rows[key_of(f)]] for f in features if key_of(f) in rows]
    total: FloatArray = np.array(known, dtype=np.float32).sum(axis=0)
    return np.float32(surface.weight) * total


WORDS = st.sampled_from(["Oslo", "oslo", "in", "ADA", "42", "\ud800", "\N{SNOWMAN}", "x" * 120])


@given(st.lists(st.lists(WORDS, max_size=6), min_size=1, max_size=5), st.sampled_from([0.5, 1.0]))
def test_a_words_emission_is_the_sum_over_its_features(
    sentences: list[list[str]], weight: float
) -> None:
    surface = random_surface(["Oslo", "in", "42"], weight=weight)
    found = surface.emissions(sentences)
    assert [emission.shape for emission in found] == [(len(words), 3) for words in sentences]
    for words, emission in zip(sentences, found, strict=True):
        (alone,) = surface.emissions([words])
        assert np.array_equal(alone, emission)  # whatever stands beside it
        for place in range(len(words)):
            assert emission[place] == pytest.approx(summed(surface, words, place), abs=1e-5)


def test_more_words_than_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    words = [f"w{i}" for i in range(9)]
    expected = random_surface(words).emissions([words])
    monkeypatch.setattr("posner.surface.CACHED_WORDS", 3)
    surface = random_surface(words)
    for _ in range(2):
        assert np.array_equal(surface.emissions([words])[0], expected[0])


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    surface = random_surface(["Oslo", "in"], weight=0.75)
    surface.write(tmp_path)
    again = Surface.read(tmp_path, tags=3)
    assert again.weight == 0.75
    for name in ("keys", "states", "start", "pairs", "end"):
        assert np.array_equal(getattr(again, name), getattr(surface, name))
    assert b"Oslo" not in (tmp_path / SURFACE).read_bytes()
    with pytest.raises(ModelError, match="damaged"):
        Surface.read(tmp_path, tags=4)
    for damaged in (
        replace(surface, keys=surface.keys[::-1]),
        replace(surface, keys=surface.keys.astype(np.uint64)),
        replace(surface, states=np.full_like(surface.states, np.nan)),
    ):
        damaged.write(tmp_path)
        with pytest.raises(ModelError, match="damaged"):
            Surface.read(tmp_path, tags=3)
    (tmp_path / SURFACE).write_bytes(b"none")
    with pytest.raises(ModelError, match="damaged"):
        Surface.read(tmp_path, tags=3)


def tagged(surface: Surface, documents: Sequence[Document]) -> list[Document]:
    transitions = surface.added_to(legal_transitions(TAGS, IOB2))
    result = []
    for document in documents:
        emissions = surface.emissions([s.forms for s in document.sentences])
        paths = Decoder(TAGS, IOB2, transitions).decode(emissions)
        entities = [
            document.span_entity(sentence, scored.span, scored.score)
            for sentence, path in zip(document.sentences, paths, strict=True)
            for scored in path.spans
        ]
        result.append(replace(document, entities=tuple(entities)))
    return result


def spans(documents: Sequence[Document]) -> list[set[tuple[int, int, str]]]:
    return [{(e.start, e.end, e.label) for e in document.entities} for document in documents]


def test_the_toy_corpus_is_learned_by_heart() -> None:
    surface = learn_surface(TRAIN, TAGS, "IOB2", seed=1)
    assert spans(tagged(surface, TRAIN)) == spans(TRAIN)


def test_long_sentences_are_learned_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posner.training.surface.LONGEST", 3)
    surface = learn_surface(TRAIN, TAGS, "IOB2", seed=1)
    assert spans(tagged(surface, TRAIN)) == spans(TRAIN)


def test_of_too_many_sentences_some_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = learn_surface(TRAIN, TAGS, "IOB2", seed=1)
    monkeypatch.setattr("posner.training.surface.MOST_STEPS", 2)
    monkeypatch.setattr("posner.training.surface.SENTENCES", 3)
    few = learn_surface(TRAIN, TAGS, "IOB2", seed=1)
    assert 0 < len(few.keys) < len(everything.keys)
    assert set(few.keys) <= set(everything.keys)


def test_further_features_are_learned_where_they_are_seen_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def known(feature: str) -> bool:
        return key_of(feature) in learn_surface(TRAIN, TAGS, "IOB2", seed=1).keys

    seen = Counter(t.text.lower()[:4] for document in TRAIN for t in document.tokens)
    (rare, _), (common, count) = seen.most_common()[-1], seen.most_common(1)[0]
    monkeypatch.setattr("posner.training.surface.SIGHTINGS", count)
    assert known(f"first4={common}")
    assert not known(f"first4={rare}")
    monkeypatch.setattr("posner.training.surface.SIGHTINGS", count + 1)
    assert not known(f"first4={common}")
    assert known(f"form={common}")  # a near one needs no second place


def test_a_seed_decides_the_weights() -> None:
    first, again, other = (learn_surface(TRAIN, TAGS, "IOB2", seed) for seed in (1, 1, 2))
    assert np.array_equal(first.states, again.states)
    assert not np.array_equal(first.states, other.states)


def test_more_tags_leave_what_was_learned() -> None:
    surface = learn_surface(TRAIN, TAGS, "IOB2", seed=1)
    places = [0, 1, 2, 3, 4, 7, 8]
    wide = surface.over(places, 9)
    sentences = [["Ada", "Marsh", "met"]]
    assert np.array_equal(wide.emissions(sentences)[0][:, places], surface.emissions(sentences)[0])
    assert not wide.states[:, [5, 6]].any()
    assert np.array_equal(wide.pairs[np.ix_(places, places)], surface.pairs)


def test_learning_goes_on_from_what_was_known() -> None:
    known = learn_surface(TRAIN, TAGS, "IOB2", seed=1)
    (few,) = tiny.documents(1, first=9)
    further = learn_surface([few], TAGS, "IOB2", seed=1, start=known)
    assert set(known.keys) <= set(further.keys)
    told = [f for t in few.tokens for own in word_features(t.text) for f in own]
    unseen = np.setdiff1d(known.keys, [key_of(name) for name in (*told, *BEGIN, *END)])
    assert len(unseen)
    before, after = (s.states[np.searchsorted(s.keys, unseen)] for s in (known, further))
    assert np.array_equal(before, after)  # no sentence told anything of these


# --- weighing ---


def untrained(bert: Path) -> Recognizer:
    model = tiny.untrained(tiny.recipe(bert))
    return Recognizer(model.manifest, model.tokenizer, TorchBackend(model.network, model.manifest))


def test_beside_a_network_that_knows_nothing_it_weighs_much(bert: Path) -> None:
    recognizer = untrained(bert)
    votes = recognizer.votes(DEV)
    surface = learn_surface(TRAIN, recognizer.manifest.tags, "IOB2", seed=1)
    found = weigh(recognizer, DEV, votes, surface)
    assert not found.is_in_vain
    assert found.weight > 0
    assert found.held_out.f1 > found.without.f1
    beside = recognizer.beside(surface.weighing(found.weight))
    right = sum(len(a & b) for a, b in zip(spans(beside.find(DEV)), spans(DEV), strict=True))
    assert right >= found.held_out.correct


def test_what_the_network_knows_already_is_in_vain(bert: Path) -> None:
    recognizer = untrained(bert)
    sure = learn_surface([*TRAIN, *DEV], recognizer.manifest.tags, "IOB2", seed=1)
    votes = recognizer.beside(sure.weighing(100.0)).votes(DEV)
    nothing = learn_surface(TRAIN, recognizer.manifest.tags, "IOB2", seed=1).weighing(0.0)
    found = weigh(recognizer, DEV, votes, replace(nothing, states=0 * nothing.states))
    assert found.is_in_vain
    assert found.weight == WEIGHTS[0]


def peaked(entities: int, weight: float) -> list[Counts]:
    """F1 0.6 at one weight, 0.5 at all others."""
    return [
        Counts(entities, entities, round((0.6 if own == weight else 0.5) * entities))
        for own in WEIGHTS
    ]


def test_few_entities_do_not_tell_a_weight() -> None:
    assert WEIGHTS[most_expected(peaked(50, 4.0))] in (0.5, 0.6)
    assert WEIGHTS[most_expected(peaked(20_000, 4.0))] == 4.0


def test_few_entities_do_not_tell_that_it_is_in_vain() -> None:
    for entities, in_vain in ((100, False), (20_000, True)):
        without = Counts(entities, entities, entities // 2)
        held_out = Counts(entities, entities, round(0.49 * entities))
        weighing = Weighing(0.5, "documents", without, without, held_out)
        assert weighing.is_in_vain == in_vain
        assert weighing.is_on_trust == (not in_vain)
    gaining = replace(weighing, held_out=Counts(20_000, 20_000, 11_000))
    assert not gaining.is_in_vain
    assert not gaining.is_on_trust


# --- in a training ---


def learn(bert: Path, out: Path, listener: Listener | None = None, **more: Any) -> TrainResult:
    return train(
        tiny.corpus(4),
        tiny.corpus(2, first=4, name="dev.conll"),
        tiny.recipe(bert, {**ON, "training.epochs": 1, **more.pop("values", {})}),
        out,
        reporter=listener or Listener(),
        **more,
    )


@pytest.fixture(scope="module")
def run(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("surface") / "run"
    learn(bert, out)
    return out


def test_a_training_sets_it_beside_its_network(bert: Path, run: Path, tmp_path: Path) -> None:
    listener = Listener()
    result = learn(bert, tmp_path / "run", listener)
    manifest = read_manifest(run / "model")
    assert SURFACE in manifest.files
    weighed = manifest.figures["surface"]
    (line,) = [said for said in listener.said if said.startswith("surface features weigh")]
    f1 = {name: f"{100 * weighed[name]['f1']:.2f}" for name in ("without", "within", "held_out")}
    assert f"{f1['without']} without, {f1['within']} with them, {f1['held_out']} on" in line
    alone = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])["f1"]
    assert "loss" not in manifest.figures["dev"]  # the network's says nothing of both
    dev = manifest.figures["dev"]["strict"]["micro"]["f1"]
    assert weighed["without"]["f1"] == pytest.approx(alone)
    assert dev > alone
    assert result.evaluation is not None
    assert result.evaluation.counts.f1 == dev
    assert evaluate_documents(load(run), DEV).counts.f1 == dev
    assert "Surface features stand beside" in (run / "model" / "README.md").read_text()
    again = tmp_path / "run" / "model" / SURFACE
    assert again.read_bytes() == (run / "model" / SURFACE).read_bytes()


def test_where_it_gains_nothing_the_model_has_none(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("posner.calibration.surface.Weighing.is_in_vain", True)
    listener = Listener()
    learn(bert, tmp_path / "run", listener)
    assert any(said.startswith("no surface features are kept") for said in listener.said)
    manifest = read_manifest(tmp_path / "run" / "model")
    assert SURFACE not in manifest.files
    assert "surface" not in manifest.figures


def test_company_changes_no_entity(run: Path) -> None:
    model = load(run)
    together = model.find(DEV)
    assert spans(together) == [spans(model.find([document]))[0] for document in DEV]


def test_a_run_that_was_killed_while_it_was_learned_ends_the_same(
    bert: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr("posner.training.train.calibrate_folder", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises((KeyboardInterrupt, InterruptedRunError)):
            learn(bert, out)
    learn(bert, out, resume=True)
    for name in (SURFACE, "model.safetensors"):
        assert (out / "model" / name).read_bytes() == (run / "model" / name).read_bytes()
    whole, resumed = (read_manifest(path / "model") for path in (run, out))
    assert whole.figures["dev"]["strict"] == resumed.figures["dev"]["strict"]
    assert whole.temperature == resumed.temperature


class Impatient(Listener):
    """Wants the training to end as soon as something is worked at after its last step."""

    def wants_stop(self) -> bool:
        return bool(self.worked)


def test_learning_ends_when_the_time_is_up(bert: Path, run: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(InterruptedRunError, match="--resume"):
        learn(bert, out, Impatient())
    learn(bert, out, resume=True)
    assert (out / "model" / SURFACE).read_bytes() == (run / "model" / SURFACE).read_bytes()


class Interrupting(Listener):
    """Sends what Ctrl-C sends, at the end of the last epoch."""

    def evaluated(self, line: MetricsLine) -> None:
        super().evaluated(line)
        signal.raise_signal(signal.SIGINT)


def test_ctrl_c_in_the_last_evaluation_is_not_forgotten(
    bert: Path, run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    with pytest.raises(InterruptedRunError, match="before all was chosen"):
        learn(bert, out, Interrupting())
    assert RunFolder(out).read_record()["state"] == "started"
    learn(bert, out, resume=True)
    assert (out / "model" / SURFACE).read_bytes() == (run / "model" / SURFACE).read_bytes()


def test_what_follows_the_last_step_counts_as_training(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*given: Any, **named: Any) -> Surface:
        time.sleep(0.5)
        return learn_surface(*given, **named)

    monkeypatch.setattr("posner.training.beside.learn_surface", slow)
    result = learn(bert, tmp_path / "run")
    last = json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[-1])["seconds"]
    recorded = json.loads((tmp_path / "run" / "run.json").read_text())["seconds"]
    assert result.seconds >= last + 0.5
    assert recorded == pytest.approx(result.seconds, abs=0.1)


def test_whoever_reads_the_manifest_reads_the_weights(run: Path) -> None:
    modes = {path.name: path.stat().st_mode for path in (run / "model").iterdir()}
    assert len(set(modes.values())) == 1, modes


def test_it_goes_along_when_a_model_is_exported(run: Path, tmp_path: Path) -> None:
    assert main(["export", str(run), "--out", str(tmp_path / "fast")]) == 0
    own, exported = load(run).find(DEV), load(tmp_path / "fast").find(DEV)
    assert spans(own) == spans(exported)
    for one, other in zip(own, exported, strict=True):
        for left, right in zip(one.entities, other.entities, strict=True):
            assert left.score == pytest.approx(right.score, abs=1e-4)
    bare = load(run)
    assert spans(Recognizer(bare.manifest, bare.tokenizer, bare.backend).find(DEV)) != spans(own)


def test_a_training_goes_on_from_it(bert: Path, run: Path, tmp_path: Path) -> None:
    corpus = tiny.corpus(1, first=9)
    dev = tiny.corpus(2, first=4, name="dev.conll")
    recipe = tiny.recipe(bert, {**ON, "training.epochs": 1})
    out = tmp_path / "next"
    train(corpus, dev, recipe, out, reporter=Listener(), start=run)
    before, after = (Surface.read(path / "model", len(TAGS)) for path in (run, out))
    assert set(before.keys) <= set(after.keys)


def test_a_training_may_replace_what_it_goes_on_from(bert: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    learn(bert, out)
    learn(bert, out, start=out, force=True)
    assert SURFACE in read_manifest(out / "model").files


def test_it_may_come_and_go_with_the_recipe(bert: Path, tmp_path: Path) -> None:
    off = {"features.surface": False}
    learn(bert, tmp_path / "without", values=off)
    learn(bert, tmp_path / "with", start=tmp_path / "without")
    learn(bert, tmp_path / "again", start=tmp_path / "with", values=off)
    found = [
        SURFACE in read_manifest(tmp_path / name / "model").files for name in ("with", "again")
    ]
    assert found == [True, False]


def test_what_is_in_vain_is_taken_away(
    bert: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del bert
    folder = tmp_path / "model"
    shutil.copytree(run / "model", folder)
    monkeypatch.setattr("posner.calibration.surface.Weighing.is_in_vain", True)
    found = set_beside(folder, TRAIN, DEV)
    manifest = read_manifest(folder)
    assert SURFACE not in manifest.files
    assert not (folder / SURFACE).exists()
    assert "surface" not in manifest.figures
    assert found.evaluation is not None
    micro = manifest.figures["dev"]["strict"]["micro"]
    assert micro["f1"] == found.evaluation.counts.f1 == found.weighing.without.f1


def test_a_crash_while_it_is_written_leaves_the_model(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(run / "model", folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr("posner.training.beside.seal", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        set_beside(folder, TRAIN, DEV)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_transformers_cannot_run_it(
    bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    learn(bert, tmp_path / "run", values={"features.casing": False})
    flags = ["--out", str(tmp_path / "hf"), "--to", "huggingface"]
    assert main(["export", str(tmp_path / "run"), *flags]) == 1
    assert "--features.surface false" in capsys.readouterr().err


def test_a_model_is_described_with_it(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(run)]) == 0
    assert "surface features weigh" in capsys.readouterr().out


@pytest.mark.parametrize("values", [{}, {"adapter.rank": 2}])
def test_every_way_of_running_it_finds_the_same(
    values: dict[str, Any], bert: Path, tmp_path: Path
) -> None:
    learn(bert, tmp_path / "run", values=values)
    own = load(tmp_path / "run")
    found = spans(own.find(DEV))
    assert own.surface is not None
    assert spans(pickle.loads(pickle.dumps(own)).find(DEV)) == found
    if values:
        assert main(["merge", str(tmp_path / "run"), "--out", str(tmp_path / "whole")]) == 0
        assert spans(load(tmp_path / "whole").find(DEV)) == found
        (alone,) = load_adapters([tmp_path / "run"])
        assert spans(alone.find(DEV)) == found


def test_8_bits_carry_it_too(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "fast"
    dev = tmp_path / "dev.conll"
    write(tiny.corpus(2, first=4), dev)
    call = ["export", str(run), "--out", str(out), "--int8", "--dev", str(dev), "--max-loss", "100"]
    assert main(call) == 0
    model = load(out)
    assert model.surface is not None
    assert model.surface.weight == load(run).surface.weight  # type: ignore[union-attr]
    assert read_manifest(out).figures["surface"] == read_manifest(run / "model").figures["surface"]


def test_a_new_label_keeps_what_was_learned(bert: Path, run: Path, tmp_path: Path) -> None:
    more = tiny.corpus(2, first=9)
    renamed = tuple(
        replace(document, entities=tuple(replace(e, label="NEW") for e in document.entities))
        for document in more.documents
    )
    corpus = replace(more, documents=(*more.documents, *renamed))
    train(
        corpus,
        tiny.corpus(2, first=4, name="dev.conll"),
        tiny.recipe(bert, {**ON, "training.epochs": 1}),
        tmp_path / "next",
        reporter=Listener(),
        start=run,
    )
    tags = read_manifest(tmp_path / "next" / "model").tags
    assert {"B-NEW", "I-NEW"} <= set(tags)
    before = Surface.read(run / "model", len(TAGS))
    after = Surface.read(tmp_path / "next" / "model", len(tags))
    assert set(before.keys) <= set(after.keys)


def test_folds_have_it(bert: Path, tmp_path: Path) -> None:
    recipe = tiny.recipe(bert, {**ON, "training.epochs": 1})
    listener = Listener()
    cross_validate(tiny.corpus(6), recipe, tmp_path / "out", folds=2, reporter=listener)
    assert sum("surface features" in said and "dev F1" in said for said in listener.said) == 2


def test_of_too_many_features_the_most_frequent_are_learned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = learn_surface(TRAIN, TAGS, "IOB2", seed=1)
    monkeypatch.setattr("posner.training.surface.MOST_WEIGHTS", 10 * len(TAGS))
    few = learn_surface(TRAIN, TAGS, "IOB2", seed=1)
    words = Counter(word for d in TRAIN for s in d.sentences for word in s.forms)
    often, _ = words.most_common(1)[0]
    assert len(few.keys) <= 12 < len(whole.keys)  # those, and a sentence's begin and end
    assert key_of(f"form={often.lower()}") in few.keys


def test_learning_tells_how_far_it_is() -> None:
    listener = Listener()
    learn_surface(TRAIN, TAGS, "IOB2", seed=1, reporter=listener)
    steps = [done for unit, done, _ in listener.worked if unit == "steps"]
    assert steps == list(range(1, listener.worked[0][2] + 1))
    assert len(steps) >= LEAST_STEPS
