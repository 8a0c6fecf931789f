"""The card of a model folder: what the hub reads, what people read; never in the way of a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard
from hypothesis import given
from hypothesis import strategies as st

from posner.card import CARD, model_card
from posner.folder import MANIFEST, Manifest, read_manifest
from posner.recipe import Recipe
from posner.seal import rewrite, seal

RATIOS = {"precision": 0.8, "recall": 0.5, "f1": 8 / 13}
SAVED: dict[str, Any] = {
    "labels": ["LOC", "PER"],
    "window": 128,
    "recipe": {"backbone": {"name": "minilm"}},
    "figures": {
        "weights": {"all": 22_600_000, "trained": 10_900_000},
        "data": {
            "train": "/home/ada/mine.conll",
            "dev": None,
            "train_sentences": 1300,
            "dev_sentences": 130,
            "train_words": 20_000,
            "train_entities": {"LOC": 900, "PER": 60},
        },
        "dev": {
            "epoch": 3,
            "seconds": 90.0,
            "strict": {
                "micro": RATIOS,
                "labels": {"LOC": RATIOS | {"support": 40}, "EVENT": RATIOS | {"support": 2}},
            },
            "intervals": {
                "strict": {k: {"value": v, "low": 0.25, "high": 0.875} for k, v in RATIOS.items()}
            },
            "counts": {"gold": 42},
        },
    },
}
MADE = Manifest(recipe=Recipe(), labels=("LOC", "PER"), window=128, figures=SAVED["figures"])


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights").write_bytes(b"12345")
    seal(folder, MADE)
    return folder


def test_the_hub_reads_its_metadata(model: Path) -> None:
    card = ModelCard.load(model / CARD)
    assert card.data.library_name == "posner"
    assert card.data.pipeline_tag == "token-classification"
    assert card.data.base_model == "sentence-transformers/all-MiniLM-L6-v2"
    results = {r.metric_type: r for r in card.data.eval_results or ()}
    assert {name: round(r.metric_value, 4) for name, r in results.items()} == {
        "precision": 0.8,
        "recall": 0.5,
        "f1": 0.6154,
    }
    assert results["f1"].dataset_name == "a part of mine.conll, set aside"


def test_people_read_data_scores_and_limits() -> None:
    text = model_card(SAVED)
    assert "| learned from | mine.conll | 1,300 | 20,000 | 960 |" in text
    assert "/home/ada" not in text
    assert "| **all** | 80.00 | 50.00 | 61.54 | 42 |" in text
    assert "| 95 % interval | 25.00 to 87.50 |" in text
    assert "| LOC, location | 80.00 | 50.00 | 61.54 | 40 |" in text
    assert "few examples of PER (60)" in text
    assert "never saw EVENT" in text
    assert "epoch 3, after 1.5 minutes" in text
    assert 'posner.load("path/to/this/folder")' in text


def test_calibration_and_thresholds_are_told() -> None:
    assert "threshold" not in model_card(SAVED)
    figures = SAVED["figures"] | {"calibration": {"data": "data/dev.conll"}}
    thresholds = {"overall": 0.0, "labels": {"PER": 0.5}}
    text = model_card(SAVED | {"figures": figures, "thresholds": thresholds})
    assert "calibrated on dev.conll." in text
    assert "below a threshold are left out" in text
    figures = SAVED["figures"] | {"calibration": {"data": "dev.conll", "kept": "a reason"}}
    text = model_card(SAVED | {"figures": figures, "temperature": 1.0})
    assert "as the network leaves it: calibrating it on dev.conll gained nothing." in text


THRESHOLDS = {"overall": 0.5, "labels": {}}
CHOSEN = {
    "wish": "best F1",
    "without": {"f1": 0.6},
    "within": RATIOS,
    "held_out": {"f1": 0.605},
}


def saved_with(dev: dict[str, Any], **more: Any) -> dict[str, Any]:
    figures = SAVED["figures"] | {"dev": SAVED["figures"]["dev"] | dev}
    figures |= {"calibration": {"data": "data/dev.conll", "threshold": CHOSEN}}
    return SAVED | {"figures": figures | more, "thresholds": THRESHOLDS, "temperature": 1.5}


def results(text: str) -> Any:
    return yaml.safe_load(text.split("---\n")[1]).get("model-index")


def test_scores_with_a_threshold_say_where_it_was_chosen() -> None:
    text = model_card(saved_with({"thresholds": THRESHOLDS, "temperature": 1.5}))
    assert (
        "Entities with a score below 0.5 are left out, in these figures too. The threshold "
        "(best F1) was chosen on the same data, dev.conll: F1 is 61.54 with it there, "
        "60.00 without, and 60.50 on parts that were held out of the choice."
    ) in text
    assert results(text)[0]["results"][0]["metrics"][0]["value"] == 0.8


@pytest.mark.parametrize("dev", [{}, {"thresholds": THRESHOLDS, "temperature": 1.0}])
def test_scores_of_before_a_threshold_are_none_of_the_model(dev: dict[str, Any]) -> None:
    text = model_card(saved_with(dev))
    assert "left out; these figures were measured without that" in text
    assert "chosen on other data, dev.conll" in text
    assert results(text) is None
    without = model_card(saved_with({"thresholds": THRESHOLDS}) | {"thresholds": {}})
    assert "a threshold that the model has no more" in without
    assert results(without) is None


def test_8_bits_have_a_line_and_the_metadata_of_their_own() -> None:
    counts = {"gold": 42, "predicted": 30, "correct": 18}
    judged = {"int8": counts, "full": counts | {"correct": 21}}
    export = {"precision": "int8", "dev": judged}
    saved = SAVED | {"figures": SAVED["figures"] | {"export": export}}
    text = model_card(saved)
    assert (
        "in 8 bits: precision 60.00, recall 42.86, F1 50.00 on the 42 gold entities that it was "
        "exported with (F1 in full precision there 58.33)."
    ) in text
    assert "| **all** | 80.00 | 50.00 | 61.54 | 42 |" in text
    metrics = results(text)[0]["results"][0]["metrics"]
    assert [m["value"] for m in metrics] == pytest.approx([0.6, 18 / 42, 0.5], abs=1e-6)
    elsewhere = judged | {"int8": counts | {"gold": 41}}
    for unknown in (None, elsewhere):
        figures = SAVED["figures"] | {"export": export | {"dev": unknown}}
        assert results(model_card(SAVED | {"figures": figures})) is None
    unjudged = SAVED["figures"] | {"export": export | {"dev": None}}
    assert "in 8 bits, which were not judged." in model_card(SAVED | {"figures": unjudged})
    fp32 = SAVED["figures"] | {"export": {"precision": "fp32", "dev": None}}
    assert "8 bits" not in model_card(SAVED | {"figures": fp32})
    again = {"precision": "int8"}  # calibrating the exported model measured it anew
    of_8_bits = saved_with(again | {"thresholds": THRESHOLDS, "temperature": 1.5}, export=export)
    assert "8 bits" not in model_card(of_8_bits)
    assert results(model_card(of_8_bits))


def test_an_interval_says_what_was_drawn() -> None:
    intervals = SAVED["figures"]["dev"]["intervals"] | {"unit": "sentences"}
    text = model_card(saved_with({"intervals": intervals}))
    assert "The intervals are a bootstrap's over sentences." in text
    assert "bootstrap" not in model_card(SAVED)


def test_a_crf_says_what_it_needs() -> None:
    crf = {"system": "crf", "recipe": {"crf": {"pos": "corpus"}}}
    assert "spaCy for text without parts of speech" in model_card(SAVED | crf)
    assert 'pip install "posner[crf,spacy]"' in model_card(SAVED | crf)
    assert 'pip install "posner[crf]"' in model_card(SAVED | {"recipe": {"crf": {"pos": "none"}}})
    assert "CRFsuite" not in model_card(SAVED)


@pytest.mark.parametrize("name", ["./mine", "/models/bert", "../a/b", "models\\bert", "a/b/c"])
def test_an_encoder_on_a_disk_is_no_base_model_of_the_hub(name: str) -> None:
    text = model_card(SAVED | {"recipe": {"backbone": {"name": name}}})
    assert "base_model" not in text
    assert "base_model" in model_card(SAVED | {"recipe": {"backbone": {"name": "org/bert"}}})


def test_a_changed_card_breaks_nothing_and_stays(model: Path) -> None:
    (model / CARD).write_text("mine", encoding="utf-8")
    manifest = read_manifest(model)
    assert CARD not in manifest.files
    rewrite(model, manifest)
    assert (model / CARD).read_text(encoding="utf-8") == "mine"
    (model / CARD).unlink()
    read_manifest(model)
    rewrite(model, manifest)
    assert (model / CARD).read_text(encoding="utf-8").startswith("---\nlibrary_name: posner\n")


def test_an_unchanged_card_follows_the_figures(model: Path) -> None:
    manifest = read_manifest(model)
    manifest.figures["dev"]["epoch"] = 9
    rewrite(model, manifest)
    assert "epoch 9" in (model / CARD).read_text(encoding="utf-8")
    saved = json.loads((model / MANIFEST).read_text(encoding="utf-8"))
    assert (model / CARD).read_text(encoding="utf-8") == model_card(saved)


NAMES = st.text(max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def places(saved: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every key of nested mappings, with the keys above it."""
    if not isinstance(saved, dict):
        return []
    return [p for k, v in saved.items() for p in [(*path, k), *places(v, (*path, k))]]


