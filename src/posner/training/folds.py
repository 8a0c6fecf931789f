"""Cross-validation: every document is tagged by a model that has not learned from it.

OUT/fold-1 ...         a run each; what chooses its best epoch is set aside from what it learns from
OUT/folds.json         the figures
OUT/suspects.jsonl     out-of-fold disagreements, ranked (`posner check --suspects OUT`)
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import numpy.typing as npt

from posner.corpus import Corpus
from posner.document import Document, Entity
from posner.errors import DataError, UsageError
from posner.evaluation.analysis import Analysis, analyse
from posner.evaluation.suspects import (
    SUSPECTS,
    OutsideScores,
    Suspect,
    outside_scores,
    rank_suspects,
    write_suspects,
)
from posner.files import refuse_filled, write_json
from posner.tagger import Tagger
from posner.training.console import Reporter
from posner.training.prepare import check_alignment, keep_sentences, tag_sets
from posner.training.run import RunFolder

FIGURES = "folds.json"
_DOCUMENTS_A_FOLD = 10


@dataclass(frozen=True)
class CrossValidation:
    """What the folds came to.

    Attributes:
        folds: each fold's analysis, on what its model had not learned from.
        together: the analysis of all out-of-fold predictions as one set.
        suspects: their disagreements with the annotation, ranked.
    """

    folds: tuple[Analysis, ...]
    together: Analysis
    suspects: tuple[Suspect, ...]

    @property
    def f1(self) -> list[float]:
        """Each fold's strict micro F1."""
        return [fold.evaluation.counts.f1 for fold in self.folds]

    @property
    def mean(self) -> float:
        """The mean of the folds' F1."""
        return fmean(self.f1)

    @property
    def spread(self) -> float:
        """The folds' standard deviation."""
        return stdev(self.f1)

    def to_json(self) -> dict[str, Any]:
        """The figures of `folds.json`: strict micro of each fold, their mean and spread, and
        `together` as `posner evaluate --json` has it."""
        return {
            "folds": [
                {
                    **fold.evaluation.counts.ratios.to_json(),
                    "counts": fold.evaluation.counts.to_json(),
                }
                for fold in self.folds
            ],
            "f1": {"mean": self.mean, "spread": self.spread},
            "together": self.together.to_json(),
        }


@dataclass(frozen=True)
class Fold:
    """One parting of a corpus.

    Attributes:
        learned: what the fold's model learns from.
        held: what it is scored on; some sentences of a document, where sentences are parted.
        places: for each held document its place in the corpus.
    """

    learned: tuple[Document, ...]
    held: tuple[Document, ...]
    places: tuple[int, ...]


Fit = Callable[[Corpus, Corpus, Path], Tagger | None]
"""Trains on the first corpus into a run folder; None on all processes but the main one.

The second is the fold: what chooses nothing may be judged by it, and then learns from all the rest.
"""


def validate_folds(
    corpus: Corpus,
    fit: Fit,
    out: Path,
    *,
    folds: int,
    seed: int,
    reporter: Reporter,
    resume: bool = False,
    force: bool = False,
) -> CrossValidation | None:
    """Train a model a fold, and tag with it what it has not learned from.

    Args:
        corpus: what is parted, with the words that the models will find.
        fit: trains; what chooses a best epoch must be set aside from what is learned.
        out: the folder to make.
        folds: how many.
        seed: draws the parts.
        reporter: is told how it goes.
        resume: go on where the folder stands.
        force: replace an older cross-validation.

    Returns:
        None on all processes but the main one.

    Raises:
        DataError: fewer sentences than folds, a filled folder, or what `fit` refuses.
    """
    tag_sets(corpus)
    check_alignment(corpus)
    parts = fold_parts(corpus.documents, folds, seed)
    if not resume:
        refuse_filled(out, force=force)
        _clear(out)
    analyses: list[Analysis] = []
    found: list[list[Entity]] = [[] for _ in corpus.documents]
    scores: OutsideScores = {}
    for number, fold in enumerate(parts, 1):
        reporter.say(f"fold {number} of {folds}")
        learned, held = (replace(corpus, documents=part) for part in (fold.learned, fold.held))
        tagger = fit(learned, held, out / f"fold-{number}")
        if tagger is None:
            continue
        tagged = list(tagger.pipe(fold.held))
        analyses.append(analyse(fold.held, tagged))
        for place, document in zip(fold.places, tagged, strict=True):
            found[place] += document.entities
        scores |= outside_scores(tagger, fold.held, fold.places)
    if not analyses:
        return None
    merged = [d.with_entities(own) for d, own in zip(corpus.documents, found, strict=True)]
    together = analyse(corpus.documents, merged)
    validation = CrossValidation(tuple(analyses), together, tuple(rank_suspects(together, scores)))
    write_json(out / FIGURES, validation.to_json())
    write_suspects(out / SUSPECTS, validation.suspects)
    return validation


def _clear(out: Path) -> None:
    """Remove an older cross-validation: with more folds, its last ones would stay beside ours."""
    for name in (FIGURES, SUSPECTS):
        (out / name).unlink(missing_ok=True)
    for path in out.glob("fold-*"):
        if RunFolder(path).record.is_file():
            shutil.rmtree(path, ignore_errors=True)


def fold_parts(documents: Sequence[Document], folds: int, seed: int) -> list[Fold]:
    """Part documents where there are at least ten a fold, else sentences; the seed draws.

    Raises:
        UsageError: fewer than two folds.
        DataError: fewer sentences than folds.
    """
    if folds < 2:
        raise UsageError("too few folds", where="--folds", expected="at least 2", got=folds)
    random = np.random.default_rng(seed)
    if len(documents) >= _DOCUMENTS_A_FOLD * folds:
        drawn = random.permutation(len(documents)) % folds
        return [_document_fold(documents, [int(f) == fold for f in drawn]) for fold in range(folds)]
    sizes = [len(document.sentences) for document in documents]
    if sum(sizes) < folds:
        raise DataError("fewer sentences than folds", expected=folds, got=sum(sizes))
    by_document = np.split(random.permutation(sum(sizes)) % folds, np.cumsum(sizes)[:-1])
    return [
        _sentence_fold(documents, [own == fold for own in by_document]) for fold in range(folds)
    ]


def _document_fold(documents: Sequence[Document], held: Sequence[bool]) -> Fold:
    return Fold(
        tuple(d for d, out in zip(documents, held, strict=True) if not out),
        tuple(d for d, out in zip(documents, held, strict=True) if out),
        tuple(i for i, out in enumerate(held) if out),
    )


def _sentence_fold(documents: Sequence[Document], held: Sequence[npt.NDArray[np.bool_]]) -> Fold:
    pairs = list(zip(documents, held, strict=True))
    return Fold(
        tuple(keep_sentences(d, (~own).tolist()) for d, own in pairs if not own.all()),
        tuple(keep_sentences(d, own.tolist()) for d, own in pairs if own.any()),
        tuple(i for i, (_, own) in enumerate(pairs) if own.any()),
    )


def describe_folds(found: CrossValidation, out: Path) -> str:
    """Closing lines: F1 of each fold, their mean and spread, and where the suspects are."""
    each = " ".join(f"{100 * f1:.2f}" for f1 in found.f1)
    return (
        f"strict F1 by fold: {each}\n"
        f"mean {100 * found.mean:.2f}, standard deviation {100 * found.spread:.2f}\n"
        f"{len(found.suspects):,} disagreements, the likeliest errors of the annotation first: "
        f"posner check CORPUS --suspects {out}"
    )
