"""`posner evaluate` in all its readings, on tiny models, as a shell sees it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import tiny
from oracles import conlleval
from posner.cli import main
from posner.corpus import write
from posner.evaluation.held_out import HeldOut, SurfaceGain, chosen_on
from posner.folder import read_manifest
from posner.loading import load
from posner.render import iob2_tags
from posner.training.console import Reporter
from posner.training.prepare import hold_out
from posner.training.train import train

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def folder(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models that know the toy corpus more and less, and what they are scored on."""
    made = tmp_path_factory.mktemp("evaluate")
    values = {
        "training.batch-pieces": 128,
        "training.learning-rate": 5e-3,
        "backbone.freeze-embeddings": False,
    }
    for name, epochs in (("good", 8), ("weak", 2)):
        recipe = tiny.recipe(bert, {**values, "training.epochs": epochs})
        train(tiny.corpus(8), tiny.corpus(2, 8), recipe, made / name, reporter=Reporter())
    tiny.save_corpus(made / "train.conll", 4)
    tiny.save_corpus(made / "dev.conll", 6, first=8)
    fields = ("north", "south", None)
    documents = [
        replace(d, metadata={"place": fields[i % 3]} if fields[i % 3] else {})
        for i, d in enumerate(tiny.documents(6, 8))
    ]
    corpus = replace(tiny.corpus(1), documents=tuple(documents), format="jsonl")
    write(corpus, made / "dev.jsonl", format="jsonl")
    return made


def evaluate(folder: Path, *flags: str, data: str = "dev.jsonl") -> dict[str, Any]:
    target = folder / "figures.json"
    call = ["evaluate", str(folder / "good"), str(folder / data), "--json", str(target)]
    assert main([*call, *flags]) == 0
    figures: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    return figures


def test_what_is_always_told(folder: Path, capsys: Capture) -> None:
    figures = evaluate(folder)
    told = capsys.readouterr().out
    drawn = f"95% intervals, drawn over {figures['intervals']['units']} sentences"
    for title in ("strict: exact span", "readings:", drawn):
        assert title in told
    assert "confusion" not in told
    assert set(figures["modes"]) == {"strict", "exact", "partial", "type", "per_word"}
    strict = figures["intervals"]["strict"]["f1"]
    assert strict["value"] == figures["strict"]["micro"]["f1"]
    assert strict["low"] <= strict["value"] <= strict["high"]
    assert figures["intervals"]["unit"] == "sentences"
    error = 100 * figures["calibration"]["error"]
    assert f"calibration: expected error {error:.2f} % over " in told
    assert "how far their scores are from the share that is right" in " ".join(told.split())
    assert "list" not in figures["errors"]


def test_details_splits_and_errors(folder: Path, capsys: Capture) -> None:
    flags = ["--details", "--errors", "2", "--by", "place", "--train", str(folder / "train.conll")]
    figures = evaluate(folder, *flags)
    told = capsys.readouterr().out
    for title in ("confusion:", "reliability:", "by place", "what the training corpus says"):
        assert title in told
    assert set(figures["splits"]["field.place"]) == {"north", "south", "(none)"}
    assert set(figures["splits"]["familiarity"]) <= {"seen", "ambiguous", "unseen"}
    assert sum(figures["errors"]["counts"].values()) == len(figures["errors"]["list"])


def test_two_models_are_compared_in_pairs(folder: Path, capsys: Capture) -> None:
    figures = evaluate(folder, "--against", str(folder / "weak"))
    told = capsys.readouterr().out
    assert f"B: {folder / 'weak'}" in told
    strict = figures["against"]["differences"]["strict"]
    assert strict["first"] == figures["strict"]["micro"]["f1"]
    assert strict["second"] == figures["against"]["figures"]["strict"]["micro"]["f1"]
    assert strict["difference"]["value"] == pytest.approx(strict["first"] - strict["second"])
    assert 0 < strict["p_value"] <= 1
    itself = evaluate(folder, "--against", str(folder / "good"))["against"]["differences"]
    assert {found["p_value"] for found in itself.values()} == {1.0}


