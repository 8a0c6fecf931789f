"""Opening any model: the network's folders, those of the other systems, opponents by name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from posner import loading
from posner.errors import PosnerError, UsageError
from posner.extras import needs_extra
from posner.folder import find_model, made_by, read_manifest
from posner.foreign.folder import is_foreign, read_config_tags
from posner.loading import Aggregation
from posner.systems.opponents import load_opponent, names_opponent, place_of, spacy_mapping
from posner.tagger import Tagger

if TYPE_CHECKING:
    from posner.systems.system import System


def load(
    path: str | os.PathLike[str],
    *,
    device: str = "auto",
    precision: Literal["fp32", "bf16"] = "fp32",
    aggregation: Aggregation = "legal",
    threads: int | None = None,
) -> Tagger:
    """Load any model.

    Args:
        path: a model folder, or the run folder around it; or an opponent's name such as `spacy`
            (see `posner.systems.opponents`) where there is no such folder.
        device: `auto`, `cpu`, `cuda` or `mps`, where a network runs.
        precision: of Posner's own networks; see `posner.loading.load`.
        aggregation: of folders that transformers saved; see there.
        threads: of networks; see there.

    Raises:
        ModelError: the folder is missing, damaged, foreign or newer than the program.
        UsageError: an aggregation for a model whose words are whole, or threads for one of the
            other systems.
        MissingExtraError: what the system needs is not installed.
    """
    named = names_opponent(path)
    folder = None if named else _system_folder(path)
    if threads is not None and (named or folder is not None):
        raise UsageError("this system cannot be told its threads", where=path, got=threads)
    if named:
        return load_opponent(
            os.fspath(path), device=device, precision=precision, aggregation=aggregation
        )
    if folder is None:
        return loading.load(
            path, device=device, precision=precision, aggregation=aggregation, threads=threads
        )
    if aggregation != "legal":
        raise UsageError(
            "this system tags whole words, so no aggregation can be named",
            where=path,
            got=aggregation,
        )
    return load_system(folder, device=device)


def check_model(path: str | os.PathLike[str]) -> None:
    """Read what a model says of itself, and its files' checksums, but none of its weights.

    Raises:
        ModelError: as `load`.
        UsageError: a name of spaCy's with a mapping of labels that there is not.
    """
    place = place_of(path)
    if place is None:
        spacy_mapping(os.fspath(path))
        return  # whether spaCy's package is whole, only loading it tells
    folder = _system_folder(path)
    if folder is not None:
        from posner.systems.manifest import read_system_manifest

        read_system_manifest(folder)
    elif is_foreign(place):
        read_config_tags(place)
    else:
        read_manifest(find_model(place))


def is_foreign_model(path: str | os.PathLike[str]) -> bool:
    """Whether transformers saved what `load` would load, so that an aggregation can be named."""
    place = place_of(path)
    return place is not None and is_foreign(place)


def load_system(folder: Path, *, device: str = "auto") -> System[Any]:
    """Load the model of one of the other systems from its folder.

    Raises:
        ModelError, MissingExtraError: as `load`.
    """
    # Not above: it would bring all that training needs, which takes longer than a model's loading.
    from posner.systems.kinds import EXTRAS, system_class
    from posner.systems.manifest import read_system_manifest
    from posner.systems.recipes import kind_of

    manifest = read_system_manifest(folder)
    kind = kind_of(manifest.system)
    with needs_extra(f"a {kind} model", EXTRAS[kind]):
        cls = system_class(kind)
    system: System[Any] = cls.read(folder, manifest, manifest.recipe)
    system.move(device)
    return system


def _system_folder(path: str | os.PathLike[str]) -> Path | None:
    """The folder of another system's model at `path`, if that is what stands there."""
    try:
        folder = find_model(path)
    except PosnerError:
        return None  # whoever loads networks says what is wrong, or reads it all the same
    return folder if made_by(folder) else None
