"""The winner as a recipe file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from posner.files import write_text
from posner.recipe import Recipe


def write_winner(path: Path, recipe: Recipe, title: str) -> None:
    """Write what a recipe changes in the defaults, each value with its meaning.

    Raises:
        DataError: the file cannot be written.
    """
    lines = [f"# {title}", "# Only what differs from the defaults (`posner recipes default`)."]
    text = "\n".join([*lines, *_changed_lines(recipe)]) + "\n"
    if not path.is_file() or path.read_bytes() != text.encode():
        write_text(path, text)


def _changed_lines(recipe: Recipe) -> Iterator[str]:
    section = ""
    texts = (recipe.to_toml().splitlines(), Recipe().to_toml().splitlines())
    for line, default in zip(*texts, strict=True):
        if line.startswith("["):
            section = line
        elif line != default:
            if section:
                yield from ("", section)
                section = ""
            yield line
