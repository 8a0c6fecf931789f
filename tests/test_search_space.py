"""The space of a search: what it may say, and what each mistake is told as."""

from __future__ import annotations

from pathlib import Path

import pytest

from posner.cli import main
from posner.errors import RecipeError
from posner.recipe import Recipe
from posner.search.space import Choices, Range, load_space, parse_space, space_names


def test_a_space_is_what_the_file_says() -> None:
    space = parse_space(
        """
        "training.learning-rate" = {low = 1e-5, high = 1, log = true}
        "training.epochs" = {low = 2, high = 8, step = 3}
        "heads.dropout" = {low = 0.1, high = 0.4, step = 0.1}
        "features.casing" = {values = [true, false]}
        width = {keys = ["attention.width", "features.character-width"], values = [64, 128]}
        """,
        "test",
    )
    rate, epochs, dropout, casing, width = space.entries
    assert rate.domain == Range(1e-5, 1.0, log=True, step=None)
    assert isinstance(rate.domain.high, float)
    assert epochs.domain.points == (2, 5, 8)
    assert dropout.domain == Range(0.1, 0.4, log=False, step=0.1)
    assert casing.domain == Choices((True, False))
    assert width.name == "width"
    assert space.size is None
    assert space.values({e.name: i for i, e in enumerate(space.entries)}) == {
        "training.learning-rate": 0,
        "training.epochs": 1,
        "heads.dropout": 2,
        "features.casing": 3,
        "attention.width": 4,
        "features.character-width": 4,
    }


@pytest.mark.parametrize(
    "text",
    [
        '"training.epochs" = {values = [1, 2]}',
        "training.epochs = {values = [1, 2]}",
        "[training]\nepochs = {values = [1, 2]}",
        '["training.epochs"]\nvalues = [1, 2]',
        'any-name = {keys = ["training.epochs"], values = [1, 2]}',
    ],
)
def test_toml_has_several_ways_to_write_a_key(text: str) -> None:
    space = parse_space(text, "test")
    assert space.keys == {"training.epochs"}
    assert space.size == 2


