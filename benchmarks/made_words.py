"""Invented words of syllables, as many as are asked for."""

from __future__ import annotations

import random

SYLLABLES = (
    *("ka", "lo", "mar", "in", "to", "ber", "sen", "vil", "an", "da"),
    *("ro", "el", "st", "ow", "ich", "ham", "ton", "le", "mi", "gra"),
)


def made_word(source: random.Random, shortest: int = 2, longest: int = 5) -> str:
    """A word of so many syllables, in small letters."""
    return "".join(source.choices(SYLLABLES, k=source.randint(shortest, longest)))
