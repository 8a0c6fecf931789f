"""Whatever scores a model on raw texts sees the words that the model finds in them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import Mock

import pytest

import posner
import tiny
from posner.calibration.judged import SpanScorer
from posner.cli import main
from posner.compare import cell
from posner.compare.order import Data, Order, read_scored
from posner.corpus import Corpus
from posner.document import Document
from posner.evaluation.analysis import analyse_tagger
from posner.evaluation.model import as_read_by, evaluate_documents
from posner.evaluation.suspects import find_suspects
from posner.export import checks
from posner.loading import load
from posner.model.saved import save_network
from posner.report.curves import Course
from posner.report.dev_set import own_dev_set
from posner.report.judge import judge
from posner.report.story import Story
from posner.segment import segment
from posner.training.console import Reporter
from posner.training.network_folds import cross_validate
from posner.training.prepare import fingerprint

JOINING = {"data.join-hyphens": True}
SHORT = {**JOINING, "training.epochs": 1, "training.dev-share": 0.4}


def raw(text: str, *names: str) -> Document:
    """A raw text as its corpus is read, with places in it."""
    document = Document(text, segment(text))
    places = [(text.index(name), name) for name in names]
    return document.with_entities([document.entity(p, p + len(n), "LOC") for p, n in places])


def texts(count: int) -> list[Document]:
    """Texts with a word that the end of a line parts."""
    return [
        raw(f"Ada {'really ' * i}lives in Os-\nlo. Ben works in Ber-\ngen.", "Os-\nlo", "Ber-\ngen")
        for i in range(count)
    ]


def words(documents: Sequence[Document]) -> int:
    return sum(document.word_count for document in documents)


@pytest.fixture(scope="module")
def folder(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tiny.untrained(tiny.recipe(bert, JOINING))
    place = tmp_path_factory.mktemp("joining") / "model"
    save_network(place, made.network, made.manifest, made.tokenizer)
    return place


def test_all_judges_see_the_models_words(folder: Path) -> None:
    documents = texts(3)
    tagger = load(folder, device="cpu")
    read = as_read_by(tagger, documents)
    assert as_read_by(tagger, read) == read
    expected = words(read)
    assert expected < words(documents)
    scored = evaluate_documents(tagger, documents)
    assert scored.words == expected
    analysis = analyse_tagger(tagger, documents)
    assert analysis.evaluation.words == expected
    assert analysis.evaluation.counts == scored.counts
    findings = judge(tagger, documents, "dev", texts=False)
    assert findings.figures["counts"] == analysis.evaluation.to_json()["counts"]
    assert findings.corpus == fingerprint(read)
    found = SpanScorer(tagger, documents, folds=2).judged
    assert found.labels == SpanScorer(tagger, read, folds=2, votes=tagger.votes(read)).judged.labels
    assert sum(found.gold.values()) == sum(len(d.entities) for d in documents)
    suspects = find_suspects(folder, documents, lambda path: load(path, device="cpu"))
    assert len(suspects) == len(analysis.mistakes)


def test_a_comparison_scores_the_models_words(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = Corpus(path="raw.jsonl", documents=tuple(texts(3)), format="jsonl")
    tagger = load(folder, device="cpu")
    monkeypatch.setattr(cell, "corpus_of", Mock(return_value=corpus))
    monkeypatch.setattr(cell, "_tagger", Mock(return_value=tagger))
    data = Data("train", "dev", None, None, (), "x")
    cell.score_cell(tmp_path, Order("bert", 1.0, 1, data, {}))
    scored = read_scored(tmp_path)
    assert scored is not None
    evaluation = evaluate_documents(tagger, corpus.documents).to_json()
    assert scored.figures["strict"] == evaluation["strict"]
    units = analyse_tagger(tagger, corpus.documents).units
    assert scored.units.counts.tolist() == units.counts.tolist()


def test_8_bits_are_judged_on_the_same_words(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tagger = load(folder, device="cpu")

    monkeypatch.setattr(checks.Graphs, "recognizer", Mock(return_value=tagger))
    graphs = checks.Graphs(tagger.manifest, tagger.tokenizer, None)
    quality = graphs.quality(folder, folder, texts(3))
    assert quality.full == quality.int8
    assert quality.changed == 0


def test_a_runs_dev_set_is_known_again(folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "dev.jsonl"
    lines = [
        {
            "text": d.text,
            "entities": [{"start": e.start, "end": e.end, "label": e.label} for e in d.entities],
        }
        for d in texts(2)
    ]
    source.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    known = posner.read(source).documents
    read = as_read_by(load(folder, device="cpu"), known)
    assert words(read) < words(known)
    data = {"dev": str(source), "fingerprints": {"train": "0" * 64, "dev": fingerprint(read)}}
    recipe = {"data": {"join-hyphens": True, "dictionaries": ""}}
    story = Story(tmp_path, "run", Course((), ()), recipe, data=data)
    assert list(own_dev_set(story).documents) == read


def test_folds_part_what_the_model_reads(bert: Path, tmp_path: Path) -> None:
    corpus = Corpus(path="raw.jsonl", documents=tuple(texts(4)), format="jsonl")
    recipe = tiny.recipe(bert, SHORT)
    found = cross_validate(corpus, recipe, tmp_path / "out", folds=2, reporter=Reporter())
    assert found is not None
    segmenter = recipe.data.segmenter
    expected = sum(len(s.tokens) for d in corpus.documents for s in segmenter(d.text))
    assert found.together.evaluation.words == expected
    assert sum(fold.evaluation.words for fold in found.folds) == expected


def test_a_model_of_transformers_is_refused_before_the_long_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    assert main(["calibrate", str(tmp_path / "hf"), "no-corpus.conll"]) == 1
    assert "posner adopt" in capsys.readouterr().err
