"""What the other systems share: recipes, labels, mappings, opponents, opening."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiny
from posner.document import Document
from posner.errors import DataError, MissingExtraError, ModelError, RecipeError, UsageError
from posner.evaluation.model import evaluate_documents
from posner.folder import read_manifest
from posner.model.saved import save_network
from posner.schemes import OUTSIDE, SCHEMES, tags_to_spans
from posner.systems.crf import CrfSystem
from posner.systems.labelling import gold_tags, only_labels, tag_set
from posner.systems.manifest import read_system_manifest
from posner.systems.mapping import MAPPINGS, Relabelled, mapping_to, parse_mapping
from posner.systems.opening import check_model, is_foreign_model, load
from posner.systems.opponents import better_name, is_opponent, load_opponent, names_opponent
from posner.systems.recipes import RECIPES, CrfRecipe, system_names, system_recipe, system_summary
from posner.tagger import Tagger
from posner.training.console import Reporter
from strategies import spans


def test_each_system_has_a_recipe_that_reads_itself_again(tmp_path: Path) -> None:
    assert system_names() == ["crf", "crf-next", "bilstm", "transformer", "transformer-adamw"]
    assert set(system_names()) == set(RECIPES.names)
    for name in system_names():
        recipe = system_recipe(name)
        (tmp_path / "all.toml").write_text(recipe.to_toml())
        assert system_recipe(name, file=str(tmp_path / "all.toml")) == recipe
        assert system_summary(name)


def test_the_recipes_say_what_the_papers_say() -> None:
    def of(name: str) -> dict[str, Any]:
        return system_recipe(name).to_dict()

    bilstm, plain = of("bilstm"), of("transformer")
    assert bilstm["vectors"]["width"] == 104
    assert bilstm["bilstm"] == {"units": 100, "dropout": 0.1, "recurrent-dropout": 0.1}
    assert plain["transformer"] == {"layers": 6, "heads": 6, "hidden": 2048, "dropout": 0.0}
    assert plain["vectors"]["width"] == 300
    learning = {k: plain["learning"][k] for k in ("optimizer", "learning-rate", "momentum")}
    assert learning == {"optimizer": "sgd", "learning-rate": 1e-3, "momentum": 0.9}
    assert (plain["learning"]["batch"], plain["learning"]["epochs"]) == (64, 20)
    assert of("transformer-adamw")["learning"]["optimizer"] == "adamw"
    assert (of("crf")["crf"]["next"], of("crf-next")["crf"]["next"]) == (False, True)


def test_wrong_settings_are_told() -> None:
    with pytest.raises(UsageError, match="no such system"):
        system_recipe("svm")
    with pytest.raises(RecipeError, match="`posner recipes crf` prints"):
        system_recipe("crf", values={"crf.c3": 1})
    with pytest.raises(RecipeError, match="out of range"):
        system_recipe("crf", values={"crf.c1": -1})
    with pytest.raises(RecipeError, match="unknown section"):
        CrfRecipe.from_dict({"bilstm": {"units": 3}}, where="here")


@given(st.data())
def test_merged_tags_are_runs_of_a_label(data: st.DataObject) -> None:
    length = data.draw(st.integers(1, 8))
    chosen = data.draw(spans(length))
    words = " ".join("w" for _ in range(length))
    document = tiny.labelled([(words, chosen)])
    (tags,) = gold_tags(document, merge=True)
    assert set(tags) <= set(tag_set({s.label for s in chosen}, merge=True))
    covered = {i for s in chosen for i in range(s.word_start, s.word_end)}
    assert [i for i, tag in enumerate(tags) if tag != OUTSIDE] == sorted(covered)
    found = tags_to_spans(tags, SCHEMES["IOB1"])
    touching = any(
        a.word_end == b.word_start and a.label == b.label for a in chosen for b in chosen
    )
    assert touching or found == sorted(chosen)


def test_only_some_labels_are_kept() -> None:
    corpus = tiny.corpus(2)
    assert only_labels(corpus, ()) is corpus
    assert only_labels(corpus, ("PER",)).labels == ("PER",)
    assert only_labels(corpus, ("PER", "GPE"), known=("GPE",)).labels == ("PER",)
    for wrong in (("GPE",), ("PER", "GPE")):  # a slip in one of several names is no small corpus
        with pytest.raises(DataError, match=r"no entity of these labels.*got GPE"):
            only_labels(corpus, wrong)
    with pytest.raises(DataError, match="no entity of these labels"):
        only_labels(corpus, ("GPE",), known=("GPE",))


def test_labels_are_mapped_by_what_is_given_then_alike_then_built_in() -> None:
    onto = ["PERSON", "GPE", "NORP", "DATE", "ORG", "CARDINAL"]
    conll = mapping_to(["LOC", "MISC", "ORG", "PER"], onto)
    assert conll == {"PERSON": "PER", "GPE": "LOC", "NORP": "MISC", "ORG": "ORG"}
    gmb = mapping_to(["geo", "gpe", "org", "per", "tim"], onto)
    assert gmb == {"PERSON": "per", "GPE": "geo", "NORP": "gpe", "ORG": "org", "DATE": "tim"}
    assert mapping_to(["per"], ["PER", "LOC"]) == {"PER": "per"}
    own = ["PERSON", "ORG", "GPE", "LOC", "FAC"]  # a corpus that names things as the model does
    assert mapping_to(own, own) == {label: label for label in own}
    assert mapping_to(["PER", "WHEN"], onto, {"DATE": "WHEN"})["DATE"] == "WHEN"
    assert parse_mapping(["DATE=WHEN"]) == {"DATE": "WHEN"}
    with pytest.raises(UsageError, match="PERSON=PER"):
        parse_mapping(["DATE"])
    assert all(MAPPINGS.values())


@dataclass(frozen=True)
class _Facts:
    labels: tuple[str, ...] = ("PER", "LOC", "ORG")
    pos_tags: tuple[str, ...] = ()
    chunk_tags: tuple[str, ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)


class _Oracle(Tagger):
    """Finds what is annotated."""

    manifest = _Facts()

    def find(self, documents: Sequence[Document]) -> list[Document]:
        return list(documents)


def test_relabelled_entities_have_the_new_names_or_are_left_out() -> None:
    (document,) = tiny.documents(1)
    tagger = Relabelled(_Oracle(), {"PER": "human", "LOC": "place"})
    (found,) = tagger.tag([document])
    names = {"PER": "human", "LOC": "place"}
    expected = [(e.start, names[e.label]) for e in document.entities if e.label in names]
    assert [(e.start, e.label) for e in found.entities] == expected
    assert tagger.manifest.labels == ("human", "place")


def test_opponents_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [is_opponent(n) for n in ("spacy", "spacy/conll", "hf:x", "spacyish", "crf")] == [
        *[True] * 3,
        *[False] * 2,
    ]
    monkeypatch.chdir(tmp_path)
    assert names_opponent("spacy")
    (tmp_path / "spacy").mkdir()
    assert not names_opponent("spacy")  # a folder of that name comes first
    (tmp_path / "spacy").rmdir()
    with pytest.raises(UsageError, match="no such mapping"):
        load_opponent("spacy/mine")
    with pytest.raises(ModelError):
        load_opponent(f"hf:{tmp_path}")

    def missing() -> None:
        raise MissingExtraError("spaCy's pipeline", "spacy")

    monkeypatch.setattr("posner.systems.opponents.load_spacy", missing)
    with pytest.raises(MissingExtraError, match=r"pip install 'posner\[spacy\]'"):
        load("spacy")


def test_an_opponents_better_name_is_the_one_that_knows_more_labels() -> None:
    ontonotes = ("GPE", "LOC", "ORG", "PERSON")
    assert better_name("spacy", ontonotes, ["LOC", "MISC", "ORG", "PER"]) == "spacy/conll"
    assert better_name("spacy", ontonotes, ["geo", "gpe", "per"]) == "spacy/gmb"
    assert better_name("spacy/gmb", ("geo", "per"), ["PER"]) == "spacy/conll"
    assert better_name("spacy", ontonotes, ["GPE", "PERSON"]) is None
    assert better_name("spacy/conll", ("LOC", "MISC", "ORG", "PER"), ["PER", "X"]) is None
    assert better_name("runs/mine", ("X",), ["PER"]) is None


def test_a_path_named_as_an_opponent_is_loaded_as_the_flags_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []

    def loaded(path: str, **flags: str) -> Tagger:
        asked.append((path, flags))
        return _Oracle()

    monkeypatch.setattr("posner.loading.load", loaded)
    load("hf:models/x", device="cpu", precision="bf16", aggregation="max")
    assert asked == [
        ("models/x", {"device": "cpu", "precision": "bf16", "aggregation": "max"}),
    ]


def test_opponents_are_checked_without_being_loaded(tmp_path: Path) -> None:
    check_model("spacy")
    check_model("spacy/conll")
    with pytest.raises(UsageError, match="no such mapping"):
        check_model("spacy/nowhere")
    with pytest.raises(ModelError, match="no such folder"):
        check_model(f"hf:{tmp_path / 'nowhere'}")
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ModelError, match="does not name its outputs"):
        check_model(f"hf:{tmp_path}")
    (tmp_path / "config.json").write_text('{"model_type": "bert", "id2label": {"0": "O"}}')
    assert is_foreign_model(f"hf:{tmp_path}")
    assert not is_foreign_model("spacy")


def test_a_system_whose_packages_are_missing_says_how_to_install_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = tiny.documents(1)
    recipe = system_recipe("crf", values={"crf.iterations": 2})
    assert isinstance(recipe, CrfRecipe)
    CrfSystem.fit("crf", documents, documents, recipe, reporter=Reporter()).save(tmp_path / "m")

    def missing(kind: str) -> None:
        raise ModuleNotFoundError(kind, name="sklearn_crfsuite")

    monkeypatch.setattr("posner.systems.kinds.system_class", missing)
    with pytest.raises(MissingExtraError, match=r"pip install 'posner\[crf\]'") as caught:
        load(tmp_path / "m")
    assert "no module named sklearn_crfsuite" in str(caught.value)


def test_every_model_predicts_and_is_judged_alike(bert: Path, tmp_path: Path) -> None:
    gold = tiny.documents(2)
    recipe = system_recipe("crf", values={"crf.iterations": 2})
    assert isinstance(recipe, CrfRecipe)
    crf = CrfSystem.fit("crf", gold, gold, recipe, reporter=Reporter())
    own = tiny.untrained(tiny.recipe(bert))
    save_network(tmp_path / "own", own.network, own.manifest, own.tokenizer)
    for model in (crf, load(tmp_path / "own"), Relabelled(_Oracle(), {"PER": "PER"})):
        assert model.predict(gold) == model.tag(gold)
        found = evaluate_documents(model, gold).counts
        assert found.gold == sum(len(d.entities) for d in gold)
        assert found.predicted == sum(len(d.entities) for d in model.predict(gold))
        assert [d.text for d in model.predict(["Ada ran.", gold[0]])] == ["Ada ran.", gold[0].text]
        with pytest.raises(UsageError, match="one text in a list"):
            model.predict("Ada ran.")
    assert crf.evaluate(gold).counts == evaluate_documents(crf, gold).counts


def test_who_wants_a_network_is_told_that_this_is_none(tmp_path: Path) -> None:
    documents = tiny.documents(1)
    recipe = system_recipe("crf-next", values={"crf.iterations": 2})
    assert isinstance(recipe, CrfRecipe)
    model = CrfSystem.fit("crf-next", documents, documents, recipe, reporter=Reporter())
    model.save(tmp_path)
    with pytest.raises(ModelError, match="system crf-next"):
        read_manifest(tmp_path)
    assert read_system_manifest(tmp_path).labels == model.manifest.labels
    text = (tmp_path / "posner.json").read_text()
    (tmp_path / "posner.json").write_text(text.replace('"crf-next"', '"svm"'))
    with pytest.raises(ModelError, match="does not know"):
        load(tmp_path)
    (tmp_path / "posner.json").write_text(text.replace('"labels": [', '"labels": [3, '))
    with pytest.raises(ModelError, match="labels: texts"):
        load(tmp_path)
