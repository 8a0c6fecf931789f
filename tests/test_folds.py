"""Cross-validation: what is parted, what a run leaves, and how suspects are ranked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tiny
from oracles import enumerate_paths
from posner.cli import main
from posner.decode import Decoder
from posner.document import Document
from posner.errors import DataError, UsageError
from posner.evaluation.analysis import analyse
from posner.evaluation.suspects import (
    SUSPECTS,
    Suspect,
    find_suspects,
    rank_suspects,
    read_suspects,
    write_suspects,
)
from posner.schemes import SCHEMES, Span
from posner.systems.opening import load
from posner.training.console import Reporter
from posner.training.folds import CrossValidation, fold_parts
from posner.training.network_folds import cross_validate

Capture = pytest.CaptureFixture[str]
SHORT = {"training.epochs": 1, "training.dev-share": 0.4}


def words(documents: tuple[Document, ...]) -> list[tuple[int, str]]:
    return sorted((t.start, t.text) for d in documents for t in d.tokens)


@pytest.mark.parametrize("count", [3, 25])
def test_every_sentence_is_held_out_once(count: int) -> None:
    documents = tuple(tiny.documents(count))
    folds = fold_parts(documents, 2, seed=1)
    everything = words(documents)
    for fold in folds:
        assert sorted(words(fold.learned) + words(fold.held)) == everything
        assert not {id(d) for d in fold.learned} & {id(d) for d in fold.held}
        for place, held in zip(fold.places, fold.held, strict=True):
            assert held.text == documents[place].text
    assert sorted(words(folds[0].held) + words(folds[1].held)) == everything
    entities = sum(len(d.entities) for fold in folds for d in fold.held)
    assert entities == sum(len(d.entities) for d in documents)
    assert fold_parts(documents, 2, seed=1) == folds
    assert fold_parts(documents, 2, seed=2) != folds


def test_too_few_folds_or_sentences_are_refused() -> None:
    with pytest.raises(UsageError, match="--folds: too few folds"):
        fold_parts(tiny.documents(1), 1, seed=1)
    with pytest.raises(DataError, match="fewer sentences than folds"):
        fold_parts(tiny.documents(1), 5, seed=1)


@pytest.fixture(scope="module")
def validated(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CrossValidation]:
    out = tmp_path_factory.mktemp("folds") / "out"
    recipe = tiny.recipe(bert, SHORT)
    found = cross_validate(tiny.corpus(4), recipe, out, folds=2, reporter=Reporter())
    assert found is not None
    return out, found


def test_the_folds_together_are_the_corpus(validated: tuple[Path, CrossValidation]) -> None:
    out, found = validated
    assert len(found.folds) == 2
    gold = sum(len(d.entities) for d in tiny.documents(4))
    assert found.together.evaluation.counts.gold == gold
    assert sum(fold.evaluation.words for fold in found.folds) == found.together.evaluation.words
    added = found.folds[0].evaluation.counts + found.folds[1].evaluation.counts
    assert added == found.together.evaluation.counts
    assert found.mean == pytest.approx(sum(found.f1) / 2)
    assert found.spread == pytest.approx(abs(found.f1[0] - found.f1[1]) / 2**0.5)
    figures = json.loads((out / "folds.json").read_text(encoding="utf-8"))
    assert figures["f1"] == {"mean": found.mean, "spread": found.spread}
    assert figures["together"]["counts"] == added.to_json()
    assert sorted(p.name for p in out.iterdir()) == ["fold-1", "fold-2", "folds.json", SUSPECTS]


def test_suspects_are_ranked_and_read_again(validated: tuple[Path, CrossValidation]) -> None:
    out, found = validated
    suspects = find_suspects(out, tiny.documents(4), load)
    assert [s.suspicion for s in suspects] == [s.suspicion for s in found.suspects]
    assert [s.mistake.entities for s in suspects] == [s.mistake.entities for s in found.suspects]
    assert suspects == sorted(suspects, key=lambda s: -s.suspicion)
    assert suspects
    assert all(0 <= s.suspicion <= 1 for s in suspects)
    with pytest.raises(DataError, match="those of another corpus"):
        find_suspects(out, tiny.documents(4, first=7), load)


def test_a_finished_cross_validation_can_be_resumed_and_is_not_overwritten(
    validated: tuple[Path, CrossValidation], bert: Path
) -> None:
    out, found = validated
    recipe = tiny.recipe(bert, SHORT)
    with pytest.raises(DataError, match="not empty"):
        cross_validate(tiny.corpus(4), recipe, out, folds=2, reporter=Reporter())
    again = cross_validate(tiny.corpus(4), recipe, out, folds=2, reporter=Reporter(), resume=True)
    assert again is not None
    assert again.f1 == found.f1


def test_the_commands(
    validated: tuple[Path, CrossValidation], bert: Path, tmp_path: Path, capsys: Capture
) -> None:
    out, _ = validated
    data = tiny.save_corpus(tmp_path / "train.conll", 4)
    recipe = tmp_path / "mine.toml"
    recipe.write_text(tiny.recipe(bert, SHORT).to_toml(), encoding="utf-8")
    flags = ["--recipe", str(recipe), "--out", str(tmp_path / "run"), "--folds", "2"]
    target = tmp_path / "f.json"
    assert main(["train", str(data), *flags, "--json", str(target)]) == 0
    told = capsys.readouterr().out
    assert "fold 2 of 2" in told
    assert "strict F1 by fold: " in told
    assert "standard deviation" in told
    assert len(json.loads(target.read_text(encoding="utf-8"))["folds"]) == 2
    assert main(["train", str(data), *flags, "--dev", str(data)]) == 2
    assert main(["check", str(data), "--limit", "3"]) == 2
    capsys.readouterr()
    main(["check", str(data), "--suspects", str(tmp_path / "run"), "--limit", "1"])
    told = capsys.readouterr().out
    assert "disagreements with the annotation, the most suspect first" in told
    model = str(out / "fold-1")
    main(["check", str(data), "--suspects", model, "--limit", "0", "--json", str(target)])
    assert json.loads(target.read_text(encoding="utf-8"))["suspects"]


def test_the_surer_disagreement_is_the_more_suspect(tmp_path: Path) -> None:
    gold = tiny.labelled([("Ada met Ben", [(0, 1, "PER")]), ("in Oslo", [(1, 2, "PER")])])
    found = tiny.labelled([("Ada met Ben", [(2, 3, "PER")]), ("in Oslo", [(1, 2, "LOC")])])
    scores = (0.2, 0.9)
    entities = tuple(replace(e, score=s) for e, s in zip(found.entities, scores, strict=True))
    analysis = analyse([gold], [replace(found, entities=entities)])
    suspects = rank_suspects(analysis, {(0, 0, 3, "PER"): 0.7})
    listed = [(s.mistake.kind, round(s.suspicion, 6)) for s in suspects]
    assert listed == [("label", 0.9), ("missed", 0.7), ("spurious", 0.2)]
    unknown = rank_suspects(analysis, {})[1]
    assert (unknown.suspicion, unknown.known) == (0.5, False)
    assert not Suspect.from_json(unknown.to_json()).known
    # Ends of lines that only Python knows, and half a pair of surrogates.
    odd = replace(suspects[0], mistake=replace(suspects[0].mistake, text="a\u2028b\x85c\ud800"))
    write_suspects(tmp_path / SUSPECTS, [odd])
    assert read_suspects(tmp_path / SUSPECTS)[0].mistake.text == odd.mistake.text
    write_suspects(tmp_path / SUSPECTS, suspects)
    again = read_suspects(tmp_path / SUSPECTS)
    assert [(s.suspicion, s.mistake.entities) for s in again] == [
        (s.suspicion, s.mistake.entities) for s in suspects
    ]
    (tmp_path / SUSPECTS).write_text('{"suspicion": 1}\n', encoding="utf-8")
    with pytest.raises(DataError, match="cannot be read"):
        read_suspects(tmp_path / SUSPECTS)


def test_the_probability_of_any_span_is_the_decoders_own() -> None:
    """Of a span that the decoder finds itself, the score is the one that it gives."""
    tags = SCHEMES["BIOES"].tags(("PER", "LOC"))
    decoder = Decoder(tags, SCHEMES["BIOES"])
    random = np.random.default_rng(5)
    emissions = [random.normal(0, 3, (n, len(tags))).astype(np.float32) for n in (4, 0, 7)]
    decoded = decoder.decode(emissions)
    asked = [[scored.span for scored in sentence.spans] for sentence in decoded]
    asked[0].append(Span(0, 1, "ORG"))
    found = decoder.span_scores(emissions, asked)
    assert found[0].pop() == 0.0
    for scores, sentence in zip(found, decoded, strict=True):
        assert scores == pytest.approx([scored.score for scored in sentence.spans])


@pytest.mark.parametrize("name", ["IOB2", "BIOES"])
def test_the_probability_of_any_span_is_that_of_all_its_paths(name: str) -> None:
    scheme, labels = SCHEMES[name], ("PER", "LOC")
    tags = scheme.tags(labels)
    decoder = Decoder(tags, scheme, temperature=1.5)
    emissions = np.random.default_rng(5).normal(0, 2, (4, len(tags))).astype(np.float32)
    weights = decoder.transitions
    start, pairs, end = ((t / 1.5).tolist() for t in (weights.start, weights.pairs, weights.end))
    known = enumerate_paths((emissions / 1.5).tolist(), start, pairs, end, labels, scheme)
    places = [(a, b) for a in range(4) for b in range(a + 1, 5)]
    spans = [Span(a, b, label) for a, b in places for label in (*labels, "O")]
    (found,) = decoder.span_scores([emissions], [spans])
    outside = tags.index("O")
    for span, score in zip(spans, found, strict=True):
        first, last, label = span
        paths = known.paths.items()
        none = sum(p for path, p in paths if set(path[first:last]) == {outside})
        expected = none if label == "O" else known.spans.get(span, 0.0)
        assert score == pytest.approx(expected, abs=1e-6)
