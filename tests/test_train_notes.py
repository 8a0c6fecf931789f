"""What `posner train` and `split` say beside their figures: doubts, and what to type next."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

import tiny
from posner.cli import main

Capture = pytest.CaptureFixture[str]
QUICK = ("--system", "crf", "--crf.iterations", "5")


def next_calls(out: str) -> list[list[str]]:
    """The calls behind `next:`, to the end of what was printed."""
    lines = out[out.index("next: ") :].removeprefix("next: ").splitlines()
    return [shlex.split(line, comments=True) for line in lines]


def train(folder: Path, *flags: str) -> int:
    train = tiny.save_corpus(folder / "train.conll", 8)
    return main(["train", str(train), "--out", str(folder / "run"), *QUICK, *flags])


def test_a_small_dev_set_is_told_with_its_interval(tmp_path: Path, capsys: Capture) -> None:
    dev = tiny.save_corpus(tmp_path / "dev.conll", 3, first=8)
    folder = tmp_path / "a [red] folder"
    folder.mkdir()
    assert train(folder, "--dev", str(dev)) == 0
    out = capsys.readouterr().out
    (warning,) = (line for line in out.splitlines() if line.startswith("warning: "))
    assert "entities to judge by: F1 is uncertain, by a 95 % interval of " in warning
    run = str(folder / "run")
    calls = next_calls(out)
    assert [call[:3] for call in calls] == [
        ["posner", "evaluate", run],
        ["posner", "predict", run],
    ]
    for call in calls:
        assert main(call[1:]) == 0
    assert str(dev) in calls[0]


def test_a_model_that_finds_nothing_says_so(tmp_path: Path, capsys: Capture) -> None:
    data = tiny.save_corpus(tmp_path / "train.conll", 2)
    flags = ["--system", "bilstm", "--learning.epochs", "1", "--learning.learning-rate", "1e-9"]
    out = ["--dev", str(data), "--out", str(tmp_path / "run")]
    assert main(["train", str(data), *flags, *out]) == 0
    (warning,) = (x for x in capsys.readouterr().out.splitlines() if x.startswith("warning: "))
    assert warning == "warning: no entity of dev was found: learn for longer, or from more"


def test_a_large_dev_set_is_trusted(tmp_path: Path, capsys: Capture) -> None:
    dev = tiny.save_corpus(tmp_path / "dev.conll", 60, first=8)
    assert train(tmp_path, "--dev", str(dev)) == 0
    out = capsys.readouterr().out
    assert "warning" not in out
    assert len(next_calls(out)) == 2


def test_the_flags_that_name_the_data_go_on(tmp_path: Path, capsys: Capture) -> None:
    dev = tiny.save_corpus(tmp_path / "dev.conll", 3, first=8)
    flags = ["--format", "conll", "--scheme", "IOB2", "--repair"]
    assert train(tmp_path, "--dev", str(dev), *flags) == 0
    (call, _) = next_calls(capsys.readouterr().out)
    assert call[3:] == [str(dev), *flags, "--errors", "5"]


def test_the_network_too_and_without_a_dev_set_other_data_are_asked_for(
    tmp_path: Path, bert: Path, capsys: Capture
) -> None:
    data, run = tiny.save_corpus(tmp_path / "train.conll", 8), tmp_path / "run"
    recipe = tmp_path / "mine.toml"
    recipe.write_text(tiny.recipe(bert, {"training.epochs": 1}).to_toml(), encoding="utf-8")
    assert main(["train", str(data), "--recipe", str(recipe), "--out", str(run)]) == 0
    out = capsys.readouterr().out
    assert "to judge by: F1 is uncertain" in out
    evaluate, predict = next_calls(out)
    assert evaluate == ["posner", "evaluate", str(run), "DATA"]
    assert main(predict[1:]) == 0


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (["LCO"], "this label may be a slip: LCO (1, such as 'Lima'): LOC?"),
        (["LCO", "LOCC"], "LCO (1, such as 'Lima'): LOC?, LOCC (1, such as 'Lima'): LOC?"),
    ],
)
def test_labels_that_may_be_slips_are_told_first(
    tmp_path: Path, capsys: Capture, labels: list[str], told: str
) -> None:
    rows = ["Oslo B-LOC\nis O\nfar O\n"] * 60
    rows += [f"Lima B-{label}\nis O\nnear O\n" for label in labels]
    data = tmp_path / "train.conll"
    data.write_text("\n".join(rows), encoding="utf-8")
    for more in ((), ("--folds", "2")):
        run = tmp_path / f"run{len(more)}"
        assert main(["train", str(data), "--out", str(run), *QUICK, *more]) == 0
        notes = [line for line in capsys.readouterr().err.splitlines() if "slip" in line]
        assert len(notes) == 1
        assert notes[0].startswith(f"posner: {data}: ")
        assert told in notes[0]


def test_no_label_is_doubted_without_reason(tmp_path: Path, capsys: Capture) -> None:
    assert train(tmp_path) == 0
    assert "slip" not in capsys.readouterr().err


def test_split_ends_with_the_call_that_trains(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny.save_corpus(tmp_path / "all.conll", 12)
    assert main(["split", "all.conll", "--out", "my data", "--every", "4"]) == 0
    (call,) = next_calls(capsys.readouterr().out)
    assert call == [
        *("posner", "train", "my data/train.conll", "--dev", "my data/dev.conll"),
        *("--out", "runs/my data"),
    ]
    assert main([*call[1:], *QUICK]) == 0
