"""Long sentences: what the size of windows gives, and how many entities change with the overlap.

python benchmarks/bench_overlap.py DATA MODEL [--total N] [--words 100 200 400 1000]
    [--windows 512 256 128] [--prose]

Few sentences of CoNLL-2003 are long, so sentences of so many words, N words in all, are made of
consecutive ones of the dev set, tables of results included (`--prose`: without them). Each is
tagged in windows of several sizes, with an overlap of a quarter and of a half of them; what is
found by one and not by the other has changed. The last row of a length says what the joining of
sentences itself costs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from common import (
    conll_files,
    data_argument,
    guarded,
    heading,
    markdown_table,
    read_corpus,
    write_result,
)
from posner.document import (
    Document,
    Sentence,
    WordRow,
    WordSentence,
    document_from_words,
    sentence_spans,
)
from posner.evaluation.spans import score_spans
from posner.loading import load
from posner.recognizer import Recognizer
from posner.schemes import Span


def long_sentences(documents: Iterable[Document], words: int, least: int) -> Iterator[Document]:
    """Documents of one sentence each, of at least so many words, made of those of `least` words."""
    rows: list[WordRow] = []
    spans: list[Span] = []
    for document in documents:
        for sentence, own in zip(document.sentences, sentence_spans(document).spans, strict=True):
            if len(sentence) < least:
                continue
            spans += [Span(s.word_start + len(rows), s.word_end + len(rows), s.label) for s in own]
            rows += [WordRow(token.text, token.pos) for token in sentence.tokens]
            if len(rows) >= words:
                yield document_from_words([WordSentence(tuple(rows), tuple(spans))])
                rows, spans = [], []


def tagged(
    recognizer: Recognizer, documents: Sequence[Document], overlap: int, long: int = 0
) -> list[set[Span]]:
    """The entities of each document, tagged with that overlap, in windows of `long` pieces."""
    recognizer.plan = replace(recognizer.plan, overlap=overlap, long=long)
    return [
        {Span(e.start, e.end, e.label) for e in document.entities}
        for document in recognizer.tag(documents)
    ]


def parted(document: Document) -> Document:
    """The document with a sentence border behind each full stop, for what windows cost at all."""
    sentences: list[Sentence] = []
    current = []
    for token in document.tokens:
        current.append(token)
        if token.text == ".":
            sentences.append(Sentence(tuple(current)))
            current = []
    return replace(document, sentences=(*sentences, *([Sentence(tuple(current))] * bool(current))))


def row(
    windows: str,
    overlap: str,
    gold: Sequence[set[Span]],
    found: Sequence[set[Span]],
    before: Sequence[set[Span]],
) -> list[str]:
    """A line of the table; entities that one has and the other has not are changed ones."""
    counts = score_spans(zip(gold, found, strict=True)).micro
    changed = sum(len(one ^ other) for one, other in zip(found, before, strict=True))
    share = f"{changed} ({100 * changed / max(counts.predicted, 1):.1f} %)" if changed else ""
    return [windows, overlap, f"{counts.predicted:,}", f"{100 * counts.f1:.2f}", share]


def rows_of(
    recognizer: Recognizer, texts: Sequence[Document], windows: Sequence[int]
) -> Iterator[list[str]]:
    """The lines for sentences of one length."""
    gold = [{Span(e.start, e.end, e.label) for e in d.entities} for d in texts]
    for window in windows:
        before = tagged(recognizer, texts, window // 4, window)
        yield row(f"{window} pieces", f"{window // 4}", gold, before, before)
        found = tagged(recognizer, texts, window // 2, window)
        yield row("", f"{window // 2}", gold, found, before)
    apart = tagged(recognizer, [parted(d) for d in texts], 0)
    yield row("split behind full stops", "", gold, apart, apart)


def main() -> int:
    """Run and write `results/overlap.md`, or `overlap-prose.md`."""
    parser = argparse.ArgumentParser(description=__doc__)
    data_argument(parser)
    parser.add_argument("model", help="a model or run trained on CoNLL-2003")
    parser.add_argument("--total", type=int, default=10_000, help="words of all sentences")
    parser.add_argument("--words", type=int, nargs="+", default=[100, 200, 400, 1000])
    parser.add_argument("--windows", type=int, nargs="+", default=[512, 256, 128])
    parser.add_argument("--prose", action="store_true", help="of sentences of ten words and more")
    arguments = parser.parse_args()
    corpus = read_corpus(conll_files(arguments.data).dev)
    recognizer = load(arguments.model)
    rows = []
    for words in arguments.words:
        made = long_sentences(corpus.documents, words, 10 if arguments.prose else 1)
        texts = list(islice(made, arguments.total // words))
        for line in rows_of(recognizer, texts, arguments.windows):
            rows.append([f"{words:,}", *line])
            print(*rows[-1], sep="\t", flush=True)
    text = heading("Long sentences: what the windows' size and overlap change")
    prose = ", of sentences of ten words and more" if arguments.prose else ""
    text += f"\nAbout {arguments.total:,} words for each length{prose}.\n"
    head = ["words", "windows", "overlap", "entities found", "F1", "changed from the row above"]
    text += f"\n{markdown_table(head, rows)}\n"
    write_result("overlap-prose.md" if arguments.prose else "overlap.md", text)
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
