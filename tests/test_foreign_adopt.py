"""Foreign token classifiers made models of Posner's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import foreign_models
import tiny
from posner.bench.variants import variants
from posner.cli import main
from posner.errors import ModelError
from posner.foreign.adopt import adopt_model
from posner.loading import load

PLAIN = [kind for kind in foreign_models.KINDS if kind != "modernbert"]


@pytest.mark.parametrize("kind", PLAIN)
def test_an_adopted_model_answers_as_before(tmp_path: Path, kind: str) -> None:
    folder = foreign_models.save_classifier(tmp_path / "hf", kind)
    adopt_model(folder, tmp_path / "own")
    foreign, own = (load(p, device="cpu") for p in (folder, tmp_path / "own"))
    assert own.manifest.labels == foreign.manifest.labels
    documents = tiny.documents(2)
    for left, right in zip(own.votes(documents), foreign.votes(documents), strict=True):
        np.testing.assert_allclose(left.entity, right.entity, atol=1e-5)


def test_tags_that_are_missing_stay_missing(tmp_path: Path) -> None:
    names = ["PER", "O", "LOC"]
    folder = foreign_models.save_classifier(tmp_path / "hf", names=names)
    manifest = adopt_model(folder, tmp_path / "own")
    assert manifest.recipe.data.scheme == "IOB1"
    (vote, *_) = load(tmp_path / "own", device="cpu").votes(tiny.documents(1))
    assert (vote.entity[:, manifest.tags.index("B-PER")] < -1e8).all()


def test_more_than_a_linear_layer_is_refused(tmp_path: Path) -> None:
    folder = foreign_models.save_classifier(tmp_path / "hf", "modernbert")
    with pytest.raises(ModelError, match="more than an encoder with a linear layer"):
        adopt_model(folder, tmp_path / "own")
    assert not (tmp_path / "own").exists()


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = foreign_models.save_classifier(tmp_path / "hf")
    call = ["adopt", str(folder), "--out", str(tmp_path / "own")]
    assert main(call) == 0
    assert "a Posner model of MISC, PER, ORG, LOC, tagged as IOB2" in capsys.readouterr().out
    assert main(call) == 1
    assert "not empty" in capsys.readouterr().err
    assert main([*call, "--force"]) == 0
    assert main(["adopt", str(tmp_path / "own"), "--out", str(tmp_path / "new")]) == 1
    assert "not a model that transformers saved" in capsys.readouterr().err
    assert main(["info", str(tmp_path / "own")]) == 0


def test_a_foreign_model_is_exported_where_it_stands(tmp_path: Path) -> None:
    folder = foreign_models.save_classifier(tmp_path / "hf")
    assert main(["export", str(folder), "--out", str(tmp_path / "light")]) == 0
    texts = ["Ada Marsh lives in Oslo.", "Ben works for Acme"]
    found = [
        [(e.start, e.end, e.label) for d in load(path)(texts) for e in d.entities]
        for path in (folder, tmp_path / "light")
    ]
    assert found[0]
    assert found[0] == found[1]


def test_a_foreign_model_is_measured_in_all_its_forms(tmp_path: Path) -> None:
    folder = foreign_models.save_classifier(tmp_path / "hf")
    with variants(folder) as found:
        assert [v.name for v in found] == ["torch fp32", "torch bf16", "ONNX fp32", "ONNX int8"]
        assert [v.folder for v in found[:2]] == [folder, folder]
        assert all((Path(v.folder) / "model.onnx").is_file() for v in found[2:])


def test_what_cannot_be_adopted_cannot_be_exported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = foreign_models.save_classifier(tmp_path / "hf", "modernbert")
    assert main(["export", str(folder), "--out", str(tmp_path / "light")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{folder}: more than an encoder with a linear layer" in line
    assert not (tmp_path / "light").exists()
