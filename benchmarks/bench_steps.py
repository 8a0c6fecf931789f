"""What each step after the network is worth on dev data: joining, a lexicon, a threshold.

python benchmarks/bench_steps.py DATA MODEL [--share 0.1] [--write]

DATA holds conll2003/eng.train and eng.testa. The lexicon is built from eng.train alone. The steps
are tried on dev and on a copy of it with a random typo in a tenth of its names.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from common import (
    conll_files,
    data_argument,
    guarded,
    heading,
    markdown_table,
    read_corpus,
    write_result,
)
from posner.calibration.calibrate import Calibration, calibrate
from posner.calibration.threshold import Wish
from posner.document import Document, Entity, sentence_spans
from posner.evaluation.counts import Counts
from posner.loading import load
from posner.postprocess.build import build_names
from posner.postprocess.correct import LexiconStep
from posner.postprocess.names import Name
from posner.postprocess.rules import Rules
from posner.recognizer import Recognizer
from typos import Misspelt, misspell

LEAST = 0.9
"""Score that a name of the training data must have to add or relabel."""

RATIOS = ("P", "R", "F1 strict")

RULES = {
    "correct": Rules(),
    "correct, relabel": Rules(relabel=True, least=LEAST),
    "correct, add": Rules(add=True, least=LEAST),
    "correct, relabel, add": Rules(relabel=True, add=True, least=LEAST),
    "the same, names as they are spelt": Rules(relabel=True, add=True, least=LEAST, edits=0),
}


@dataclass(frozen=True)
class Found:
    """A labelled set, and what the network found in it."""

    gold: Sequence[Document]
    tagged: Sequence[Document]


def every(documents: Sequence[Document], share: float) -> list[Document]:
    """That share of the documents, evenly spaced."""
    return [d for i, d in enumerate(documents) if int(i * share) != int((i + 1) * share)]


def counts(gold: Sequence[Document], found: Sequence[Sequence[Entity]]) -> Counts:
    """Strict counts by characters."""
    total = Counts()
    for truth, entities in zip(gold, found, strict=True):
        true, said = (
            {(e.start, e.end, e.label) for e in some} for some in (truth.entities, entities)
        )
        total += Counts(len(true), len(said), len(true & said))
    return total


def words_of(document: Document) -> list[Entity]:
    """Each word of each entity as one of its own."""
    spans = zip(document.sentences, sentence_spans(document).spans, strict=True)
    return [
        document.entity(token.start, token.end, span.label)
        for sentence, own in spans
        for span in own
        for token in sentence.tokens[span.word_start : span.word_end]
    ]


def pieces_of(document: Document, recognizer: Recognizer) -> list[Entity]:
    """Each piece of each entity as one of its own, as a network by pieces gives them."""
    labels = {word.start: word.label for word in words_of(document)}
    return [
        document.entity(piece.start, piece.end, labels[token.start])
        for sentence in document.sentences
        for token, pieces in zip(
            sentence.tokens, recognizer.tokenizer.pieces(sentence.tokens), strict=True
        )
        if token.start in labels
        for piece in pieces
    ]


def joining(found: Found, recognizer: Recognizer) -> Iterator[tuple[str, Counts]]:
    """Before and after pieces become words, and words entities."""
    ways: dict[str, Callable[[Document], Sequence[Entity]]] = {
        "each piece alone": lambda d: pieces_of(d, recognizer),
        "pieces joined to words": words_of,
        "words joined to entities": lambda d: d.entities,
    }
    for name, way in ways.items():
        yield name, counts(found.gold, [way(document) for document in found.tagged])


def lexicon_rows(
    found: Found, names: Sequence[Name], recognizer: Recognizer, misspelt: Misspelt | None
) -> list[tuple[str, ...]]:
    """A row for each set of rules, and how many misspelt names were set right."""
    rows: list[tuple[str, ...]] = [
        ("no lexicon", *figures(counts(found.gold, [d.entities for d in found.tagged])), "", "")
    ]
    for title, rules in RULES.items():
        step = LexiconStep(names, rules, known=recognizer.knows)
        after = [step(document) for document in found.tagged]
        done = ", ".join(f"{count} {what}" for what, count in sorted(step.done.items()))
        row = (title, *figures(counts(found.gold, [d.entities for d in after])), done)
        rows.append((*row, right_names(after, misspelt) if misspelt else ""))
    return rows


def right_names(documents: Sequence[Document], misspelt: Misspelt) -> str:
    """How many of the misspelt names are entities that say their right spelling."""
    right = sum(
        misspelt.names.get((number, entity.start, entity.end)) == entity.corrected
        for number, document in enumerate(documents)
        for entity in document.entities
        if entity.corrected is not None
    )
    return f"{right} of {len(misspelt.names)}"


def figures(found: Counts) -> tuple[str, str, str]:
    """Precision, recall and F1 in percent."""
    ratios = found.precision, found.recall, found.f1
    first, second, third = (f"{100 * ratio:.2f}" for ratio in ratios)
    return first, second, third


def threshold_section(calibration: Calibration) -> str:
    """What a threshold is worth, and how far scores are from what they say."""
    fit, threshold = calibration.fit, calibration.threshold
    assert threshold is not None
    ways = {
        "everything stays": threshold.without,
        "chosen on the same documents": threshold.within,
        "chosen on other documents": threshold.held_out or Counts(),
    }
    everything = threshold.without.predicted
    rows = [(n, *figures(c), f"{everything - c.predicted:,}") for n, c in ways.items()]
    errors = [100 * found.error for found in (fit.before, fit.after)]
    losses = [found.log_loss for found in (fit.before, fit.after)]
    return (
        f"## Threshold: {threshold.thresholds} ({threshold.wish})\n\n"
        f"Temperature {fit.temperature:.3f}. Expected calibration error {errors[0]:.2f} % before, "
        f"{errors[1]:.2f} % after; log loss {losses[0]:.4f} before, {losses[1]:.4f} after "
        f"({fit.folds} parts of {fit.unit_count} {fit.units}, each at the others' temperature).\n\n"
        + markdown_table(("", *RATIOS, "left out"), rows)
    )


def lexicon_section(
    found: Found, other: Found, misspelt: Misspelt, names: Sequence[Name], model: Recognizer
) -> str:
    """What a lexicon is worth on dev, and on its copy with typos."""
    head = ("rules", *RATIOS, "done", "names set right")
    return (
        f"## Lexicon: {len(names):,} names of the training data\n\n"
        f"Names with a score below {LEAST} neither add nor relabel. Up to 2 edits by length.\n\n"
        + markdown_table(head, lexicon_rows(found, names, model, None))
        + f"\n\nWith typos in {len(misspelt.names):,} names:\n\n"
        + markdown_table(head, lexicon_rows(other, names, model, misspelt))
    )


def main() -> int:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    data_argument(parser)
    parser.add_argument("model", help="a model or run folder, trained on eng.train")
    parser.add_argument("--share", type=float, default=1.0, help="share of dev's documents")
    parser.add_argument("--seed", type=int, default=1, help="of the typos")
    parser.add_argument("--write", action="store_true", help="keep the figures in results/")
    arguments = parser.parse_args()
    files = conll_files(arguments.data)
    dev = every(read_corpus(files.dev).documents, arguments.share)
    names = build_names(read_corpus(files.train).documents)
    model = load(arguments.model)
    misspelt = misspell(dev, 0.1, arguments.seed)
    found, other = (Found(some, model.find(some)) for some in (dev, misspelt.documents))
    calibration = calibrate(model, dev, wish=Wish())
    joined = [(name, *figures(c)) for name, c in joining(found, model)]
    sections = [
        "## Joining\n\n" + markdown_table(("", *RATIOS), joined),
        lexicon_section(found, other, misspelt, names, model),
        threshold_section(calibration),
    ]
    text = (
        heading("What each step is worth on CoNLL-2003's dev set")
        + f"\n{len(dev)} documents of eng.testa (share {arguments.share:g}), "
        f"{sum(d.word_count for d in dev):,} words.\n\n" + "\n\n".join(sections) + "\n"
    )
    print(text)
    if arguments.write:
        write_result("steps.md", text)
    return 0


if __name__ == "__main__":
    raise SystemExit(guarded(main))
