"""What a corpus holds, in counts: sizes, labels, lengths, repetitions, and overlap with another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from posner.corpus.container import Corpus
from posner.document import sentence_spans

DEFAULT_WINDOW = 510
"""Pieces that a BERT window holds: 512 without its two special pieces."""

Measure = Callable[[Sequence[list[str]]], list[int]]
"""Sentences' lengths."""


@dataclass(frozen=True)
class Statistics:
    """Counts of one corpus; shares are derived.

    Attributes:
        documents: how many.
        sentences: how many.
        words: how many.
        entities: how many.
        labels: entities of each label, the most frequent first.
        mention_lengths: entities of each length in words (those on word borders).
        misaligned: entities that are no span of words.
        overlapping: entities that share a word with another before them.
        repeated_sentences: sentences whose words stood in an earlier sentence already.
        window: the length that a sentence should not exceed.
        unit: `pieces`, or `words` where no pieces were counted.
        overlong: sentences longer than `window`.
        longest: the length of the longest sentence.
        capital_sentences: sentences that have letters, all of them capitals.
    """

    documents: int
    sentences: int
    words: int
    entities: int
    labels: dict[str, int]
    mention_lengths: dict[int, int]
    misaligned: int
    overlapping: int
    repeated_sentences: int
    window: int
    unit: str
    overlong: int
    longest: int
    capital_sentences: int

    @property
    def capital_share(self) -> float:
        """The share of sentences all in capitals (0 without sentences)."""
        return self.capital_sentences / self.sentences if self.sentences else 0.0

    def to_json(self) -> dict[str, Any]:
        """The counts and the share, for `--json`."""
        lengths = {str(length): count for length, count in self.mention_lengths.items()}
        return {**vars(self), "mention_lengths": lengths, "capital_share": self.capital_share}


@dataclass(frozen=True)
class Overlap:
    """What a corpus shares with another, in counts.

    Attributes:
        sentences: sentences of the corpus.
        repeated_sentences: those whose words are a sentence of the other.
        mentions: entities of the corpus.
        seen_mentions: those whose text carries the same label somewhere in the other.
        seen_texts: those whose text is an entity of the other, whatever its label.
    """

    sentences: int
    repeated_sentences: int
    mentions: int
    seen_mentions: int
    seen_texts: int

    def to_json(self) -> dict[str, Any]:
        """The counts, for `--json`."""
        return dict(vars(self))


def describe(
    corpus: Corpus, *, window: int = DEFAULT_WINDOW, count_pieces: Measure | None = None
) -> Statistics:
    """Count what a corpus holds.

    Args:
        corpus: what to describe.
        window: the length that a sentence should not exceed, special pieces not counted.
        count_pieces: gives sentences' lengths in pieces; without it words are counted, of which
            every one has at least a piece.
    """
    sentences = [sentence.words for sentence in corpus.sentences]
    lengths = (count_pieces or _count_words)(sentences)
    labels = Counter(e.label for d in corpus.documents for e in d.entities)
    mentions, misaligned, overlapping = _mentions(corpus)
    return Statistics(
        documents=len(corpus.documents),
        sentences=len(sentences),
        words=sum(map(len, sentences)),
        entities=labels.total(),
        labels=dict(labels.most_common()),
        mention_lengths=dict(sorted(mentions.items())),
        misaligned=misaligned,
        overlapping=overlapping,
        repeated_sentences=len(sentences) - len(set(map(tuple, sentences))),
        window=window,
        unit="pieces" if count_pieces else "words",
        overlong=sum(length > window for length in lengths),
        longest=max(lengths, default=0),
        capital_sentences=sum(" ".join(words).isupper() for words in sentences),
    )


def _mentions(corpus: Corpus) -> tuple[Counter[int], int, int]:
    """Entities of each length in words; how many are no span of words; how many overlap."""
    lengths: Counter[int] = Counter()
    misaligned = overlapping = 0
    for document in corpus.documents:
        if not document.entities:
            continue
        found = sentence_spans(document)
        misaligned += len(found.misaligned)
        for spans in found.spans:
            covered_to = 0
            for start, end, _ in spans:
                lengths[end - start] += 1
                overlapping += start < covered_to
                covered_to = max(covered_to, end)
    return lengths, misaligned, overlapping


def _count_words(sentences: Sequence[list[str]]) -> list[int]:
    return [len(words) for words in sentences]


def compare(corpus: Corpus, other: Corpus) -> Overlap:
    """Count what `corpus` shares with `other`, such as dev with train."""
    known_sentences = {tuple(sentence.words) for sentence in other.sentences}
    sentences = [tuple(sentence.words) for sentence in corpus.sentences]
    known = {_mention(e.text, e.label) for d in other.documents for e in d.entities}
    known_texts = {text for text, _ in known}
    mentions = [_mention(e.text, e.label) for d in corpus.documents for e in d.entities]
    return Overlap(
        sentences=len(sentences),
        repeated_sentences=sum(words in known_sentences for words in sentences),
        mentions=len(mentions),
        seen_mentions=sum(mention in known for mention in mentions),
        seen_texts=sum(text in known_texts for text, _ in mentions),
    )


def _mention(text: str, label: str) -> tuple[str, str]:
    """White space made equal, so that a text counts as seen whatever joins its words."""
    return " ".join(text.split()), label
