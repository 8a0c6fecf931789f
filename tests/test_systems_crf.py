"""The CRF: its features, and its weights and probabilities against sklearn-crfsuite's own."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import sklearn_crfsuite
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

import tiny
from posner.document import Document, WordRow, WordSentence, document_from_words
from posner.errors import MissingExtraError, ModelError
from posner.schemes import Span
from posner.systems.crf import WEIGHTS, CrfSystem, pycrfsuite_tags, read_weights
from posner.systems.crf_features import sentence_attributes
from posner.systems.labelling import gold_tags
from posner.systems.opening import load
from posner.systems.parts_of_speech import tagging_pipeline
from posner.systems.recipes import CrfRecipe, system_recipe
from posner.systems.transitions import (
    Transition,
    ranked_transitions,
    transition_table,
    transitions_to_json,
)
from posner.training.console import Reporter
from strategies import words as any_words

TRAIN = tiny.documents(6)
DEV = tiny.documents(2, first=6)


def recipe(**values: object) -> CrfRecipe:
    """The CRF's recipe with `crf.` or `labels.` values."""
    keys = {k.replace("__", "."): v for k, v in values.items()}
    found = system_recipe("crf", values={"crf.iterations": 30, **keys})
    assert isinstance(found, CrfRecipe)
    return found


def fit(**values: object) -> CrfSystem:
    """A CRF that has learned the toy corpus."""
    return CrfSystem.fit("crf", TRAIN, DEV, recipe(**values), reporter=Reporter())


@pytest.fixture(scope="module")
def crf() -> CrfSystem:
    return fit()


def test_the_papers_features() -> None:
    words, pos = ["Ada", "saw", "NATO", "42"], ["NNP", "VBD", "NNP", None]
    found = [set(word) for word in sentence_attributes(words, pos, next=False)]
    assert found == [
        {
            *("word.lower=ada", "word[-3:]=Ada", "word[-2:]=da", "word.istitle", "postag=NNP"),
            "BEG",
        },
        {
            *("word.lower=saw", "word[-3:]=saw", "word[-2:]=aw", "postag=VBD"),
            *("-1:word.lower=ada", "-1:postag=NNP"),
        },
        {
            *("word.lower=nato", "word[-3:]=ATO", "word[-2:]=TO", "word.isupper", "postag=NNP"),
            *("-1:word.lower=saw", "-1:postag=VBD"),
        },
        {
            *("word.lower=42", "word[-3:]=42", "word[-2:]=42", "word.isdigit", "END"),
            *("-1:word.lower=nato", "-1:word.isupper", "-1:postag=NNP"),
        },
    ]


def test_the_next_word_adds_what_is_seen_of_the_one_before() -> None:
    words, pos = ["Ada", "saw", "NATO"], ["NNP", "VBD", None]
    plain = sentence_attributes(words, pos, next=False)
    more = sentence_attributes(words, pos, next=True)
    added = [set(b) - set(a) for a, b in zip(plain, more, strict=True)]
    assert added == [
        {"+1:word.lower=saw", "+1:postag=VBD"},
        {"+1:word.lower=nato", "+1:word.isupper"},
        set(),
    ]
    assert sentence_attributes([], [], next=True) == []
    assert {"BEG", "END"} <= set(sentence_attributes(["a"], [None], next=True)[0])


def reference_features(words: list[str], pos: list[str | None]) -> list[dict[str, Any]]:
    """The features as sklearn-crfsuite's users write them: dictionaries with True and False."""
    rows = []
    for i, word in enumerate(words):
        row: dict[str, Any] = {
            "word.lower": word.lower(),
            "word[-3:]": word[-3:],
            "word[-2:]": word[-2:],
            "word.isupper": word.isupper(),
            "word.isdigit": word.isdigit(),
            "word.istitle": word.istitle(),
            "postag": pos[i],
        }
        if i:
            row |= {
                "-1:word.lower": words[i - 1].lower(),
                "-1:word.isupper": words[i - 1].isupper(),
                "-1:word.isdigit": words[i - 1].isdigit(),
                "-1:postag": pos[i - 1],
            }
        else:
            row["BEG"] = True
        if i == len(words) - 1:
            row["END"] = True
        rows.append(row)
    return rows


