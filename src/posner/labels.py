"""Tags of words put onto their pieces, for losses that are on pieces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from posner.align import IntArray

IGNORED = -100
"""The label of places that no loss counts: padding, special and left-out pieces."""

LabelRule = Literal["first", "all", "all-inside"]


def inside_table(tags: Sequence[str]) -> IntArray:
    """(tags,) for each word's tag the one that `all-inside` puts on the word's later pieces.

    That is the same tag, but `I` for `B`, which tells of a place within the word: its first piece.
    The other prefixes stay. Pieces speak for their words, and only words are decoded: that an
    entity ends with this word (`E`, `L`, `S`, `U`) holds for each of its pieces, and each helps to
    tell it from a word after which the entity goes on.
    """
    index = {tag: i for i, tag in enumerate(tags)}
    later = ("I" + tag[1:] if tag.startswith("B-") else tag for tag in tags)
    return np.array([index[tag] for tag in later], dtype=np.int64)


def project_labels(
    word_tags: IntArray, piece_counts: IntArray, rule: LabelRule, inside: IntArray
) -> IntArray:
    """Tags of words put onto their pieces.

    Args:
        word_tags: (words,) tag indices.
        piece_counts: (words,) pieces of each word.
        rule: `first`: only a word's first piece, the others `IGNORED`; `all`: every piece;
            `all-inside`: every piece, the later ones turned from B to I.
        inside: see `inside_table`.

    Returns:
        (pieces,) tag indices or `IGNORED`.
    """
    labels = np.repeat(word_tags, piece_counts)
    if rule == "all":
        return labels
    later = np.ones(len(labels), dtype=bool)
    later[np.cumsum(piece_counts) - piece_counts] = False
    if rule == "first":
        labels[later] = IGNORED
    else:
        counted = later & (labels != IGNORED)
        labels[counted] = inside[labels[counted]]
    return labels
