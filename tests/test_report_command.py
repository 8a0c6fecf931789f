"""`posner report`, from a training to the page."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import reported
import tiny
from foreign_models import save_classifier
from posner.cli import main
from posner.folder import read_manifest
from posner.report import build
from posner.report.story import short_names

SMALL = {
    "training.epochs": "2",
    "training.batch-pieces": "256",
    "training.precision": "fp32",
    "training.device": "cpu",
    "training.learning-rate": "1e-3",
    "training.head-learning-rate": "1e-2",
}


@pytest.fixture(scope="module")
def place(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data and two runs: one with a dev set, one with a part set aside."""
    folder = tmp_path_factory.mktemp("reported")
    train = tiny.save_corpus(folder / "train.conll", 4)
    dev = tiny.save_corpus(folder / "dev.conll", 2, first=4)
    tiny.save_corpus(folder / "test.conll", 2, first=6)
    flags = [f for k, v in SMALL.items() for f in (f"--{k}", v)]
    flags += ["--backbone.name", str(bert)]
    named = ["--dev", str(dev), "--out", str(folder / "run")]
    assert main(["train", str(train), *named, *flags]) == 0
    assert main(["train", str(train), "--out", str(folder / "alone"), *flags]) == 0
    return folder


def texts(page: Path) -> str:
    return re.sub(r"\s+", " ", page.read_text(encoding="utf-8"))