def test_scores_that_were_fitted_on_the_corpus_are_told_of(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    dev = tiny.documents(2, 8)
    found = {**chosen_on("dev.conll", dev), "spans": 9, "after": {"error": 0.125}}
    (note,) = HeldOut.of({"calibration": found}, dev).notes
    assert note.endswith("calibration error is 12.50 %")
    assert "likely too small; over the 9 entities of its parts, each held out in turn" in note
    assert not HeldOut.of({"calibration": found}, dev[:1]).notes
    tried = found | {"kept": "a reason", "temperature": 1.0, "fitted": 1.5}
    assert not HeldOut.of({"calibration": tried}, dev).notes
    assert HeldOut.of({"calibration": tried | {"fitted": 1.0}}, dev).notes == [note]
    assert not HeldOut.of({}, dev).notes
    evaluate(folder, data="dev.conll")
    assert "were calibrated on this corpus" not in capsys.readouterr().out
    assert main(["calibrate", str(folder / "weak"), str(folder / "dev.conll")]) == 0
    capsys.readouterr()
    monkeypatch.chdir(folder)  # it is the same corpus, by whatever path it comes
    assert main(["evaluate", "weak", "dev.conll", "--json", "held.json"]) == 0
    assert "were calibrated on this corpus" in capsys.readouterr().out
    assert json.loads(Path("held.json").read_text())["calibration"]["held_out_error"] >= 0


def test_a_weight_that_was_chosen_on_the_corpus_is_told_of() -> None:
    dev = tiny.documents(2, 8)
    f1 = {name: {"f1": value} for name, value in (("without", 0.5), ("within", 0.75))}
    whole = {"weight": 2.0, "units": "documents", "held_out": {"f1": 0.625}, **f1}
    surface = chosen_on("dev.conll", dev) | whole
    found = HeldOut.of({"surface": surface}, dev)
    (note,) = found.notes
    assert note.endswith(
        "F1 50.00 without, 75.00 with them, 62.50 on documents held out of that choice"
    )
    assert found.surface_json() == {
        "weight": 2.0,
        "units": "documents",
        "without": 0.5,
        "within": 0.75,
        "held_out": 0.625,
    }
    assert not HeldOut.of({"surface": surface}, tiny.documents(2, 6)).notes


@pytest.mark.parametrize("broken", [None, [], {}, {"weight": "much"}, {"weight": 1.0, "units": ""}])
def test_figures_that_lack_something_are_not_told_of(broken: object) -> None:
    assert SurfaceGain.read(broken) is None


def test_a_part_that_was_set_aside_is_not_the_corpus_that_it_came_from(
    bert: Path, tmp_path: Path
) -> None:
    corpus = tiny.corpus(8)
    recipe = tiny.recipe(bert, {"training.epochs": 1, "training.dev-share": 0.25})
    train(corpus, None, recipe, tmp_path / "run", reporter=Reporter())
    figures = read_manifest(tmp_path / "run" / "model").figures
    assert figures["calibration"]["data"] == str(corpus.path)
    held = hold_out(corpus.documents, 0.25, recipe.training.seed).dev
    found = [HeldOut.of(figures, documents) for documents in (corpus.documents, held)]
    told = figures["calibration"]["kept"] is None or "surface" in figures
    assert [bool(one.notes) for one in found] == [False, told]
    assert figures["calibration"]["sha256"] == chosen_on("", held)["sha256"]


def crf(folder: Path, keep: str = "") -> str:
    """A CRF that has learned some labels of the toy corpus."""
    out = folder / f"crf-{keep}"
    flags = ["--system", "crf", "--out", str(out), "--crf.iterations", "5", "--force"]
    flags += ["--labels.keep", keep] if keep else []
    assert main(["train", str(folder / "train.conll"), *flags]) == 0
    return str(out)


def test_models_that_learned_other_labels_are_judged_on_those_in_common(
    folder: Path, capsys: Capture
) -> None:
    some, both, other = (crf(folder, keep) for keep in ("PER", "LOC PER", "LOC"))
    dev, target = str(folder / "dev.conll"), folder / "common.json"
    for one, two in ((some, both), (both, some), (str(folder / "good"), some)):
        capsys.readouterr()
        assert main(["evaluate", one, dev, "--against", two, "--json", str(target)]) == 0
        found = json.loads(target.read_text())
        assert set(found["strict"]["labels"]) == {"PER"}
        assert set(found["against"]["figures"]["strict"]["labels"]) == {"PER"}
        told = capsys.readouterr().err
        assert told.startswith("only PER of the labels are scored (labels.keep, those that both")
    assert main(["evaluate", some, dev, "--against", other]) == 2
    assert "no label in common (labels.keep) (got PER and LOC)" in capsys.readouterr().err
    assert main(["evaluate", some, dev, "--against", other, "--labels", "PER"]) == 0


def test_labels_that_the_corpus_does_not_know_are_told(folder: Path, capsys: Capture) -> None:
    named = [
        document.with_entities([replace(e, label=e.label.lower()) for e in document.entities])
        for document in tiny.documents(2)
    ]
    corpus = replace(tiny.corpus(1), documents=tuple(named))
    write(corpus, folder / "lower.conll")
    model = str(folder / "good")
    assert main(["evaluate", model, str(folder / "lower.conll")]) == 0
    told = capsys.readouterr().err
    assert told == (
        f"warning: none of the corpus's labels (loc org per) are among those of {model}\n"
    )
    assert main(["evaluate", model, str(folder / "dev.conll")]) == 0
    assert "warning" not in capsys.readouterr().err


@pytest.mark.parametrize("flags", [["--format", "conlleval"], ["--conlleval"]])
def test_conllevals_table(folder: Path, capsys: Capture, flags: list[str]) -> None:
    evaluate(folder, *flags, data="dev.conll")
    told = capsys.readouterr().out
    gold = tiny.documents(6, 8)
    rows: list[tuple[str, str] | None] = []
    for truth, found in zip(gold, load(folder / "good").tag(gold), strict=True):
        for pair in zip(iob2_tags(truth), iob2_tags(found), strict=True):
            rows += [*zip(*pair, strict=True), None]
    assert told == conlleval(rows)


@pytest.mark.parametrize(
    ("flags", "status", "message"),
    [
        (["--by", "year"], 1, "--by year: no document has such a field (expected place)"),
        (["--against", "nowhere"], 1, "nowhere: no such folder"),
        (["--train", "nowhere.conll"], 1, "nowhere.conll"),
        (["--against", "nowhere", "--conlleval"], 2, "without --against"),
        (["--errors", "-1"], 2, "--errors: not such a number (expected a whole one, at least 0"),
    ],
)
def test_a_mistake_is_one_line(
    folder: Path, capsys: Capture, flags: list[str], status: int, message: str
) -> None:
    assert main(["evaluate", str(folder / "good"), str(folder / "dev.jsonl"), *flags]) == status
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