def changed(saved: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    inner = value if len(path) == 1 else changed(saved[path[0]], path[1:], value)
    return saved | {path[0]: inner}


FULL = saved_with(
    {"thresholds": THRESHOLDS, "temperature": 1.5},
    export={"precision": "int8", "dev": {"int8": {"gold": 42, "predicted": 1, "correct": 1}}},
)


@given(st.sampled_from(places(FULL)), JSON)
def test_whatever_stands_in_a_model_it_has_a_card(path: tuple[str, ...], value: Any) -> None:
    text = model_card(changed(FULL, path, value))
    front = text.split("---\n")[1]
    assert yaml.safe_load(front)["library_name"] == "posner"
    assert text.encode("utf-8")


@given(NAMES.filter(str.strip))
def test_names_are_shown_as_they_are(name: str) -> None:
    figures = SAVED["figures"] | {"data": SAVED["figures"]["data"] | {"dev": name}}
    saved = SAVED | {"figures": figures, "labels": ["a|b", "<b>", "_c_"]}
    text = model_card(saved)
    assert r"finds a\|b, \<b\>, \_c\_ in text" in text
    read = yaml.safe_load(text.split("---\n")[1])["model-index"][0]["results"][0]["dataset"]
    assert isinstance(read["name"], str)
    assert isinstance(read["type"], str)


def test_nothing_is_enough() -> None:
    assert (
        yaml.safe_load(model_card({}).split("---\n")[1])["pipeline_tag"] == "token-classification"
    )
