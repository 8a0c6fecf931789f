"""Calibrating a model folder: a temperature, and thresholds where they are wished for."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from posner.calibration.judged import SpanScorer
from posner.calibration.stored import StoredFigures, figures_as_stored, is_dev_set
from posner.calibration.temperature import Fit, cross_fitted, fit, loss_table
from posner.calibration.threshold import Wish, choose, counts_with
from posner.document import Document
from posner.errors import PosnerError
from posner.evaluation.counts import Counts
from posner.evaluation.held_out import chosen_on
from posner.evaluation.model import as_read_by
from posner.evaluation.result import Evaluation
from posner.folder import Manifest, find_model, read_manifest
from posner.loading import load
from posner.postprocess.thresholds import NO_THRESHOLDS, Thresholds
from posner.recognizer import Recognizer, Votes
from posner.seal import rewrite

FOLDS = 5
"""Parts of the labelled documents that are held out in turn."""


@dataclass(frozen=True)
class ThresholdResult:
    """Thresholds, and what they are worth on the labelled documents.

    Attributes:
        thresholds: what stays.
        wish: what they were chosen for; None where they were given.
        without: the counts when everything stays.
        within: the counts on the documents that they were chosen on.
        held_out: the counts on parts that had no say in the choice; None where they were given, or
            where some part reaches the wished precision at no threshold.
        failed: labels that reach the wished precision at no threshold of their own, a line each.
    """

    thresholds: Thresholds
    wish: Wish | None
    without: Counts
    within: Counts
    held_out: Counts | None
    failed: tuple[str, ...] = ()

    @property
    def misses(self) -> bool:
        """Whether what was held out does not reach the precision that was wished for."""
        wished = None if self.wish is None else self.wish.precision
        if wished is None:
            return False
        return self.held_out is None or self.held_out.precision < wished

    @property
    def is_in_vain(self) -> bool:
        """Whether thresholds for the best F1 gain nothing on parts that had no say in them."""
        if self.wish is None or self.wish.precision is not None or self.held_out is None:
            return False
        return self.held_out.f1 <= self.without.f1

    def to_json(self) -> dict[str, Any]:
        """The figures as plain values."""
        named = {"without": self.without, "within": self.within, "held_out": self.held_out}
        return {
            "thresholds": self.thresholds.to_json(),
            "wish": None if self.wish is None else str(self.wish),
            "failed": list(self.failed),
            **{
                name: None if counts is None else counts.to_json() | counts.ratios.to_json()
                for name, counts in named.items()
            },
        }


@dataclass(frozen=True)
class Calibration:
    """What calibrating found; `threshold` is None where none was asked for."""

    fit: Fit
    threshold: ThresholdResult | None = None

    def to_json(self) -> dict[str, Any]:
        """The figures of `posner calibrate --json`."""
        threshold = None if self.threshold is None else self.threshold.to_json()
        return self.fit.to_json() | {"threshold": threshold}


def calibrate(
    recognizer: Recognizer,
    documents: Sequence[Document],
    *,
    wish: Wish | None = None,
    given: Thresholds | None = None,
    votes: Sequence[Votes] | None = None,
) -> Calibration:
    """Fit a temperature on labelled documents, and choose thresholds or judge given ones.

    Args:
        recognizer: the model, which stays as it is.
        documents: labelled; best those that chose the model's epoch (dev), never its training's.
        wish: what thresholds are to reach.
        given: thresholds to judge.
        votes: what the model says of the documents, where that is known already.

    Raises:
        PosnerError: a wished precision is reached at no threshold.
    """
    scorer = SpanScorer(recognizer, documents, folds=FOLDS, votes=votes)
    found = fit(scorer, FOLDS, current=recognizer.manifest.temperature)
    if wish is not None:
        return Calibration(found, _chosen(scorer, found, wish))
    if given is not None:
        judged = scorer.at(found.temperature)
        everything = range(judged.unit_count)
        without, within = (counts_with(judged, everything, t) for t in (NO_THRESHOLDS, given))
        return Calibration(found, ThresholdResult(given, None, without, within, None))
    return Calibration(found)


def _chosen(scorer: SpanScorer, found: Fit, wish: Wish) -> ThresholdResult:
    judged = scorer.at(found.temperature)
    everything = range(judged.unit_count)
    chosen = choose(judged, everything, wish)
    return ThresholdResult(
        chosen.thresholds,
        wish,
        without=counts_with(judged, everything, NO_THRESHOLDS),
        within=counts_with(judged, everything, chosen.thresholds),
        held_out=_held_out(scorer, found, wish),
        failed=chosen.failed,
    )


def _held_out(scorer: SpanScorer, found: Fit, wish: Wish) -> Counts | None:
    """The counts of each part at the temperature and thresholds that the other parts give.

    Where the model keeps its temperature, each part has that.
    """
    total = Counts()
    count = scorer.judged.unit_count
    for fold, (temperature, _) in enumerate(cross_fitted(scorer, loss_table(scorer), FOLDS)):
        judged = scorer.at(temperature if found.kept is None else found.temperature)
        numbers = np.arange(count)
        own, others = numbers[numbers % FOLDS == fold], numbers[numbers % FOLDS != fold]
        try:
            thresholds = choose(judged, others.tolist(), wish).thresholds
        except PosnerError:
            return None
        total += counts_with(judged, own.tolist(), thresholds)
    return total


def as_stored(manifest: Manifest, calibration: Calibration, source: Mapping[str, str]) -> Manifest:
    """What a model says of itself once a calibration is stored.

    Thresholds that the model has stay where the calibration has none.

    Args:
        manifest: what it says now.
        calibration: what was found.
        source: the labelled documents, as `chosen_on` tells of them.
    """
    threshold = calibration.threshold
    return replace(
        manifest,
        temperature=calibration.fit.temperature,
        thresholds=threshold.thresholds if threshold else manifest.thresholds,
        figures={**manifest.figures, "calibration": calibration.to_json() | dict(source)},
    )


def store(
    folder: str | os.PathLike[str],
    calibration: Calibration,
    source: Mapping[str, str],
    dev: StoredFigures | None = None,
) -> None:
    """Write temperature, thresholds and their figures into a model folder.

    Thresholds that the model has stay where the calibration has none.

    Args:
        folder: a model or run folder.
        calibration: what was found.
        source: the labelled documents, as `chosen_on` tells of them.
        dev: what the model finds with them in its dev set; None where its dev figures stay.
    """
    model = find_model(folder)
    manifest = as_stored(read_manifest(model), calibration, source)
    if dev is not None:
        manifest = replace(manifest, figures={**manifest.figures, "dev": dev.to_json()})
    rewrite(model, manifest)


def dev_with_thresholds(
    recognizer: Recognizer,
    calibration: Calibration,
    documents: Sequence[Document],
    votes: Sequence[Votes],
) -> StoredFigures | None:
    """The dev figures that a calibration changes; None where it changes none.

    It does where a threshold comes, goes, or meets other scores, and the documents are the dev set.

    Args:
        recognizer: the model as it was.
        calibration: what is to be stored.
        documents: labelled, with the words that the model reads.
        votes: what the network says of them.
    """
    before = recognizer.manifest
    after = as_stored(before, calibration, {})
    if not (before.thresholds or after.thresholds) or not is_dev_set(before.figures, documents):
        return None
    return figures_as_stored(recognizer, after, documents, votes)


@dataclass(frozen=True)
class CalibratedFolder:
    """What calibrating a model folder came to.

    Attributes:
        lines: it, in words.
        evaluation: of the model as it is now, where that is another than before.
    """

    lines: tuple[str, ...]
    evaluation: Evaluation | None


def calibrate_folder(
    folder: Path,
    documents: Sequence[Document],
    *,
    source: str,
    device: str = "auto",
    best_f1: bool = False,
    votes: Sequence[Votes] | None = None,
) -> CalibratedFolder:
    """Calibrate a model folder's scores in place.

    Args:
        folder: the model folder.
        documents: labelled.
        source: names them.
        device: where the model runs, if it has to.
        best_f1: choose a threshold too, and keep it if it is not in vain.
        votes: what the model says of the documents, where that is known already.
    """
    recognizer = load(folder, device=device)
    chosen_by = chosen_on(source, documents)
    if votes is None:
        documents = as_read_by(recognizer, documents)
        votes = recognizer.votes(documents)
    wish = Wish() if best_f1 else None
    calibration = calibrate(recognizer, documents, wish=wish, votes=votes)
    chosen = calibration.threshold
    if chosen is not None and chosen.is_in_vain:
        calibration = replace(calibration, threshold=None)
    dev = dev_with_thresholds(recognizer, calibration, documents, votes)
    store(folder, calibration, chosen_by, dev)
    lines = [summary(calibration.fit)]
    lines += [] if chosen is None else [_told(chosen, calibration.fit.units)]
    return CalibratedFolder(tuple(lines), None if dev is None else dev.evaluation)


def _told(chosen: ThresholdResult, units: str) -> str:
    """What a threshold for the best F1 came to, on one line."""
    assert chosen.held_out is not None
    before, after = 100 * chosen.without.f1, 100 * chosen.held_out.f1
    scores = f"dev F1 {before:.2f} without, {after:.2f} with it (on {units} held out in turn)"
    if chosen.is_in_vain:
        return f"no threshold is kept: {scores}"
    return f"threshold {chosen.thresholds}: {scores}"


def summary(found: Fit) -> str:
    """What a fit came to, on one line."""
    if found.kept is not None:
        return f"scores stay as they are (temperature {found.temperature:.3f}): {found.kept}"
    decides = "; the log loss decides" if found.after.error > found.before.error else ""
    return (
        f"temperature {found.temperature:.3f} from {found.spans:,} entities: log loss "
        f"{found.before.log_loss:.4f} before, {found.after.log_loss:.4f} after; expected "
        f"calibration error {100 * found.before.error:.2f} %, then {100 * found.after.error:.2f} % "
        f"(on {found.units} held out in turn{decides})"
    )
