"""Recipes: every default once, files and flags that only override it, and what is refused."""

from __future__ import annotations

import argparse
import dataclasses
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posner.cli import main
from posner.cli.recipe_flags import add_recipe_flags, recipe_from_flags
from posner.errors import RecipeError
from posner.recipe import (
    DataRecipe,
    Recipe,
    Setting,
    load_recipe,
    recipe_from_dict,
    recipe_names,
    recipe_summary,
    settings,
)
from posner.schemes import SCHEMES
from posner.systems.recipes import system_names

SETTINGS = {setting.key: setting for setting in settings()}


def written(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def from_flags(*flags: str) -> Recipe:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    add_recipe_flags(parser)
    return recipe_from_flags(parser.parse_args(flags))


def values_of(setting: Setting) -> st.SearchStrategy[Any]:
    """Every value that a setting allows."""
    if setting.choices:
        return st.sampled_from(setting.choices)
    if setting.type is bool:
        return st.booleans()
    if setting.type is int:
        low, high = (None if x is None else int(x) for x in (setting.low, setting.high))
        return st.integers(low, high)
    if setting.type is float:
        return st.floats(setting.low, setting.high, allow_nan=False, allow_infinity=False)
    return st.text(st.characters(exclude_categories=["Cs"]))


@st.composite
def overrides(draw: st.DrawFn) -> dict[str, Any]:
    """Some settings with values; the ones that depend on each other keep their defaults."""
    tied = {
        "attention.layers",
        "attention.width",
        "attention.heads",
        "data.pooling",
        "adapter.rank",
        "backbone.layers",  # not every text names layers
        "data.dictionaries",  # nor dictionaries
        "data.alone",
        "data.context-epochs",
    }
    keys = st.sampled_from(sorted(set(SETTINGS) - tied))
    chosen = draw(st.lists(keys, unique=True, max_size=6))
    return {key: draw(values_of(SETTINGS[key])) for key in chosen}


@given(overrides())
def test_toml_gives_the_recipe_back(values: dict[str, Any]) -> None:
    recipe = Recipe().with_values(values, where="test")
    parsed = tomllib.loads(recipe.to_toml())
    assert parsed == recipe.to_dict()
    assert recipe_from_dict(parsed, where="test") == recipe
    for key, value in values.items():
        section, name = key.split(".")
        assert parsed[section][name] == value
    unchanged = {k: v for k, v in parsed.items() if not any(key.startswith(k) for key in values)}
    assert unchanged == {k: Recipe().to_dict()[k] for k in unchanged}


@given(overrides())
def test_flags_say_what_a_file_says(values: dict[str, Any]) -> None:
    flags = [
        f"--{key}={str(v).lower() if v is True or v is False else v}" for key, v in values.items()
    ]
    assert from_flags(*flags) == Recipe().with_values(values, where="test")


@given(overrides())
def test_what_differs_from_another_recipe_gives_it_back(values: dict[str, Any]) -> None:
    recipe = Recipe().with_values(values, where="test")
    changes = tomllib.loads(recipe.to_toml(since=Recipe()))
    assert {f"{section}.{key}" for section in changes for key in changes[section]} == {
        key
        for key in SETTINGS
        for section, _, name in [key.partition(".")]
        if recipe.to_dict()[section][name] != Recipe().to_dict()[section][name]
    }
    flat = {f"{section}.{key}": v for section in changes for key, v in changes[section].items()}
    flat = {"training.min-steps": recipe.training.min_steps, **flat}
    assert Recipe().with_values(flat, where="test") == recipe
    assert recipe.to_toml(since=recipe) == ""


def test_overriding_leaves_the_original_alone() -> None:
    recipe = Recipe()
    before = dataclasses.asdict(recipe)
    other = recipe.with_values({"training.epochs": 9, "data.scheme": "BIOES"}, where="test")
    assert dataclasses.asdict(recipe) == before
    assert (other.training.epochs, other.data.scheme) == (9, "BIOES")


def test_who_names_the_epochs_gets_so_many() -> None:
    recipe = Recipe()
    assert recipe.training.min_steps > 0
    cases: tuple[tuple[dict[str, Any], int], ...] = (
        ({"training.epochs": 6}, 0),
        ({"training.epochs": 6, "training.min-steps": 50}, 50),
        ({"training.seed": 2}, recipe.training.min_steps),
    )
    for values, expected in cases:
        assert recipe.with_values(values, where="test").training.min_steps == expected
    again = recipe.with_values({"training.min-steps": 70}, where="test").to_dict()
    assert recipe_from_dict(again, where="test").training.min_steps == 70
    assert from_flags("--recipe", "quick", "--training.epochs", "3").training.min_steps == 0


def test_every_named_recipe_loads_and_says_what_it_is() -> None:
    assert recipe_names()[0] == "default"
    assert load_recipe("default") == Recipe()
    for name in recipe_names():
        assert isinstance(load_recipe(name), Recipe)
        assert recipe_summary(name)


def test_the_papers_values_stand() -> None:
    recipe = load_recipe("paper-gmb")
    assert recipe.attention.layers == 1
    assert recipe.training.learning_rate == 3e-5
    assert load_recipe("paper-conll").training.minimum_epochs == 6


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_every_setting_has_one_line_of_help_and_an_allowed_default(setting: Setting) -> None:
    assert setting.help.strip()
    assert "\n" not in setting.help
    assert "_" not in setting.key
    section = getattr(Recipe(), setting.section)
    assert setting.check(getattr(section, setting.name)) == getattr(section, setting.name)


def test_every_scheme_is_a_choice() -> None:
    assert set(SETTINGS["data.scheme"].choices) == set(SCHEMES)


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ("[training]\nepoch = 3", "training.epoch", "posner recipes default"),
        ("[training]\nlearning_rate = 1e-4", "training.learning_rate", "training.learning-rate"),
        ("[trainings]\nepochs = 3", "trainings", "training"),
        ("[trainings]", "trainings", "training"),
        ("[training.epochs]\nmany = 3", "training.epochs", "a whole number"),
        ("epochs = 3", "epochs", "[training]"),
        ("[training]\nepochs = 'five'", "training.epochs", "a whole number"),
        ("[training]\nepochs = 3.0", "training.epochs", "a whole number"),
        ("[training]\nepochs = true", "training.epochs", "a whole number"),
        ("[training]\nwarmup = true", "training.warmup", "a number"),
        ("[training]\nwarmup = []", "training.warmup", "a number"),
        ("[features]\ncasing = 1", "features.casing", "true or false"),
        ("[features]\ncasing = '1'", "features.casing", "true or false"),
        ("[features]\ncasing = 'yes'", "features.casing", "true or false"),
        ("[backbone]\nname = 3", "backbone.name", "text"),
        ("[training]\nepochs = 0", "training.epochs", "at least 1"),
        ("[heads]\ndropout = 0.95", "heads.dropout", "0 to 0.9"),
        ("[heads]\ndropout = -0.1", "heads.dropout", "0 to 0.9"),
        ("[heads]\ndropout = nan", "heads.dropout", "0 to 0.9"),
        ("[training]\nlearning-rate = nan", "training.learning-rate", "at least 0"),
        ("[training]\nlearning-rate = inf", "training.learning-rate", "at least 0"),
        ("[training]\nseed = 4294967296", "training.seed", "0 to 4294967295"),
        ("[heads]\nentity = 'CRF'", "heads.entity", "softmax | crf"),
        ("[data]\nscheme = 'bio'", "data.scheme", "IOB2 | IOB1"),
        ("[attention]\nlayers = 1\nwidth = 250", "attention.width", "a multiple of 4"),
    ],
)
def test_a_mistake_in_a_file_is_one_line_with_key_and_expectation(
    text: str, key: str, expected: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "mine.toml", text)
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    line = caught.value.line()
    assert "\n" not in line
    assert caught.value.where is not None
    assert caught.value.where.endswith(key)
    assert caught.value.expected is not None
    assert expected in caught.value.expected


