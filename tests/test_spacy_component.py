"""Posner as a component of spaCy's pipelines."""

from __future__ import annotations

import importlib
import tomllib
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import Span

import posner
import tiny
from posner.model.saved import save_network
from posner.postprocess.correct import LexiconStep
from posner.postprocess.names import Name
from posner.segment import Segmenter, segment
from posner.spacy_component import PosnerComponent, make

TEXTS = ["Ada Marsh lives in Oslo. Ben met Clara.", "", "well-known  Acme\nboats", "one"]


@pytest.fixture(scope="module")
def model(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spacy") / "model"
    made = tiny.untrained(tiny.recipe(bert))
    save_network(folder, made.network, made.manifest, made.tokenizer)
    return folder


def pipeline(model: Path, values: dict[str, Any] | None = None) -> Any:
    nlp = spacy.blank("en")
    nlp.add_pipe("posner", config={"model": str(model), "device": "cpu", **(values or {})})
    return nlp


def facts(spans: Any) -> list[tuple[int, int, str]]:
    return [(span.start_char, span.end_char, span.label_) for span in spans]


def test_the_entry_point_leads_to_the_factory() -> None:
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    place = tomllib.loads(text)["project"]["entry-points"]["spacy_factories"]["posner"]
    module, _, name = place.partition(":")
    assert getattr(importlib.import_module(module), name) is make


def test_entities_and_scores_are_the_recognisers(model: Path) -> None:
    nlp = pipeline(model)
    recognizer = posner.load(model, device="cpu")
    for text in TEXTS:
        doc = nlp(text)
        document = recognizer(text)
        tokens = {t.idx for t in doc} | {t.idx + len(t) for t in doc}
        for entity in document.entities:
            if {entity.start, entity.end} <= tokens:
                assert (entity.start, entity.end, entity.label) in facts(doc.spans["posner"])
        for span in doc.ents:
            assert 0 < span._.score <= 1
        assert len(doc.spans["posner"]) == len(document.entities)
        assert doc.spans["posner"].attrs["scores"] == [e.score for e in document.entities]
        assert doc.has_annotation("ENT_IOB") or not len(doc)


def test_pipe_is_call(model: Path) -> None:
    nlp = pipeline(model)
    one_by_one = [facts(nlp(text).ents) for text in TEXTS * 3]
    assert any(one_by_one)
    assert [facts(doc.ents) for doc in nlp.pipe(TEXTS * 3, batch_size=4)] == one_by_one


def test_spacys_own_words(model: Path) -> None:
    nlp = pipeline(model, {"words": "spacy"})
    recognizer = posner.load(model, device="cpu")
    for text in TEXTS:
        doc = nlp(text)
        words = [t.text for t in doc if not t.is_space]
        found = recognizer.tag([tiny.labelled([(" ".join(words), [])])])[0] if words else None
        if found is not None and len(list(found.sentences)) == 1 and "." not in text:
            assert [e.text.split() for e in found.entities] == [
                [t.text for t in span if not t.is_space] for span in doc.ents
            ]
    assert nlp("Ada met Ben in Oslo").ents


def test_what_stands_stays_unless_told_otherwise(model: Path) -> None:
    text = TEXTS[0]
    own = pipeline(model)
    made = facts(own(text).ents)
    for overwrite in (False, True):
        component = pipeline(model, {"overwrite": overwrite}).get_pipe("posner")
        assert isinstance(component, PosnerComponent)
        doc = spacy.blank("en")(text)
        doc.ents = [Span(doc, 0, 4, "GIVEN")]
        component(doc)
        if overwrite:
            assert facts(doc.ents) == made
        else:
            assert facts(doc.ents)[0] == (0, 18, "GIVEN")


def test_a_pipeline_is_saved_and_comes_back(model: Path, tmp_path: Path) -> None:
    nlp = pipeline(model, {"spans_key": "found"})
    nlp.to_disk(tmp_path / "nlp")
    back = spacy.load(tmp_path / "nlp")
    assert facts(back(TEXTS[0]).ents) == facts(nlp(TEXTS[0]).ents)
    assert "found" in back(TEXTS[0]).spans


def test_steps_are_settings_of_the_component(model: Path, tmp_path: Path) -> None:
    found = pipeline(model)(TEXTS[0]).ents
    names = tmp_path / "names.csv"
    names.write_text("label,name\n" + "".join(f"{e.label_},{e.text}s\n" for e in found))
    nlp = pipeline(model, {"lexicon": [str(names)]})
    nlp.to_disk(tmp_path / "nlp")
    doc = spacy.load(tmp_path / "nlp")(TEXTS[0])
    corrected = {span._.corrected for span in doc.ents} - {None}
    assert corrected
    assert corrected <= {f"{e.text}s" for e in found}
    scores = sorted(span._.score for span in found)
    bar = (scores[0] + scores[-1]) / 2
    doc = pipeline(model, {"threshold": bar})(TEXTS[0])
    kept = doc.spans["posner"]
    assert 0 < len(kept) < len(found)
    assert all(span._.score >= bar for span in kept)


def test_what_a_lexicon_changed_is_told(model: Path) -> None:
    nlp = pipeline(model)
    component = nlp.get_pipe("posner")
    found = component.tagger("Ada Marsh lives in Oslo.").entities
    names = [Name(entity.label, entity.text + "s", "Q1") for entity in found]
    component.tagger.steps = (LexiconStep(names),)
    doc = nlp("Ada Marsh lives in Oslo.")
    told = [span for span in doc.spans["posner"] if span._.corrected]
    assert told
    for span in told:
        assert span._.corrected == span.text + "s"
        assert 0.7 < span._.similarity < 1
        assert span._.changes[0].startswith("corrected by the lexicon")
        assert span.id_ == "Q1"


def test_words_are_cut_as_the_model_learned_them(model: Path) -> None:
    tagger = posner.load(model, device="cpu")
    tagger.segmenter = Segmenter(hyphens=True)
    component = PosnerComponent(tagger, words="posner", overwrite=False, spans_key="posner")
    text = "Ada Marsh lives in Os-\nlo."
    found = component._document(spacy.blank("en")(text))
    assert found.sentences == Segmenter(hyphens=True)(text) != segment(text)
