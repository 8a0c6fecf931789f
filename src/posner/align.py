"""Words to sub-word pieces, and what a word tells besides its pieces.

Every word has at least one piece: a word that the tokenizer turns into nothing (control
characters, a lone variation selector) gets the unknown piece, so it is tagged like any other.
Special pieces are no part of any word; windows add them.
"""

from __future__ import annotations

import functools
import json
import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import tokenizers

from posner.document import Document, Token
from posner.errors import ModelError
from posner.schemes import parse_tag

IntArray = npt.NDArray[np.int64]

IGNORED = -100
"""The label of places that no loss counts: padding, special and left-out pieces."""

MAX_WORD_PIECES = 100
"""A word of more pieces is represented by its first 100 (WordPiece gives up at 100 letters)."""

SHAPES = (
    "none",
    "lower",
    "capitalised",
    "upper",
    "single upper",
    "mixed, upper first",
    "mixed, lower first",
    "upper with dots",
    "digits",
    "digits and signs",
    "digits and letters",
    "signs",
    "letters without case",
)
"""Classes of a word's shape; index 0 is for special pieces and padding."""

CACHED_WORDS = 500_000
"""Distinct words whose pieces a tokenizer remembers."""

CHARACTERS_PER_WORD = 20
"""The character CNN sees a word's first and last ten characters."""
CHARACTER_PADDING, CHARACTER_UNKNOWN = 0, 1


@functools.lru_cache(maxsize=200_000)
def shape_of(word: str) -> int:
    """The index in `SHAPES` of a word's shape."""
    digits = any(c.isdigit() for c in word)
    letters = [c for c in word if c.isalpha()]
    if not letters:
        if not digits:
            return SHAPES.index("signs")
        return SHAPES.index("digits" if all(c.isdigit() for c in word) else "digits and signs")
    if digits:
        return SHAPES.index("digits and letters")
    upper = sum(c.isupper() or c.istitle() for c in letters)
    lower = sum(c.islower() for c in letters)
    if not upper:
        return SHAPES.index("lower" if lower else "letters without case")
    if not lower:
        if len(letters) == 1 and len(word) <= 2:
            return SHAPES.index("single upper")
        return SHAPES.index("upper with dots" if "." in word else "upper")
    first_is_upper = letters[0].isupper() or letters[0].istitle()
    if first_is_upper and upper == 1:
        return SHAPES.index("capitalised")
    return SHAPES.index("mixed, upper first" if first_is_upper else "mixed, lower first")


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
        self.padding = padding["pad_id"] if padding else self._first_of(("[PAD]", "<pad>"), 0)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> PieceTokenizer:
        """Read `tokenizer.json`.

        Raises:
            ModelError: no such file, or not a fast tokenizer's.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
            return cls(tokenizers.Tokenizer.from_str(text))
        except OSError as error:
            raise ModelError(
                "no fast tokenizer",
                where=path,
                remedy="save one with: AutoTokenizer.from_pretrained(...).save_pretrained(...)",
            ) from error
        except Exception as error:  # tokenizers raises bare Exception for a file it cannot parse
            if isinstance(error, ModelError):
                raise ModelError(error.problem, where=path) from error
            raise ModelError("not a fast tokenizer's file", where=path, got=error) from error

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
            known.clear()
            fresh = list({word for words in sentences for word in words})
        for word, encoding in zip(fresh, self._encodings(fresh), strict=True):
            known[word] = tuple(encoding.ids[:MAX_WORD_PIECES]) or (self.unknown,)
        return [self._word_pieces([known[word] for word in words]) for words in sentences]

    def pieces(self, tokens: Sequence[Token]) -> list[list[Piece]]:
        """Each word's pieces as text with the document's characters that they stand for."""
        if not tokens:
            return []
        unknown = self._tokenizer.id_to_token(self.unknown) or ""
        return [
            [
                Piece(text, token.start + start, token.start + end)
                for text, (start, end) in zip(encoding.tokens, encoding.offsets, strict=True)
            ][:MAX_WORD_PIECES]
            or [Piece(unknown, token.start, token.end)]
            for token, encoding in zip(
                tokens, self._encodings([token.text for token in tokens], fast=False), strict=True
            )
        ]

    def _encodings(
        self, words: Sequence[str], *, fast: bool = True
    ) -> Sequence[tokenizers.Encoding]:
        """Encode single words; the fast way gives no text and no offsets."""
        encode = self._tokenizer.encode_batch_fast if fast else self._tokenizer.encode_batch
        try:
            return encode([[w] for w in words], is_pretokenized=True, add_special_tokens=False)
        except (TypeError, UnicodeEncodeError):  # lone surrogates have no UTF-8
            mended = [[_printable(w)] for w in words]
            return encode(mended, is_pretokenized=True, add_special_tokens=False)

    def _word_pieces(self, words: Sequence[tuple[int, ...]]) -> WordPieces:
        starts = np.zeros(len(words) + 1, dtype=np.int64)
        np.cumsum([len(pieces) for pieces in words], out=starts[1:])
        ids = np.fromiter(chain.from_iterable(words), dtype=np.int64, count=int(starts[-1]))
        return WordPieces(ids, starts)

    def _unknown(self, otherwise: int) -> int:
        """The unknown piece that the model names (Unigram by number), else one of the usual."""
        model = json.loads(self._tokenizer.to_str())["model"]
        if isinstance(model.get("unk_id"), int):
            return int(model["unk_id"])
        return self._first_of((model.get("unk_token") or "[UNK]", "[UNK]", "<unk>"), otherwise)

    def _first_of(self, names: Sequence[str], otherwise: int) -> int:
        found = (self._tokenizer.token_to_id(name) for name in names)
        return next((int(i) for i in found if i is not None), otherwise)


def _printable(word: str) -> str:
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


class Encoder:
    """Documents to arrays: pieces and word features.

    Args:
        tokenizer: splits words.
        alphabet: characters that the character CNN knows; empty without it.
    """

    def __init__(self, tokenizer: PieceTokenizer, alphabet: str = "") -> None:
        self.tokenizer = tokenizer
        self._alphabet = {c: i for i, c in enumerate(alphabet, start=CHARACTER_UNKNOWN + 1)}

    def encode(self, documents: Sequence[Document]) -> list[EncodedDocument]:
        """Encode documents in one call of the tokenizer."""
        pieces = iter(self.tokenizer.encode([s.words for d in documents for s in d.sentences]))
        return [self._encode_one(d, [next(pieces) for _ in d.sentences]) for d in documents]

    def _encode_one(self, document: Document, parts: list[WordPieces]) -> EncodedDocument:
        sentences = np.zeros(len(parts) + 1, dtype=np.int64)
        np.cumsum([len(p.starts) - 1 for p in parts], out=sentences[1:])
        counts = [np.diff(p.starts) for p in parts]
        starts = np.zeros(int(sentences[-1]) + 1, dtype=np.int64)
        empty = np.zeros(0, dtype=np.int64)
        np.cumsum(np.concatenate([empty, *counts]), out=starts[1:])
        words = [token.text for token in document.tokens]
        return EncodedDocument(
            ids=np.concatenate([empty, *(p.ids for p in parts)]),
            starts=starts,
            sentences=sentences,
            shapes=np.array([shape_of(word) for word in words], dtype=np.int64),
            characters=self._characters(words) if self._alphabet else None,
        )

    def _characters(self, words: Sequence[str]) -> IntArray:
        half = CHARACTERS_PER_WORD // 2
        table = np.zeros((len(words), CHARACTERS_PER_WORD), dtype=np.int64)
        for row, word in enumerate(words):
            seen = word if len(word) <= CHARACTERS_PER_WORD else word[:half] + word[-half:]
            table[row, : len(seen)] = [self._alphabet.get(c, CHARACTER_UNKNOWN) for c in seen]
        return table


def alphabet_of(documents: Iterable[Document], *, minimum: int = 2) -> str:
    """The characters that occur at least `minimum` times in the documents' words, sorted."""
    counts: Counter[str] = Counter()
    for document in documents:
        for token in document.tokens:
            counts.update(token.text)
    return "".join(sorted(c for c, n in counts.items() if n >= minimum and c.isprintable()))