def reference(merge: bool) -> sklearn_crfsuite.CRF:
    """sklearn-crfsuite's CRF on the same sentences, with the recipe's settings."""
    used = recipe().crf
    model = sklearn_crfsuite.CRF(
        c1=used.c1,
        c2=used.c2,
        max_iterations=used.iterations,
        all_possible_transitions=used.all_transitions,
    )
    sentences = [s for d in TRAIN for s in d.sentences]
    model.fit(
        [reference_features(s.words, [t.pos for t in s.tokens]) for s in sentences],
        [list(tags) for d in TRAIN for tags in gold_tags(d, merge=merge)],
    )
    return model


@pytest.mark.parametrize("merge", [False, True])
def test_weights_paths_and_probabilities_are_those_of_sklearn_crfsuite(merge: bool) -> None:
    own, other = fit(labels__merge=merge), reference(merge)
    tags = own.weights.tags
    assert set(tags) == set(other.classes_)
    for (before, after), weight in other.transition_features_.items():
        mine = own.weights.pairs[tags.index(before), tags.index(after)]
        assert mine == pytest.approx(weight, abs=1e-3)
    sentences = [s for d in DEV for s in d.sentences]
    features = [reference_features(s.words, [t.pos for t in s.tokens]) for s in sentences]
    decoded = own.decoder.decode(own.emissions(DEV), marginals=True)
    for path, expected in zip(decoded, other.predict(features), strict=True):
        assert list(path.tags) == list(expected)
    if merge:  # no path is forbidden, so the probabilities are over the same paths
        for path, expected in zip(decoded, other.predict_marginals(features), strict=True):
            ours = [row[tag] for row, tag in zip(expected, path.tags, strict=True)]
            assert path.marginals == pytest.approx(ours, abs=1e-3)


def test_a_score_is_the_marginal_probability_of_the_span() -> None:
    own, other = fit(labels__merge=True), reference(merge=True)
    document = document_from_words([WordSentence((WordRow("Oslo", "NNP"),))])
    (entity,) = own.tag([document])[0].entities or pytest.fail("finds nothing")
    (expected,) = other.predict_marginals([reference_features(["Oslo"], ["NNP"])])
    assert entity.score == pytest.approx(expected[0][f"I-{entity.label}"], abs=1e-3)


def test_merged_labels_are_one_tag_and_touching_entities_one() -> None:
    rows = tuple(WordRow(w) for w in ("Ada", "Ben", "ran"))
    document = document_from_words([WordSentence(rows, (Span(0, 1, "PER"), Span(1, 2, "PER")))])
    assert gold_tags(document, merge=True) == [("I-PER", "I-PER", "O")]
    assert gold_tags(document, merge=False) == [("B-PER", "B-PER", "O")]
    found = CrfSystem.fit(
        "crf", [document], [document], recipe(labels__merge=True), reporter=Reporter()
    )
    assert set(found.manifest.tags) == {"O", "I-PER"}
    assert [e.text for e in found.tag([document])[0].entities] == ["Ada Ben"]


def test_it_is_saved_without_a_pickle_and_loaded_the_same(crf: CrfSystem, tmp_path: Path) -> None:
    crf.save(tmp_path / "model")
    assert {p.name for p in (tmp_path / "model").iterdir()} == {"posner.json", "README.md", WEIGHTS}
    loaded = load(tmp_path / "model")
    assert loaded.tag(DEV) == crf.tag(DEV) == crf.predict(DEV)
    assert crf.evaluate(DEV).counts.gold == sum(len(d.entities) for d in DEV)
    assert [t.pos for d in loaded.tag(DEV) for t in d.tokens] == [None] * sum(
        d.word_count for d in DEV
    )
    (tmp_path / "model" / WEIGHTS).write_bytes(b"lCRF, or so it says")
    with pytest.raises(ModelError, match="damaged"):
        load(tmp_path / "model")


def test_other_bytes_and_other_tags_are_refused(crf: CrfSystem) -> None:
    with pytest.raises(ModelError, match="damaged"):
        read_weights(b"no model at all", ["O"])
    with pytest.raises(ModelError, match="other tags"):
        read_weights(crf.model, ["O", "B-PER"])


