"""What the folder of another system's model says of itself: `posner.json` with its name."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from posner.errors import ModelError
from posner.folder import FORMAT, FORMAT_VERSION, MANIFEST, read_contents, verify_files
from posner.schemes import SCHEMES, Scheme
from posner.systems.recipes import RECIPES, SystemRecipe, recipe_of_kind


@dataclass(frozen=True)
class SystemManifest:
    """Everything about a model but its weights.

    Attributes:
        system: its name, such as `crf-next`.
        recipe: the recipe that made it.
        labels: entity labels, such as `PER`.
        tags: what it can call a word, in the order of its emissions.
        figures: what its training measured.
        files: SHA-256 of each other file in the folder.
        version: the program that wrote it.
    """

    system: str
    recipe: SystemRecipe
    labels: tuple[str, ...]
    tags: tuple[str, ...]
    figures: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    version: str = ""

    @property
    def pos_tags(self) -> tuple[str, ...]:
        """None: these systems predict no part of speech."""
        return ()

    @property
    def chunk_tags(self) -> tuple[str, ...]:
        """None: these systems predict no chunks."""
        return ()

    @property
    def scheme(self) -> Scheme:
        """The scheme of its tags: IOB2; with B and I merged, IOB1 without its B."""
        return SCHEMES["IOB1" if self.recipe.labels.merge else "IOB2"]

    def with_figures(self, figures: dict[str, Any]) -> SystemManifest:
        """The same with other figures."""
        return replace(self, figures=figures)

    def to_dict(self) -> dict[str, Any]:
        """The contents of `posner.json`."""
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "version": self.version,
            "system": self.system,
            "scheme": self.scheme.name,
            "labels": list(self.labels),
            "tags": list(self.tags),
            "recipe": self.recipe.to_dict(),
            "figures": self.figures,
            "files": self.files,
        }


def read_system_manifest(folder: Path) -> SystemManifest:
    """Read and check `posner.json` and the checksums of the files that it names.

    Raises:
        ModelError: a damaged, foreign, incomplete or newer folder, or of no system known here.
        RecipeError: its recipe has settings that no recipe has.
    """
    path = folder / MANIFEST
    data = read_contents(folder)
    system = data.get("system")
    if system not in RECIPES.names:
        raise ModelError(
            "made by a system that this Posner does not know",
            where=path,
            expected=f"one of {', '.join(RECIPES.names)}",
            got=system,
        )
    manifest = SystemManifest(
        system=str(system),
        recipe=recipe_of_kind(str(system), _mapping(data, "recipe", path), where=str(path)),
        labels=_texts(data, "labels", path),
        tags=_texts(data, "tags", path),
        figures=_mapping(data, "figures", path),
        files={str(k): str(v) for k, v in _mapping(data, "files", path).items()},
        version=str(data.get("version", "")),
    )
    verify_files(folder, manifest.files)
    return manifest


def _mapping(data: dict[str, Any], key: str, path: Path) -> dict[str, Any]:
    found = data.get(key)
    if not isinstance(found, dict):
        raise ModelError("damaged", where=path, expected=f"{key}: an object", got=repr(found)[:80])
    return found


def _texts(data: dict[str, Any], key: str, path: Path) -> tuple[str, ...]:
    found = data.get(key)
    if not isinstance(found, list) or not all(isinstance(value, str) for value in found):
        raise ModelError("damaged", where=path, expected=f"{key}: texts", got=repr(found)[:80])
    return tuple(found)
