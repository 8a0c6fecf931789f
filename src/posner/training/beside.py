"""Setting a surface CRF beside a network that has learned, where the dev set gains by it."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from posner.calibration.stored import figures_as_stored
from posner.calibration.surface import Weighing, weigh
from posner.document import Document
from posner.evaluation.held_out import chosen_on
from posner.evaluation.result import Evaluation
from posner.files import folder_beside
from posner.folder import read_manifest
from posner.loading import load
from posner.recognizer import Votes
from posner.seal import seal
from posner.surface import SURFACE, Surface
from posner.training.console import Reporter
from posner.training.surface import learn_surface


@dataclass(frozen=True)
class Beside:
    """What came of it.

    Attributes:
        weighing: what it is worth.
        votes: what the model as it is now says of the dev set.
        evaluation: of it on the dev set; None where it is as it was.
    """

    weighing: Weighing
    votes: Sequence[Votes]
    evaluation: Evaluation | None

    @property
    def line(self) -> str:
        """It, in words."""
        found = self.weighing
        if not found.is_in_vain:
            told = f"surface features weigh {found.weight:g}: dev {found.gain}"
            few = f"; {found.without.gold:,} entities are too few to tell, and mostly they gain"
            return told + few * found.is_on_trust
        before, after = 100 * found.without.f1, 100 * found.held_out.f1
        return (
            f"no surface features are kept: dev F1 {before:.2f} without, {after:.2f} with them "
            f"on {found.units} held out of the choice of their weight"
        )


def set_beside(
    folder: Path,
    train: Sequence[Document],
    dev: Sequence[Document],
    *,
    source: str = "",
    votes: Sequence[Votes] | None = None,
    start: Surface | None = None,
    device: str = "auto",
    reporter: Reporter | None = None,
) -> Beside:
    """Learn a surface CRF, weigh it on dev, and add it to a model folder unless that is in vain.

    Args:
        folder: the model folder; a surface CRF that it has is replaced.
        train: labelled, what the network learned from.
        dev: labelled, with the words that the model reads.
        source: what dev is called, in the model's own words on the weight.
        votes: what the network alone says of dev, where that is known already.
        start: one to go on from.
        device: where the network runs, if it has to.
        reporter: is told how far it is.
    """
    manifest = read_manifest(folder)
    recipe = manifest.recipe
    recognizer = load(folder, device=device).beside(None)
    if votes is None:
        votes = recognizer.votes(dev)
    learned = learn_surface(
        train,
        manifest.tags,
        recipe.data.scheme,
        recipe.training.seed,
        start=start,
        reporter=reporter,
    )
    weighing = weigh(recognizer, dev, votes, learned)
    surface = None if weighing.is_in_vain else learned.weighing(weighing.weight)
    if surface is None and SURFACE not in manifest.files:
        return Beside(weighing, votes, None)
    now = recognizer.beside(surface)
    both = now.with_surface(dev, votes)
    figures = {name: found for name, found in manifest.figures.items() if name != "surface"}
    figures |= {} if surface is None else {"surface": chosen_on(source, dev) | weighing.to_json()}
    stored = figures_as_stored(now, dataclasses.replace(manifest, figures=figures), dev, both)
    with folder_beside(folder) as place:
        for name in manifest.files.keys() - {SURFACE}:
            shutil.copy(folder / name, place / name)
        if surface is not None:
            surface.write(place)
        seal(place, dataclasses.replace(manifest, figures=figures | {"dev": stored.to_json()}))
    return Beside(weighing, both, stored.evaluation)
