"""A name that there is not: one line names the nearest that there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from posner.cli import main
from posner.errors import RecipeError, UsageError, did_you_mean
from posner.recipe import load_recipe
from posner.search.space import parse_space
from posner.systems.recipes import system_recipe


def said(call: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line with which a command ends."""
    try:
        status = main(call)
    except SystemExit as error:
        status = int(str(error.code))
    assert status in (1, 2)
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    return told.err


def test_the_nearest_name() -> None:
    known = ["default", "best", "BiLSTM"]
    assert did_you_mean("defualt", known) == "did you mean default?"
    assert did_you_mean("bilstmm", known) == "did you mean BiLSTM?"
    assert did_you_mean("DEFAULT", known) == "did you mean default?"
    assert did_you_mean("something else", known) is None


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        (["recipes", "defualt"], "default"),
        (["train", "t.conll", "--out", "run", "--recipe", "defualt"], "default"),
        (["train", "t.conll", "--out", "run", "--system", "brt"], "bert"),
        (["train", "t.conll", "--out", "run", "--system", "crf-nxt"], "crf-next"),
        (
            ["train", "t.conll", "--out", "run", "--training.learning-rat", "1"],
            "--training.learning-rate",
        ),
        (["predict", "model", "--format", "jsno"], "json"),
        (["predct", "model"], "predict"),
    ],
)
def test_a_command_names_it(
    call: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f"did you mean {meant}?" in said(call, capsys)


@pytest.mark.parametrize(
    ("space", "meant"),
    [
        ('"training.learning-rat" = {values = [1e-4]}', "training.learning-rate"),
        ('"training.epochs" = {valus = [1]}', "values"),
    ],
)
def test_a_space_names_it(space: str, meant: str) -> None:
    with pytest.raises(RecipeError, match=f"did you mean {meant}?"):
        parse_space(space, "space.toml")


def test_a_name_like_no_other_gets_the_list_alone(capsys: pytest.CaptureFixture[str]) -> None:
    for call in (["recipes", "zzz"], ["train", "t", "--out", "run", "--system", "zzz"]):
        line = said(call, capsys)
        assert "did you mean" not in line
        assert "crf" in line or "default" in line


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("[training]\nlearning-rat = 1e-4", "did you mean training.learning-rate?"),
        ("[training]\nlerning_rate = 1e-4", "did you mean training.learning-rate?"),
        ("[trainin]\nepochs = 3", "did you mean training?"),
        ("[training]\nzzzzzzzzzzzzzzzzz = 3", None),
    ],
)
def test_a_recipe_file_too(tmp_path: Path, text: str, remedy: str | None) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        load_recipe(str(path))
    assert caught.value.remedy == remedy


def test_a_system_too() -> None:
    with pytest.raises(UsageError, match=r"no such system .*; did you mean crf-next"):
        system_recipe("crf-nxet")
