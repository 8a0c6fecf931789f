"""Text that HTML, XML and YAML can hold."""

from __future__ import annotations

from posner.render.marks import visible
from posner.render.tagged import printable

_NO_CHARACTERS = {0xFFFE: 0xFFFD, 0xFFFF: 0xFFFD}
"""Code points that XML and YAML refuse, beside control characters and lone surrogates."""


def clean(text: str) -> str:
    r"""The text with control characters as `visible` shows them, lone surrogates as `\ud800`."""
    return visible(printable(text)).translate(_NO_CHARACTERS)
