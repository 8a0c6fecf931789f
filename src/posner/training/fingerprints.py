"""What a training or a search was begun on, to tell whether it goes on with the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from posner.errors import DataError

KINDS = {
    "train": "training corpus",
    "dev": "dev set",
    "lexicon": "lexicon (augment.lexicon)",
    "from": "model to start from (--from)",
}
"""What has a fingerprint, and what people call it."""


def check_same(
    begun: object, own: Mapping[str, str], what: str, *, where: Path, remedy: str
) -> None:
    """Refuse to go on with other data than those something was begun on.

    Args:
        begun: SHA-256 by the names of `KINDS`, without what there was not; as it was kept.
        own: likewise, of what it is to go on with.
        what: was begun.
        where: its folder.
        remedy: what to do instead.

    Raises:
        DataError: names the first that differs; or what was kept says nothing of them.
    """
    if not isinstance(begun, Mapping) or not begun:
        raise DataError(f"{what} was begun by an older Posner", where=where, remedy=remedy)
    for name, kind in KINDS.items():
        if begun.get(name) != own.get(name):
            raise DataError(
                f"{what} was begun with another {kind}",
                where=where,
                expected=_shown(begun.get(name)),
                got=_shown(own.get(name)),
                remedy=remedy,
            )


def _shown(digest: str | None) -> str:
    return "none" if digest is None else f"sha256 {digest[:12]}..."