RATE = '"training.learning-rate" = '
EPOCHS = '"training.epochs" = '
MISTAKES = {
    "": ("", "varies nothing"),
    "training.epochs = {": ("", "not TOML"),
    f"{EPOCHS}{{values = [1]}}\n{EPOCHS}{{values = [2]}}": ("", "not TOML"),
    f"{EPOCHS}{{values = [1]}}\ntraining.epochs = {{values = [2]}}": ("training.epochs", "twice"),
    f'{EPOCHS}{{values = [1]}}\na = {{keys = ["training.epochs"], values = [2]}}': ("a", "twice"),
    f"{EPOCHS}3": ("training.epochs", "not an entry"),
    f"{EPOCHS}[1, 2]": ("training.epochs", "not an entry"),
    f"{EPOCHS}{{}}": ("training.epochs", "says no values"),
    f"{EPOCHS}{{log = true}}": ("training.epochs", "says no values"),
    f"{EPOCHS}{{values = [1], low = 1, high = 2}}": ("training.epochs", "both values and a range"),
    f"{EPOCHS}{{values = [1], step = 1}}": ("training.epochs: step", "belongs to a range"),
    f"{EPOCHS}{{value = [1]}}": ("training.epochs: value", "unknown key"),
    f"{EPOCHS}{{values = []}}": ("training.epochs", "not a list of values"),
    f"{EPOCHS}{{values = 3}}": ("training.epochs", "not a list of values"),
    f"{EPOCHS}{{values = [1, 1]}}": ("training.epochs", "stands twice"),
    f"{EPOCHS}{{values = [1, 2.5]}}": ("training.epochs", "wrong type"),
    f"{EPOCHS}{{values = [0, 1]}}": ("training.epochs", "out of range"),
    f"{EPOCHS}{{low = 2}}": ("training.epochs", "without its end"),
    f"{EPOCHS}{{low = 1.0, high = 4}}": ("training.epochs", "wrong type"),
    f"{EPOCHS}{{low = 0, high = 4}}": ("training.epochs", "out of range"),
    f"{EPOCHS}{{low = 4, high = 4}}": ("training.epochs", "empty range"),
    f"{EPOCHS}{{low = 5, high = 4}}": ("training.epochs", "empty range"),
    f"{EPOCHS}{{low = 1, high = 4, step = 2}}": ("training.epochs", "do not end at high"),
    f"{EPOCHS}{{low = 1, high = 4, step = 0}}": ("training.epochs: step", "bad step"),
    f"{EPOCHS}{{low = 1, high = 4, step = 1.0}}": ("training.epochs: step", "bad step"),
    f"{EPOCHS}{{low = 1, high = 4, step = true}}": ("training.epochs: step", "bad step"),
    f"{EPOCHS}{{low = 1, high = 4, step = 1, log = true}}": ("training.epochs", "has no step"),
    f"{RATE}{{low = 0, high = 1, log = true}}": ("training.learning-rate", "begins above 0"),
    f"{RATE}{{low = 0, high = 1, log = 1}}": ("training.learning-rate: log", "wrong type"),
    f"{RATE}{{low = 0, high = 1, step = 0.3}}": ("training.learning-rate", "do not end at high"),
    f"{RATE}{{low = 0, high = 1, step = nan}}": ("training.learning-rate: step", "bad step"),
    f"{RATE}{{low = -1, high = 1}}": ("training.learning-rate", "out of range"),
    f"{RATE}{{low = 0, high = inf}}": ("training.learning-rate", "out of range"),
    f'{RATE}{{low = "fast", high = 1}}': ("training.learning-rate", "wrong type"),
    '"heads.dropout" = {values = [0.95]}': ("heads.dropout", "out of range"),
    '"heads.entity" = {values = ["crf", "CRF"]}': ("heads.entity", "not one of the choices"),
    '"heads.entity" = {low = 1, high = 2}': ("heads.entity", "has no range"),
    '"features.casing" = {low = 0, high = 1}': ("features.casing", "has no range"),
    '"training.epoch" = {values = [1]}': ("training.epoch", "unknown key"),
    '"training.learning_rate" = {values = [1]}': ("training.learning_rate", "unknown key"),
    "epochs = {values = [1]}": ("epochs", "unknown key"),
    "a = {keys = [], values = [1]}": ("a: keys", "not a list of settings"),
    'a = {keys = "training.epochs", values = [1]}': ("a: keys", "not a list of settings"),
    'a = {keys = ["b"], values = [1]}': ("a: b", "unknown key"),
    'a = {keys = ["training.epochs", "training.clip"], values = [1]}': ("a: keys", "several types"),
    'a = {keys = ["training.epochs", "training.epochs"], values = [1]}': ("a", "twice"),
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_one_line_with_its_place(text: str, tmp_path: Path) -> None:
    place, told = MISTAKES[text]
    path = tmp_path / "space.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError, match=told) as caught:
        load_space(str(path))
    assert "\n" not in caught.value.line()
    assert caught.value.where == (f"{path}: {place}" if place else str(path))


def test_neither_a_name_nor_a_file(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="one of default, paper-conll"):
        load_space("nothing-like-it")
    with pytest.raises(RecipeError, match="cannot be read"):
        load_space(str(tmp_path))


def test_every_named_space_can_be_tried() -> None:
    assert space_names() == ["default", "paper-conll"]
    for name in space_names():
        space = load_space(name)
        for entry in space.entries:
            domain = entry.domain
            ends = domain.values if isinstance(domain, Choices) else (domain.low, domain.high)
            for value in ends:
                Recipe().with_values({s.key: value for s in entry.settings}, where=name)


def test_the_papers_grid_is_learning_rate_batch_size_and_dropout() -> None:
    space = load_space("paper-conll")
    assert [len(entry.domain.points or ()) for entry in space.entries] == [5, 3, 3]
    assert space.size == 45
    assert space.keys == {
        "training.learning-rate",
        "training.batch-pieces",
        "training.encoder-dropout",
        "heads.dropout",
    }


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--trials", "0"], "--trials: not such a number"),
        (["--minutes", "0"], "--minutes: not such a number"),
        (["--minutes", "nan"], "--minutes: not such a number"),
        (["--heads.dropout", "0.1"], "--heads.dropout: the space varies this setting"),
    ],
)
def test_flags_that_make_no_sense_are_refused(
    flags: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["search", "none.conll", "--dev", "none.conll", "--space", "default", "--out", "none"]
    assert main([*call, *flags]) == 2
    assert told in capsys.readouterr().err


def test_help_explains_the_space(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["search", "--help"])
    printed = capsys.readouterr().out
    assert "{low = 1e-4, high = 1e-3, log = true}" in printed
    assert "default, paper-conll, or a TOML file" in printed