LabelRule = Literal["first", "all", "all-inside"]


def inside_table(tags: Sequence[str]) -> IntArray:
    """(tags,) for each tag the one that goes on after it: `I` of its label, `O` for `O`.

    This is what `all-inside` puts on a word's later pieces.
    """
    index = {tag: i for i, tag in enumerate(tags)}
    return np.array(
        [index[f"I-{parse_tag(tag).label}"] if tag != "O" else index["O"] for tag in tags],
        dtype=np.int64,
    )


def project_labels(
    word_tags: IntArray, piece_counts: IntArray, rule: LabelRule, inside: IntArray
) -> IntArray:
    """Tags of words put onto their pieces.

    Args:
        word_tags: (words,) tag indices.
        piece_counts: (words,) pieces of each word.
        rule: `first`: only a word's first piece, the others `IGNORED`; `all`: every piece;
            `all-inside`: every piece, the later ones turned from B to I.
        inside: see `inside_table`.

    Returns:
        (pieces,) tag indices or `IGNORED`.
    """
    labels = np.repeat(word_tags, piece_counts)
    if rule == "all":
        return labels
    later = np.ones(len(labels), dtype=bool)
    later[np.cumsum(piece_counts) - piece_counts] = False
    if rule == "first":
        labels[later] = IGNORED
    else:
        counted = later & (labels != IGNORED)
        labels[counted] = inside[labels[counted]]
    return labels
