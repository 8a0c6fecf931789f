"""Where each kind of system stands, and what it needs; imported only when it is wanted."""

from __future__ import annotations

import importlib
from typing import Any

from posner.systems.system import System

_HOMES = {
    "crf": ("posner.systems.crf", "CrfSystem"),
    "bilstm": ("posner.systems.bilstm", "BilstmSystem"),
    "transformer": ("posner.systems.transformer", "TransformerSystem"),
}

EXTRAS = {"crf": "crf", "bilstm": "train", "transformer": "train"}
"""The extra that brings what a kind needs."""


def system_class(kind: str) -> type[System[Any]]:
    """The class of a kind.

    Raises:
        ImportError: what it needs is not installed.
    """
    module, name = _HOMES[kind]
    found: type[System[Any]] = getattr(importlib.import_module(module), name)
    return found
