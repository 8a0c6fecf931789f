"""The names of a lexicon by label, which augmentation adds to the training mentions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from posner.postprocess.names import read_names

Lexicon = Mapping[str, tuple[str, ...]]
"""The names of each label and their aliases, in the order of the file, each once."""


def read_lexicon(path: Path) -> Lexicon:
    """Read a lexicon in any of its formats (see `read_names`).

    Raises:
        DataError: the file cannot be read, a line is no entry, or there is no name.
    """
    names: dict[str, dict[str, None]] = {}
    for entry in read_names(path):
        names.setdefault(entry.label, {}).update(dict.fromkeys(entry.spellings))
    return {label: tuple(own) for label, own in names.items()}


def lexicon_fingerprint(lexicon: Lexicon) -> str:
    """A hash of all names, to tell whether a resumed run sees the same."""
    lines = [f"{label}\t{name}\n" for label, names in lexicon.items() for name in names]
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()
