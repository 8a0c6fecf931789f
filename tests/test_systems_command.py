"""The other systems on the command line: train, evaluate, predict, info."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import spacy

import posner
import tiny
from posner.cli import main
from posner.spacy_component import make

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("systems")
    tiny.save_corpus(made / "train.conll", 8)
    tiny.save_corpus(made / "dev.conll", 2, first=8)
    data = [str(made / "train.conll"), "--dev", str(made / "dev.conll")]
    flags = ["--out", str(made / "run"), "--json", str(made / "f.json"), "--crf.iterations", "30"]
    assert main(["train", *data, "--system", "crf", *flags]) == 0
    return made


def test_evaluate_gives_the_figures_that_training_gave(folder: Path) -> None:
    out = folder / "again.json"
    run, dev = str(folder / "run"), str(folder / "dev.conll")
    assert main(["evaluate", run, dev, "--json", str(out)]) == 0
    trained = json.loads((folder / "f.json").read_text())
    assert json.loads(out.read_text())["strict"] == trained["strict"]
    assert trained["strict"]["micro"]["f1"] > 0.5


def test_the_run_folder_is_like_any(folder: Path) -> None:
    record = json.loads((folder / "run" / "run.json").read_text())
    assert (record["state"], record["system"]) == ("finished", "crf")
    assert record["memory_gigabytes"] > 0.01
    figures = json.loads((folder / "run" / "model" / "posner.json").read_text())["figures"]
    assert figures["learning"]["dev_loss"] > 0
    assert figures["dev"]["intervals"]["unit"] == "sentences"
    assert figures["dev"]["intervals"]["strict"]["f1"]["low"] > 0
    assert "[crf]" in (folder / "run" / "recipe.toml").read_text()


def test_nothing_is_told_of_epochs_where_there_are_none(folder: Path) -> None:
    card = (folder / "run" / "model" / "README.md").read_text(encoding="utf-8")
    assert "| 95 % interval |" in card
    assert re.search(r"bootstrap's over \d+ sentences\.", card)
    assert 'pip install "posner[crf,spacy]"' in card
    assert "epoch" not in card
    page = folder / "crf.html"
    assert main(["report", str(folder / "run"), "--out", str(page), "--recorded"]) == 0
    told = page.read_text(encoding="utf-8")
    assert "best epoch" not in told
    assert "padding in batches" not in told


def test_info_shows_the_transitions(folder: Path, capsys: Capture) -> None:
    out = folder / "info.json"
    assert main(["info", str(folder / "run"), "--json", str(out)]) == 0
    told = capsys.readouterr().out
    for part in ("a crf model", "likeliest", "unlikeliest", "O → O", "F1", "[crf]", "PER"):
        assert part in told
    info = json.loads(out.read_text())
    assert len(info["transitions"]["likeliest"]) == 10
    assert info["system"] == "crf"
    assert told.count(" = ") == 1  # of the recipe only what the flags changed
    assert "\niterations = 30" in told
    assert main(["info", str(folder / "run"), "--recipe"]) == 0
    assert capsys.readouterr().out.count(" = ") > 5


def test_suspects_and_spacys_pipelines_take_any_model(folder: Path) -> None:
    run, out = str(folder / "run"), folder / "check.json"
    documents = posner.read(folder / "dev.conll").documents
    call = ["check", str(folder / "train.conll"), "--suspects", run, "--json", str(out)]
    assert main(call) in (0, 1)
    assert isinstance(json.loads(out.read_text())["suspects"], list)
    nlp = spacy.blank("en")
    component = make(
        nlp,
        "posner",
        run,
        device="cpu",
        precision="fp32",
        aggregation="legal",
        threads=None,
        threshold=None,
        lexicon=[],
        words="posner",
        overwrite=False,
        spans_key="posner",
    )
    found = posner.load(run)(documents[0].text)
    doc = component(nlp(documents[0].text))
    assert len(doc.spans["posner"]) == len(found.entities) > 0


def test_predict_tags_a_corpus_and_refuses_pieces(folder: Path, capsys: Capture) -> None:
    call = ["predict", str(folder / "run"), str(folder / "dev.conll"), "--format", "jsonl"]
    assert main(call) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert any(document["entities"] for document in found)
    assert all(0 < e["score"] <= 1 for d in found for e in d["entities"])
    assert main([*call, "--pieces"]) == 2
    assert "this model tags whole words only" in capsys.readouterr().err


def test_settings_go_with_their_system(folder: Path, capsys: Capture) -> None:
    train = ["train", str(folder / "train.conll"), "--out", str(folder / "new")]
    calls = {
        "--crf.c1 is a setting of --system crf": ["--crf.c1", "1"],
        "--bilstm.units is no setting of --system crf": ["--system", "crf", "--bilstm.units", "3"],
        "--training.epochs is no setting": ["--system", "crf", "--training.epochs", "3"],
        "--resume": ["--system", "crf", "--resume"],
        "without --vectors.path": ["--system", "bilstm", "--vectors.freeze", "true"],
        "--vectors.vocabulary changes nothing": ["--system", "bilstm", "--vectors.vocabulary", "9"],
        "without --learning.optimizer sgd": ["--system", "bilstm", "--learning.momentum", "0.5"],
        "optimizer adamw": ["--system", "transformer", "--learning.weight-decay", "0.5"],
        "--folds and --dev": ["--system", "crf", "--folds", "5", "--dev", "x"],
    }
    for told, flags in calls.items():
        assert main([*train, *flags]) == 2, told
        assert told in capsys.readouterr().err
    assert main([*train, "--system", "crf", "--crf.c1", "much"]) == 1
    assert "crf.c1" in capsys.readouterr().err
    assert not (folder / "new").exists()


def test_chosen_labels_alone_are_learned_and_judged(folder: Path, capsys: Capture) -> None:
    train = ["train", str(folder / "train.conll"), "--out", str(folder / "people")]
    few = ["--crf.iterations", "5", "--labels.keep", "PER", "--labels.merge", "true"]
    assert main([*train, "--system", "crf", *few]) == 0
    told = capsys.readouterr().out
    assert "only PER of the labels" in told
    assert "ORG" not in told
    manifest = json.loads((folder / "people" / "model" / "posner.json").read_text())
    assert manifest["labels"] == ["PER"]
    assert set(manifest["tags"]) == {"O", "I-PER"}


def judged(folder: Path, *flags: str) -> dict[str, Any]:
    call = ["evaluate", str(folder / "people"), str(folder / "dev.conll"), *flags]
    assert main([*call, "--json", str(folder / "judged.json")]) == 0
    found: dict[str, Any] = json.loads((folder / "judged.json").read_text())
    return found


def test_what_was_chosen_is_what_is_judged_later_too(folder: Path, capsys: Capture) -> None:
    train = ["train", str(folder / "train.conll"), "--dev", str(folder / "dev.conll")]
    few = ["--crf.iterations", "5", "--labels.keep", "PER", "--out", str(folder / "people")]
    wanted = folder / "trained.json"
    call = [*train, "--system", "crf", *few, "--force", "--json", str(wanted)]
    assert main(call) == 0
    capsys.readouterr()
    own = judged(folder)
    assert "only PER of the labels are scored" in capsys.readouterr().err
    assert own["strict"] == json.loads(wanted.read_text())["strict"]
    both = judged(folder, "--labels", "PER,LOC")
    assert set(both["strict"]["labels"]) == {"PER", "LOC"}
    page = folder / "people.html"
    report = ["report", str(folder / "people"), str(folder / "dev.conll"), "--out", str(page)]
    assert main(report) == 0
    assert "only PER (labels.keep)" in page.read_text(encoding="utf-8")
    wrong = ["evaluate", str(folder / "people"), str(folder / "dev.conll"), "--labels", "PER,GPE"]
    assert main(wrong) == 1
    assert "got GPE" in capsys.readouterr().err


def test_another_system_is_cross_validated_and_its_suspects_are_ranked(
    folder: Path, capsys: Capture
) -> None:
    data, out = str(folder / "train.conll"), folder / "folds"
    train = ["train", data, "--system", "crf", "--crf.iterations", "1", "--out", str(out)]
    assert main([*train, "--folds", "3"]) == 0
    assert "strict F1 by fold: " in capsys.readouterr().out
    assert main([*train, "--folds", "2"]) == 1  # what stands there is not overwritten
    assert main([*train, "--folds", "2", "--force"]) == 0
    found = {path.name for path in out.iterdir()}
    assert found == {"fold-1", "fold-2", "folds.json", "suspects.jsonl"}
    assert len(json.loads((out / "folds.json").read_text())["folds"]) == 2
    records = [json.loads((out / f"fold-{n}" / "run.json").read_text())["data"] for n in (1, 2)]
    whole = len(list(posner.read(data).sentences))
    # A CRF has no epoch to choose: it learns from all that is not its fold, which judges it.
    assert [r["train_sentences"] + r["dev_sentences"] for r in records] == [whole, whole]
    assert records[0]["dev_sentences"] == records[1]["train_sentences"]
    records = [json.loads(line) for line in (out / "suspects.jsonl").read_text().splitlines()]
    missed = [record["suspicion"] for record in records if record["kind"] == "missed"]
    assert len(set(missed)) > 1
    assert all(record["known"] for record in records)


def test_a_report_finds_the_part_that_was_set_aside(folder: Path, capsys: Capture) -> None:
    run, page = str(folder / "alone"), folder / "alone.html"
    train = ["train", str(folder / "train.conll"), "--out", run, "--system", "crf"]
    assert main([*train, "--crf.iterations", "5"]) == 0
    capsys.readouterr()
    assert main(["report", run, "--out", str(page)]) == 0
    assert capsys.readouterr().err == ""
    assert "a part of train.conll, set aside" in page.read_text(encoding="utf-8")


def test_recipes_lists_the_systems(capsys: Capture) -> None:
    assert main(["recipes"]) == 0
    assert "transformer-adamw" in capsys.readouterr().out
    assert main(["recipes", "bilstm"]) == 0
    assert "recurrent-dropout = 0.1" in capsys.readouterr().out


def test_vectors_that_cannot_be_read_leave_no_run_behind(folder: Path, capsys: Capture) -> None:
    narrow = folder / "narrow.txt"
    narrow.write_text("Ada 0.1 0.2\n", encoding="utf-8")
    call = ["train", str(folder / "train.conll"), "--system", "bilstm", "--learning.epochs", "1"]
    call += ["--out", str(folder / "vectors"), "--vectors.width", "3", "--vectors.path"]
    for path, told in ((folder / "none", "cannot be read"), (narrow, "a vector of another width")):
        assert main([*call, str(path)]) == 1
        assert told in capsys.readouterr().err
    assert not (folder / "vectors").exists()


def test_a_system_that_was_broken_off_is_begun_anew(folder: Path, capsys: Capture) -> None:
    half = folder / "half"
    half.mkdir()
    record = json.loads((folder / "run" / "run.json").read_text()) | {"state": "started"}
    (half / "run.json").write_text(json.dumps(record))
    call = ["train", str(folder / "train.conll"), "--system", "crf", "--out", str(half)]
    assert main(call) == 1
    told = capsys.readouterr().err
    assert "not finished" in told
    assert "--resume" not in told
    assert main([*call, "--force"]) == 0
