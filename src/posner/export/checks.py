"""What an export must pass: the graph answers as the network does, and 8 bits lose little."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from posner.align import PieceTokenizer
from posner.backends.cores import cores
from posner.backends.onnx import OnnxBackend, open_session
from posner.decode import Transitions
from posner.document import Document
from posner.errors import ModelError
from posner.evaluation.counts import Counts
from posner.evaluation.model import as_read_by, evaluate_documents, score_documents
from posner.folder import Manifest
from posner.recognizer import Recognizer, Votes
from posner.surface import Surface
from posner.tagger import segmented

TOLERANCE = 1e-3
"""How far an emission of the graph in full precision may be from the network's."""

PROBES = (
    "Ada Lovelace met Charles Babbage in London on 5 June 1833.",
    "No.",
    "THE ANALYTICAL ENGINE weaves algebraic patterns, just as the Jacquard loom weaves flowers\n\n"
    "and leaves. It might act upon other things besides number (e.g. 3.14, O'Brien's e-mail).",
    "naïve-co-op \u65e5\u672c\u8a9e \u0414\u043e\u043d \U0001f600 \u0627\u0644",
    "a b c d e f g h i j k l m n o p q r s t u v w x y z " * 25,
)
"""What graph and network are compared on: one word, many, other scripts, a long sentence."""


@dataclass(frozen=True)
class Quality:
    """What 8 bits cost on labelled documents.

    Attributes:
        full: strict counts of the graph in full precision.
        int8: of the graph in 8 bits.
        changed: entities that 8 bits find only in a batch, or only where each window is computed
            alone: the activations of a batch are rounded on one scale.
    """

    full: Counts
    int8: Counts
    changed: int

    @property
    def loss(self) -> float:
        """Points of F1 that 8 bits lose."""
        return 100 * (self.full.f1 - self.int8.f1)

    @property
    def changed_share(self) -> float:
        """`changed` by the entities that were found."""
        return self.changed / self.int8.predicted if self.int8.predicted else 0.0

    def to_json(self) -> dict[str, Any]:
        """The figures; ratios are fractions from 0 to 1, the loss is in points."""
        return {
            "full": self.full.to_json(),
            "int8": self.int8.to_json(),
            "full_f1": self.full.f1,
            "int8_f1": self.int8.f1,
            "loss": self.loss,
            "changed_by_batching": self.changed_share,
        }


@dataclass(frozen=True)
class Graphs:
    """Runs graphs of one model.

    Attributes:
        manifest: what the model is.
        tokenizer: splits its words.
        transitions: its CRF's weights, if it has one.
        surface: what stands beside its network.
    """

    manifest: Manifest
    tokenizer: PieceTokenizer
    transitions: Transitions | None
    surface: Surface | None = None

    def recognizer(self, graph: Path, batch_pieces: int | None = None) -> Recognizer:
        """The model over a saved graph."""
        backend = OnnxBackend(open_session(graph), self.transitions)
        return Recognizer(
            self.manifest,
            self.tokenizer,
            backend,
            workers=cores(),
            batch_pieces=batch_pieces,
            surface=self.surface,
        )

    def quality(self, full: Path, int8: Path, dev: Sequence[Document]) -> Quality:
        """What 8 bits cost on labelled documents."""
        small = self.recognizer(int8)
        dev = as_read_by(small, dev)
        together = list(small.pipe(dev))
        alone = list(self.recognizer(int8, batch_pieces=1).pipe(dev))
        changed = sum(
            len(_found(one) ^ _found(other)) for one, other in zip(together, alone, strict=True)
        )
        return Quality(
            full=evaluate_documents(self.recognizer(full), dev).counts,
            int8=score_documents(dev, together, has_pos=False).counts,
            changed=changed,
        )


def _found(document: Document) -> set[tuple[int, int, str]]:
    return {(e.start, e.end, e.label) for e in document.entities}


def probe(recognizer: Recognizer) -> list[Votes]:
    """What a model says of `PROBES`, together and each window alone."""
    documents = [segmented(text) for text in PROBES]
    alone = [vote for document in documents for vote in recognizer.votes([document])]
    return recognizer.votes(documents) + alone


def check_parity(expected: Sequence[Votes], found: Sequence[Votes], where: Path) -> float:
    """The largest difference between emissions.

    Raises:
        ModelError: it is larger than `TOLERANCE`.
    """
    largest = 0.0
    for one, other in zip(expected, found, strict=True):
        for name in ("entity", "pos", "chunk"):
            left, right = getattr(one, name), getattr(other, name)
            if left is not None and left.size:
                apart = np.nan_to_num(np.abs(left - right), nan=np.inf)
                largest = max(largest, float(apart.max()))
    if largest > TOLERANCE:
        raise ModelError(
            "the graph answers otherwise than the network",
            where=where,
            expected=f"emissions within {TOLERANCE}",
            got=f"{largest:.2g}",
        )
    return largest


def check_quality(quality: Quality, max_loss: float, where: Path) -> None:
    """Refuse 8 bits that lose too much.

    Raises:
        ModelError: they do; it tells both figures.
    """
    if not quality.loss <= max_loss + 1e-9:  # nor does a limit that is no number pass any
        full, int8 = 100 * quality.full.f1, 100 * quality.int8.f1
        raise ModelError(
            "8 bits lose more than they may, so nothing is written",
            where=where,
            expected=f"dev F1 of {full:.2f} in full precision less {max_loss:g}",
            got=f"{int8:.2f}, {quality.loss:.2f} less",
            remedy="export without --int8, or allow more with --max-loss",
        )
