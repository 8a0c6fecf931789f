"""`posner info MODEL`: what a model says of itself."""

from __future__ import annotations

import argparse
from pathlib import Path

from posner.card.scores import measured_otherwise
from posner.cli.model_facts import print_figures, print_recipe, print_tags
from posner.cli.model_flags import add_model_argument, warn_of_unfinished
from posner.cli.system_info import print_system
from posner.evaluation.held_out import SurfaceGain
from posner.files import write_json
from posner.folder import MANIFEST, Manifest, find_model, made_by, read_contents, read_manifest
from posner.foreign.folder import is_foreign, read_config_tags
from posner.recipe import Recipe
from posner.systems.opponents import load_opponent, names_opponent, opponent_folder, place_of


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_model_argument(parser)
    parser.add_argument(
        "--recipe", action="store_true", help="print the whole recipe, not only what it changes"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print what a model is; its files' checksums are verified on the way."""
    place = place_of(arguments.model)
    if place is None:
        return _spacy(arguments.model, arguments.json)
    if names_opponent(arguments.model):
        return _foreign(opponent_folder(arguments.model), arguments.json)
    if is_foreign(place):
        return _foreign(place, arguments.json)
    warn_of_unfinished(place)
    folder = find_model(place)
    if made_by(folder):
        return print_system(folder, arguments.json, whole_recipe=arguments.recipe)
    manifest = read_manifest(folder)
    print(f"{folder}: a Posner model, format {read_contents(folder)['format_version']}, ", end="")
    print(f"made by posner {manifest.version}; all checksums are right")
    print(f"\nscheme {manifest.recipe.data.scheme}, windows of {manifest.window} pieces")
    _print_adapters(manifest)
    _print_export(manifest)
    print_tags("labels", manifest.labels)
    print_figures(manifest.figures)
    otherwise = measured_otherwise(manifest.to_dict())
    if manifest.figures.get("dev") and otherwise:
        print(f"(measured {otherwise})")
    _print_surface(manifest)
    _print_calibration(manifest)
    print_tags("parts of speech", manifest.pos_tags)
    print_tags("chunks", manifest.chunk_tags)
    print("\nfiles (sha256)")
    for name, checksum in manifest.files.items():
        print(f"  {checksum}  {name}")
    print_recipe(manifest.recipe, Recipe(), "default", whole=arguments.recipe)
    if arguments.json is not None:
        write_json(arguments.json, manifest.to_dict() | {"path": str(folder / MANIFEST)})
    return 0


def _spacy(name: str, json: Path | None) -> int:
    """Print what spaCy's small English model is."""
    labels = load_opponent(name).manifest.labels
    folder = opponent_folder(name)
    print(f"{name}: spaCy's pipeline in {folder}; it gives no scores")
    print_tags("labels", labels)
    if json is not None:
        write_json(json, {"format": "spacy", "path": str(folder), "labels": labels})
    return 0


def _foreign(folder: Path, json: Path | None) -> int:
    """Print what a folder of transformers' is; its weights are not read."""
    tags = read_config_tags(folder)
    print(f"{folder}: a token classifier that transformers saved; as Posner reads it:")
    print(f"\nscheme {tags.scheme.name}")
    print_tags("labels", tags.labels)
    if tags.left_out:
        print(f"\nnever predicted, since no labels of words: {', '.join(tags.left_out)}")
    if json is not None:
        values = {"scheme": tags.scheme.name, "labels": tags.labels, "left_out": tags.left_out}
        write_json(json, {"format": "huggingface", "path": str(folder), **values})
    return 0


def _print_adapters(manifest: Manifest) -> None:
    merged = manifest.figures.get("adapter")
    if manifest.base is not None:
        rank = manifest.recipe.adapter.rank
        print(f"adapters of rank {rank} over {manifest.base.name}, sha256 {manifest.base.sha256}")
    elif merged:
        print(f"adapters of rank {merged['rank']} over {merged['base']['name']}, merged into it")


def _print_export(manifest: Manifest) -> None:
    exported = manifest.figures.get("export")
    if manifest.is_exported and exported:
        print(f"an ONNX graph in {exported['precision']}, which runs without torch", end="")
        if exported["dev"]:
            dev = exported["dev"]
            full, int8 = 100 * dev["full_f1"], 100 * dev["int8_f1"]
            print(f"; dev F1 (strict): fp32 {full:.2f}, int8 {int8:.2f}", end="")
        print()


def _print_surface(manifest: Manifest) -> None:
    gain = SurfaceGain.read(manifest.figures.get("surface"))
    if gain is not None:
        print(f"\nsurface features weigh {gain.weight:g}: dev {gain}")


def _print_calibration(manifest: Manifest) -> None:
    found = manifest.figures.get("calibration")
    if found and found.get("kept"):
        print(
            f"scores stay as they are (temperature {manifest.temperature:.3f}); calibration was "
            f"tried on {found['data']}: {found['kept']}"
        )
    elif found:
        before, after = (100 * found[key]["error"] for key in ("before", "after"))
        print(
            f"calibrated on {found['data']}: temperature {manifest.temperature:.3f}, expected "
            f"calibration error {before:.2f} % before, {after:.2f} % after, on parts held out"
        )
    if manifest.thresholds:
        print(f"entities with a score below {manifest.thresholds} are left out")
