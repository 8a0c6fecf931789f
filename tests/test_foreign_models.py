"""Token classifiers that transformers saved, as recognisers; its pipeline is the oracle."""

from __future__ import annotations

import json
import shutil
import warnings
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import foreign_models
import tiny
from posner.cli import main
from posner.document import Document
from posner.errors import ModelError, UsageError
from posner.foreign.aggregation import STRATEGIES, Strategy
from posner.loading import load
from posner.model.saved import save_network
from posner.recognizer import Recognizer
from posner.schemes import SCHEMES, illegal_positions, tags_to_spans

TEXTS = [
    "Ada Marsh lives in Oslo.",
    "The boats of New Haven don't belong to Brightwater Mills, U.S.A. Hm",
    "\u00e9t\u00e9 \u65e5\u672c\u8a9e na\u00efve \U0001f600 3.14 \u5317\u4eac",
    "  two  spaces\tand\nlines  ",
    "one",
]
Fact = tuple[str, Any, int, int]  # the score may be approximate


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("classifiers")
    return {
        kind: foreign_models.save_classifier(root / kind, kind) for kind in foreign_models.KINDS
    }


@pytest.fixture(scope="module")
def bert_folder(folders: dict[str, Path]) -> Path:
    return folders["bert"]


def pipeline_of(folder: Path, strategy: str) -> Any:
    return transformers.pipeline(
        "token-classification", model=str(folder), aggregation_strategy=strategy, device="cpu"
    )


def expected(pipeline: Any, text: str) -> list[Fact]:
    """What the pipeline finds, without white space at the ends of entities."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tokenizers that do not mark words
        found = pipeline(text)
    facts = []
    for entity in found:
        inner = text[entity["start"] : entity["end"]]
        start = entity["start"] + len(inner) - len(inner.lstrip())
        if inner.strip():
            score = pytest.approx(float(entity["score"]), abs=1e-4)
            facts.append((entity["entity_group"], score, start, start + len(inner.strip())))
    return facts


def facts(document: Document) -> list[Fact]:
    return [(e.label, e.score or 0.0, e.start, e.end) for e in document.entities]


@pytest.mark.parametrize("kind", foreign_models.KINDS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_strategies_are_the_pipelines(
    folders: dict[str, Path], kind: str, strategy: Strategy
) -> None:
    pipeline = pipeline_of(folders[kind], strategy)
    recognizer = load(folders[kind], device="cpu", aggregation=strategy)
    found = recognizer(TEXTS)
    assert [facts(document) for document in found] == [expected(pipeline, t) for t in TEXTS]
    assert any(document.entities for document in found)


@hypothesis_settings(max_examples=12)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=30))
def test_any_text_is_read_as_the_pipeline_reads_it(random_pair: Any, text: str) -> None:
    pipelines, recognizers = random_pair
    for strategy in STRATEGIES:
        try:
            wanted = expected(pipelines[strategy], text)
        except ValueError:  # the pipeline fails where a text has no pieces
            wanted = []
        assert facts(recognizers[strategy](text)) == wanted


@pytest.fixture(scope="module", params=["bert", "xlm-roberta"])
def random_pair(folders: dict[str, Path], request: pytest.FixtureRequest) -> Any:
    folder = folders[request.param]
    return (
        {s: pipeline_of(folder, s) for s in STRATEGIES},
        {s: load(folder, device="cpu", aggregation=s) for s in STRATEGIES},
    )


@cache
def transformers_own(folder: Path) -> tuple[Any, Any]:
    return (
        transformers.AutoModelForTokenClassification.from_pretrained(folder).eval(),
        transformers.AutoTokenizer.from_pretrained(folder),
    )


def raw_logits(folder: Path, words: list[str]) -> np.ndarray:
    """(words, outputs) of each word's first piece, by transformers alone."""
    model, tokenizer = transformers_own(folder)
    if model.config.model_type in foreign_models.BYTES:  # a space before each word, the first too
        inputs = tokenizer(" " + " ".join(words), return_tensors="pt")
        places = [i for i, p in enumerate(inputs.tokens()) if p.startswith("\u0120")]
    else:
        inputs = tokenizer(words, is_split_into_words=True, return_tensors="pt")
        places = [inputs.word_ids().index(i) for i in range(len(words))]
    with torch.inference_mode():
        logits = model(**{k: v for k, v in inputs.items() if k != "token_type_ids"}).logits[0]
    return logits[places].numpy()  # type: ignore[no-any-return]


