"""A corpus in two parts, train and dev: every n-th sentence, or a share drawn with a seed."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from posner.corpus.container import Corpus
from posner.corpus.standoff import FRAGMENTS
from posner.corpus.words import TOKEN_METADATA
from posner.document import Document, Entity, Sentence
from posner.errors import DataError, UsageError

Unit = Literal["sentence", "document"]


@dataclass(frozen=True)
class Parts:
    """The two parts of a corpus, and what parting it lost.

    Attributes:
        train: the rest.
        dev: what was drawn.
        losses: a line about the entities that lay whole in neither part, if there are any.
    """

    train: Corpus
    dev: Corpus
    losses: tuple[str, ...]


def split_every(corpus: Corpus, every: int, offset: int, *, by: Unit = "sentence") -> Parts:
    """Put into dev what leaves the remainder `offset` modulo `every`.

    A sentence counts by its own number (`Sentence: N`), or else by its position from 1 in the
    corpus; a document counts by its position from 1.

    Raises:
        UsageError: `every` is below 1, or `offset` is not below it.
        DataError: a part would be empty.
    """
    if every < 1:
        raise UsageError("--every must be at least 1", got=every)
    if not 0 <= offset < every:
        raise UsageError("--offset is out of range", expected=f"0 to {every - 1}", got=offset)
    if by == "document":
        numbers = list(range(1, len(corpus.documents) + 1))
    else:
        places = enumerate(corpus.sentences, 1)
        numbers = [p if s.number is None else s.number for p, s in places]
    return _part(corpus, {i for i, number in enumerate(numbers) if number % every == offset}, by)


def split_by_fraction(corpus: Corpus, fraction: float, seed: int, *, by: Unit) -> Parts:
    """Draw a share of the documents or sentences into dev; the same seed draws the same.

    Raises:
        UsageError: `fraction` is not between 0 and 1.
        DataError: a part would be empty.
    """
    if not 0 < fraction < 1:
        raise UsageError("--fraction must lie between 0 and 1", got=fraction)
    count = len(corpus.documents) if by == "document" else sum(1 for _ in corpus.sentences)
    wanted = min(max(1, round(count * fraction)), max(count - 1, 0))
    return _part(corpus, set(random.Random(seed).sample(range(count), wanted)), by)


def _part(corpus: Corpus, chosen: set[int], by: Unit) -> Parts:
    """Part the corpus; `chosen` are the indices that go to dev."""
    sides: tuple[list[Document], list[Document]] = ([], [])
    cut = 0
    first = 0
    for index, document in enumerate(corpus.documents):
        if by == "document":
            sides[index in chosen].append(document)
            continue
        places = range(len(document.sentences) if document.word_count else 0)
        groups = [[p for p in places if (first + p in chosen) is side] for side in (False, True)]
        first += len(document.sentences)
        kept = 0
        for side, group in zip(sides, groups, strict=True):
            # A document without words has nothing to part; it stays in train.
            if group or (not places and side is sides[0]):
                side.append(select_sentences(document, group) if group else document)
                kept += len(side[-1].entities)
        cut += len(document.entities) - kept
    train, dev = (replace(corpus, documents=tuple(side)) for side in sides)
    for name, part in (("train", train), ("dev", dev)):
        if not part.documents:
            raise DataError(
                f"{name} would be empty",
                where=corpus.path,
                got=f"{len(corpus.documents)} documents in all",
                remedy="part by sentence (--by sentence), or draw another share",
            )
    losses = (
        (f"split: {cut:,} entities that lie whole in neither part are left out",) if cut else ()
    )
    return Parts(train, dev, losses)


def select_sentences(document: Document, indices: Sequence[int]) -> Document:
    """The document with only some of its sentences, in order; the others' text goes with them.

    Text that belongs to no word goes with the sentence before it (the first sentence, where there
    is none). The white space between two kept sentences stays where nothing between them was left
    out, and is a line break elsewhere. Entities that do not lie in the kept text are left out.
    """
    if len(indices) == len(document.sentences):
        return document
    pieces: list[tuple[int, int, int]] = []  # start and end in the old text, start in the new
    length = 0
    extents = _extents(document)
    for begin, end in _runs(indices):
        filled = [extents[i] for i in range(begin, end) if i in extents]
        if not filled:
            continue
        start, stop = filled[0][0], filled[-1][1]
        length += bool(pieces)
        pieces.append((start, stop, length))
        length += stop - start
    text = "\n".join(document.text[start:stop] for start, stop, _ in pieces)
    sentences = tuple(_moved(document.sentences[i], pieces) for i in indices)
    entities = tuple(e for e in (_moved_entity(e, pieces) for e in document.entities) if e)
    metadata = _metadata(document, indices)
    return Document(text, sentences, entities, document.id, metadata)


def _extents(document: Document) -> dict[int, tuple[int, int]]:
    """First and last character of each sentence that has words, all text but white space shared."""
    text = document.text
    filled = [(i, s) for i, s in enumerate(document.sentences) if s.tokens]
    starts = [sentence.start for _, sentence in filled]
    if starts:
        starts[0] -= len(text[: starts[0]].lstrip())
    borders = pairwise([*starts, len(text)])
    return {
        index: (start, sentence.end + len(text[sentence.end : border].rstrip()))
        for (index, sentence), (start, border) in zip(filled, borders, strict=True)
    }


def _runs(indices: Sequence[int]) -> list[tuple[int, int]]:
    """Half-open runs of consecutive indices."""
    runs: list[tuple[int, int]] = []
    for index in indices:
        if runs and runs[-1][1] == index:
            runs[-1] = (runs[-1][0], index + 1)
        else:
            runs.append((index, index + 1))
    return runs


def _shift(pieces: Sequence[tuple[int, int, int]], start: int, end: int) -> int | None:
    """How far the characters from `start` to `end` move; None where they are not all kept."""
    place = bisect_right(pieces, start, key=lambda piece: piece[0]) - 1
    if place < 0 or end > pieces[place][1]:
        return None
    return pieces[place][2] - pieces[place][0]


def _moved(sentence: Sentence, pieces: Sequence[tuple[int, int, int]]) -> Sentence:
    shift = _shift(pieces, sentence.start, sentence.end) or 0
    tokens = (replace(t, start=t.start + shift, end=t.end + shift) for t in sentence.tokens)
    return replace(sentence, tokens=tuple(tokens))


def _moved_entity(entity: Entity, pieces: Sequence[tuple[int, int, int]]) -> Entity | None:
    shift = _shift(pieces, entity.start, entity.end)
    if shift is None:
        return None
    metadata = entity.metadata
    if FRAGMENTS in metadata:
        parts = [[start + shift, end + shift] for start, end in metadata[FRAGMENTS]]
        metadata = {**metadata, FRAGMENTS: parts}
    return replace(entity, start=entity.start + shift, end=entity.end + shift, metadata=metadata)


def _metadata(document: Document, indices: Sequence[int]) -> dict[str, Any]:
    metadata = dict(document.metadata)
    if TOKEN_METADATA in metadata:
        firsts = [0]
        for sentence in document.sentences:
            firsts.append(firsts[-1] + len(sentence))
        tokens = metadata[TOKEN_METADATA]
        metadata[TOKEN_METADATA] = [t for i in indices for t in tokens[firsts[i] : firsts[i + 1]]]
    return metadata
