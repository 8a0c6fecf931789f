"""What is lost when a corpus's sentences are tagged as running text instead of by their words.

python benchmarks/bench_raw_text.py DATA MODEL [--dev FILE] [--documents N]

The dev set of the corpus whose labels the model knows, CoNLL-2003 or GMB, is put back into running
text (see `running_text`) and tagged four times: with the corpus's own words and sentences, with one
of them found by segmentation, and with both found. Entities count by their characters in the
running text. So the first row is what `posner evaluate` gives, the last is what a user of raw text
gets, and the rows between say where the difference arises.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from common import (
    conll_files,
    data_argument,
    gmb_files,
    guarded,
    heading,
    markdown_table,
    read_corpus,
    write_result,
)
from posner.document import (
    Document,
    Entity,
    Sentence,
    Token,
    WordRow,
    WordSentence,
    document_from_words,
    sentence_spans,
)
from posner.evaluation.counts import Counts
from posner.evaluation.spans import score_spans
from posner.loading import load
from posner.recognizer import Recognizer
from posner.schemes import Span
from posner.tagger import segmented
from running_text import running

GMB_SENTENCES = 20
"""Sentences of GMB that make one running text."""

CAUSES = (
    "a border inside a found word",
    "its sentence is parted",
    "other words in its sentence",
    "its sentence begins or ends elsewhere",
    "the same words and sentence",
)


@dataclass(frozen=True)
class Views:
    """One text with given or found words and sentences; the first holds the gold entities."""

    given: Document
    found_sentences: Document
    found_words: Document
    found: Document


def views(document: Document) -> Views:
    """The four views of a document's running text."""
    given = running(document)
    found = segmented(given.text)
    return Views(
        given,
        regrouped(given, [s.start for s in found.sentences]),
        regrouped(found, [s.start for s in given.sentences if s.tokens]),
        found,
    )


def regrouped(words: Document, begins: Sequence[int]) -> Document:
    """A document's words in sentences that begin at these characters."""
    groups: dict[int, list[Token]] = {}
    for token in words.tokens:
        groups.setdefault(bisect_right(begins, token.start), []).append(token)
    sentences = tuple(Sentence(tuple(group)) for group in groups.values())
    return replace(words, sentences=sentences, entities=())


def score(gold: Iterable[Document], predicted: Iterable[Document]) -> Counts:
    """Entities by characters and label, over documents."""
    pairs = zip(gold, predicted, strict=True)
    return score_spans((_spans(g.entities), _spans(p.entities)) for g, p in pairs).micro


def _spans(entities: Iterable[Entity]) -> list[Span]:
    return [Span(e.start, e.end, e.label) for e in entities]


def causes(gold: Document, given: Document, found: Document) -> Counter[str]:
    """Why gold entities that the given words find are lost on raw text, and how many are won.

    Args:
        gold: the running text with gold entities and given words.
        given: entities found with the given words.
        found: entities found on raw text, with the words found there.
    """
    right, raw = set(_spans(given.entities)), set(_spans(found.entities))
    places = _Places(gold, found)
    tally: Counter[str] = Counter()
    for span in _spans(gold.entities):
        if span in right and span not in raw:
            tally[places.cause(span)] += 1
        elif span in raw and span not in right:
            tally["found on raw text only"] += 1
    return tally


class _Places:
    """Where the words and sentences of two views of a text stand."""

    def __init__(self, given: Document, found: Document) -> None:
        self._starts = {t.start for t in found.tokens}
        self._ends = {t.end for t in found.tokens}
        self._given = _by_sentence(given)
        self._found = _by_sentence(found)

    def cause(self, span: Span) -> str:
        start, end, _ = span
        if start not in self._starts or end not in self._ends:
            return CAUSES[0]
        own, other = self._holding(self._given, start), self._holding(self._found, start)
        if other[-1][1] < end:
            return CAUSES[1]
        if own == other:
            return CAUSES[4]
        low, high = max(own[0][0], other[0][0]), min(own[-1][1], other[-1][1])
        shared = [[w for w in words if low <= w[0] and w[1] <= high] for words in (own, other)]
        return CAUSES[2] if shared[0] != shared[1] else CAUSES[3]

    @staticmethod
    def _holding(sentences: list[list[tuple[int, int]]], start: int) -> list[tuple[int, int]]:
        return sentences[bisect_right([words[0][0] for words in sentences], start) - 1]


