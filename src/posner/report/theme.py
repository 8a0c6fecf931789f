"""The colours of pages and pictures, light and dark, in one place.

Pages name colours by CSS variables, so that one drawing serves both themes; a picture file stands
alone, so its variables are replaced by the light theme's colours. The series are Okabe and Ito's
hues, made darker or lighter until they stand out from their background (4.5:1 for text, 3:1 for
lines), so that people with any kind of colour vision tell them apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

SERIES = 6
"""Colours for lines and bars; a seventh run has the first one's again."""

LIGHT: Mapping[str, str] = MappingProxyType(
    {
        "page": "#f6f7f8",
        "card": "#ffffff",
        "ink": "#1b1e23",
        "soft": "#59616e",
        "line": "#dde1e6",
        "band": "#eef1f5",
        "s0": "#0a6cb8",
        "s1": "#c4500a",
        "s2": "#08805a",
        "s3": "#a13d86",
        "s4": "#8a6a00",
        "s5": "#4b56c9",
    }
)
DARK: Mapping[str, str] = MappingProxyType(
    {
        "page": "#121418",
        "card": "#1b1e24",
        "ink": "#e9ebee",
        "soft": "#a6aebb",
        "line": "#373d48",
        "band": "#262b34",
        "s0": "#66b5f6",
        "s1": "#ff9a5c",
        "s2": "#48cfa0",
        "s3": "#e48bc9",
        "s4": "#e8c547",
        "s5": "#a3acff",
    }
)

_DRAWING = (
    """
svg text { font-family: system-ui, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 13px; }
svg text { fill: var(--ink); }
svg .soft { fill: var(--soft); font-size: 12px; }
svg .small { font-size: 11px; }
svg .strong { font-weight: 600; }
svg .on { fill: var(--card); }
svg .axis { stroke: var(--soft); stroke-width: 1; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .band { fill: var(--band); }
svg .mark { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 4 3; }
svg .ideal { stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 2 4; }
svg .ink { fill: var(--ink); }
svg .rate { stroke: var(--soft); stroke-width: 2; fill: none; }
"""
    + "".join(
        f"svg .f{i} {{ fill: var(--s{i}); }}\n"
        f"svg .l{i} {{ fill: none; stroke: var(--s{i}); stroke-width: 2.5; "
        "stroke-linejoin: round; stroke-linecap: round; }\n"
        for i in range(SERIES)
    )
    + "svg .faint { stroke-width: 1.5; opacity: 0.55; }\n"
)


def page_css() -> str:
    """Both themes as CSS variables, and how drawings look. Paper is always light."""
    light, dark = _variables(LIGHT), _variables(DARK)
    return (
        f":root {{ color-scheme: light dark; {light} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n{_DRAWING}"
    )


def picture_css() -> str:
    """How a drawing looks in a file of its own."""
    return re.sub(r"var\(--(\w+)\)", lambda found: LIGHT[found[1]], _DRAWING)


def _variables(colours: Mapping[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())
