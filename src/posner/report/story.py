"""What a run's folder tells: its record, curves, recipe, and the figures its model carries."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from posner.card.scores import measured_otherwise
from posner.errors import ModelError, PosnerError, UsageError
from posner.folder import MANIFEST
from posner.foreign.folder import is_foreign
from posner.recipe.sectioned import toml_of
from posner.report.curves import Course
from posner.systems.opponents import names_opponent, place_of
from posner.training.run import RunFolder

PLAIN_NAMES = ("run", "model")
"""What `posner compare` and `posner train` call folders within their own: no name among others."""


@dataclass(frozen=True)
class Story:
    """A run as its folder tells it; what is missing there is empty here.

    Attributes:
        path: the run's folder, or a model's alone.
        name: what it is called beside the others.
        course: its losses, rates and dev scores.
        recipe: every setting, by section and name.
        recipe_text: the same as TOML.
        data: names, counts and labels of what it learned from and was judged by.
        dev: the kept model's dev figures, as `posner evaluate --json` writes them.
        otherwise: in what these were measured otherwise than the model is; empty where in nothing.
        weights: how many there are, and how many of them were trained.
        environment: machine and versions.
        seconds: wall time of the training.
        memory: peak of the training, in GB.
        labels: the entity labels of the model.
        system: which of the other systems it is; empty for Posner's own.
        has_surface: whether surface features stand beside the network.
    """

    path: Path
    name: str
    course: Course
    recipe: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    recipe_text: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    dev: Mapping[str, Any] = field(default_factory=dict)
    otherwise: str = ""
    weights: Mapping[str, int] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    memory: float | None = None
    labels: Sequence[str] = ()
    system: str = ""
    has_surface: bool = False


def is_run(path: Path) -> bool:
    """Whether there is a run or a model at `path`."""
    return (path / MANIFEST).is_file() or RunFolder(path).record.is_file()


def is_elsewhere(path: Path) -> bool:
    """Whether it is a model that was trained elsewhere: an opponent's name, or transformers'."""
    return names_opponent(path) or is_foreign(path)


def no_run(path: Path, kind: type[PosnerError] = UsageError) -> PosnerError:
    """What to say of a path that is neither: of a cross-validation's folder, where its runs are."""
    folds = [run for run in path.glob("fold-*") if is_run(run)] if path.is_dir() else []
    folds.sort(key=lambda run: (len(run.name), run.name))
    return kind(
        "no run",
        where=path,
        expected="a folder that `posner train` made or another model, before any data",
        remedy=f"name its folds: {' '.join(map(str, folds))}" if folds else None,
    )


def read_stories(paths: Sequence[Path]) -> list[Story]:
    """Read runs, and give each the shortest name that tells it from the others.

    Raises:
        PosnerError: no run, or a damaged one.
    """
    names = short_names(paths)
    return [read_story(path, name) for path, name in zip(paths, names, strict=True)]


def short_names(paths: Sequence[Path]) -> list[str]:
    """The shortest ends of paths that tell them apart, and a number behind those that are equal.

    A folder whose name says nothing, as `run` in a comparison, has its parent's before it.
    """
    parts = [_parts(path) for path in paths]
    lengths = [2 if p[-1] in PLAIN_NAMES else 1 for p in parts]
    while True:
        ends = [_end(p, length) for p, length in zip(parts, lengths, strict=True)]
        of_end = {end: {p for p, e in zip(parts, ends, strict=True) if e == end} for end in ends}
        if all(len(found) == 1 for found in of_end.values()):
            break
        lengths = [n + (len(of_end[end]) > 1) for n, end in zip(lengths, ends, strict=True)]
    return [
        end if ends.count(end) == 1 else f"{end} ({ends[: place + 1].count(end)})"
        for place, end in enumerate(ends)
    ]


def _parts(path: Path) -> Sequence[str]:
    """What a name is taken from: the absolute path, or one of spaCy's names."""
    place = place_of(path)
    return (str(path),) if place is None else place.resolve().parts


def _end(parts: Sequence[str], length: int) -> str:
    """The last parts of an absolute path; all of it where it has no more."""
    return "/".join(parts[-length:]) if length < len(parts) else str(Path(*parts))


def read_story(path: Path, name: str) -> Story:
    """Read one run.

    Raises:
        PosnerError: no run, or a damaged one.
    """
    run = RunFolder(path)
    if not is_run(path):
        if is_elsewhere(path):
            return Story(path, name, Course((), ()))
        raise no_run(path, ModelError)
    record = run.read_record() if run.record.is_file() else {}
    model = _manifest(next((f for f in (path, run.model) if (f / MANIFEST).is_file()), None))
    figures = _mapping(model, "figures")
    recipe_file = path / "recipe.toml"
    recipe = _mapping(record, "recipe") or _mapping(model, "recipe")
    course = Course(run.read_steps(), run.read_metrics())
    return Story(
        path=path,
        name=name,
        course=course,
        recipe=recipe,
        recipe_text=recipe_file.read_text("utf-8") if recipe_file.is_file() else toml_of(recipe),
        data=_mapping(record, "data") or _mapping(figures, "data"),
        dev=_mapping(figures, "dev"),
        otherwise=measured_otherwise(model),
        weights=_mapping(figures, "weights"),
        environment=_mapping(record, "environment"),
        seconds=record.get("seconds") or (course.metrics[-1].seconds if course.metrics else None),
        memory=record.get("memory_gigabytes"),
        labels=tuple(model.get("labels", ())),
        system=str(record.get("system") or model.get("system") or ""),
        has_surface="surface" in figures,
    )


def _manifest(folder: Path | None) -> Mapping[str, Any]:
    """`posner.json` as it stands: a page needs no checksums, nor a format that can be loaded."""
    if folder is None:
        return {}
    try:
        data = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise PosnerError("damaged", where=folder / MANIFEST, got=error) from error
    return data if isinstance(data, dict) else {}


def _mapping(source: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = source.get(key)
    return found if isinstance(found, dict) else {}
