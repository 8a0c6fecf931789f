"""Models that transformers saved, on the road: by words as any other, or by pieces.

With `legal` a foreign model is a network of Posner's. With the names of transformers' aggregation
strategies it gives what transformers' pipeline gives, and here that is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from posner.align import PieceTokenizer
from posner.backends import Backend
from posner.document import Document, PieceTag
from posner.extras import needs_extra
from posner.folder import Manifest
from posner.foreign.texts import PieceReader
from posner.loading import Aggregation
from posner.recognizer import Recognizer, Votes


class PieceRecognizer(Recognizer):
    """A foreign model of pieces, read as transformers' pipeline reads it.

    The whole text of a document goes to the model, in overlapping windows where it is too long;
    the document's own words play no part in it. With `simple` an entity may split a word.

    Args:
        manifest: what the model is.
        tokenizer: tells the special pieces.
        backend: gives the model's own outputs.
        reader: cuts texts, and joins pieces.
    """

    def __init__(
        self,
        manifest: Manifest,
        tokenizer: PieceTokenizer,
        backend: Backend,
        reader: PieceReader,
    ) -> None:
        super().__init__(manifest, tokenizer, backend, workers=1)
        self.encoder = reader
        self.reader = reader

    def assemble(self, documents: Sequence[Document], votes: Sequence[Votes]) -> list[Document]:
        """Join the pieces of each document to entities."""
        result = []
        for document, vote in zip(documents, votes, strict=True):
            sentences = tuple(self._with_tags(sentence, vote) for sentence in document.sentences)
            entities = self.reader.entities(document, vote.entity)
            result.append(replace(document, sentences=sentences, entities=entities))
        return result

    def pieces(self, document: Document) -> list[PieceTag]:
        """Each piece of a document with its own likeliest output."""
        (vote,) = self.votes([document])
        return self.reader.piece_tags(document.text, vote.entity, len(self.tokenizer.prefix))


def load_foreign(
    folder: Path,
    *,
    device: str,
    precision: Literal["fp32", "bf16"],
    aggregation: Aggregation,
) -> Recognizer:
    """Load a folder of transformers'; see `posner.load`.

    Raises:
        ModelError: it is no token classifier, is damaged, or has outputs without meaning.
        MissingExtraError: torch is not installed.
    """
    with needs_extra("running a model of transformers'", "train"):
        from posner.backends.torch import TorchBackend
        from posner.foreign.backend import PieceBackend
        from posner.foreign.load import foreign_network, read_foreign
        from posner.model.saved import torch_device
    place = torch_device(device)
    foreign = read_foreign(folder)
    manifest, tokenizer = foreign.manifest(), foreign.tokenizer()
    if aggregation == "legal":
        network = foreign_network(foreign).to(place)
        backend = TorchBackend(network, manifest, precision)
        return Recognizer(manifest, tokenizer, backend, workers=1)
    reader = PieceReader(foreign.raw_tokenizer, foreign.names, foreign.unknown, aggregation)
    pieces = PieceBackend(foreign.model.to(place), precision)
    return PieceRecognizer(manifest, tokenizer, pieces, reader)
