"""What a saved model folder says of itself, read and checked without torch: `posner.json`.

A folder holds `posner.json` (this module's `Manifest`), `tokenizer.json`, the files of its
backend (`model.safetensors` and `encoder.json` for torch, `model.onnx` for ONNX Runtime), and
`README.md`, its card. Nothing in it is a pickle. A folder is written beside its place and renamed,
so a crash leaves the old one or none, never half of one.
A model with adapters lacks the encoder's own weights, and names the encoder that it stands on.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from posner.errors import DataError, ModelError
from posner.postprocess.thresholds import NO_THRESHOLDS, Thresholds
from posner.recipe import Recipe, recipe_from_dict
from posner.schemes import SCHEMES

FORMAT = "posner-model"
FORMAT_VERSION = 4
"""Raised when models are built in a way that the program before cannot read, or that it cannot.

2: adapters; with a frozen encoder the shape embedding stands above it. 3: exported graphs.
4: surface features.
"""
MANIFEST = "posner.json"
RUN_RECORD = "run.json"
FINISHED = "finished"
"""What that record of a run folder says of its state when the training came to its end."""
MODEL = "model"
"""The model folder in a run folder."""
TOKENIZER = "tokenizer.json"
GRAPH = "model.onnx"
"""The file that an exported model has instead of weights."""


@dataclass(frozen=True)
class Base:
    """The encoder that a model's adapters stand on.

    Attributes:
        name: as in a recipe's `backbone.name`.
        sha256: over its weights.
    """

    name: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.name} (sha256 {self.sha256[:12]}...)"


@dataclass(frozen=True)
class Manifest:
    """Everything about a model but its weights.

    Attributes:
        recipe: the recipe that made it.
        labels: entity labels, such as `PER`.
        pos_tags: part-of-speech tags that it predicts; empty without that head.
        chunk_tags: chunk tags that it predicts; empty without that head.
        characters: the alphabet of the character CNN; empty without it.
        window: pieces that the encoder can hold at once, special ones included.
        figures: what its training measured.
        files: SHA-256 of each other file in the folder.
        version: the program that wrote it.
        base: the encoder that is not in the folder; None for a whole model.
        temperature: divides emissions and transitions before they become scores (calibration).
        thresholds: scores below which what it finds is left out.
    """

    recipe: Recipe
    labels: tuple[str, ...]
    window: int
    pos_tags: tuple[str, ...] = ()
    chunk_tags: tuple[str, ...] = ()
    characters: str = ""
    figures: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    version: str = ""
    base: Base | None = None
    temperature: float = 1.0
    thresholds: Thresholds = NO_THRESHOLDS

    @property
    def is_exported(self) -> bool:
        """Whether ONNX Runtime runs it."""
        return GRAPH in self.files

    @property
    def tags(self) -> tuple[str, ...]:
        """The entity tags, in the order of the entity head's outputs."""
        return SCHEMES[self.recipe.data.scheme].tags(self.labels)

    def to_dict(self) -> dict[str, Any]:
        """The contents of `posner.json`."""
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "version": self.version,
            "scheme": self.recipe.data.scheme,
            "labels": list(self.labels),
            "pos_tags": list(self.pos_tags),
            "chunk_tags": list(self.chunk_tags),
            "characters": self.characters,
            "window": self.window,
            "base": None if self.base is None else asdict(self.base),
            "temperature": self.temperature,
            "thresholds": self.thresholds.to_json(),
            "recipe": self.recipe.to_dict(),
            "figures": self.figures,
            "files": self.files,
        }


_ADOPT = "make one of a token classifier that transformers saved: posner adopt FOLDER --out OUT"


def find_model(path: str | os.PathLike[str]) -> Path:
    """The model folder at `path`: itself, or the one inside a run folder.

    Raises:
        ModelError: nothing there, or something that is neither.
    """
    folder = Path(path)
    try:
        return _find_model(folder)
    except OSError as error:
        raise ModelError("cannot be read", where=folder, got=error.strerror) from error


def _find_model(folder: Path) -> Path:
    for candidate in (folder, folder / MODEL):
        if (candidate / MANIFEST).is_file():
            return candidate
    if not folder.exists():
        raise ModelError("no such folder", where=folder, expected="a model or run folder")
    if (folder / "checkpoints").is_dir():
        raise ModelError(
            "this run has no finished evaluation yet, so it holds no model",
            where=folder,
            remedy="go on with: posner train ... --resume",
        )
    if (folder / "trials").is_dir():
        trials = (path.parent for path in folder.glob(f"trials/*/{MODEL}/{MANIFEST}"))
        # A search keeps the best alone of those that it has finished.
        ended = sorted(model.parent for model in trials if unfinished_run(model) is None)
        told = f"the best one so far is {ended[-1]}" if ended else "none has come to its end so far"
        raise ModelError(
            "is a study of many trainings", where=folder, expected="one of them", remedy=told
        )
    raise ModelError(
        "not a Posner model",
        where=folder,
        expected=f"a folder with {MANIFEST}, or a run folder with model/{MANIFEST}",
        got=(", ".join(sorted(p.name for p in folder.iterdir())[:5]) or "an empty folder")
        if folder.is_dir()
        else "a file",
        remedy=_ADOPT if (folder / "config.json").is_file() else None,
    )


