"""Tags of words put onto their pieces, for losses that are on pieces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from posner.align import IntArray
from posner.schemes import parse_tag

IGNORED = -100
"""The label of places that no loss counts: padding, special and left-out pieces."""

LabelRule = Literal["first", "all", "all-inside"]


def inside_table(tags: Sequence[str]) -> IntArray:
    """(tags,) for each tag the one that goes on after it: `I` of its label, `O` for `O`.

    This is what `all-inside` puts on a word's later pieces.
    """
    index = {tag: i for i, tag in enumerate(tags)}
    return np.array(
        [index[f"I-{parse_tag(tag).label}"] if tag != "O" else index["O"] for tag in tags],
        dtype=np.int64,
    )


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
