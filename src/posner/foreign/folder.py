"""Telling a folder that transformers saved from one of Posner's."""

from __future__ import annotations

import json
import os
from pathlib import Path

from posner.folder import MANIFEST

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