@pytest.mark.parametrize("kind", foreign_models.KINDS)
def test_emissions_are_those_of_first_pieces(folders: dict[str, Path], kind: str) -> None:
    recognizer = load(folders[kind], device="cpu")
    document = tiny.labelled([("Ada Marsh lives in Quito , Oslo", [])])
    (vote,) = recognizer.votes([document])
    wanted = raw_logits(folders[kind], [t.text for t in document.tokens])
    order = [foreign_models.CONLL.index(tag) for tag in recognizer.manifest.tags]
    np.testing.assert_allclose(vote.entity, wanted[:, order], atol=2e-5)


@pytest.mark.parametrize("kind", foreign_models.KINDS)
def test_words_are_whole_and_paths_legal(folders: dict[str, Path], kind: str) -> None:
    recognizer = load(folders[kind], device="cpu")
    assert isinstance(recognizer, Recognizer)
    assert recognizer.manifest.labels == ("MISC", "PER", "ORG", "LOC")
    documents = recognizer(TEXTS)
    starts = {(d.text, t.start) for d in documents for t in d.tokens}
    ends = {(d.text, t.end) for d in documents for t in d.tokens}
    for document in documents:
        for entity in document.entities:
            assert (document.text, entity.start) in starts
            assert (document.text, entity.end) in ends
            assert entity.score is not None
            assert 0 < entity.score <= 1


def test_an_argmax_that_is_legal_is_the_path(bert_folder: Path) -> None:
    recognizer = load(bert_folder, device="cpu")
    words = [*"abcdefghijklm", "Ada", "Oslo", "Ben", "boats", "of"]
    checked = 0
    for text in [*words, *(f"{a} {b}" for a, b in pairwise(words))]:
        wanted = raw_logits(bert_folder, text.split()).argmax(axis=1)
        tags = [foreign_models.CONLL[i] for i in wanted]
        if illegal_positions(tags, SCHEMES["IOB2"]):
            continue
        checked += 1
        (found,) = recognizer.tag([tiny.labelled([(text, [])])])
        tokens = list(found.tokens)
        assert [(e.start, e.end, e.label) for e in found.entities] == [
            (tokens[s].start, tokens[e - 1].end, label)
            for s, e, label in tags_to_spans(tags, SCHEMES["IOB2"])
        ]
    assert checked > 3


@pytest.mark.parametrize("aggregation", ["legal", "simple"])
def test_nothing_is_cut(bert_folder: Path, aggregation: Any) -> None:
    """The tiny model holds 128 pieces; the pipeline cuts what is longer, in silence."""
    recognizer = load(bert_folder, device="cpu", aggregation=aggregation)
    text = "Ada Marsh lives in Oslo and works for Acme with Ben " * 20
    document = recognizer(text)
    assert any(entity.end > len(text) - 60 for entity in document.entities)
    assert any(piece.start > len(text) - 10 for piece in recognizer.pieces(document))


@pytest.mark.parametrize("aggregation", ["legal", "first", "simple"])
def test_batches_change_nothing(
    bert_folder: Path, aggregation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recognizer = load(bert_folder, device="cpu", aggregation=aggregation)
    many = [facts(d) for d in recognizer(TEXTS)]
    monkeypatch.setattr(recognizer, "batch_pieces", 1)
    for wanted, text in zip(many, TEXTS, strict=True):
        assert facts(recognizer(text)) == [
            (label, pytest.approx(score, abs=1e-4), start, end)
            for label, score, start, end in wanted
        ]


@pytest.mark.parametrize("aggregation", ["legal", "average"])
def test_strange_texts(bert_folder: Path, aggregation: Any) -> None:
    recognizer = load(bert_folder, device="cpu", aggregation=aggregation)
    for text in ["", " ", "\ud800 Ada", "\x00", "\ufe0f", "1." * 300]:
        assert recognizer(text).text == text


def test_pieces_have_their_own_outputs(bert_folder: Path) -> None:
    text = TEXTS[1]
    pipeline = transformers.pipeline(
        "token-classification", model=str(bert_folder), device="cpu", ignore_labels=[]
    )
    recognizer = load(bert_folder, device="cpu", aggregation="simple")
    found: list[Any] = [
        (p.entity, pytest.approx(p.score, abs=1e-5), p.index, p.word, p.start, p.end)
        for p in recognizer.pieces(recognizer(text))
    ]
    assert found == [
        (e["entity"], float(e["score"]), e["index"], e["word"], e["start"], e["end"])
        for e in pipeline(text)
    ]


def test_plain_labels(tmp_path: Path) -> None:
    folder = foreign_models.save_classifier(tmp_path / "m", names=["PER", "O", "LOC", "ORG"])
    recognizer = load(folder, device="cpu")
    assert recognizer.manifest.recipe.data.scheme == "IOB1"
    for document in recognizer(TEXTS):
        previous = None
        for entity in document.entities:  # neighbours of one label are one entity
            if previous and document.text[previous.end : entity.start].isspace():
                assert previous.label != entity.label
            previous = entity


def changed(folder: Path, copy: Path, values: dict[str, Any]) -> Path:
    shutil.copytree(folder, copy)
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | values))
    return copy


