"""How many entities of over-long sentences change when the windows' overlap doubles.

python benchmarks/bench_overlap.py DATA MODEL [--sentences N] [--words W] [--overlap 64]

No sentence of CoNLL-2003 is longer than a window, so N sentences of W words are made of
consecutive ones of the dev set. Each is tagged with the overlap and with twice the overlap; what is
found by one and not by the other counts. Beside it stands what making one sentence of several
costs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice

import posner
from common import (
    conll_files,
    data_argument,
    guarded,
    heading,
    markdown_table,
    read_corpus,
    write_result,
)
from posner.document import Document, Sentence
from posner.evaluation.spans import score_spans
from posner.recognizer import Recognizer
from posner.schemes import Span


def long_sentences(documents: Iterable[Document], words: int) -> Iterator[Document]:
    """Documents of one sentence each, of at least so many words: those of one document or more."""
    from posner.document import WordRow, WordSentence, document_from_words, sentence_spans

    rows: list[WordRow] = []
    spans: list[Span] = []
    for document in documents:
        for sentence, own in zip(document.sentences, sentence_spans(document).spans, strict=True):
            spans += [Span(s.word_start + len(rows), s.word_end + len(rows), s.label) for s in own]
            rows += [WordRow(token.text, token.pos) for token in sentence.tokens]
            if len(rows) >= words:
                yield document_from_words([WordSentence(tuple(rows), tuple(spans))])
                rows, spans = [], []


def tagged(recognizer: Recognizer, documents: Sequence[Document], overlap: int) -> list[set[Span]]:
    """The entities of each document, tagged with that overlap."""
    recognizer.plan = replace(recognizer.plan, overlap=overlap)
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


def main() -> int:
    """Run and write `results/overlap.md`."""
    parser = argparse.ArgumentParser(description=__doc__)
    data_argument(parser)
    parser.add_argument("model", help="a model or run trained on CoNLL-2003")
    parser.add_argument("--sentences", type=int, default=20)
    parser.add_argument("--words", type=int, default=1000)
    parser.add_argument("--overlap", type=int, default=64)
    arguments = parser.parse_args()
    corpus = read_corpus(conll_files(arguments.data).dev)
    texts = list(islice(long_sentences(corpus.documents, arguments.words), arguments.sentences))
    gold = [{Span(e.start, e.end, e.label) for e in d.entities} for d in texts]
    recognizer = posner.load(arguments.model)
    overlap = arguments.overlap
    found = {size: tagged(recognizer, texts, size) for size in (overlap, 2 * overlap)}
    rows = []
    for size, spans in found.items():
        counts = score_spans(zip(gold, spans, strict=True)).micro
        rows.append([f"{size} pieces", f"{counts.predicted:,}", f"{100 * counts.f1:.2f}"])
    apart = tagged(recognizer, [parted(d) for d in texts], overlap)
    counts = score_spans(zip(gold, apart, strict=True)).micro
    rows.append(["parted behind full stops", f"{counts.predicted:,}", f"{100 * counts.f1:.2f}"])
    first, second = found.values()
    changed = sum(len(one ^ other) for one, other in zip(first, second, strict=True))
    total = len(list(chain.from_iterable(first)))
    words = sum(document.word_count for document in texts)
    text = heading("Over-long sentences: what the overlap changes")
    text += (
        f"\n{len(texts)} sentences, {words:,} words; windows of {recognizer.plan.limit} pieces.\n"
    )
    text += f"\n{markdown_table(['overlap', 'entities found', 'F1'], rows)}\n"
    text += (
        f"\nWith twice the overlap {changed} entities are found by one and not by the other, "
        f"{100 * changed / max(total, 1):.2f} % of {total:,}.\n"
    )
    write_result("overlap.md", text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
