"""The sample corpus: does a model learn more from it than which names stand in it?

Scores a trained run on the sample's test part beside a look-up of the training mentions (the
longest match wins, each mention with its most frequent label).

    python benchmarks/bench_sample.py runs/demo
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import posner
from common import guarded, machine, write_result
from posner.document import Document, sentence_spans
from posner.evaluation.model import evaluate_documents
from posner.evaluation.spans import score_spans
from posner.schemes import Span

SAMPLE = Path(__file__).parent.parent / "sample"
Mentions = dict[tuple[str, ...], str]


def main() -> int:
    """Run and write `results/sample.md`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", help="a run trained on sample/train.conll")
    arguments = parser.parse_args()
    train, test = (posner.read(SAMPLE / f"{name}.conll") for name in ("train", "test"))
    mentions = training_mentions(train.documents)
    pairs = [
        (gold, look_up(sentence.words, mentions))
        for document in test.documents
        for sentence, gold in zip(document.sentences, sentence_spans(document).spans, strict=True)
    ]
    by_list = score_spans(pairs).micro
    by_model = evaluate_documents(posner.load(arguments.run), test.documents).counts
    rows = [
        f"| {name} | {100 * c.precision:.2f} | {100 * c.recall:.2f} | {100 * c.f1:.2f} |"
        for name, c in (("look-up of training mentions", by_list), ("trained model", by_model))
    ]
    text = "\n".join(["| | P | R | F1 strict |", "|---|---|---|---|", *rows])
    ahead = 100 * (by_model.f1 - by_list.f1)
    write_result(
        "sample.md",
        f"# The sample corpus's test part\n\nMachine: {machine()}.\n"
        f"Command: `python {' '.join(sys.argv)}`\n\n{text}\n\n"
        f"The model is {ahead:.1f} points ahead of the look-up.\n",
    )
    print(f"{text}\nthe model is {ahead:.1f} points ahead of the look-up")
    return 0


def training_mentions(documents: Sequence[Document]) -> Mentions:
    """Each mention's words with its most frequent label."""
    labels: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for document in documents:
        for sentence, spans in zip(document.sentences, sentence_spans(document).spans, strict=True):
            for first, last, label in spans:
                labels[tuple(sentence.words[first:last])][label] += 1
    return {words: found.most_common(1)[0][0] for words, found in labels.items()}


def look_up(words: Sequence[str], mentions: Mentions) -> list[Span]:
    """Longest matches from the left."""
    longest = max((len(mention) for mention in mentions), default=0)
    spans, first = [], 0
    while first < len(words):
        for last in range(min(len(words), first + longest), first, -1):
            label = mentions.get(tuple(words[first:last]))
            if label is not None:
                spans.append(Span(first, last, label))
                first = last
                break
        else:
            first += 1
    return spans


if __name__ == "__main__":
    sys.exit(guarded(main))
