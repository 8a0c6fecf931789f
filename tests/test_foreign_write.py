"""Plain models written for transformers: the same logits, and the same entities where legal."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from huggingface_hub import ModelCard

import adapted
import tiny
from listener import Listener
from posner.backends.torch import TorchBackend
from posner.cli import COMMANDS, main
from posner.cli.export_huggingface import add_target, run_huggingface
from posner.corpus import Corpus
from posner.errors import DataError, ModelError, UsageError
from posner.foreign.plain import obstacles
from posner.foreign.write import write_for_transformers
from posner.labels import inside_table
from posner.loading import load
from posner.model.saved import save_network
from posner.postprocess.thresholds import Thresholds
from posner.recipe import load_recipe
from posner.recognizer import Recognizer
from posner.schemes import SCHEMES, illegal_positions
from posner.training.train import train

PLAIN: dict[str, Any] = {
    "features.casing": False,
    "heads.entity": "softmax",
    "data.repeats": 0.0,
}


def saved(folder: Path, model: tiny.Untrained) -> Path:
    save_network(folder, model.network, model.manifest, model.tokenizer)
    return folder


def plain(encoder: Path, values: dict[str, Any] | None = None) -> tiny.Untrained:
    return tiny.untrained(tiny.recipe(encoder, PLAIN | (values or {})))


def recognizer(model: tiny.Untrained) -> Recognizer:
    return Recognizer(model.manifest, model.tokenizer, TorchBackend(model.network, model.manifest))


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_the_same_logits_piece_by_piece(
    encoders: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    model = plain(encoders[kind])
    write_for_transformers(saved(tmp_path / "own", model), tmp_path / "hf")
    theirs = transformers.pipeline("token-classification", model=str(tmp_path / "hf"), device="cpu")
    document = tiny.documents(1)[0]
    votes = recognizer(model).votes([document])
    for sentence, vote in zip(document.sentences, votes, strict=True):
        inputs = theirs.tokenizer(sentence.words, is_split_into_words=True, return_tensors="pt")
        with torch.inference_mode():
            logits = theirs.model(**inputs).logits[0].numpy()
        places = [inputs.word_ids().index(i) for i in range(len(sentence))]
        np.testing.assert_allclose(logits[places], vote.entity, atol=1e-5)
    assert tuple(theirs.model.config.id2label.values()) == model.manifest.tags


def test_the_same_entities_where_the_argmax_is_legal(bert: Path, tmp_path: Path) -> None:
    model = plain(bert, {"heads.pos-weight": 0.0})
    written = write_for_transformers(saved(tmp_path / "own", model), tmp_path / "hf")
    assert written.notes == ()
    theirs = transformers.pipeline(
        "token-classification",
        model=str(tmp_path / "hf"),
        aggregation_strategy="first",
        device="cpu",
    )
    ours = recognizer(model)
    words = [*"abcdefghijklm", "Ada", "Oslo", "Benson", "boats", "of"]
    legal = 0
    for text in [*words, *(f"{a} {b}" for a, b in pairwise(words))]:
        document = tiny.labelled([(text, [])])
        (vote,) = ours.votes([document])
        tags = [model.manifest.tags[i] for i in vote.entity.argmax(axis=1)]
        if illegal_positions(tags, SCHEMES["IOB2"]):
            continue
        legal += 1
        assert [(e.label, e.start, e.end) for e in ours.tag([document])[0].entities] == [
            (e["entity_group"], e["start"], e["end"]) for e in theirs(text)
        ]
    assert legal > 3


def test_the_same_entities_where_every_piece_has_learned_its_tag(
    bert: Path, tmp_path: Path
) -> None:
    people, places = ("E.T.", "Ada", "O'Neil", "Ben-Ami"), ("E.U.", "Oslo", "St.Ives", "U.K.")
    sentences = [
        (f"{who} lives in {place}", [(0, 1, "PER"), (3, 4, "LOC")])
        for who, place in product(people, places)
    ]
    corpus = Corpus(path="parted", documents=(tiny.labelled(sentences),), format="conll")
    values = {"heads.pos-weight": 0.0, "data.pooling": "none", "data.label-rule": "all-inside"}
    settings = tiny.recipe(
        bert, PLAIN | values | {"training.epochs": 40, "training.batch-pieces": 32}
    )
    train(corpus, corpus, settings, tmp_path / "run", reporter=Listener())
    write_for_transformers(tmp_path / "run", tmp_path / "hf")
    theirs = transformers.pipeline(
        "token-classification",
        model=str(tmp_path / "hf"),
        aggregation_strategy="first",
        device="cpu",
    )
    ours = load(tmp_path / "run", device="cpu")
    tags, inside = ours.manifest.tags, inside_table(ours.manifest.tags)
    whole = 0
    for text, _ in sentences:
        words = theirs.tokenizer(text.split(), is_split_into_words=True, return_tensors="pt")
        with torch.inference_mode():
            pieces = theirs.model(**words).logits[0].argmax(dim=1).tolist()
        by_word = [
            [piece for piece, word in zip(pieces, words.word_ids(), strict=True) if word == i]
            for i in range(len(text.split()))
        ]
        if any(piece != inside[first] for first, *later in by_word for piece in later):
            continue
        if illegal_positions([tags[first] for first, *_ in by_word], SCHEMES["IOB2"]):
            continue
        whole += 1
        (tagged,) = ours.tag([tiny.labelled([(text, [])])])
        assert [(e.label, e.start, e.end) for e in tagged.entities] == [
            (e["entity_group"], e["start"], e["end"]) for e in theirs(text)
        ]
    assert whole > 3


def test_what_was_written_comes_back(bert: Path, tmp_path: Path) -> None:
    model = plain(bert)
    written = write_for_transformers(saved(tmp_path / "own", model), tmp_path / "hf")
    assert written.notes == ("its part-of-speech head is left out",)
    back = load(tmp_path / "hf", device="cpu")
    assert back.manifest.tags == model.manifest.tags
    documents = tiny.documents(2)
    for left, right in zip(back.votes(documents), recognizer(model).votes(documents), strict=True):
        np.testing.assert_allclose(left.entity, right.entity, atol=1e-5)


def test_adapters_are_added_to_the_weights(bert: Path, tmp_path: Path) -> None:
    model = adapted.adapted(bert, PLAIN)
    write_for_transformers(saved(tmp_path / "own", model), tmp_path / "hf")
    back = load(tmp_path / "hf", device="cpu")
    documents = tiny.documents(1)
    own = adapted.votes(adapted.of(model), documents)
    assert adapted.furthest(adapted.votes(back, documents), own) < 1e-4


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("features.casing", True),
        ("features.sentence", True),
        ("features.characters", True),
        ("attention.layers", 1),
        ("heads.entity", "crf"),
        ("data.pooling", "mean"),
        ("backbone.layers", "1 2"),
    ],
)
def test_what_is_more_than_a_linear_head_is_refused_by_name(
    bert: Path, tmp_path: Path, setting: str, value: object
) -> None:
    folder = saved(tmp_path / "own", plain(bert, {setting: value}))
    with pytest.raises(ModelError, match=f"{setting} is {str(value).lower()}"):
        write_for_transformers(folder, tmp_path / "hf")
    assert not (tmp_path / "hf").exists()


def test_casing_and_the_crf_stand_in_the_default_recipes_way() -> None:
    found = [o.setting for o in obstacles(load_recipe("default"))]
    assert found == ["features.casing", "heads.entity"]
    by_pieces = load_recipe("default").with_values(
        {"data.pooling": "none", "data.label-rule": "all", **PLAIN}, where="test"
    )
    assert [o.setting for o in obstacles(by_pieces)] == ["data.label-rule"]
    inside = by_pieces.with_values({"data.label-rule": "all-inside"}, where="test")
    assert obstacles(inside) == []


def test_targets_are_safe(bert: Path, tmp_path: Path) -> None:
    own = saved(tmp_path / "own", plain(bert))
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "note.txt").write_text("mine")
    with pytest.raises(DataError, match="not empty"):
        write_for_transformers(own, tmp_path / "hf")
    with pytest.raises(ModelError, match="no model of transformers'"):
        write_for_transformers(own, tmp_path / "hf", force=True)
    write_for_transformers(own, tmp_path / "new")
    write_for_transformers(own, tmp_path / "new", force=True)
    assert {path.name for path in (tmp_path / "new").iterdir()} == {
        "README.md",
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }


def test_its_card_says_how_transformers_opens_it(bert: Path, tmp_path: Path) -> None:
    model = plain(bert, {"heads.pos-weight": 0.0})
    micro = {"precision": 0.8, "recall": 0.5, "f1": 8 / 13}
    figures = {"dev": {"strict": {"micro": micro}}, "calibration": {"data": "dev.conll"}}
    manifest = replace(model.manifest, figures=figures, thresholds=Thresholds(0.5))
    save_network(tmp_path / "own", model.network, manifest, model.tokenizer)
    written = write_for_transformers(tmp_path / "own", tmp_path / "hf")
    assert len(written.notes) == 1
    card = ModelCard.load(tmp_path / "hf" / "README.md")
    assert card.data.library_name == "transformers"
    assert card.data.pipeline_tag == "token-classification"
    assert card.data.eval_results is None
    assert "| **all** | 80.00 | 50.00 | 61.54 |" in card.text
    assert "Measured with Posner" in card.text
    assert f"- Unlike in Posner: {written.notes[0]}." in card.text
    assert "calibrated" not in card.text
    (code,) = re.findall(r"```python\n(.*?)```", card.text, re.DOTALL)
    exec(code.replace("path/to/this/folder", str(tmp_path / "hf")), {})


def call(own: Path, out: Path, more: Sequence[str] = ()) -> argparse.Namespace:
    """What `posner export` gives its target."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--json", type=Path)
    for flag in ("--force", "--int8"):
        parser.add_argument(flag, action="store_true")
    add_target(parser)
    return parser.parse_args([str(own), "--out", str(out), "--to", "huggingface", *more])


def test_the_command_says_how_to_open_it(
    bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = saved(tmp_path / "own", plain(bert, {"data.context": 8, "data.repeats": 0.3}))
    figures = tmp_path / "figures.json"
    assert run_huggingface(call(own, tmp_path / "hf", ["--json", str(figures)])) == 0
    printed = capsys.readouterr().out
    assert 'transformers.pipeline("token-classification"' in printed
    assert printed.count("note: ") == 3
    assert len(json.loads(figures.read_text())["notes"]) == 3
    with pytest.raises(UsageError, match="--int8"):
        run_huggingface(call(own, tmp_path / "hf8", ["--int8"]))


@pytest.mark.skipif("export" not in COMMANDS, reason="there is no such command yet")
def test_export_has_the_target(bert: Path, tmp_path: Path) -> None:
    own = saved(tmp_path / "own", plain(bert))
    assert main(["export", str(own), "--out", str(tmp_path / "hf"), "--to", "huggingface"]) == 0
    assert (tmp_path / "hf" / "config.json").is_file()
