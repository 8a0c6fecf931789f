"""Raw text to pieces as transformers' pipeline cuts it: the whole text, without words of ours."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tokenizers

from posner.align import EncodedDocument, IntArray, printable_word
from posner.batching import BoolArray
from posner.document import Document, Entity, PieceTag
from posner.foreign.aggregation import ScoredPieces, Strategy, join_pieces, softmax
from posner.windows import FloatArray


@dataclass(frozen=True, slots=True)
class TextPieces:
    """The pieces of a text.

    Attributes:
        ids: (pieces,) vocabulary indices, without special pieces.
        starts: (pieces,) first character.
        ends: (pieces,) one past the last character.
        continues: (pieces,) true where the pipeline takes a piece for a part of the word before.
        spelled: each piece as the vocabulary spells it.
    """

    ids: IntArray
    starts: IntArray
    ends: IntArray
    continues: BoolArray
    spelled: tuple[str, ...]


class PieceReader:
    """Reads a piece-level model's outputs as transformers' pipeline does.

    Args:
        tokenizer: as transformers uses it on raw text; its truncation is switched off.
        names: of the model's outputs, in their order.
        unknown: the unknown piece, which is always a word of its own; None without one.
        strategy: how pieces become entities.
    """

    def __init__(
        self,
        tokenizer: tokenizers.Tokenizer,
        names: Sequence[str],
        unknown: int | None,
        strategy: Strategy,
    ) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self.names = tuple(names)
        self.strategy = strategy
        self._unknown = unknown
        model = json.loads(tokenizer.to_str())["model"]
        self._marks_words = bool(model.get("continuing_subword_prefix"))

    def encode(self, documents: Sequence[Document]) -> list[EncodedDocument]:
        """Documents for the road, each one sentence with a piece in the place of each word."""
        return [self._encoded(self.pieces(document.text)) for document in documents]

    def _encoded(self, pieces: TextPieces) -> EncodedDocument:
        count = len(pieces.ids)
        return EncodedDocument(
            ids=pieces.ids,
            starts=np.arange(count + 1),
            sentences=np.array([0, count]),
            shapes=np.zeros(count, dtype=np.int64),
            characters=None,
        )

    def pieces(self, text: str) -> TextPieces:
        """Cut a text."""
        encoding = self._tokenizer.encode(printable_word(text), add_special_tokens=False)
        offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
        continues = [
            piece != self._unknown and self._continues(text, spelled, start, end)
            for piece, spelled, (start, end) in zip(
                encoding.ids, encoding.tokens, encoding.offsets, strict=True
            )
        ]
        return TextPieces(
            ids=np.array(encoding.ids, dtype=np.int64),
            starts=offsets[:, 0],
            ends=offsets[:, 1],
            continues=np.array(continues, dtype=bool),
            spelled=tuple(encoding.tokens),
        )

    def _continues(self, text: str, spelled: str, start: int, end: int) -> bool:
        if self._marks_words:  # the mark makes a piece longer than what it stands for
            return len(spelled) != end - start
        return start > 0 and " " not in text[start - 1 : start + 1]

    def entities(self, document: Document, logits: FloatArray) -> tuple[Entity, ...]:
        """The entities of a document.

        They are the pipeline's, but for white space at their ends, which some tokenizers count to
        a piece: it is cut off, and an entity of nothing else is none.

        Args:
            document: whose text was encoded.
            logits: (pieces, outputs).
        """
        pieces = self.pieces(document.text)
        scored = ScoredPieces(softmax(logits), pieces.starts, pieces.ends, pieces.continues)
        found = []
        for group in join_pieces(scored, self.names, self.strategy):
            inner = document.text[group.start : group.end]
            start = group.start + len(inner) - len(inner.lstrip())
            end = start + len(inner.strip())
            if start < end:
                found.append(document.entity(start, end, group.label, group.score))
        return tuple(found)

    def piece_tags(self, text: str, logits: FloatArray, first: int) -> list[PieceTag]:
        """Each piece with its own likeliest output.

        Args:
            text: that was encoded.
            logits: (pieces, outputs).
            first: place of the first piece in the model's input.
        """
        pieces = self.pieces(text)
        scores = softmax(logits)
        best = scores.argmax(axis=1)
        return [
            PieceTag(
                self.names[label],
                float(scores[i, label]),
                first + i,
                pieces.spelled[i],
                int(pieces.starts[i]),
                int(pieces.ends[i]),
            )
            for i, label in enumerate(best)
        ]
