"""What to say beside figures of the very corpus that something of the model was chosen on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from posner.document import Document
from posner.plural import counted


def chosen_on(name: str, documents: Sequence[Document]) -> dict[str, str]:
    """What a model's folder keeps of labelled documents that something was chosen on.

    Args:
        name: what they are called, such as their path.
        documents: all of them: their texts and entities tell them from others, whatever their
            path is by then, and from a larger corpus that they are a part of.
    """
    return {"data": name, "sha256": _digest(documents)}


@dataclass(frozen=True)
class SurfaceGain:
    """What surface features give on the corpus that chose their weight; strict F1, 0 to 1.

    Attributes:
        weight: of theirs beside the network's.
        units: what was held out in turn: documents or sentences.
        without: the network alone.
        within: with that weight, where it was chosen.
        held_out: on parts that had no say in their weight.
    """

    weight: float
    units: str
    without: float
    within: float
    held_out: float

    @classmethod
    def read(cls, found: Any) -> SurfaceGain | None:
        """That of a model's figures; None where they are not there or not whole."""
        try:
            f1 = (float(found[name]["f1"]) for name in ("without", "within", "held_out"))
            return cls(float(found["weight"]), str(found["units"]), *f1)
        except (KeyError, TypeError, ValueError):
            return None

    def __str__(self) -> str:
        """The F1s, as what follows a colon."""
        without, within, held_out = (
            f"{100 * f1:.2f}" for f1 in (self.without, self.within, self.held_out)
        )
        return (
            f"F1 {without} without, {within} with them, {held_out} on {self.units} held out of "
            "that choice"
        )


@dataclass(frozen=True)
class HeldOut:
    """What was chosen on a corpus, and what holds where it was not; None: nothing, or not known.

    Attributes:
        surface: the weight of surface features.
        calibration_error: the expected calibration error of scores that were fitted on the
            corpus, on parts of it held out in turn; 0 to 1.
        spans: the entities that error is of.
    """

    surface: SurfaceGain | None = None
    calibration_error: float | None = None
    spans: int = 0

    @classmethod
    def of(cls, figures: Mapping[str, Any], documents: Sequence[Document]) -> HeldOut:
        """What a model's own figures say of a corpus.

        Args:
            figures: as the model's folder has them.
            documents: labelled: all of what it is judged on.
        """
        digest = _digest(documents)
        surface, calibration = (
            found if isinstance(found, dict) and found.get("sha256") == digest else {}
            for found in map(figures.get, ("surface", "calibration"))
        )
        spans = int(calibration.get("spans") or 0) if _is_fitted(calibration) else 0
        error = float(calibration["after"]["error"]) if spans else None
        return cls(SurfaceGain.read(surface), error, spans)

    @property
    def notes(self) -> list[str]:
        """It, in words."""
        notes = []
        if self.surface is not None:
            notes.append(
                "surface features have the weight that is best on this corpus: in full precision, "
                f"over all labels and before any threshold {self.surface}"
            )
        if self.calibration_error is not None:
            entities = counted(self.spans, "entity", "entities")
            notes.append(
                "the scores were calibrated on this corpus, so their error on it is likely too "
                f"small; over the {entities} of its parts, each held out in turn, the expected "
                f"calibration error is {100 * self.calibration_error:.2f} %"
            )
        return notes

    def surface_json(self) -> dict[str, Any] | None:
        """The surface features' figures as plain values."""
        return None if self.surface is None else asdict(self.surface)


def _is_fitted(calibration: Mapping[str, Any]) -> bool:
    """Whether the scores have the temperature that is best where it was looked for."""
    if calibration.get("kept") is None:
        return True
    own, best = calibration.get("temperature"), calibration.get("fitted")
    return own is not None and best is not None and f"{own:.3f}" == f"{best:.3f}"


def _digest(documents: Sequence[Document]) -> str:
    digest = hashlib.sha256()
    for document in documents:
        facts = [(e.start, e.end, e.label) for e in document.entities]
        digest.update(
            f"{len(document.text)}\n{document.text}\n{facts}\n".encode("utf-8", "surrogatepass")
        )
    return digest.hexdigest()
