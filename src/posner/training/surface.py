"""Learning the CRF over surface features that may stand beside a network (`posner.surface`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from posner.align import IntArray
from posner.decode import legal_transitions
from posner.document import Document, sentence_spans
from posner.model.crf import CRF
from posner.schemes import SCHEMES, spans_to_tags
from posner.surface import (
    BEGIN,
    END,
    OFFSETS,
    KeyArray,
    Surface,
    further_features,
    key_of,
    word_features,
)
from posner.training.console import Reporter

RowArray = npt.NDArray[np.int32]

EPOCHS, LEAST_STEPS, MOST_STEPS = 4, 300, 6000
"""Passes over the training sentences; more on a small corpus and fewer on a large one, so that
their steps stay within bounds. Of a corpus too large for one pass that many sentences are drawn."""
SENTENCES = 32
"""A step's."""
RATE, WARMUP = 2e-2, 0.1
"""AdamW's peak rate, after a share of the steps; then it falls to nothing."""
SIGHTINGS = 3
"""Words that have a further feature, at least, for it to be learned."""
DROPPED = 0.3
"""Share of features that a step does not see: else one of them would learn for all of its word."""
LONGEST = 128
"""Words of a sentence that the CRF walks at once; longer ones are parted."""
MOST_WEIGHTS = 8_000_000
"""Features times tags that are learned anew, the features of the most words: all weights are
updated in every step."""
PADDING = 0
"""The row of places without a feature."""


@dataclass(frozen=True)
class _Run:
    """Words of one sentence to learn from.

    Attributes:
        features: (words, features) rows of the table.
        tags: (words,) gold.
        begins, ends: whether its sentence begins, or ends, with it.
    """

    features: RowArray
    tags: IntArray
    begins: bool
    ends: bool


