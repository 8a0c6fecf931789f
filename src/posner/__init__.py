"""Posner: customise a pretrained BERT into a named-entity recogniser, and run it well.

>>> corpus = posner.read("train.conll")
>>> recognizer = posner.load("runs/mine")
>>> document = recognizer("Ada Lovelace lived in London.")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from posner.corpus import Corpus, read, write
    from posner.document import Document, Entity, Sentence, Token
    from posner.errors import PosnerError
    from posner.loading import load_adapters
    from posner.recognizer import Recognizer
    from posner.systems.opening import load

__version__ = "0.1.0"

# Loaded on first use, so that `import posner` costs nothing.
_HOMES = {
    "Corpus": "corpus",
    "read": "corpus",
    "write": "corpus",
    "Document": "document",
    "Entity": "document",
    "Sentence": "document",
    "Token": "document",
    "PosnerError": "errors",
    "Recognizer": "recognizer",
    "load": "systems.opening",
    "load_adapters": "loading",
}

__all__ = [
    "Corpus",
    "Document",
    "Entity",
    "PosnerError",
    "Recognizer",
    "Sentence",
    "Token",
    "load",
    "load_adapters",
    "read",
    "write",
]


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'posner' has no attribute {name!r}")
    return getattr(importlib.import_module(f"posner.{_HOMES[name]}"), name)