@pytest.mark.parametrize("content", [b"epochs 3", b"[training", b"\xff\xfe", b"a = 1\na = 2"])
def test_a_file_that_is_not_toml_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(RecipeError) as caught:
        load_recipe(str(path))
    assert caught.value.where == str(path)


@pytest.mark.parametrize("name", ["nothing-like-it", "x" * 5000])
def test_neither_a_name_nor_a_file(name: str) -> None:
    with pytest.raises(RecipeError):
        load_recipe(name)


def test_a_folder_is_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot be read"):
        load_recipe(str(tmp_path))


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xef\xbb\xbf[training]\r\nepochs = 2\r\n")
    assert load_recipe(str(path)).training.epochs == 2


@pytest.mark.parametrize(
    "values",
    [{"attention.layers": 1}, {"features.characters": True}, {"heads.entity": "crf"}],
    ids=str,
)
def test_what_needs_one_state_a_word_is_refused_without(values: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match=r"data\.pooling") as caught:
        Recipe().with_values(values | {"data.pooling": "none"}, where="test")
    assert caught.value.where == next(iter(values))


def test_recipes_made_in_python_are_checked_too() -> None:
    with pytest.raises(RecipeError, match=r"data\.window"):
        Recipe(data=DataRecipe(window=-1))


def test_flags_override_the_file(tmp_path: Path) -> None:
    path = written(tmp_path / "mine.toml", "[training]\nepochs = 2\npatience = 7\n")
    recipe = from_flags("--recipe", path, "--training.epochs", "4", "--features.casing", "FALSE")
    assert (recipe.training.epochs, recipe.training.patience) == (4, 7)
    assert recipe.features.casing is False
    assert from_flags("--recipe", path).features.casing is True