class TestRefusals:
    def test_an_encoder_alone(self, bert: Path) -> None:
        folder = bert
        with pytest.raises(ModelError, match=r"no names|not those of a token classifier"):
            load(folder)

    def test_a_head_without_weights(self, bert: Path, tmp_path: Path) -> None:
        named = {"id2label": {0: "O", 1: "B-PER"}, "label2id": {"O": 0, "B-PER": 1}}
        with pytest.raises(ModelError, match="not those of a token classifier"):
            load(changed(bert, tmp_path / "m", named))

    def test_a_pickle(self, bert_folder: Path, tmp_path: Path) -> None:
        folder = changed(bert_folder, tmp_path / "m", {})
        (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
        with pytest.raises(ModelError, match="cannot be loaded"):
            load(folder)

    def test_an_unknown_architecture(self, bert_folder: Path, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="cannot be loaded"):
            load(changed(bert_folder, tmp_path / "m", {"model_type": "nonesuch"}))

    def test_no_tokenizer(self, bert_folder: Path, tmp_path: Path) -> None:
        folder = changed(bert_folder, tmp_path / "m", {})
        (folder / "tokenizer.json").unlink()
        (folder / "tokenizer_config.json").unlink()
        with pytest.raises(ModelError):
            load(folder)

    def test_an_aggregation_for_whole_words(self, bert: Path, tmp_path: Path) -> None:
        model = tiny.untrained(tiny.recipe(bert))
        save_network(tmp_path / "own", model.network, model.manifest, model.tokenizer)
        with pytest.raises(UsageError, match="whole words"):
            load(tmp_path / "own", aggregation="first")


def test_info_needs_no_weights(
    bert_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.json").write_text((bert_folder / "config.json").read_text())
    assert main(["info", str(tmp_path), "--json", str(tmp_path / "info.json")]) == 0
    assert "scheme IOB2\n" in capsys.readouterr().out
    assert json.loads((tmp_path / "info.json").read_text())["labels"] == [
        "MISC",
        "PER",
        "ORG",
        "LOC",
    ]
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    assert main(["info", str(tmp_path)]) == 1
    assert "does not name its outputs" in capsys.readouterr().err


def test_berts_own_tokenizer_class(bert_folder: Path, tmp_path: Path) -> None:
    """The folder's class, not only the general one, decides how transformers cuts texts."""
    named = {"tokenizer_class": "BertTokenizer", "do_lower_case": False}
    folder = changed(bert_folder, tmp_path / "m", {})
    tokens = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(tokens | named))
    pipeline = pipeline_of(folder, "max")
    recognizer = load(folder, device="cpu", aggregation="max")
    for text in TEXTS:
        assert facts(recognizer(text)) == expected(pipeline, text)


def test_pages_and_tables(bert_folder: Path, tmp_path: Path) -> None:
    for name, begin in (("html", "<!DOCTYPE html>"), ("csv", "document,document_id,start")):
        call = ["predict", str(bert_folder), "--text", TEXTS[0], "--format", name]
        assert main([*call, "-o", str(tmp_path / name)]) == 0
        assert (tmp_path / name).read_text(encoding="utf-8").startswith(begin)
        assert main([*call, "--pieces"]) == 2


def test_the_aggregation_is_not_for_a_rival_that_can_have_none(
    bert_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus, run = str(tiny.save_corpus(tmp_path / "c.conll", 4)), str(tmp_path / "crf")
    few = ["--dev", corpus, "--system", "crf", "--crf.iterations", "5"]
    assert main(["train", corpus, "--out", run, *few]) == 0
    call = ["evaluate", f"hf:{bert_folder}", corpus, "--aggregation", "first", "--against"]
    assert main([*call, run]) == 0
    assert "drawn in pairs" in capsys.readouterr().out
    assert main(["evaluate", run, corpus, "--aggregation", "first"]) == 2
    assert "no aggregation can be named" in capsys.readouterr().err


def test_commands_take_it(bert_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(bert_folder), "--text", TEXTS[0], "--format", "json"]) == 0
    legal = json.loads(capsys.readouterr().out)
    assert legal[0]["text"] == TEXTS[0]
    call = ["predict", str(bert_folder), "--text", TEXTS[0], "--aggregation", "max", "--format"]
    assert main([*call, "json"]) == 0
    found = json.loads(capsys.readouterr().out)[0]["entities"]
    assert [e["start"] for e in found] == [
        start for _, _, start, _ in expected(pipeline_of(bert_folder, "max"), TEXTS[0])
    ]
