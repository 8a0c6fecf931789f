"""A missing package is named with the extra that brings it; what is broken is told as it is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import tiny
from posner.errors import MissingExtraError
from posner.extras import needs_extra
from posner.loading import load
from posner.model.saved import save_network


def test_a_missing_module_is_named() -> None:
    told = r"^reading it needs .*: no module named no_such\.part; .*'posner\[hub\]'$"
    with pytest.raises(MissingExtraError, match=told), needs_extra("reading it", "hub"):
        raise ModuleNotFoundError("not there", name="no_such.part")


@pytest.mark.parametrize(
    "error",
    [
        ImportError("libgomp.so.1: cannot open shared object file", name="sklearn"),
        ModuleNotFoundError("no module of its own", name="posner.backends.torch"),
        ModuleNotFoundError("no module of its own", name="posner"),
        ModuleNotFoundError("nobody knows which"),
    ],
)
def test_any_other_error_stays_what_it_is(error: ImportError) -> None:
    with pytest.raises(ImportError) as caught, needs_extra("reading it", "hub"):
        raise error
    assert caught.value is error


def test_a_model_that_cannot_be_run_says_why(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny.untrained(tiny.recipe(bert))
    save_network(tmp_path, model.network, model.manifest, model.tokenizer)
    monkeypatch.setitem(sys.modules, "posner.backends.torch", None)
    with pytest.raises(ModuleNotFoundError, match=r"posner\.backends\.torch"):
        load(tmp_path)
    monkeypatch.delitem(sys.modules, "posner.backends.torch")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match="no module named torch; "):
        load(tmp_path)
