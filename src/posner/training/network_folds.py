"""Cross-validation of the network; see `posner.training.folds`."""

from __future__ import annotations

from pathlib import Path

from posner.corpus import Corpus
from posner.loading import load
from posner.recipe import Recipe
from posner.tagger import Tagger
from posner.training.console import Reporter
from posner.training.folds import CrossValidation, validate_folds
from posner.training.parts import as_read_after
from posner.training.run import RunFolder
from posner.training.train import train


def cross_validate(
    corpus: Corpus,
    recipe: Recipe,
    out: Path,
    *,
    folds: int,
    reporter: Reporter,
    start: Path | None = None,
    resume: bool = False,
    force: bool = False,
) -> CrossValidation | None:
    """Train a network a fold, and tag with it what it has not learned from.

    Args:
        corpus: what is parted.
        recipe: every setting; each model's best epoch is chosen by a part set aside from what it
            learns from (`training.dev-share`), never by its own fold.
        out: the folder to make.
        folds: how many.
        reporter: is told how it goes.
        start: a model or run folder to go on from; it should not know the corpus.
        resume: go on where the folder stands.
        force: replace an older cross-validation.

    Returns:
        None on all processes but the main one.

    Raises:
        DataError: fewer sentences than folds, a filled folder, or what `train` refuses.
    """

    def fit(learned: Corpus, held: Corpus, path: Path) -> Tagger | None:
        del held  # it must not choose the epoch
        going_on = resume and RunFolder(path).record.is_file()
        result = train(
            learned,
            None,
            recipe,
            path,
            reporter=reporter,
            start=start,
            resume=going_on,
            force=force,
        )
        return load(path, device=recipe.training.device) if result.evaluation else None

    return validate_folds(
        as_read_after(corpus, recipe),  # before it is parted: a part of a text keeps its words
        fit,
        out,
        folds=folds,
        seed=recipe.training.seed,
        reporter=reporter,
        resume=resume,
        force=force,
    )
