"""Words to sub-word pieces, and documents to arrays of them.

Every word has at least one piece: a word that the tokenizer turns into nothing (control
characters, a lone variation selector) gets the unknown piece, so it is tagged like any other.
Special pieces are no part of any word; windows add them.
"""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import tokenizers

from posner.document import Document, Token, form_places
from posner.errors import ModelError
from posner.word_features import (
    CACHED_LETTERS,
    CHARACTERS_PER_WORD,
    alphabet_index,
    character_row,
    shape_of,
)

IntArray = npt.NDArray[np.int64]

MAX_WORD_PIECES = 100
"""A word of more pieces is represented by its first 100 (WordPiece gives up at 100 letters)."""

CACHED_WORDS = 65_536
"""Distinct words whose pieces a tokenizer remembers: some 40 MB of memory."""


@dataclass(frozen=True, slots=True)
class WordPieces:
    """The pieces of consecutive words.

    Attributes:
        ids: (pieces,) vocabulary indices, without special pieces.
        starts: (words + 1,) the first piece of each word, and the number of pieces.
    """

    ids: IntArray
    starts: IntArray


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a word and the characters of the document that it stands for."""

    text: str
    start: int
    end: int


class PieceTokenizer:
    """A fast tokenizer, used on words that are known already.

    Args:
        tokenizer: the tokenizer; its truncation and padding are switched off.

    Attributes:
        prefix: special pieces before a window.
        suffix: special pieces after it.
        unknown: the piece of a word that the tokenizer turns into nothing.
        padding: fills batches.
        mask: the piece that hides another, as in pretraining; the unknown piece without one.
    """

    def __init__(self, tokenizer: tokenizers.Tokenizer) -> None:
        padding = tokenizer.padding
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self._known: dict[str, tuple[int, ...]] = {}
        plain = tokenizer.encode(["a"], is_pretokenized=True, add_special_tokens=False)
        full = tokenizer.encode(["a"], is_pretokenized=True, add_special_tokens=True)
        inner = [i for i, word in enumerate(full.word_ids) if word is not None]
        if not inner or not plain.ids:
            raise ModelError("the tokenizer gives no pieces for a word", where="tokenizer")
        self.prefix = tuple(full.ids[: inner[0]])
        self.suffix = tuple(full.ids[inner[-1] + 1 :])
        self.unknown = self._unknown(otherwise=plain.ids[0])
        self.mask = self._first_of(("[MASK]", "<mask>"), self.unknown)
        self.padding = padding["pad_id"] if padding else self._first_of(("[PAD]", "<pad>"), 0)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> PieceTokenizer:
        """Read `tokenizer.json`.

        Raises:
            ModelError: no such file, or not a fast tokenizer's.
        """
        tokenizer = read_tokenizer(path)
        try:
            return cls(tokenizer)
        except ModelError as error:
            raise ModelError(error.problem, where=path) from error

    @property
    def special_count(self) -> int:
        """Special pieces in a window."""
        return len(self.prefix) + len(self.suffix)

    @property
    def vocabulary_size(self) -> int:
        """How many pieces there are, added ones included."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    def to_json(self) -> str:
        """The contents of `tokenizer.json`."""
        return str(self._tokenizer.to_str(pretty=False))

    def encode(self, sentences: Sequence[Sequence[str]]) -> list[WordPieces]:
        """Split the words of each sentence.

        A known word's pieces do not depend on its neighbours, so each distinct word is split once.
        """
        known = self._known
        fresh = list({word for words in sentences for word in words if word not in known})
        if len(known) + len(fresh) > CACHED_WORDS:
            known = self._known = {}  # a new one: other threads still read the old
            fresh = list({word for words in sentences for word in words})
        long: dict[str, tuple[int, ...]] = {}
        for word, encoding in zip(fresh, self._encodings(fresh), strict=True):
            pieces = tuple(encoding.ids[:MAX_WORD_PIECES]) or (self.unknown,)
            (known if len(word) <= CACHED_LETTERS else long)[word] = pieces
        return [
            self._word_pieces([known.get(word) or long[word] for word in words])
            for words in sentences
        ]

    def pieces(self, tokens: Sequence[Token]) -> list[list[Piece]]:
        """Each word's pieces as text with the document's characters that they stand for."""
        if not tokens:
            return []
        unknown = self._tokenizer.id_to_token(self.unknown) or ""
        encodings = self._encodings([token.form for token in tokens], fast=False)
        return [
            _placed(token, encoding)[:MAX_WORD_PIECES] or [Piece(unknown, token.start, token.end)]
            for token, encoding in zip(tokens, encodings, strict=True)
        ]

    def _encodings(
        self, words: Sequence[str], *, fast: bool = True
    ) -> Sequence[tokenizers.Encoding]:
        """Encode single words; the fast way gives no text and no offsets."""
        encode = self._tokenizer.encode_batch_fast if fast else self._tokenizer.encode_batch
        try:
            return encode([[w] for w in words], is_pretokenized=True, add_special_tokens=False)
        except (TypeError, UnicodeEncodeError):  # lone surrogates have no UTF-8
            mended = [[printable_word(w)] for w in words]
            return encode(mended, is_pretokenized=True, add_special_tokens=False)

    def _word_pieces(self, words: Sequence[tuple[int, ...]]) -> WordPieces:
        starts = np.zeros(len(words) + 1, dtype=np.int64)
        np.cumsum([len(pieces) for pieces in words], out=starts[1:])
        ids = np.fromiter(chain.from_iterable(words), dtype=np.int64, count=int(starts[-1]))
        return WordPieces(ids, starts)

    def _unknown(self, otherwise: int) -> int:
        """The unknown piece that the model names (Unigram by number), else one of the usual."""
        model = self._tokenizer.model
        if isinstance(model, tokenizers.models.Unigram):  # tells its number in its file alone
            number = json.loads(self._tokenizer.to_str())["model"]["unk_id"]
            if number is not None:
                return int(number)
        named = getattr(model, "unk_token", None)
        return self._first_of((named or "[UNK]", "[UNK]", "<unk>"), otherwise)

    def _first_of(self, names: Sequence[str], otherwise: int) -> int:
        found = (self._tokenizer.token_to_id(name) for name in names)
        return next((int(i) for i in found if i is not None), otherwise)


