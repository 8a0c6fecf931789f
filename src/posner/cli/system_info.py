"""`posner info` of another system's model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from posner.cli.model_facts import print_figures, print_recipe, print_tags
from posner.evaluation.report import figures_console
from posner.files import write_json
from posner.folder import MANIFEST
from posner.systems.manifest import read_system_manifest
from posner.systems.opening import load_system
from posner.systems.recipes import kind_of, system_recipe
from posner.systems.transitions import ranked_transitions, transition_table, transitions_to_json


def print_system(folder: Path, json: Path | None, *, whole_recipe: bool) -> int:
    """Print what a model is; its files' checksums are verified on the way."""
    manifest = read_system_manifest(folder)
    contents: dict[str, Any] = manifest.to_dict()
    print(f"{folder}: a {manifest.system} model, format {contents['format_version']}, ", end="")
    print(f"made by posner {manifest.version}; all checksums are right")
    merged = ", one tag a label" if manifest.recipe.labels.merge else ""
    print(f"\nscheme {manifest.scheme.name}{merged}")
    print_tags("labels", manifest.labels)
    print_figures(manifest.figures)
    if kind_of(manifest.system) == "crf":
        contents["transitions"] = _print_transitions(folder)
    print("\nfiles (sha256)")
    for name, checksum in manifest.files.items():
        print(f"  {checksum}  {name}")
    usual = system_recipe(manifest.system)
    print_recipe(manifest.recipe, usual, manifest.system, whole=whole_recipe)
    if json is not None:
        write_json(json, contents | {"path": str(folder / MANIFEST)})
    return 0


def _print_transitions(folder: Path) -> dict[str, Any]:
    """The table of a CRF's transitions; its rows."""
    from posner.systems.crf import CrfSystem

    system = load_system(folder)
    assert isinstance(system, CrfSystem)
    ranked = ranked_transitions(system.manifest.tags, system.weights.pairs, system.transitions)
    print("\ntransitions")
    figures_console().print(transition_table(ranked))
    return dict(transitions_to_json(ranked))
