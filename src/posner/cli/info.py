"""`posner info`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from posner.files import write_json
from posner.folder import MANIFEST, Manifest, find_model, read_manifest
from posner.foreign.folder import is_foreign, read_config_tags
from posner.meanings import meaning


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("model", metavar="MODEL", help="a model or run folder")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print what a model is; its files' checksums are verified on the way."""
    if is_foreign(arguments.model):
        return _foreign(Path(arguments.model), arguments.json)
    folder = find_model(arguments.model)
    manifest = read_manifest(folder)
    print(f"{folder}: a Posner model, format {manifest.to_dict()['format_version']}, ", end="")
    print(f"made by posner {manifest.version}; all checksums are right")
    print(f"\nscheme {manifest.recipe.data.scheme}, windows of {manifest.window} pieces")
    _print_adapters(manifest)
    _print_export(manifest)
    _print_tags("labels", manifest.labels)
    _print_tags("parts of speech", manifest.pos_tags)
    _print_tags("chunks", manifest.chunk_tags)
    _print_figures(manifest)
    _print_calibration(manifest)
    print("\nfiles (sha256)")
    for name, checksum in manifest.files.items():
        print(f"  {checksum}  {name}")
    print("\nrecipe\n")
    print(manifest.recipe.to_toml(), end="")
    if arguments.json is not None:
        write_json(arguments.json, manifest.to_dict() | {"path": str(folder / MANIFEST)})
    return 0


def _foreign(folder: Path, json: Path | None) -> int:
    """Print what a folder of transformers' is; its weights are not read."""
    tags = read_config_tags(folder)
    print(f"{folder}: a token classifier that transformers saved; as Posner reads it:")
    print(f"\nscheme {tags.scheme.name}")
    _print_tags("labels", tags.labels)
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


def _print_tags(title: str, tags: Sequence[str]) -> None:
    if not tags:
        return
    print(f"\n{title}")
    width = max(len(tag) for tag in tags)
    for tag in tags:
        print(f"  {tag:<{width}}  {meaning(tag) or ''}".rstrip())


def _print_figures(manifest: Manifest) -> None:
    data, dev = manifest.figures.get("data"), manifest.figures.get("dev")
    if data:
        print(f"\ntrained on {data['train']} ({data['train_sentences']:,} sentences), ", end="")
        source = data["dev"] or "a part set aside"
        print(f"judged on {source} ({data['dev_sentences']:,} sentences)")
    if dev:
        micro = dev["strict"]["micro"]
        precision, recall, f1 = (100 * micro[k] for k in ("precision", "recall", "f1"))
        print(f"dev, strict, epoch {dev['epoch']}: P {precision:.2f}  R {recall:.2f}  F1 {f1:.2f}")


def _print_calibration(manifest: Manifest) -> None:
    found = manifest.figures.get("calibration")
    if found:
        before, after = (100 * found[key]["error"] for key in ("before", "after"))
        print(
            f"calibrated on {found['data']}: temperature {manifest.temperature:.3f}, expected "
            f"calibration error {before:.2f} % before, {after:.2f} % after"
        )
    if manifest.thresholds:
        print(f"entities with a score below {manifest.thresholds} are left out")
