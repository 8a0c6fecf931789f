"""The examples of the README and of the pages beside it run, and their commands are commands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import adapted
import foreign_models
import posner.spacy_component  # noqa: F401 - an installed package is found by its entry point
import tiny
from posner.cli import COMMANDS, command_parser
from posner.model.saved import save_network

_ROOT = Path(__file__).parents[1]
PAGES = [_ROOT / "README.md", *sorted((_ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_BLOCKS = [block for page in PAGES for block in _BLOCK.findall(page.read_text(encoding="utf-8"))]
PYTHON = [code for language, code in _BLOCKS if language == "python"]
_LINES = [
    line.removeprefix("$ ")
    for language, code in _BLOCKS
    if language in ("", "sh")
    for line in code.replace("\\\n", " ").splitlines()
]
SHELL = [
    shlex.split(re.split(r"[|>]", line)[0], comments=True)
    for line in _LINES
    if line.startswith("posner ") and "..." not in line
]


@pytest.fixture(scope="module")
def place(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the examples name."""
    folder = tmp_path_factory.mktemp("readme")
    own = tiny.untrained(tiny.recipe(bert))
    save_network(folder / "runs" / "mine", own.network, own.manifest, own.tokenizer)
    for name in ("people", "places"):
        adapted.saved(adapted.adapted(bert), folder / "runs" / name)
    foreign_models.save_classifier(folder / "models" / "bert-ner")
    (folder / "texts.txt").write_text("Ada lived in Oslo.\nBen did not.\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("code", PYTHON, ids=range(len(PYTHON)))
def test_python_runs(code: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    exec(
        compile(code if "import posner" in code else f"import posner\n{code}", "README.md", "exec"),
        {},
    )


@pytest.mark.parametrize("words", SHELL, ids=" ".join)
def test_commands_are_understood(words: list[str]) -> None:
    assert words[1] in COMMANDS
    command_parser(words[1]).parse_intermixed_args(words[2:])


def test_there_are_examples() -> None:
    assert len(PYTHON) >= 4
    assert len(SHELL) >= 8