@pytest.mark.parametrize(
    ("flag", "value", "expected"),
    [
        ("--training.epochs", "2.5", "a whole number"),
        ("--training.learning-rate", "fast", "a number"),
        ("--training.learning-rate", "inf", "at least 0"),
        ("--features.casing", "1", "true or false"),
        ("--data.pooling", "last", "first | mean | none"),
    ],
)
def test_a_bad_flag_is_named(flag: str, value: str, expected: str) -> None:
    with pytest.raises(RecipeError) as caught:
        from_flags(flag, value)
    assert caught.value.where == f"command line: {flag.removeprefix('--')}"
    assert caught.value.expected == expected


def test_recipes_lists_every_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes"]) == 0
    own, systems = capsys.readouterr().out.split("\n\n")
    assert [line.split()[0] for line in own.splitlines()] == recipe_names()
    assert [line.split()[0] for line in systems.splitlines()[1:]] == system_names()
    assert all(len(line.split()) > 3 for line in (own + systems).splitlines())


def test_recipes_prints_one_in_full(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "mine.toml", '[backbone]\nname = "C:\\\\models\\\\mine"\n')
    for name in (*recipe_names(), path):
        assert main(["recipes", name]) == 0
        printed = capsys.readouterr().out
        assert recipe_from_dict(tomllib.loads(printed), where="test") == load_recipe(name)
        assert all("  # " in line for line in printed.splitlines() if " = " in line)
    assert main(["recipes", "nothing"]) == 1
    assert "expected a TOML file or one of default" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"data.alone": 0.5}, "data.alone"),
        ({"data.context-epochs": 2}, "data.context-epochs"),
        ({"adapter.rank": 4, "backbone.layers": "0"}, "backbone.layers"),
    ],
)
def test_settings_that_could_do_nothing_are_refused(values: dict[str, Any], where: str) -> None:
    with pytest.raises(RecipeError) as caught:
        Recipe().with_values(values, where="test")
    assert caught.value.where == where
