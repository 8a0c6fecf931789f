"""`posner score`, as a shell sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from posner.cli import main

# By hand, default policy: gold are PER(0-2), LOC(3-4) | ORG(0-1), ORG(1-2); predicted are PER(0-2)
# (repaired from I I), LOC(3-4) | ORG(0-2). Correct: PER and LOC. Strict discards PER (no B).
HANDMADE = """\
-DOCSTART- -X- O O

Ada NNP B-PER I-PER
Lovelace NNP I-PER I-PER
saw VBD O O
Oslo NNP B-LOC B-LOC

Reuters NNP B-ORG B-ORG
AP NNP B-ORG I-ORG
. . O O
"""


@pytest.fixture
def handmade(tmp_path: Path) -> Path:
    path = tmp_path / "handmade.txt"
    path.write_text(HANDMADE, encoding="utf-8")
    return path


def test_the_figures_are_those_counted_by_hand(handmade: Path, tmp_path: Path) -> None:
    target = tmp_path / "figures.json"
    assert main(["score", str(handmade), "--json", str(target)]) == 0
    figures = json.loads(target.read_text(encoding="utf-8"))
    assert figures.pop("modes")["exact"]["missed"] == 1
    assert figures == {
        "default": {
            "micro": {"precision": 2 / 3, "recall": 0.5, "f1": pytest.approx(4 / 7)},
        },
        "strict": {
            "micro": {"precision": 0.5, "recall": 0.25, "f1": pytest.approx(1 / 3)},
        },
        "accuracy": pytest.approx(5 / 7),
        "counts": {"gold": 4, "predicted": 3, "correct": 2},
    }


def test_both_policies_are_shown_by_label(
    handmade: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert main(["score", str(handmade)]) == 0
    out = capsys.readouterr().out
    default, strict = out.split("strict:")
    rows = [line.split() for line in default.splitlines()]
    assert ["PER", "1", "1", "1", "100.00", "100.00", "100.00"] in rows
    assert ["ORG", "2", "1", "0", "0.00", "0.00", "0.00"] in rows
    assert ["micro", "4", "3", "2", "66.67", "50.00", "57.14"] in rows
    rows = [line.split() for line in strict.splitlines()]
    assert ["PER", "1", "0", "0", "0.00", "0.00", "0.00"] in rows
    assert ["micro", "4", "2", "1", "50.00", "25.00", "33.33"] in rows
    assert "accuracy 71.43 of 7 words" in out
    assert "scheme: IOB2 (detected from the gold column)" in out


def test_the_parts_of_columns_by_their_comments(tmp_path: Path) -> None:
    path, target = tmp_path / "tags.txt", tmp_path / "f.json"
    path.write_text(
        "# domain = news\nOslo B-LOC B-LOC\n\n# domain = mail\nAda B-PER O\n\nLima B-LOC O\n",
        encoding="utf-8",
    )
    assert main(["score", str(path), "--by", "domain", "--json", str(target)]) == 0
    parts = json.loads(target.read_text(encoding="utf-8"))["splits"]["field.domain"]
    assert {name: part["gold"] for name, part in parts.items()} == {
        "news": 1,
        "mail": 1,
        "(none)": 1,
    }


def test_conllevals_layout(handmade: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(handmade), "--gold", "3", "--predicted", "4", "--conlleval"]) == 0
    assert capsys.readouterr().out == (
        "processed 8 tokens with 4 phrases; found: 3 phrases; correct: 2.\n"
        "accuracy:  75.00%; precision:  66.67%; recall:  50.00%; FB1:  57.14\n"
        "              LOC: precision: 100.00%; recall: 100.00%; FB1: 100.00  1\n"
        "              ORG: precision:   0.00%; recall:   0.00%; FB1:   0.00  1\n"
        "              PER: precision: 100.00%; recall: 100.00%; FB1: 100.00  1\n"
    )


def test_the_scheme_may_be_named(handmade: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(handmade), "--scheme", "iob1"]) == 0
    assert "scheme: IOB1 (named)" in capsys.readouterr().out


def test_gold_tags_that_fit_no_scheme_are_pointed_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tags.txt"
    path.write_text("a B-X B-X\nb I-X I-X\nc B-X B-X\n\nd I-X I-X\n", encoding="utf-8")
    assert main(["score", str(path)]) == 0
    out = capsys.readouterr().out
    assert "IOB2 (detected from the gold column, with 1 illegal transition)" in out


@pytest.mark.parametrize(
    ("content", "flags", "status", "message"),
    [
        ("a O O\n", ["--gold", "0"], 2, "--gold: not such a number"),
        ("a O O\n", ["--gold", "x"], 2, "--gold: not such a number"),
        ("a O O\n", ["--predicted", "-3"], 2, "--predicted: not such a number"),
        ("a O O\n", ["--scheme", "BMEWO"], 2, "--scheme: unknown scheme"),
        ("a O O\n", ["--gold", "4"], 1, "tags.txt:1: too few columns"),
        ("a O O\nb O\n", [], 1, "tags.txt:2: too few columns"),
        ("a O O\nb O PER\n", [], 1, "tags.txt:2: unknown tag"),
        ("a O O\n", ["--gold", "1"], 1, "tags.txt:1: unknown tag"),
        ("a B-X S-X\n", [], 1, "tags.txt:1: not a tag of IOB2"),
        ("", [], 1, "tags.txt: the file holds no tagged words"),
        ("a O \udcff\n", [], 1, "tags.txt:1: not UTF-8"),
        ("a O O\n", ["--json", "/dev/null/f.json"], 1, "cannot be written"),
    ],
)
def test_a_mistake_is_one_line_and_an_exit_status(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str,
    flags: list[str],
    status: int,
    message: str,
) -> None:
    path = tmp_path / "tags.txt"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert main(["score", str(path), *flags]) == status
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("posner: ")
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "nope"
    assert main(["score", str(path)]) == 1
    assert capsys.readouterr().err == f"posner: {path}: no such file or folder; check the path\n"


@pytest.mark.parametrize("flags", [[], ["tags.txt", "--nonsense"]])
def test_a_wrong_call_exits_with_2(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["score", *flags])
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("posner score: ")
