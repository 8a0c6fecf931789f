"""The layer at the bottom of both networks: a vector a word, pretrained or random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from posner.document import Document
from posner.systems.sections import VectorsRecipe
from posner.systems.vectors import Vectors, read_vectors
from posner.systems.vocabulary import FIRST, PADDING, Vocabulary, word_counts
from posner.training.console import Reporter

SPREAD = 0.4
"""Standard deviation of random vectors; beside it a position's sines are neither loud nor lost."""


@dataclass(frozen=True)
class WordTable:
    """What words are known, and what is known of them beforehand.

    Attributes:
        vocabulary: the words that have a row.
        pretrained: the vectors of some of them; None where all are random.
        rare: rows of words seen once without a pretrained vector.
    """

    vocabulary: Vocabulary
    pretrained: Vectors | None
    rare: frozenset[int]


def word_table(
    train: Sequence[Document], dev: Sequence[Document], recipe: VectorsRecipe, reporter: Reporter
) -> WordTable:
    """The words of a corpus, with what a file of vectors says of them and of others.

    Raises:
        DataError: the file cannot be read, or has vectors of another width.
    """
    counts = word_counts(train)
    if not recipe.path:
        reporter.say(
            f"no pretrained vectors given (vectors.path): {len(counts):,} random ones of "
            f"{recipe.width} numbers"
        )
        return _table(sorted(counts), counts, None)
    seen = set(counts) | set(word_counts(dev))
    wanted = seen | {word.lower() for word in seen}
    found = read_vectors(Path(recipe.path), recipe.width, wanted, recipe.vocabulary)
    known = set(found.words)
    missing = sorted(w for w in counts if w not in known and w.lower() not in known)
    covered = 1 - sum(counts[w] for w in missing) / max(1, counts.total())
    reporter.say(
        f"{len(known):,} vectors from {recipe.path}, for {100 * covered:.1f} % of the words to "
        f"learn from; {len(missing):,} random ones for the others"
    )
    return _table([*found.words, *missing], counts, found)


def _table(words: Sequence[str], counts: dict[str, int], found: Vectors | None) -> WordTable:
    vocabulary = Vocabulary(tuple(words))
    pretrained = set() if found is None else set(found.words)
    # Those that have a row of their own: of the others no row is learned by them alone.
    once = {w for w in words if counts.get(w, 0) == 1 and w not in pretrained}
    return WordTable(vocabulary, found, frozenset(vocabulary.row(w) for w in once))


class WordVectors(nn.Module):
    """A vector a word.

    Args:
        rows: of the vocabulary.
        width: numbers a vector.
        frozen: whether the pretrained ones stay as they are.
    """

    fixed: Tensor

    def __init__(self, rows: int, width: int, frozen: bool) -> None:
        super().__init__()
        self.table = nn.Embedding(rows, width, padding_idx=PADDING)
        with torch.no_grad():
            self.table.weight.normal_(0.0, SPREAD)
            self.table.weight[PADDING] = 0.0
        self.frozen = frozen
        # Rows that get no gradient; only training needs to know them.
        self.register_buffer("fixed", torch.zeros(rows, 1, dtype=torch.bool), persistent=False)

    def fill(self, vectors: Vectors) -> None:
        """Take over pretrained vectors, whose words are the vocabulary's first."""
        with torch.no_grad():
            last = FIRST + len(vectors.words)
            self.table.weight[FIRST:last] = torch.from_numpy(vectors.values)
            self.fixed[FIRST:last] = self.frozen
        if self.frozen:
            self.table.weight.register_hook(  # type: ignore[no-untyped-call]
                lambda grad: grad.masked_fill(self.fixed, 0.0)
            )

    def forward(self, rows: Tensor) -> Tensor:
        """(sentences, words) rows to (sentences, words, width)."""
        vectors: Tensor = self.table(rows)
        return vectors
