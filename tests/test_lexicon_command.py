"""`posner lexicon`, and the flags of the commands that use one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import tiny
from posner.cli import main
from posner.loading import load
from posner.model.saved import save_network
from posner.postprocess.names import Name, read_names, write_names
from posner.training.augment import MentionTable
from posner.training.lexicon import read_lexicon


def test_build_check_and_info(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = str(tiny.save_corpus(tmp_path / "train.conll", 4))
    out, figures = tmp_path / "names.jsonl", tmp_path / "figures.json"
    assert main(["lexicon", "build", source, "-o", str(out), "--json", str(figures)]) == 0
    assert capsys.readouterr().out.startswith(f"{out}: 18 names (LOC 6, ORG 6, PER 6)")
    names = read_names(out)
    assert all(name.score is not None and name.score > 0.5 for name in names)
    assert main(["lexicon", "build", source, "-o", str(out)]) == 1  # not empty
    assert main(["lexicon", "build", source, "-o", str(out), "--force", "--min-count", "2"]) == 0
    assert 0 < len(read_names(out)) < 18
    assert main(["lexicon", "check", str(out)]) == 0
    assert main(["lexicon", "info", str(out), "--json", str(figures)]) == 0
    facts = json.loads(figures.read_text(encoding="utf-8"))
    assert sum(facts["names"].values()) == len(read_names(out))
    write_names(out, [Name("LOC", "Jordan"), Name("PER", "Jordan")])
    capsys.readouterr()
    assert main(["lexicon", "check", str(out), "--json", str(figures)]) == 1
    assert capsys.readouterr().out == f"{out}: 'Jordan' has several labels: LOC, PER\n1 problem\n"
    # The same file serves augmentation.
    assert read_lexicon(out) == {"LOC": ("Jordan",), "PER": ("Jordan",)}
    assert MentionTable.of(tiny.documents(1), read_lexicon(out)).size > 0


def test_places(tmp_path: Path) -> None:
    out = str(tmp_path / "places.csv")
    assert main(["lexicon", "places", "countries", "--label", "geo", "-o", out]) == 0
    assert len(read_names(Path(out))) > 200
    assert main(["lexicon", "places", "rivers", "--label", "geo", "-o", out, "--force"]) == 2
    assert main(["lexicon", "places", "countries", "-o", out, "--force"]) == 2
    assert main(["lexicon", "places", "countries", "--label", "geo"]) == 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, bert: Path) -> Path:
    model = tiny.untrained(tiny.recipe(bert))
    path = tmp_path_factory.mktemp("lexicon") / "model"
    save_network(path, model.network, model.manifest, model.tokenizer)
    return path


def test_predict_with_a_lexicon(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "ada met ben in Quito"
    found = load(folder)(text).entities
    assert found
    names = tmp_path / "names.jsonl"
    write_names(
        names, [Name("O", entity.text) for entity in found] + [Name("LOC", "Quito", "Q2900")]
    )
    flags = ["predict", str(folder), "--text", text, "--lexicon", str(names)]
    rules = ["--lexicon-rules", "correct,add,veto", "--format", "json"]
    assert main([*flags, *rules]) == 0
    captured = capsys.readouterr()
    (document,) = json.loads(captured.out)
    assert all(entity["changes"] == ["added by the lexicon"] for entity in document["entities"])
    assert "entities by the lexicon:" in captured.err
    assert f"{len(found)} vetoed" in captured.err


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--lexicon-rules", "add"], "--lexicon-rules goes with --lexicon"),
        (["--lexicon-edits", "0"], "--lexicon-edits goes with --lexicon"),
        (["--lexicon", "x.txt", "--lexicon-rules", "drop"], "no such rule"),
        (["--lexicon", "x.txt", "--lexicon-least", "0.5"], "goes with --lexicon-rules add"),
        (
            ["--lexicon", "x.txt", "--lexicon-rules", "veto", "--lexicon-edits", "1"],
            "--lexicon-edits goes with",
        ),
        (["--threshold", "PERSON=0.9"], "--threshold: no such label (expected LOC, ORG, PER"),
    ],
)
def test_wrong_calls(
    folder: Path, flags: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(folder), "--text", "a", *flags]) == 2
    assert told in capsys.readouterr().err


def test_labels_that_no_entity_can_have_are_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = tmp_path / "names.txt"
    write_names(names, [Name("CITY", "Quito")])
    call = ["predict", str(folder), "--text", "Ada met Ben", "--lexicon", str(names)]
    assert main([*call, "--lexicon-closed", "FOO"]) == 2
    assert "--lexicon-closed: no such label" in capsys.readouterr().err
    assert main([*call, "--lexicon-closed", "PER"]) == 0
    assert main([*call, "--threshold", "CITY=0.5"]) == 2
    assert main([*call, "--threshold", "CITY=0.5", "--lexicon-rules", "add"]) == 0


def test_both_models_say_what_was_left_out(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus, other = str(tiny.save_corpus(tmp_path / "a.conll", 2)), tmp_path / "other"
    shutil.copytree(folder, other)
    call = ["evaluate", str(folder), corpus, "--against", str(other), "--threshold", "1"]
    assert main(call) == 0
    told = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[1] for line in told] == [str(folder), str(other)]
    assert all("below the threshold 1 left out" in line for line in told)


def test_evaluate_takes_a_lexicon_and_knows_the_vocabulary(folder: Path, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    write_names(names, [Name("LOC", "Quito"), Name("PER", "Ada Marsh")])
    corpus = str(tiny.save_corpus(tmp_path / "a.conll", 2))
    figures = tmp_path / "figures.json"
    command = ["evaluate", str(folder), corpus, "--json", str(figures)]
    correct = []
    for flags in ([], ["--lexicon", str(names), "--lexicon-rules", "add,relabel"]):
        assert main([*command, *flags]) == 0
        record = json.loads(figures.read_text(encoding="utf-8"))
        correct.append(record["counts"]["correct"])
    assert correct[0] <= correct[1]
    recognizer = load(folder)
    assert recognizer.knows("Oslo")
    assert not recognizer.knows("Osloo")
