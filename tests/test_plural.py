"""Counts with their nouns."""

from __future__ import annotations

from posner.plural import counted


def test_one_is_singular_and_all_else_plural() -> None:
    assert [counted(n, "word") for n in (0, 1, 2)] == ["0 words", "1 word", "2 words"]
    assert counted(1, "entity", "entities") == "1 entity"
    assert counted(12_000, "entity", "entities") == "12,000 entities"
