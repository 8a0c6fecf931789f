"""F1 against the number of corrected sentences: those first that the model is least certain of.

    python benchmarks/bench_corrections.py DATA [--start 100] [--step 100] [--rounds 4] [--seeds 1]
        [--dev 500] [--keep] [--SECTION.SETTING VALUE ...]

A model is trained on a few sentences of CoNLL-2003. In each round it rates the others as the
service's queue does, so many of them are corrected (they get their gold labels), and a model is
trained on all corrected ones; the same with sentences drawn at random. Words are counted too: who
corrects a sentence reads them all.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from common import (
    conll_files,
    data_argument,
    guarded,
    heading,
    markdown_table,
    read_corpus,
    run_posner,
    write_result,
)
from posner.corpus import write
from posner.document import Document, WordRow, WordSentence, document_from_words, sentence_spans
from posner.evaluation.model import evaluate_documents
from posner.loading import load
from posner.uncertainty import uncertainties

WAYS = ("uncertain first", "random")


def sentences_of(path: Path) -> list[Document]:
    """A corpus's sentences, each a document as it would be corrected."""
    found = []
    for document in read_corpus(path).documents:
        spans = sentence_spans(document).spans
        for sentence, labelled in zip(document.sentences, spans, strict=True):
            if len(sentence) > 1:
                rows = tuple(WordRow(t.text, t.pos, t.chunk) for t in sentence.tokens)
                found.append(document_from_words([WordSentence(rows, tuple(labelled))]))
    return found


def train(documents: Sequence[Document], dev: Path, folder: Path, flags: Sequence[str]) -> Path:
    """A model trained on these sentences."""
    corpus, run = folder / "train.conll", folder / "run"
    write(documents, corpus, format="conll", force=True)
    command = ["train", str(corpus), "--dev", str(dev), "--out", str(run), "--force"]
    run_posner([*command, "--recipe", "small", *flags])
    return run


def curve(
    way: str,
    pool: Sequence[Document],
    dev: Sequence[Document],
    arguments: argparse.Namespace,
    settings: Sequence[str],
    seed: int,
) -> list[tuple[int, int, float]]:
    """How many sentences were corrected, their words, and the F1 of a model trained on them."""
    random = np.random.default_rng(seed)
    chosen = [int(i) for i in random.permutation(len(pool))[: arguments.start]]
    points = []
    flags = ["--training.seed", str(seed), *settings]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        dev_file = folder / "dev.conll"
        write(dev, dev_file, format="conll")
        for round_number in range(arguments.rounds + 1):
            run = train([pool[i] for i in chosen], dev_file, folder, flags)
            recognizer = load(run)
            words = sum(pool[i].word_count for i in chosen)
            points.append((len(chosen), words, evaluate_documents(recognizer, dev).counts.f1))
            print(f"{way}, seed {seed}: {points[-1]}", flush=True)
            if round_number == arguments.rounds:
                break
            left = sorted(set(range(len(pool))) - set(chosen))
            if way == WAYS[0]:
                looked = [left[int(i)] for i in random.permutation(len(left))[: arguments.look]]
                unsure = uncertainties(recognizer, [pool[i] for i in looked])
                ranked = [looked[int(i)] for i in np.argsort(unsure)[::-1]]
            else:
                ranked = [left[int(i)] for i in random.permutation(len(left))]
            chosen += ranked[: arguments.step]
    return points


def main() -> int:
    """Draw both curves."""
    parser = argparse.ArgumentParser(description=__doc__)
    data_argument(parser)
    parser.add_argument("--start", type=int, default=100, help="sentences to begin with")
    parser.add_argument("--step", type=int, default=100, help="sentences corrected in a round")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--dev", type=int, default=0, help="sentences to judge by; 0: all")
    parser.add_argument("--look", type=int, default=3000, help="sentences rated in a round")
    parser.add_argument("--keep", action="store_true", help="write results/corrections.md")
    arguments, flags = parser.parse_known_args()
    files = conll_files(arguments.data)
    pool, dev = sentences_of(files.train), sentences_of(files.dev)
    dev = dev[: arguments.dev or None]
    rows = []
    for seed in range(1, arguments.seeds + 1):
        curves = [curve(way, pool, dev, arguments, flags, seed) for way in WAYS]
        for points in zip(*curves, strict=True):
            cells = [cell for _, words, f1 in points for cell in (f"{100 * f1:.2f}", f"{words:,}")]
            rows.append([str(seed), str(points[0][0]), *cells])
    head = [cell for way in WAYS for cell in (f"F1, {way}", "words")]
    table = markdown_table(["seed", "corrected sentences", *head], rows)
    text = "\n".join([heading("Correcting the uncertain first"), table, ""])
    print(text)
    if arguments.keep:
        write_result("corrections.md", text)
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