def test_a_run_is_reported_on_its_own_dev_set(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.html"
    assert main(["report", str(place / "run"), "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert said.out == f"{out}: {place.name}/run\n"
    assert said.err == ""
    page = texts(out)
    assert "on dev.conll; surface features have the weight that is best on this corpus" in page
    assert "; the scores were calibrated on this corpus" in page
    assert page.count("likely too small") == 1  # beside the headline, and not in the table too
    assert "95 % interval" in page
    figures = read_manifest(place / "run" / "model").figures["dev"]
    f1 = figures["strict"]["micro"]["f1"]
    assert f"{100 * f1:.2f}<span> strict F1" in page
    low = figures["intervals"]["strict"]["f1"]["low"]
    assert f"95 % interval {100 * low:.2f} to" in page  # training and tagging agree


def test_runs_are_called_by_what_tells_them_apart(tmp_path: Path) -> None:
    cells = tmp_path / "cells"
    names = {
        cells / "bert-1" / "run": "bert-1/run",
        cells / "crf-1" / "run": "crf-1/run",
        tmp_path / "old" / "mine": "old/mine",
        tmp_path / "new" / "mine": "new/mine",
        tmp_path / "new" / "mine" / "model": "mine/model",
        tmp_path / "other": "other",
    }
    assert short_names(list(names)) == list(names.values())
    assert short_names([cells / "crf-1" / "run"]) == ["crf-1/run"]
    twice = [tmp_path / "other", tmp_path / "other"]
    assert short_names(twice) == ["other (1)", "other (2)"]
    assert short_names([Path("/"), Path("/run"), Path("/a/run")]) == ["/", "/run", "a/run"]


def test_a_model_without_its_run_is_reported_on_its_own_dev_set(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, model = tmp_path / "report.html", tmp_path / "model"
    shutil.copytree(place / "run" / "model", model)
    assert main(["report", str(model), "--out", str(out)]) == 0
    assert capsys.readouterr().err == ""
    page = texts(out)
    assert 'id="confusion"' in page
    assert re.search(r"<pre>\[backbone\].* epochs = 2 ", page)
    assert "to the kept epoch" in page
    dev = place / "dev.conll"
    before = dev.read_bytes()
    dev.write_bytes(before + b"\nAda NNP B-NP B-PER\n")
    try:
        assert main(["report", str(model), "--out", str(out), "--force"]) == 0
    finally:
        dev.write_bytes(before)
    assert "has changed since the run was made" in capsys.readouterr().err


def test_a_part_that_was_set_aside_is_found_again(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.html"
    assert main(["report", str(place / "alone"), "--out", str(out)]) == 0
    assert capsys.readouterr().err == ""
    assert "a part of train.conll, set aside" in texts(out)
    assert 'id="confusion"' in texts(out)


def test_several_runs_on_one_corpus_with_pictures_and_no_text(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reported.need_letters()
    out, images = tmp_path / "report.html", tmp_path / "images"
    runs = [str(place / "run"), str(place / "alone")]
    arguments = [*runs, str(place / "test.conll"), "--out", str(out), "--no-text"]
    assert main(["report", *arguments, "--images", str(images)]) == 0
    assert "10 pictures, as SVG and PNG" in capsys.readouterr().out
    assert len(list(images.glob("*.svg"))) == len(list(images.glob("*.png"))) == 10
    page = texts(out)
    assert page.count("on test.conll") == 2
    assert f" against {place.name}/run (" in page
    assert not re.search(r"\b(lives|works|Marsh|Brightwater)\b", page)


def test_only_the_record_is_shown_where_it_is_asked_for(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    assert main(["report", str(place / "run" / "model"), "--recorded", "--out", str(out)]) == 0
    page = texts(out)
    assert "as training wrote it down" in page
    assert "95 % interval" in page
    assert 'id="confusion"' not in page


def test_the_record_is_shown_without_torch(place: Path, tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "from posner.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    out = tmp_path / "report.html"
    arguments = ["report", str(place / "run"), "--recorded", "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "as training wrote it down" in texts(out)


def test_a_dev_set_that_changed_is_told_and_not_used(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(place / "run", run)
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    for value, problem in ((str(place / "test.conll"), "has changed since"), ("x", "not there")):
        record["data"]["dev"] = value
        (run / "run.json").write_text(json.dumps(record), encoding="utf-8")
        assert main(["report", str(run), "--out", str(tmp_path / "r.html"), "--force"]) == 0
        assert problem in capsys.readouterr().err
        assert "as training wrote it down" in texts(tmp_path / "r.html")


def test_a_wrong_call_ends_with_one_line(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, out = str(place / "run"), tmp_path / "report.html"
    written = tmp_path / "written.html"
    written.write_text("mine", encoding="utf-8")
    calls = {
        2: [
            ["report", run],
            ["report", run, "--out", str(out), "--aggregation", "first"],
            ["report", str(place / "dev.conll"), "--out", str(out)],
            ["report", run, str(place / "dev.conll"), "--recorded", "--out", str(out)],
            ["report", run, "--recorded", "--device", "cpu", "--out", str(out)],
        ],
        1: [
            ["report", run, "--out", str(written)],
            ["report", run, "--out", str(out), "--images", str(place)],
            ["report", run, str(tmp_path / "nothing"), "--out", str(out)],
            ["report", str(tmp_path / "nothing"), run, "--out", str(out)],
        ],
    }
    for status, listed in calls.items():
        for call in listed:
            try:
                found = main(call)
            except SystemExit as exit:
                found = int(str(exit.code))
            assert found == status, call
            assert capsys.readouterr().err.count("\n") == 1
    assert written.read_text(encoding="utf-8") == "mine"
    assert not out.exists()


def test_the_runs_of_a_cross_validation_are_named(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folds, run, out = tmp_path / "folds", str(place / "run"), str(tmp_path / "report.html")
    for number in (1, 2, 10):
        shutil.copytree(place / "run", folds / f"fold-{number}")
    names = " ".join(str(folds / f"fold-{number}") for number in (1, 2, 10))
    for runs, status in (([str(folds)], 2), ([run, str(folds)], 2), ([str(folds), run], 1)):
        assert main(["report", *runs, "--out", out]) == status
        assert "folds: no run (expected a folder that" in capsys.readouterr().err
        assert main(["report", *runs, "--out", out]) == status
        assert f"name its folds: {names}" in capsys.readouterr().err


@pytest.mark.parametrize("package", ["resvg_py", "jinja2"])
def test_what_a_report_needs_is_asked_for_before_any_work(
    place: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    package: str,
) -> None:
    build._environment.cache_clear()
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr("posner.cli.report.read_stories", lambda _: pytest.fail("work"))
    out, images = tmp_path / "report.html", tmp_path / "images"
    assert main(["report", str(place / "run"), "--out", str(out), "--images", str(images)]) == 1
    assert "posner[report]" in capsys.readouterr().err
    assert not out.exists()


def test_a_record_with_a_threshold_says_so(place: Path, tmp_path: Path) -> None:
    run, out = tmp_path / "run", tmp_path / "report.html"
    shutil.copytree(place / "run", run)
    flags = [str(run), "--recorded", "--out", str(out), "--force"]
    assert main(["calibrate", str(run), str(place / "dev.conll"), "--threshold", "0.5"]) == 0
    assert main(["report", *flags]) == 0
    assert "its dev set, with its threshold, as calibration wrote it down" in texts(out)
    assert main(["calibrate", str(run), str(place / "test.conll"), "--threshold", "0.6"]) == 0
    assert main(["report", *flags]) == 0
    assert "its dev set, before its threshold changed, as it was written down" in texts(out)


def test_every_run_has_a_card(place: Path) -> None:
    card = (place / "run" / "model" / "README.md").read_text(encoding="utf-8")
    assert "| judged by | dev.conll | 8 |" in card
    assert "95 % interval" in card
    assert "calibrated on dev.conll" in card
    assert str(place) not in card


def test_the_dev_set_is_found_from_any_folder(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    flags = ["--dev", "dev.conll", "--system", "crf", "--crf.iterations", "5", "--out", "crf"]
    assert main(["train", "train.conll", *flags]) == 0
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dev.conll").write_text("Ada NNP B-NP B-PER\n", encoding="utf-8")  # another one
    capsys.readouterr()
    assert main(["report", str(place / "crf"), "--out", "crf.html"]) == 0
    assert capsys.readouterr().err == ""
    assert "on dev.conll" in texts(tmp_path / "crf.html")


def test_models_trained_elsewhere_are_reported_on_data_that_is_named(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.html"
    data, foreign = str(place / "test.conll"), tmp_path / "classifier"
    save_classifier(foreign)
    runs = [str(place / "run"), "spacy/conll", str(foreign), f"hf:{foreign}"]
    assert main(["report", *runs, data, "--out", str(out)]) == 0
    names = f"{place.name}/run, spacy/conll, classifier (1), classifier (2)"
    assert capsys.readouterr().out == f"{out}: {names}\n"
    assert texts(out).count("<span> strict F1") == 4
    assert main(["report", *runs, "--out", str(out), "--force"]) == 2
    told = "spacy/conll: was trained elsewhere, so nothing is recorded of it; name labelled data"
    assert told in capsys.readouterr().err
