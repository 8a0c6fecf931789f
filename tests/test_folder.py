"""What a model folder says of itself: sealed, read back, refused by name, replaced whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from posner.cli import main
from posner.errors import DataError, ModelError, PosnerError, RecipeError
from posner.files import folder_beside, refuse_filled
from posner.folder import (
    FORMAT_VERSION,
    MANIFEST,
    Manifest,
    find_model,
    read_manifest,
    sha256,
)
from posner.recipe import Recipe
from posner.seal import seal

MADE = Manifest(
    recipe=Recipe().with_values({"data.scheme": "BIOES", "training.epochs": 2}, where="test"),
    labels=("LOC", "PER"),
    window=128,
    pos_tags=("NN", "``"),
    chunk_tags=("B-NP", "O"),
    characters="abcé語",
    figures={
        "dev": {"epoch": 2, "strict": {"micro": {"precision": 1, "recall": 0.5, "f1": 2 / 3}}}
    },
    version="0.1.0",
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights").write_bytes(bytes(range(256)))
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    seal(folder, MADE)
    return folder


def rewritten(model: Path, **changes: Any) -> Path:
    """The model with other values in `posner.json`."""
    path = model / MANIFEST
    data = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(data | changes), encoding="utf-8")
    return model


def test_a_sealed_folder_reads_back(model: Path) -> None:
    manifest = read_manifest(model)
    files = {name: sha256(model / name) for name in ("tokenizer.json", "weights")}
    assert manifest.files == files
    assert manifest.to_dict() == MADE.to_dict() | {"files": files}
    assert manifest.recipe == MADE.recipe
    assert manifest.tags == MADE.tags
    assert manifest.tags[:5] == ("O", "B-LOC", "I-LOC", "E-LOC", "S-LOC")


def test_sealing_twice_says_the_same(model: Path) -> None:
    before = (model / MANIFEST).read_bytes()
    seal(model, MADE)
    assert (model / MANIFEST).read_bytes() == before


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def test_a_flipped_bit_is_found(model: Path) -> None:
    flip_a_bit(model / "weights")
    with pytest.raises(ModelError, match="is damaged") as caught:
        read_manifest(model)
    assert caught.value.where == str(model / "weights")


def test_a_missing_file_is_named(model: Path) -> None:
    (model / "weights").unlink()
    with pytest.raises(ModelError, match="missing") as caught:
        read_manifest(model)
    assert caught.value.where == str(model / "weights")


def test_a_truncated_manifest_is_damaged_at_every_length(model: Path) -> None:
    path = model / MANIFEST
    whole = path.read_bytes()
    for length in range(0, len(whole) - 2, 7):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match="damaged") as caught:
            read_manifest(model)
        assert caught.value.where == str(path)


@pytest.mark.parametrize("text", ["{}", "[]", "null", '"posner-model"', '{"format": "other"}'])
def test_foreign_json_is_no_model(text: str, model: Path) -> None:
    (model / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match="not a Posner model"):
        read_manifest(model)


@pytest.mark.parametrize("content", [b"\xff\xfe{", b"[" * 100_000])
def test_what_is_not_json_is_damaged(content: bytes, model: Path) -> None:
    (model / MANIFEST).write_bytes(content)
    with pytest.raises(ModelError, match="damaged"):
        read_manifest(model)


def test_an_older_format_is_refused_only_where_it_was_built_otherwise(model: Path) -> None:
    rewritten(model, format_version=1)
    recipe = read_manifest(model).recipe
    frozen = recipe.with_values({"backbone.freeze-encoder": True}, where="test")
    rewritten(model, recipe=frozen.to_dict())
    with pytest.raises(ModelError, match="stands below a frozen encoder"):
        read_manifest(model)


def test_a_newer_format_is_refused_by_number(model: Path) -> None:
    rewritten(model, format_version=FORMAT_VERSION + 1)
    with pytest.raises(ModelError, match="written by a newer Posner") as caught:
        read_manifest(model)
    assert caught.value.got == str(FORMAT_VERSION + 1)
    assert "pip install --upgrade posner" in caught.value.line()


@pytest.mark.parametrize(
    "changes",
    [
        {"format_version": None},
        {"format_version": True},
        {"format_version": 0},
        {"format_version": "1"},
        {"labels": "PER"},
        {"labels": [1]},
        {"labels": None},
        {"pos_tags": {}},
        {"window": "128"},
        {"window": True},
        {"window": None},
        {"characters": 5},
        {"figures": []},
        {"files": []},
        {"files": {"weights": 5}},
        {"recipe": []},
        {"version": 1},
    ],
    ids=str,
)
def test_a_value_of_the_wrong_kind_is_damage(changes: dict[str, Any], model: Path) -> None:
    with pytest.raises(ModelError, match="damaged") as caught:
        read_manifest(rewritten(model, **changes))
    assert caught.value.where == str(model / MANIFEST)
    assert next(iter(changes)) in caught.value.line()


@pytest.mark.parametrize("key", ["labels", "window", "recipe", "files", "figures", "version"])
def test_a_missing_key_is_damage(key: str, model: Path) -> None:
    path = model / MANIFEST
    data = json.loads(path.read_text(encoding="utf-8"))
    del data[key]
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(ModelError, match=f"damaged.*{key}"):
        read_manifest(model)


def test_a_recipe_that_no_program_wrote_is_refused(model: Path) -> None:
    with pytest.raises(RecipeError, match=r"posner\.json: training\.epoch"):
        read_manifest(rewritten(model, recipe={"training": {"epoch": 1}}))


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/b", "..", ".", "", "x" * 300])
def test_no_file_outside_the_folder_is_read(name: str, model: Path) -> None:
    secret = model.parent / "secret"
    secret.write_text("secret", encoding="utf-8")
    with pytest.raises(ModelError):
        read_manifest(rewritten(model, files={name: sha256(secret)}))


def test_models_are_found(model: Path, tmp_path: Path) -> None:
    assert find_model(model) == model
    assert find_model(str(tmp_path)) == model


def make_empty(path: Path) -> None:
    path.mkdir()


def make_file(path: Path) -> None:
    path.write_text("text", encoding="utf-8")


def make_other(path: Path) -> None:
    path.mkdir()
    (path / "config.json").write_text("{}", encoding="utf-8")


def make_unfinished(path: Path) -> None:
    (path / "checkpoints").mkdir(parents=True)


def make_nothing(path: Path) -> None:
    del path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (make_empty, "not a Posner model.*got an empty folder"),
        (make_file, "not a Posner model.*got a file"),
        (make_other, r"not a Posner model.*got config\.json"),
        (make_unfinished, "--resume"),
        (make_nothing, "no such folder"),
    ],
)
def test_what_is_no_model_is_told(
    make: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "place"
    make(path)
    with pytest.raises(ModelError, match=message) as caught:
        find_model(path)
    assert caught.value.where == str(path)


def test_a_name_too_long_for_the_disk_is_told() -> None:
    with pytest.raises(ModelError):
        find_model("x" * 5000)


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "run"
    for content in ("first", "second"):
        with folder_beside(target) as beside:
            (beside / content).write_text(content, encoding="utf-8")
            assert names(beside) == [content]
        assert names(target) == [content]
        assert names(target.parent) == ["run"]


def test_a_failure_leaves_no_folder_that_was_not_there(tmp_path: Path) -> None:
    def fail() -> None:
        with folder_beside(tmp_path / "a" / "b" / "run") as beside:
            (beside / "half").write_text("half", encoding="utf-8")
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        fail()
    assert names(tmp_path) == []


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failure_leaves_the_old_folder(error: type[BaseException], tmp_path: Path) -> None:
    target = tmp_path / "run"

    def fail() -> None:
        with folder_beside(target) as beside:
            (beside / "half").write_text("half", encoding="utf-8")
            raise error

    with pytest.raises(error):
        fail()
    assert names(tmp_path) == []
    make_other(target)
    with pytest.raises(error):
        fail()
    assert names(tmp_path) == ["run"]
    assert names(target) == ["config.json"]


def test_an_exchange_that_fails_puts_the_old_folder_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "run"
    make_other(target)
    rename = Path.rename

    def refuse_new(self: Path, to: Path) -> Path:
        if self.suffix == ".new":
            raise PermissionError("held by another program")
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", refuse_new)
    with pytest.raises(DataError), folder_beside(target) as beside:
        make_file(beside / "new")
    assert names(tmp_path) == ["run"]
    assert names(target) == ["config.json"]


def test_a_link_stays_and_its_folder_is_replaced(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    make_other(real)
    link.symlink_to(real)
    with folder_beside(link) as beside:
        make_file(beside / "new")
    assert link.is_symlink()
    assert names(real) == ["new"]
    assert names(tmp_path) == ["link", "real"]


def test_a_target_must_be_empty_unless_forced(tmp_path: Path) -> None:
    target = tmp_path / "run"
    refuse_filled(target, force=False)
    make_empty(target)
    refuse_filled(target, force=False)
    make_file(target / "something")
    refuse_filled(target, force=True)
    with pytest.raises(PosnerError, match="--force"):
        refuse_filled(target, force=False)


def test_info_says_what_a_model_is(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = model.parent / "info.json"
    assert main(["info", str(model.parent), "--json", str(target)]) == 0
    out = capsys.readouterr().out
    for part in (
        f"format {FORMAT_VERSION}",
        "scheme BIOES",
        "PER",
        "F1 66.67",
        sha256(model / "weights"),
    ):
        assert part in out
    assert out.endswith(changes := MADE.recipe.to_toml(since=Recipe()))
    assert changes.count("\n") == 6  # two sections, three settings: epochs take min-steps with them
    assert main(["info", str(model), "--recipe"]) == 0
    assert capsys.readouterr().out.endswith(f"\nrecipe\n\n{MADE.recipe.to_toml()}")
    data = json.loads(target.read_text(encoding="utf-8"))
    assert data["labels"] == ["LOC", "PER"]
    assert data["files"]["weights"] == sha256(model / "weights")
    assert data["recipe"] == MADE.recipe.to_dict()
    flip_a_bit(model / "weights")
    assert main(["info", str(model)]) == 1
    assert capsys.readouterr().err.startswith(f"posner: {model / 'weights'}: a file of the model")


def test_a_model_of_an_unfinished_run_is_told_of(
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = tmp_path / "run"
    shutil.copytree(model, run / "model")
    monkeypatch.chdir(run / "model")
    for state, told in (("started", True), ("finished", False)):
        (run / "run.json").write_text(json.dumps({"state": state}))
        for path in (run, run / "model", "."):
            assert main(["info", str(path)]) == 0
            said = capsys.readouterr().err
            assert (f"{run}: this run is not finished" in said) == told


def test_a_study_names_its_best_trial(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trials = tmp_path / "study" / "trials"
    shutil.copytree(model, trials / "0007" / "model")
    (trials / "0007" / "run.json").write_text('{"state": "started"}')
    assert main(["info", str(tmp_path / "study")]) == 1
    assert "none has come to its end so far" in capsys.readouterr().err
    shutil.copytree(model, trials / "0002" / "model")
    assert main(["info", str(tmp_path / "study")]) == 1
    assert f"the best one so far is {trials / '0002'}" in capsys.readouterr().err


def test_info_says_in_one_line_that_a_recipe_changes_nothing(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seal(model, replace(MADE, recipe=Recipe()))
    assert main(["info", str(model)]) == 0
    assert capsys.readouterr().out.endswith("\nrecipe: as `posner recipes default` prints it\n")


def test_settings_that_came_later_are_off_in_models_made_before(model: Path) -> None:
    recipe = MADE.recipe.to_dict()
    for key in ("repeats", "long-window"):
        del recipe["data"][key]
    data = read_manifest(rewritten(model, recipe=recipe)).recipe.data
    assert (data.repeats, data.long_window) == (0.0, 0)
    assert Recipe().data.repeats > 0
