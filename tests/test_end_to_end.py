"""The command line from a corpus to entities and back, on a tiny encoder, as a shell sees it."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import tiny
from posner.cli import main
from posner.folder import FORMAT_VERSION

Capture = pytest.CaptureFixture[str]

SHORT = ["--training.epochs", "1", "--training.precision", "fp32", "--training.device", "cpu"]
TEXT = "Ada Marsh lives in Oslo. Ben Hollis works for Acme."


class Shell:
    """Runs commands in this process; a traceback is never an answer."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture

    def __call__(self, *arguments: object, status: int = 0) -> str:
        """Standard output of a command that must end with `status`; else its error output."""
        self._capture.readouterr()
        try:
            found = main([str(argument) for argument in arguments])
        except SystemExit as exit:  # argparse's own errors
            found = int(exit.code or 0)
        out, err = self._capture.readouterr()
        assert "Traceback" not in out + err
        assert found == status, out + err
        if status == 1:
            assert err.startswith("posner: ")
            assert err.count("\n") == 1
        return err if status else out


@pytest.fixture
def shell(capsys: Capture) -> Shell:
    return Shell(capsys)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("end_to_end")
    tiny.save_corpus(made / "train.conll", 8)
    tiny.save_corpus(made / "dev.conll", 2, first=8)
    (made / "text.txt").write_text(f"{TEXT}\n\nThe boats of Lima.\n", encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def run(bert: Path, folder: Path) -> Path:
    """A run that knows the toy corpus by heart, so that there is something to find."""
    values = tiny.recipe(
        bert,
        {
            "training.epochs": 8,
            "training.batch-pieces": 128,
            "training.learning-rate": 5e-3,
            "backbone.freeze-embeddings": False,
        },
    )
    (folder / "mine.toml").write_text(values.to_toml(), encoding="utf-8")
    out = folder / "run"
    flags = ["--recipe", str(folder / "mine.toml"), "--json", str(folder / "train.json")]
    data = [str(folder / "train.conll"), "--dev", str(folder / "dev.conll")]
    assert main(["train", *data, "--out", str(out), *flags]) == 0
    return out


def figures(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def test_train_prints_its_course_and_figures(
    shell: Shell, bert: Path, folder: Path, tmp_path: Path
) -> None:
    data = [folder / "train.conll", "--out", tmp_path / "run"]
    told = shell("train", *data, "--backbone.name", bert, *SHORT)
    assert "sentences of" in told
    assert "are set aside" in told
    assert re.search(r"epoch 1  train loss \d", told)
    assert re.search(r"micro +\d+", told)
    assert f"the model is in {tmp_path / 'run' / 'model'}" in told


def test_evaluate_gives_the_figures_that_training_gave(
    shell: Shell, run: Path, folder: Path, tmp_path: Path
) -> None:
    told = shell("evaluate", run, folder / "dev.conll", "--json", tmp_path / "f.json")
    found, trained = figures(tmp_path / "f.json"), figures(folder / "train.json")
    assert found["strict"] == trained["strict"]
    assert set(found["strict"]["micro"]) == {"precision", "recall", "f1"}
    assert set(found["strict"]["labels"]) == {"PER", "ORG", "LOC"}
    assert set(found["strict"]["labels"]["PER"]) == {"precision", "recall", "f1", "support"}
    assert set(found["flat"]) == {
        f"{mean}_{o}_o" for mean in ("micro", "weighted") for o in ("with", "without")
    }
    assert 0 < found["pos"]["accuracy"] <= 1
    assert found["words_per_second"] > 0
    assert found["strict"]["micro"]["f1"] > 0.5
    assert "PER" in told
    assert shell("evaluate", run / "model", folder / "dev.conll")


def test_predict_json_is_an_array_of_documents(shell: Shell, run: Path) -> None:
    documents = json.loads(shell("predict", run, "--text", TEXT, "--text", "", "--format", "json"))
    assert [d["text"] for d in documents] == [TEXT, ""]
    assert documents[0]["entities"]
    assert documents[1]["entities"] == []
    for entity in documents[0]["entities"]:
        assert list(entity) == ["entity_group", "score", "word", "start", "end"]
        assert TEXT[entity["start"] : entity["end"]] == entity["word"]
        assert 0 < entity["score"] <= 1
    assert ("Ada Marsh", "PER") in {
        (e["word"], e["entity_group"]) for e in documents[0]["entities"]
    }


def test_predict_tags_and_pieces(shell: Shell, run: Path) -> None:
    flags = ["--format", "jsonl", "--tags", "--pieces"]
    (line,) = shell("predict", run, "--text", TEXT, *flags).splitlines()
    document = json.loads(line)
    assert list(document["tokens"][0]) == ["word", "start", "end", "tag", "pos"]
    assert list(document["pieces"][0]) == ["entity", "score", "index", "word", "start", "end"]
    tags = {token["start"]: token["tag"] for token in document["tokens"]}
    for entity in document["entities"]:
        assert tags[entity["start"]] == f"B-{entity['entity_group']}"
    pieces = {piece["start"]: piece["entity"] for piece in document["pieces"]}
    assert all(pieces[start] == tag for start, tag in tags.items())


def test_predict_reads_files_and_standard_input(
    shell: Shell, run: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lines(*arguments: object) -> list[dict[str, Any]]:
        told = shell("predict", run, *arguments, "--format", "jsonl")
        return [json.loads(line) for line in told.splitlines()]

    file = folder / "text.txt"
    by_line = lines(file)
    assert [d["text"] for d in by_line] == [TEXT, "", "The boats of Lima."]
    assert [d["text"] for d in lines(file, "--document", "paragraph")] == [
        TEXT,
        "The boats of Lima.",
    ]
    assert [d["text"] for d in lines(file, "--document", "file")] == [file.read_text()]
    for arguments in ([], ["-"]):
        piped = io.TextIOWrapper(io.BytesIO(file.read_bytes()))
        monkeypatch.setattr(sys, "stdin", piped)
        assert [d["text"] for d in lines(*arguments)] == [d["text"] for d in by_line]
    assert len(lines(file, folder / "dev.conll")) == 5


def test_predict_conll_appends_the_predicted_tag(shell: Shell, run: Path, folder: Path) -> None:
    rows = shell("predict", run, folder / "dev.conll", "--format", "conll").splitlines()
    given = (folder / "dev.conll").read_text().splitlines()
    words = [row.split()[0] for row in rows if row and not row.startswith("-DOCSTART-")]
    assert words == [row.split()[0] for row in given if row and not row.startswith("-DOCSTART-")]
    last = {row.split()[-1] for row in rows if row and not row.startswith("-DOCSTART-")}
    assert last <= {"O"} | {f"{p}-{label}" for p in "BI" for label in ("PER", "ORG", "LOC")}
    assert len(last) > 2


@pytest.mark.parametrize("flags", [[], ["--tags"], ["--pieces"], ["--tags", "--pieces"]])
def test_predict_table_and_text(shell: Shell, run: Path, flags: list[str]) -> None:
    assert "Ada Marsh" in shell("predict", run, "--text", TEXT, *flags)
    told = shell("predict", "--format", "text", run, "--text", TEXT, *flags, status=2 * bool(flags))
    assert ("goes with --format table" if flags else "Ada Marsh") in told


def test_flags_and_files_come_in_any_order(shell: Shell, run: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text(TEXT, encoding="utf-8")
    first = shell("predict", run, "--format", "jsonl", text)
    assert first == shell("predict", "--format", "jsonl", run, text)
    assert first == shell("predict", run, text, "--format", "jsonl")
    told = shell("predict", run, "--formatt", "jsonl", status=2)
    assert "no such argument: --formatt" in told
    assert "did you mean --format?" in told


def test_predict_writes_a_file_and_refuses_a_filled_one(
    shell: Shell, run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "found.json"
    arguments = ["predict", run, "--text", TEXT, "--format", "json", "-o", out]
    assert shell(*arguments) == ""
    first = out.read_bytes()
    assert "not empty" in shell(*arguments, status=1)
    assert out.read_bytes() == first
    assert shell(*arguments, "--force") == ""
    assert [p.name for p in tmp_path.iterdir()] == ["found.json"]


def test_info_says_what_a_model_is(shell: Shell, run: Path, folder: Path, tmp_path: Path) -> None:
    told = shell("info", run, "--json", tmp_path / "info.json")
    for part in ("labels", "PER", "scheme IOB2", "model.safetensors", "F1", "[training]"):
        assert part in told
    info = figures(tmp_path / "info.json")
    assert info["labels"] == ["LOC", "ORG", "PER"]
    assert info["format_version"] == FORMAT_VERSION
    assert info["scheme"] == "IOB2"
    assert set(info["files"]) == {"model.safetensors", "encoder.json", "tokenizer.json"}
    assert info["recipe"]["training"]["epochs"] == 8
    dev, trained = info["figures"]["dev"]["strict"], figures(folder / "train.json")["strict"]
    assert dev["micro"] == trained["micro"]


def mistakes(run: Path, folder: Path, bert: Path) -> dict[str, tuple[list[object], int, str]]:
    """What a user can do wrong: the call, its exit status, and what must be told."""
    train: list[object] = ["train", folder / "train.conll", "--out", folder / "new"]
    return {
        "no command": ([], 2, "COMMAND"),
        "unknown command": (["trian"], 2, "no such command: trian; did you mean train?"),
        "no run named": (["train", folder / "train.conll"], 2, "--out"),
        "unknown flag": ([*train, "--training.speed", "9"], 2, "--training.speed"),
        "shortened flag": ([*train, "--res"], 2, "--res"),
        "both ways": ([*train, "--resume", "--force"], 2, "exclude each other"),
        "pieces as columns": (
            ["predict", run, "--pieces", "--format", "conll", "--text", "a"],
            2,
            "--pieces",
        ),
        "bad value": ([*train, "--training.epochs", "many"], 1, "training.epochs"),
        "out of range": ([*train, "--training.epochs", "0"], 1, "at least 1"),
        "bad recipe": ([*train, "--recipe", "nobodys"], 1, "nobodys"),
        "no corpus": (["train", folder / "none.conll", "--out", folder / "new"], 1, "none.conll"),
        "no device": ([*train, "--training.device", "tpu", "--backbone.name", bert], 1, "tpu"),
        "no backbone": ([*train, "--backbone.name", folder / "none"], 1, "no such backbone"),
        "filled folder": (
            ["train", folder / "train.conll", "--out", run, "--backbone.name", bert],
            1,
            "not empty",
        ),
        "no model": (["predict", folder / "none", "--text", "a"], 1, "no such folder"),
        "foreign model": (["evaluate", bert, folder / "dev.conll"], 1, "have no names"),
        "no text": (["predict", run, folder / "none.txt"], 1, "no such file"),
        "no data": (["evaluate", run, folder / "none.conll"], 1, "none.conll"),
        "no such device": (["predict", run, "--text", "a", "--device", "tpu"], 1, "tpu"),
        "info of nothing": (["info", folder / "none"], 1, "no such folder"),
    }


def test_mistakes_end_with_one_line(shell: Shell, run: Path, folder: Path, bert: Path) -> None:
    for case, (arguments, status, told) in mistakes(run, folder, bert).items():
        assert told in shell(*arguments, status=status), case
    assert not (folder / "new").exists()


def test_text_that_is_no_utf8_is_told(shell: Shell, run: Path, tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"fine\ncaf\xe9\n")
    told = shell("predict", run, tmp_path / "latin.txt", "--input", "text", status=1)
    assert "latin.txt:2" in told
    assert "not UTF-8" in told


def test_an_unwritable_target_is_told(shell: Shell, run: Path, folder: Path) -> None:
    inside_a_file = folder / "text.txt" / "f.json"
    shell("evaluate", run, folder / "dev.conll", "--json", inside_a_file, status=1)
    shell("info", run, "--json", inside_a_file, status=1)
    shell("predict", run, "--text", "a", "-o", inside_a_file, status=1)