@settings(max_examples=25)
@given(st.lists(st.lists(any_words, min_size=1, max_size=4), min_size=1, max_size=3))
def test_words_of_any_characters_keep_their_weights(sentences: list[list[str]]) -> None:
    documents = [
        document_from_words(
            [
                WordSentence((WordRow("it"), WordRow("ran"))),
                *(WordSentence(tuple(map(WordRow, w)), (Span(0, 1, "PER"),)) for w in sentences),
            ]
        )
    ]
    found = CrfSystem.fit(
        "crf", documents, documents, recipe(crf__pos="none", crf__c1=0.0), reporter=Reporter()
    )
    assert found.weights.rows.keys() - {"BEG", "END"}
    assert found.weights.rows.keys() <= {
        attribute
        for words in [["it", "ran"], *sentences]
        for row in sentence_attributes(words, [None] * len(words), next=False)
        for attribute in row
    }
    assert set(pycrfsuite_tags(found.model)) == set(found.manifest.tags)


def test_parts_of_speech_come_from_the_corpus_or_are_done_without() -> None:
    said: list[str] = []

    class Listener(Reporter):
        def say(self, text: str) -> None:
            said.append(text)

    bare = [_without_pos(d) for d in TRAIN]
    found = CrfSystem.fit("crf", bare, bare, recipe(), reporter=Listener())
    assert found.recipe.crf.pos == "none"
    assert "no parts of speech" in said[0]
    assert not any("postag" in attribute for attribute in found.weights.rows)
    assert any("postag" in attribute for attribute in fit().weights.rows)


def test_text_without_parts_of_speech_is_tagged_by_spacy_or_refused(
    crf: CrfSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise MissingExtraError("spaCy's pipeline", "spacy")

    with monkeypatch.context() as without:
        tagging_pipeline.cache_clear()
        without.setitem(sys.modules, "spacy", None)
        with pytest.raises(MissingExtraError, match=r"posner\[spacy\]"):
            crf("Ada lives in Oslo.")
    monkeypatch.setattr("posner.systems.parts_of_speech.load_spacy", missing)
    with pytest.raises(MissingExtraError, match=r"posner\[spacy\]"):
        crf("Ada lives in Oslo.")
    monkeypatch.setattr(
        "posner.systems.parts_of_speech.spacy_pos", lambda found: [["NNP"] * len(w) for w in found]
    )
    assert crf("Ada lives in Oslo.").text == "Ada lives in Oslo."


def test_transitions_are_ranked(crf: CrfSystem) -> None:
    ranked = ranked_transitions(crf.manifest.tags, crf.weights.pairs, crf.transitions)
    weights = [t.weight for t in ranked]
    assert weights == sorted(weights, reverse=True)
    by_tags = {(t.before, t.after): t for t in ranked}
    assert not by_tags["O", "I-PER"].legal  # no path has it, but it has a weight
    assert by_tags["O", "I-PER"].weight < 0
    learned = reference(merge=False).transition_features_
    unlikeliest = sorted(learned.items(), key=lambda pair: pair[1])[:3]
    assert [w for _, w in unlikeliest] == pytest.approx(weights[::-1][:3], abs=1e-3)
    assert by_tags[unlikeliest[0][0]].weight == min(weights)
    assert {(t.before, t.after) for t in ranked} >= learned.keys()
    shown = transitions_to_json(ranked)
    assert shown["likeliest"][0]["weight"] == max(weights)
    assert shown["unlikeliest"][0]["weight"] == min(weights)
    assert shown["unlikeliest"][0]["legal"] == ranked[-1].legal
    assert np.isfinite(weights).all()


def test_forbidden_transitions_without_a_weight_are_not_shown() -> None:
    seen = fit(**{"crf__all-transitions": False})
    ranked = ranked_transitions(seen.manifest.tags, seen.weights.pairs, seen.transitions)
    assert all(t.legal for t in ranked)
    console = Console(file=io.StringIO(), width=100)
    bad = Transition("O", "I-PER", -2.0, legal=False)
    console.print(transition_table([*ranked, bad]))
    assert "O → I-PER (forbidden)" in cast(io.StringIO, console.file).getvalue()


def _without_pos(document: Document) -> Document:
    return document_from_words(
        [
            WordSentence(tuple(WordRow(w) for w in s.words), spans)
            for s, spans in zip(document.sentences, _spans(document), strict=True)
        ]
    )


def _spans(document: Document) -> tuple[tuple[Span, ...], ...]:
    from posner.document import sentence_spans

    return sentence_spans(document).spans
