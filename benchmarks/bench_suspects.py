"""Whether `posner check --suspects` finds errors of an annotation: errors are made, then sought.

    python benchmarks/bench_suspects.py CORPUS --scratch FOLDER [--share 0.05] [-- FLAGS...]
    python benchmarks/bench_suspects.py CORPUS --model RUN [--documents 90]

A share of a corpus's entities gets another label or loses its last word (where it has several) or
the whole annotation, and `posner train --folds` ranks what its models dispute. What is told is how
many of the first N suspects are errors that were made, N being how many were.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from common import guarded, heading, markdown_table, run_posner, write_result
from posner.corpus import Corpus, Problem, read, write
from posner.document import Document, Entity, sentence_spans
from posner.evaluation.suspects import Suspect, find_suspects
from posner.systems.opening import load

Place = tuple[int, int, int]
"""A document's place, and characters of it."""


def main() -> int:
    """Make errors, cross-validate, and write `results/suspects.md`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, help="a corpus whose annotation is taken for right")
    parser.add_argument("--scratch", type=Path, help="for the spoilt corpus and the runs")
    parser.add_argument("--model", type=Path, help="rank this model's disagreements")
    parser.add_argument("--documents", type=int, help="only the corpus's first documents")
    parser.add_argument("--share", type=float, default=0.05, help="of the entities that are spoilt")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("flags", nargs="*", help="further flags for `posner train`, after --")
    arguments = parser.parse_intermixed_args()
    if (arguments.scratch is None) == (arguments.model is None):
        parser.error("one of --scratch and --model is needed")
    problems: list[Problem] = []
    corpus = read(arguments.corpus, problems=problems)
    corpus = replace(corpus, documents=corpus.documents[: arguments.documents])
    spoilt, made = spoil(corpus, arguments.share)
    name = "suspects" if arguments.model is None else "suspects-model"
    suspects = find_suspects(
        arguments.model or _cross_validated(spoilt, arguments), spoilt.documents, load
    )
    entities = sum(len(document.entities) for document in corpus.documents)
    rows = []
    for times in (0.5, 1.0, 2.0):
        count = min(round(times * len(made)), len(suspects))
        hits = found(suspects[:count], made)
        chance = len(made) * count / entities
        rows.append([str(count), str(hits), f"{hits / count:.0%}", f"{chance:.1f}"])
    header = ["first suspects", "made errors among them", "share", "by chance among entities"]
    text = f"{heading('Errors of an annotation, found again')}\n"
    text += f"{len(made)} of {entities} entities were spoilt; disputed are "
    text += f"{len(suspects)} places.\n\n{markdown_table(header, rows)}\n"
    print(text)
    write_result(f"{name}.md", text)
    return 0


def _cross_validated(spoilt: Corpus, arguments: argparse.Namespace) -> Path:
    path, out = arguments.scratch / "spoilt.conll", arguments.scratch / "folds"
    write(spoilt, path, format="conll", force=True)
    flags = ["--folds", str(arguments.folds), "--out", str(out), "--force", *arguments.flags]
    run_posner(["train", str(path), *flags])
    return Path(out)


def spoil(corpus: Corpus, share: float) -> tuple[Corpus, set[Place]]:
    """The corpus with a share of its entities wrong, and where they were."""
    draw = random.Random(1)
    labels = corpus.labels
    places = [(d, e) for d, doc in enumerate(corpus.documents) for e in range(len(doc.entities))]
    chosen = set(draw.sample(places, round(share * len(places))))
    made: set[Place] = set()
    documents = []
    for d, document in enumerate(corpus.documents):
        kept: list[Entity] = []
        for e, entity in enumerate(document.entities):
            if (d, e) not in chosen:
                kept.append(entity)
                continue
            made.add((d, entity.start, entity.end))
            kept += _wrong(document, entity, labels, draw)
        documents.append(document.with_entities(kept))
    return replace(corpus, documents=tuple(documents)), made


def _wrong(
    document: Document, entity: Entity, labels: Sequence[str], draw: random.Random
) -> list[Entity]:
    words = entity.text.split()
    kind = draw.choice(["label", "border", "missing"])
    if kind == "missing":
        return []
    if kind == "border" and len(words) > 1:
        end = entity.start + entity.text.rindex(words[-1])
        shorter = document.entity(entity.start, end - 1, entity.label)
        if not sentence_spans(document.with_entities([shorter])).misaligned:
            return [shorter]
    other = draw.choice([label for label in labels if label != entity.label])
    return [document.entity(entity.start, entity.end, other)]


def found(suspects: Sequence[Suspect], made: set[Place]) -> int:
    """How many made errors the suspects touch."""
    touched = set()
    for suspect in suspects:
        for entity in suspect.mistake.entities:
            for place in made:
                same = place[0] == suspect.mistake.index
                if same and entity.start < place[2] and place[1] < entity.end:
                    touched.add(place)
    return len(touched)


if __name__ == "__main__":
    raise SystemExit(guarded(main))
