"""Writing what a model folder says of itself: `posner.json` with its checksums, and its card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

from posner.card import CARD, model_card
from posner.files import write_text
from posner.folder import MANIFEST, sha256


class Contents(Protocol):
    """What can say what `posner.json` holds."""

    def to_dict(self) -> dict[str, Any]:
        """The contents of `posner.json`."""


def seal(folder: Path, manifest: Contents) -> None:
    """Write `posner.json` with the checksums of all other files in the folder, and its card.

    The card has no checksum: people may go on writing it.
    """
    files = {p.name: sha256(p) for p in sorted(folder.iterdir()) if p.name not in (MANIFEST, CARD)}
    _write(folder, manifest.to_dict() | {"files": files})


def rewrite(folder: Path, manifest: Contents) -> None:
    """Write `posner.json` and the card alone; the other files are as the manifest says.

    A card that somebody has changed, or brought, stays as it is.
    """
    _write(folder, manifest.to_dict())


def _write(folder: Path, contents: dict[str, Any]) -> None:
    if _is_own_card(folder):
        write_text(folder / CARD, model_card(contents))
    write_text(folder / MANIFEST, json.dumps(contents, ensure_ascii=False, indent=2) + "\n")


def _is_own_card(folder: Path) -> bool:
    """Whether there is no card, or just what was written from `posner.json` as it stands."""
    try:
        found = (folder / CARD).read_text(encoding="utf-8")
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return not (folder / CARD).exists()
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(told, dict) and found == model_card(told)