def _by_sentence(document: Document) -> list[list[tuple[int, int]]]:
    return [[(t.start, t.end) for t in s.tokens] for s in document.sentences if s.tokens]


def in_texts(documents: Iterable[Document], count: int) -> Iterator[Document]:
    """So many documents at a time as one: a csv that names none has a document a sentence."""
    waiting = iter(documents)
    while group := list(islice(waiting, count)):
        sentences = [_word_sentence(d, i) for d in group for i in range(len(d.sentences))]
        yield document_from_words(sentences)


def _word_sentence(document: Document, index: int) -> WordSentence:
    rows = tuple(WordRow(t.text, t.pos) for t in document.sentences[index].tokens)
    return WordSentence(rows, sentence_spans(document).spans[index])


def measure(recognizer: Recognizer, documents: Sequence[Document]) -> str:
    """The table of one corpus, in Markdown."""
    seen = [views(document) for document in documents]
    gold = [v.given for v in seen]
    given = recognizer.tag(gold)
    raw = recognizer.tag([v.found for v in seen])
    rows: list[tuple[str, str, list[Document]]] = [
        ("given", "given", given),
        ("given", "found", recognizer.tag([v.found_sentences for v in seen])),
        ("found", "given", recognizer.tag([v.found_words for v in seen])),
        ("found", "found", raw),
    ]
    best = score(gold, given).f1
    cells = []
    for words, sentences, tagged in rows:
        counts = score(gold, tagged)
        figures = (counts.precision, counts.recall, counts.f1, counts.f1 - best)
        cells.append([words, sentences, *(f"{100 * value:.2f}" for value in figures)])
    tally: Counter[str] = Counter()
    for g, one, other in zip(gold, given, raw, strict=True):
        tally += causes(g, one, other)
    table = markdown_table(["words", "sentences", "P", "R", "F1", "difference"], cells)
    named = [[cause, str(tally[cause])] for cause in (*CAUSES, "found on raw text only")]
    size = f"{len(gold):,} texts, {sum(len(d.entities) for d in gold):,} gold entities.\n"
    lost = markdown_table(
        ["of the entities that the given words find, lost on raw text", ""], named
    )
    return f"\n{size}\n{table}\n\n{lost}\n"


def main() -> int:
    """Run and write `results/raw-text-conll2003.md` or `raw-text-gmb.md`."""
    parser = argparse.ArgumentParser(description=__doc__)
    data_argument(parser)
    parser.add_argument("model", help="a model or run trained on CoNLL-2003 or on GMB")
    parser.add_argument("--dev", type=Path, help="GMB's dev set, if it is parted already")
    parser.add_argument("--documents", type=int, help="only the first N texts")
    arguments = parser.parse_args()
    recognizer = load(arguments.model)
    text = heading("Raw text instead of given words")
    if "PER" in recognizer.manifest.labels:
        name, result = "CoNLL-2003 dev", "raw-text-conll2003.md"
        texts = iter(read_corpus(conll_files(arguments.data).dev).documents)
    else:
        name, result = "GMB dev", "raw-text-gmb.md"
        with tempfile.TemporaryDirectory() as folder:
            dev = arguments.dev or gmb_files(arguments.data, Path(folder)).dev
            texts = in_texts(read_corpus(dev).documents, GMB_SENTENCES)
    documents = list(islice(texts, arguments.documents))
    text += f"\n## {name}\n" + measure(recognizer, documents)
    write_result(result, text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