def unfinished_run(folder: Path) -> Path | None:
    """The run folder of a model whose training did not come to its end; None for other models.

    Args:
        folder: the model folder.
    """
    folder = folder.resolve()
    try:
        record = json.loads((folder.parent / RUN_RECORD).read_text(encoding="utf-8"))
        state = record["state"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None if state == FINISHED or folder.name != MODEL else folder.parent


def read_manifest(folder: Path) -> Manifest:
    """Read and check `posner.json` and the checksums of the files that it names.

    Raises:
        ModelError: a damaged, foreign, incomplete or newer folder, or one of another system.
        RecipeError: its recipe has settings that no recipe has.
    """
    path = folder / MANIFEST
    data = read_contents(folder)
    if "system" in data:
        raise ModelError(
            "this needs a network's model", where=path, got=f"one of the system {data['system']}"
        )
    manifest = _manifest(data, path)
    _refuse_outdated(manifest, data["format_version"], path)
    verify_files(folder, manifest.files)
    return manifest


def read_contents(folder: Path) -> dict[str, Any]:
    """What `posner.json` holds, once its format and version are known to be readable.

    Raises:
        ModelError: a damaged, foreign or newer folder.
    """
    path = folder / MANIFEST
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError("damaged", where=path, got=error, remedy="copy the model again") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ModelError("not a Posner model", where=path, expected=f'"format": "{FORMAT}"')
    version = data.get("format_version")
    if type(version) is not int or version < 1:
        raise ModelError("damaged", where=path, expected="a format_version", got=repr(version))
    if version > FORMAT_VERSION:
        raise ModelError(
            "written by a newer Posner",
            where=path,
            expected=f"format version {FORMAT_VERSION} at most",
            got=version,
            remedy="upgrade with: pip install --upgrade posner",
        )
    return data


def made_by(folder: Path) -> str | None:
    """The system that a model folder names in place of the network's; None where there is none."""
    try:
        data = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    name = data.get("system") if isinstance(data, dict) else None
    return name if isinstance(name, str) else None


def _as_made(recipe: dict[str, Any]) -> dict[str, Any]:
    """A saved recipe, in which settings that came later are as the model was made: off."""
    later = {"data": {"repeats": 0.0, "long-window": 0}, "features": {"surface": False}}
    return recipe | {
        section: values | recipe[section]
        for section, values in later.items()
        if isinstance(recipe.get(section), dict)
    }


def _refuse_outdated(manifest: Manifest, version: int, path: Path) -> None:
    recipe = manifest.recipe
    if version < 2 and recipe.backbone.freeze_encoder and recipe.features.casing:
        raise ModelError(
            "its shape embedding stands below a frozen encoder, where this Posner has none",
            where=path,
            expected="format version 2",
            got=version,
            remedy="train it again",
        )


def _manifest(data: dict[str, Any], path: Path) -> Manifest:
    def texts(key: str) -> tuple[str, ...]:
        values = value(key, list)
        if not all(isinstance(v, str) for v in values):
            raise ModelError("damaged", where=path, expected=f"{key}: texts", got=values)
        return tuple(values)

    def value(key: str, kind: type) -> Any:
        found = data.get(key)
        if type(found) is not kind:
            expected = f"{key}: {kind.__name__}"
            raise ModelError("damaged", where=path, expected=expected, got=repr(found)[:80])
        return found

    files = value("files", dict)
    if not all(isinstance(checksum, str) for checksum in files.values()):
        raise ModelError("damaged", where=path, expected="files: a checksum for each name")
    recipe = recipe_from_dict(_as_made(value("recipe", dict)), where=str(path))
    return Manifest(
        recipe=recipe,
        labels=texts("labels"),
        window=value("window", int),
        pos_tags=texts("pos_tags"),
        chunk_tags=texts("chunk_tags"),
        characters=value("characters", str),
        figures=value("figures", dict),
        files=files,
        version=value("version", str),
        base=_base(data.get("base"), path) if recipe.adapter.rank else None,
        temperature=_temperature(data.get("temperature", 1.0), path),
        thresholds=_thresholds(data.get("thresholds", {}), path),
    )


def _temperature(found: Any, path: Path) -> float:
    if type(found) in (int, float) and 0 < found < float("inf"):
        return float(found)
    raise ModelError("damaged", where=path, expected="temperature: above 0", got=repr(found)[:80])


def _thresholds(found: Any, path: Path) -> Thresholds:
    try:
        return Thresholds.from_json(found)
    except DataError as error:
        raise ModelError(
            "damaged", where=path, expected=f"thresholds: {error.expected}", got=error.got
        ) from error


def _base(found: Any, path: Path) -> Base:
    if isinstance(found, dict):
        name, checksum = found.get("name"), found.get("sha256")
        if isinstance(name, str) and isinstance(checksum, str):
            return Base(name, checksum)
    expected = "base: name and sha256 of the encoder that its adapters stand on"
    raise ModelError("damaged", where=path, expected=expected, got=repr(found)[:80])


def verify_files(folder: Path, files: dict[str, str]) -> None:
    """Compare a folder's files with the checksums that `posner.json` names.

    Raises:
        ModelError: one is missing, another, or cannot be read.
    """
    try:
        _verify_files(folder, files)
    except OSError as error:
        raise ModelError("cannot be read", where=error.filename, got=error.strerror) from error


def _verify_files(folder: Path, files: dict[str, str]) -> None:
    for name, expected in files.items():
        if Path(name).name != name:
            raise ModelError("names a file outside its folder", where=folder / MANIFEST, got=name)
        path = folder / name
        if not path.is_file():
            raise ModelError("a file of the model is missing", where=path)
        if sha256(path) != expected:
            raise ModelError(
                "a file of the model is damaged",
                where=path,
                expected=f"sha256 {expected[:12]}...",
                remedy="copy the model again",
            )


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