def read_tokenizer(path: str | os.PathLike[str]) -> tokenizers.Tokenizer:
    """Read `tokenizer.json` as it is.

    Raises:
        ModelError: no such file, or not a fast tokenizer's.
    """
    try:
        return tokenizers.Tokenizer.from_str(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(
            "no fast tokenizer",
            where=path,
            remedy="save one with: AutoTokenizer.from_pretrained(...).save_pretrained(...)",
        ) from error
    except Exception as error:  # tokenizers raises bare Exception for a file it cannot parse
        raise ModelError("not a fast tokenizer's file", where=path, got=error) from error


def _placed(token: Token, encoding: tokenizers.Encoding) -> list[Piece]:
    """A word's pieces, with characters of the document even where a line's end parts the word."""
    places = [*form_places(token.text), len(token.text)]
    return [
        Piece(
            text,
            token.start + places[start],
            token.start + (places[end - 1] + 1 if end > start else places[end]),
        )
        for text, (start, end) in zip(encoding.tokens, encoding.offsets, strict=True)
    ]


def printable_word(word: str) -> str:
    """The text with each lone surrogate, which tokenizers refuse, replaced by U+FFFD."""
    return "".join("\ufffd" if unicodedata.category(c) == "Cs" else c for c in word)


@dataclass(frozen=True, slots=True)
class EncodedDocument:
    """A document as arrays; words are numbered through all its sentences.

    Attributes:
        ids: (pieces,) vocabulary indices.
        starts: (words + 1,) the first piece of each word.
        sentences: (sentences + 1,) the first word of each sentence.
        shapes: (words,) indices into `SHAPES`.
        characters: (words, CHARACTERS_PER_WORD) indices into the alphabet, or None.
    """

    ids: IntArray
    starts: IntArray
    sentences: IntArray
    shapes: IntArray
    characters: IntArray | None

    def piece_count(self, first: int, last: int) -> int:
        """Pieces of the words `first` to `last` (exclusive)."""
        return int(self.starts[last] - self.starts[first])


class DocumentEncoder(Protocol):
    """Turns documents into arrays."""

    def encode(self, documents: Sequence[Document]) -> list[EncodedDocument]:
        """Encode documents, in order."""


class Encoder:
    """Documents to arrays: pieces and word features.

    Args:
        tokenizer: splits words.
        alphabet: characters that the character CNN knows; empty without it.
    """

    def __init__(self, tokenizer: PieceTokenizer, alphabet: str = "") -> None:
        self.tokenizer = tokenizer
        self._alphabet = alphabet_index(alphabet)

    def encode(self, documents: Sequence[Document]) -> list[EncodedDocument]:
        """Encode documents in one call of the tokenizer."""
        pieces = iter(self.tokenizer.encode([s.forms for d in documents for s in d.sentences]))
        return [self._encode_one(d, [next(pieces) for _ in d.sentences]) for d in documents]

    def _encode_one(self, document: Document, parts: list[WordPieces]) -> EncodedDocument:
        if len(parts) == 1:  # most often; a step of NumPy's takes longer than a short sentence
            ids, starts = parts[0].ids, parts[0].starts
            sentences = np.array([0, len(starts) - 1], dtype=np.int64)
        else:
            sentences = np.zeros(len(parts) + 1, dtype=np.int64)
            np.cumsum([len(p.starts) - 1 for p in parts], out=sentences[1:])
            empty = np.zeros(0, dtype=np.int64)
            ids = np.concatenate([empty, *(p.ids for p in parts)])
            before = np.cumsum([0, *(len(p.ids) for p in parts)])
            begins = (p.starts[:-1] + b for p, b in zip(parts, before, strict=False))
            starts = np.concatenate([empty, *begins, before[-1:]])
        words = [token.form for token in document.tokens]
        return EncodedDocument(
            ids=ids,
            starts=starts,
            sentences=sentences,
            shapes=np.array([shape_of(word) for word in words], dtype=np.int64),
            characters=self._characters(words) if self._alphabet else None,
        )

    def _characters(self, words: Sequence[str]) -> IntArray:
        rows = [character_row(word, self._alphabet) for word in words]
        return np.array(rows, dtype=np.int64).reshape(len(words), CHARACTERS_PER_WORD)