def learn_surface(
    documents: Sequence[Document],
    tags: Sequence[str],
    scheme: str,
    seed: int,
    *,
    start: Surface | None = None,
    reporter: Reporter | None = None,
) -> Surface:
    """Learn from labelled documents.

    The same seed gives the same weights on the same machine with the same number of threads.

    Args:
        documents: labelled, with flat entities.
        tags: in the order of the network's emissions; sentences with other tags are left out.
        scheme: of the tags.
        seed: of the order and of what is dropped.
        start: over the same tags, to go on from.
        reporter: is told how far it is.

    Raises:
        KeyboardInterrupt: the reporter wants it to end.
    """
    random = np.random.default_rng(seed)
    sentences = _drawn(list(_labelled(documents, tags, scheme)), random)
    words = Counter(word for forms, _ in sentences for word in forms)
    known = () if start is None else start.keys.tolist()
    index = _FeatureIndex(words, known, MOST_WEIGHTS // len(tags))
    runs = list(_runs(sentences, index))
    legal = legal_transitions(tags, SCHEMES[scheme])
    crf = CRF(legal)
    table = nn.Embedding(index.size, len(tags))
    nn.init.zeros_(table.weight)
    if start is not None:
        _fill(table, crf, index.keys, start)
    optimizer = torch.optim.AdamW(
        [*table.parameters(), *crf.parameters()], lr=RATE, weight_decay=0.0, fused=True
    )
    drop = torch.Generator().manual_seed(seed)
    batches = max(1, -(-len(runs) // SENTENCES))
    epochs = max(min(EPOCHS, MOST_STEPS // batches), -(-LEAST_STEPS // batches))
    total = min(epochs * batches, max(MOST_STEPS, LEAST_STEPS))
    course = islice(chain.from_iterable(_batches(runs, random) for _ in range(epochs)), total)
    reporter = reporter or Reporter()
    with reporter.working("steps", total) as tell:
        for step, batch in enumerate(course):
            if reporter.wants_stop():
                raise KeyboardInterrupt
            for group in optimizer.param_groups:
                group["lr"] = RATE * _relative_rate(step, total)
            optimizer.zero_grad()
            _loss(crf, table, batch, drop).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            tell(step + 1)
    return _learned(index.keys, table, crf)


def _relative_rate(step: int, total: int) -> float:
    """It rises, then falls in a line."""
    return min((step + 1) / (WARMUP * total), 1 - step / total)


def _loss(crf: CRF, table: nn.Embedding, batch: Sequence[_Run], drop: torch.Generator) -> Tensor:
    """The mean negative log-likelihood of the gold tags of runs, a word."""
    longest = max(len(run.tags) for run in batch)
    features = np.full((len(batch), longest, batch[0].features.shape[1]), PADDING, dtype=np.int32)
    tags = np.zeros((len(batch), longest), dtype=np.int64)
    mask = np.zeros((len(batch), longest), dtype=bool)
    for row, run in enumerate(batch):
        features[row, : len(run.tags)] = run.features
        tags[row, : len(run.tags)] = run.tags
        mask[row, : len(run.tags)] = True
    rows = torch.from_numpy(features)
    seen = (rows != PADDING) & (torch.rand(rows.shape, generator=drop) >= DROPPED)
    weights = seen.float() / (1 - DROPPED)
    emissions = nn.functional.embedding_bag(
        rows.flatten(0, 1),
        table.weight,
        mode="sum",
        per_sample_weights=weights.flatten(0, 1),
    ).view(len(batch), longest, -1)
    begins = torch.tensor([run.begins for run in batch])
    ends = torch.tensor([run.ends for run in batch])
    loss = crf.loss(emissions, torch.from_numpy(tags), torch.from_numpy(mask), begins, ends)
    return loss / int(mask.sum())


def _batches(runs: Sequence[_Run], random: np.random.Generator) -> Iterator[list[_Run]]:
    """One epoch: runs alike in length together, in random company and order."""
    lengths = np.array([len(run.tags) for run in runs], dtype=np.float64)
    order = np.argsort(lengths + 3 * random.random(len(runs)))
    groups = [order[i : i + SENTENCES] for i in range(0, len(order), SENTENCES)]
    for place in random.permutation(len(groups)):
        yield [runs[i] for i in groups[place]]


class _FeatureIndex:
    """The features of some words, each with a row of a table.

    Attributes:
        keys: (rows - 1,) the features' sorted checksums; row 0 is no feature's.
    """

    def __init__(self, words: Mapping[str, int], known: Iterable[int], most: int) -> None:
        """Number the features.

        Args:
            words: how often each was seen.
            known: keys of features that are learned besides, however rare they are.
            most: features that the words may add, those that are seen most.
        """
        keys = {
            word: [[key_of(name) for name in names] for names in word_features(word)]
            for word in words
        }
        seen: Counter[int] = Counter()
        for word, own in keys.items():
            for key in chain.from_iterable(own):
                seen[key] += words[word]
        further = {key_of(f) for word in words for f in chain(*further_features(word))}
        for key in further:
            if seen[key] < SIGHTINGS:
                del seen[key]
        borders = [[key_of(name) for name in names] for names in (BEGIN, END)]
        often = (key for key, _ in seen.most_common(most))
        self.keys: KeyArray = np.array(
            sorted({*known, *often, *chain.from_iterable(borders)}), dtype=np.uint32
        )
        rows = {int(key): row for row, key in enumerate(self.keys, start=PADDING + 1)}
        self._borders = [[rows[key] for key in own] for own in borders]
        self._words = {
            word: [[rows.get(key, PADDING) for key in names] for names in own]
            for word, own in keys.items()
        }

    @property
    def size(self) -> int:
        """Rows, that of no feature among them."""
        return PADDING + 1 + len(self.keys)

    def sentence(self, words: Sequence[str]) -> RowArray:
        """(words, features) rows of a sentence's words and their neighbours."""
        known = [self._words[word] for word in words]
        columns = []
        for place, offset in enumerate(OFFSETS):
            rows = np.array([own[place] for own in known], dtype=np.int32)
            column = np.full_like(rows, PADDING)
            told = slice(max(0, offset), len(words) + min(0, offset))
            telling = slice(max(0, -offset), len(words) - max(0, offset))
            column[told] = rows[telling]
            columns.append(column)
        for place, border in zip((0, -1), self._borders, strict=True):
            column = np.full((len(words), len(border)), PADDING, dtype=np.int32)
            column[place] = border
            columns.append(column)
        return np.concatenate(columns, axis=1)


_Labelled = tuple[Sequence[str], IntArray]
"""A sentence's words, and (words,) the indices of their gold tags."""


def _labelled(
    documents: Sequence[Document], tags: Sequence[str], scheme: str
) -> Iterator[_Labelled]:
    """The sentences whose gold tags are all known."""
    numbers = {tag: number for number, tag in enumerate(tags)}
    for document in documents:
        spans = sentence_spans(document).spans
        for sentence, own in zip(document.sentences, spans, strict=True):
            gold = spans_to_tags(own, len(sentence), SCHEMES[scheme])
            if gold and all(tag in numbers for tag in gold):
                path = np.array([numbers[tag] for tag in gold], dtype=np.int64)
                yield sentence.forms, path


def _drawn(sentences: list[_Labelled], random: np.random.Generator) -> list[_Labelled]:
    """All of them, or as many as one pass may have."""
    most = MOST_STEPS * SENTENCES
    if len(sentences) <= most:
        return sentences
    return [sentences[i] for i in random.choice(len(sentences), most, replace=False)]


def _runs(sentences: Sequence[_Labelled], index: _FeatureIndex) -> Iterator[_Run]:
    """What the CRF walks: the sentences, long ones in parts."""
    for words, path in sentences:
        features = index.sentence(words)
        for first in range(0, len(path), LONGEST):
            part = slice(first, first + LONGEST)
            yield _Run(features[part], path[part], first == 0, part.stop >= len(path))


@torch.no_grad()
def _fill(table: nn.Embedding, crf: CRF, keys: KeyArray, start: Surface) -> None:
    """Give a new table the weights of a surface CRF, whose keys are all among its own."""
    rows = PADDING + 1 + np.searchsorted(keys, start.keys)
    table.weight[torch.from_numpy(rows)] = torch.from_numpy(start.states).float()
    for name in ("start", "pairs", "end"):
        getattr(crf, name).copy_(torch.from_numpy(getattr(start, name)))


def _learned(keys: KeyArray, table: nn.Embedding, crf: CRF) -> Surface:
    """What was learned, without features that came to weigh nothing."""
    states = table.weight.detach().numpy()[PADDING + 1 :].astype(np.float16)
    kept = np.abs(states).max(axis=1) > 0
    start, pairs, end = (own.detach().numpy().copy() for own in (crf.start, crf.pairs, crf.end))
    return Surface(keys[kept], states[kept], start, pairs, end)
