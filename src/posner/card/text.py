"""Reading what a model says of itself, whatever stands there, and writing it as Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, TypeGuard

from posner.meanings import meaning
from posner.render.clean import clean

RATIOS = ("precision", "recall", "f1")


def figure(source: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """The mapping under keys, one below the other; empty where there is none."""
    found: Any = source
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def file_name(path: str) -> str:
    """The end of a path: what the folders are called is nobody's business."""
    return PurePath(path).name or path


def texts(found: object) -> list[str]:
    """The texts of a list."""
    return [one for one in found if isinstance(one, str)] if isinstance(found, list | tuple) else []


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value can be calculated with."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def percent(value: object) -> str:
    """A fraction as a percentage; a dash for what is none."""
    return f"{100 * float(value):.2f}" if isinstance(value, int | float) else "-"


def number(value: object) -> str:
    """A count with its thousands parted; a dash for what is none."""
    return f"{value:,}" if is_number(value) else "-"


def title(key: str) -> str:
    """A figure's name as people write it."""
    return "F1" if key == "f1" else key


def plain(text: str) -> str:
    """A text that Markdown shows as it is."""
    held = " ".join(clean(text).split())
    return re.sub(r"([\\`*_{}\[\]<>#|~&])", r"\\\1", held)


def quoted(text: str) -> str:
    """A text in quotes, on one line."""
    return json.dumps(" ".join(clean(text).split()), ensure_ascii=False)


def slug(name: str) -> str:
    """A data set's name as the hub writes names."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "unnamed"


def described(label: str) -> str:
    """A label with its meaning, where that is known."""
    said = meaning(label)
    return plain(label) + (f", {plain(said)}" if said else "")
