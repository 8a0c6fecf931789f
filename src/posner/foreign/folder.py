"""Telling a folder that transformers saved from one of Posner's."""

from __future__ import annotations

import json
import os
from pathlib import Path

from posner.errors import ModelError
from posner.folder import MANIFEST
from posner.foreign.tags import ForeignTags, read_names

CONFIG = "config.json"


def is_foreign(path: str | os.PathLike[str]) -> bool:
    """Whether a folder is a model of transformers, and neither a model nor a run of Posner's."""
    folder = Path(path)
    if any((candidate / MANIFEST).is_file() for candidate in (folder, folder / "model")):
        return False
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(config, dict) and "model_type" in config


def read_config_tags(folder: Path) -> ForeignTags:
    """What the outputs of a model mean, by its config.json alone.

    Raises:
        ModelError: it does not say, or not in a way that can be understood.
    """
    path = folder / CONFIG
    try:
        named = json.loads(path.read_text(encoding="utf-8")).get("id2label")
        names = [str(named[str(i)]) for i in range(len(named))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            "does not name its outputs",
            where=path,
            expected='id2label, as in {"0": "O", "1": "B-PER"}',
        ) from error
    return read_names(names, path)
