"""Flags that take numbers refuse what is none before anything else is done."""

from __future__ import annotations

import pytest

import posner
from posner.cli import main
from posner.cli.numbers import number, whole
from posner.errors import UsageError

NUMBERS = [
    ["calibrate", "m", "d", "--precision"],
    ["export", "m", "--out", "o", "--int8", "--dev", "d", "--max-loss"],
    ["bench", "m", "--seconds"],
    ["cache", "--clear", "--older-than"],
    ["search", "t", "--dev", "d", "--space", "default", "--out", "o", "--minutes"],
    ["lexicon", "build", "d", "-o", "n.jsonl", "--min-score"],
    ["predict", "m", "--lexicon", "n.jsonl", "--lexicon-least"],
    ["predict", "m", "--threshold"],
    ["evaluate", "m", "d", "--threshold"],
    ["predict", "m", "--repeats"],
    ["evaluate", "m", "d", "--repeats"],
    ["split", "d", "--out", "o", "--fraction"],
]


WHOLE_NUMBERS = [
    ["predict", "m", "--threads"],
    ["bench", "m", "--threads"],
    ["predict", "m", "--max-chars"],
    ["check", "d", "--window"],
    ["check", "d", "--suspects", "m", "--limit"],
    ["score", "f", "--gold"],
    ["evaluate", "m", "d", "--errors"],
    ["search", "t", "--dev", "d", "--space", "default", "--out", "o", "--trials"],
    ["split", "d", "--out", "o", "--every"],
    ["lexicon", "build", "d", "-o", "n.jsonl", "--min-count"],
    ["train", "t", "--out", "o", "--folds"],
    ["compare", "t", "d", "--out", "o", "--seeds"],
]


def refused(call: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The last flag of the call does not take the text, and one line says so."""
    assert main([*call[:-1], f"{call[-1]}={text}"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert call[-1] in line
    assert text in line


@pytest.mark.parametrize("call", WHOLE_NUMBERS, ids=lambda call: " ".join((call[0], call[-1])))
@pytest.mark.parametrize("text", ["-1", "1.5", "inf", "many"])
def test_a_flag_takes_whole_numbers_of_its_range(
    call: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(call, text, capsys)


@pytest.mark.parametrize("command", ["predict", "bench", "calibrate", "evaluate"])
def test_no_thread_is_a_wrong_call(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["d"] if command in ("calibrate", "evaluate") else []
    assert main([command, "m", *data, "--threads", "0"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--threads: " in line
    assert "at least 1, got 0" in line


@pytest.mark.parametrize("call", NUMBERS, ids=lambda call: " ".join((call[0], call[-1])))
@pytest.mark.parametrize("text", ["nan", "inf", "-1", "many"])
def test_a_flag_takes_finite_numbers_of_its_range(
    call: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(call, text, capsys)


def test_the_ends_of_a_range() -> None:
    assert number("--x", high=1)("0") == 0
    assert number("--x", high=1)("1") == 1
    with pytest.raises(UsageError, match=r"--x: .*expected above 0, at most 1, got 0"):
        number("--x", high=1, above=True)("0")


def test_the_least_whole_number() -> None:
    assert whole("--x", low=2)("2") == 2
    with pytest.raises(UsageError, match=r"--x: .*expected a whole one, at least 2, got 1"):
        whole("--x", low=2)("1")


def test_completion_offers_what_the_package_offers() -> None:
    assert {"load", "read", "write", "__version__"} <= set(dir(posner))
    assert "importlib" not in dir(posner)


def test_predict_asks_for_a_model_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["predict"])
    assert ended.value.code == 2
    assert "required: MODEL (see" in capsys.readouterr().err
