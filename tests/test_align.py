"""Words to pieces with three kinds of tokenizer, and documents to arrays."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import models, normalizers, pre_tokenizers, processors

from posner.align import MAX_WORD_PIECES, Encoder, PieceTokenizer
from posner.document import Document, Token, WordRow, WordSentence, document_from_words
from posner.errors import ModelError
from posner.word_features import CACHED_LETTERS, CHARACTERS_PER_WORD, SHAPES
from strategies import documents

SYLLABLES = ("ab", "ber", "lin", "el", "an", "語", "é")


def wordpiece() -> tokenizers.Tokenizer:
    """As BERT has it, uncased."""
    letters = [*"abcdefghijklmnopqrstuvwxyz0123456789.,'#-", "語"]
    listed = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters, *(f"##{c}" for c in letters)]
    listed += ["ab", "ber", "##lin", "##ber", "##an"]
    vocabulary = {piece: i for i, piece in enumerate(listed)}
    built = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    built.normalizer = normalizers.BertNormalizer(lowercase=True)
    built.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    built.post_processor = template(built, "[CLS]", "[SEP]")
    return built


def byte_bpe() -> tokenizers.Tokenizer:
    """As RoBERTa has it for words that are split already."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("a", "b"), ("Ġ", "a"), ("e", "r"), ("Ġ", "b"), ("Ġb", "er")]
    listed = ["<s>", "<pad>", "</s>", "<unk>", *alphabet, *("".join(pair) for pair in merges)]
    vocabulary = {piece: i for i, piece in enumerate(listed)}
    built = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    built.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    built.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return built


def unigram() -> tokenizers.Tokenizer:
    """As XLM-R has it."""
    scored = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("[odd]", 0.0), ("▁", -3.0)]
    scored += [(syllable, -4.0) for syllable in SYLLABLES] + [("▁ab", -4.0), ("▁ber", -4.5)]
    scored += [(letter, -6.0) for letter in "abcdefghijklmnopqrstuvwxyz"]
    built = tokenizers.Tokenizer(models.Unigram(scored, unk_id=3, byte_fallback=False))
    built.normalizer = normalizers.NFKC()
    built.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    built.post_processor = template(built, "<s>", "</s>")
    return built


def template(built: tokenizers.Tokenizer, begin: str, end: str) -> processors.TemplateProcessing:
    special = [(piece, built.token_to_id(piece)) for piece in (begin, end)]
    return processors.TemplateProcessing(
        single=f"{begin} $A {end}", pair=f"{begin} $A {end} $B {end}", special_tokens=special
    )


BUILDERS = {"wordpiece": wordpiece, "byte_bpe": byte_bpe, "unigram": unigram}
each_kind = pytest.mark.parametrize("kind", BUILDERS)


@cache
def shared(kind: str) -> PieceTokenizer:
    return PieceTokenizer(BUILDERS[kind]())


def word_pieces(tokenizer: PieceTokenizer, words: list[str]) -> list[tuple[int, ...]]:
    encoded = tokenizer.encode([words])[0]
    bounds = encoded.starts.tolist()
    assert bounds[0] == 0
    assert bounds[-1] == len(encoded.ids)
    return [tuple(encoded.ids[a:b].tolist()) for a, b in pairwise(bounds)]


ODD_WORDS = [
    "\x00",
    "\x01\x02",
    "\ufe0f",
    "\u200b",
    "\u3000",
    "\x85",
    "\ud800",
    "a\udfffb",
    "\ufeff",
    "👨‍👩‍👧",
    "▁",
    "Ġ",
    "##ab",
    "[SEP]",
    "</s>",
    "5\u00a0storm",
    "e\u0301",
    "ﬃ",
    "İ",
]
words = st.one_of(
    st.sampled_from(ODD_WORDS),
    st.lists(st.sampled_from(SYLLABLES), min_size=1, max_size=8).map("".join),
    st.text(st.characters(), min_size=1, max_size=8),
)
safe_words = words.filter(lambda word: not any("\ud800" <= c <= "\udfff" for c in word))


@each_kind
@given(sentence=st.lists(safe_words, min_size=1, max_size=6))
def test_word_by_word_is_the_whole_sentence(kind: str, sentence: list[str]) -> None:
    whole = BUILDERS[kind]().encode(sentence, is_pretokenized=True, add_special_tokens=False)
    expected: list[list[int]] = [[] for _ in sentence]
    for piece, word in zip(whole.ids, whole.word_ids, strict=True):
        assert word is not None
        expected[word].append(piece)
    tokenizer = shared(kind)
    assert word_pieces(tokenizer, sentence) == [
        tuple(ids[:MAX_WORD_PIECES]) or (tokenizer.unknown,) for ids in expected
    ]


@each_kind
@given(sentences=st.lists(st.lists(words, max_size=5), max_size=4))
def test_every_word_has_a_piece_whatever_it_is(kind: str, sentences: list[list[str]]) -> None:
    fresh = PieceTokenizer(BUILDERS[kind]())
    encoded = fresh.encode(sentences)
    assert [len(e.starts) - 1 for e in encoded] == [len(s) for s in sentences]
    for one in encoded:
        counts = np.diff(one.starts)
        assert ((counts >= 1) & (counts <= MAX_WORD_PIECES)).all()
        assert one.ids.dtype == np.int64
    again = fresh.encode(sentences)  # from memory
    assert all((a.ids == b.ids).all() for a, b in zip(encoded, again, strict=True))


@each_kind
@pytest.mark.parametrize("word", ODD_WORDS, ids=ascii)
def test_odd_words_have_pieces_and_leave_their_neighbours_alone(kind: str, word: str) -> None:
    tokenizer = PieceTokenizer(BUILDERS[kind]())
    before, odd, after = word_pieces(tokenizer, ["berlin", word, "ab"])
    assert odd
    assert [before, after] == word_pieces(shared(kind), ["berlin", "ab"])


@each_kind
def test_a_word_of_a_hundred_thousand_letters(kind: str) -> None:
    ids = word_pieces(shared(kind), ["xy" * 50_000])[0]
    assert 1 <= len(ids) <= MAX_WORD_PIECES
    assert len(ids) == (1 if kind == "wordpiece" else MAX_WORD_PIECES)


@each_kind
@given(document=documents(words, columns=False))
def test_pieces_lie_inside_their_words(kind: str, document: Document) -> None:
    tokens = list(document.tokens)
    tokenizer = shared(kind)
    listed = tokenizer.pieces(tokens)
    ids = word_pieces(tokenizer, [token.text for token in tokens])
    assert [len(pieces) for pieces in listed] == [len(own) for own in ids]
    for token, pieces in zip(tokens, listed, strict=True):
        for piece in pieces:
            assert token.start <= piece.start <= piece.end <= token.end


def test_pieces_name_the_characters_of_the_document() -> None:
    tokens = [Token("Aberlin", 3, 10), Token("\x01", 11, 12), Token("Éa", 13, 15)]
    listed = shared("wordpiece").pieces(tokens)
    assert [[(p.text, p.start, p.end) for p in pieces] for pieces in listed] == [
        [("ab", 3, 5), ("##e", 5, 6), ("##r", 6, 7), ("##lin", 7, 10)],
        [("[UNK]", 11, 12)],
        [("e", 13, 14), ("##a", 14, 15)],
    ]
    assert shared("wordpiece").pieces([]) == []


@pytest.mark.parametrize(
    ("kind", "prefix", "suffix", "unknown", "padding"),
    [
        ("wordpiece", (2,), (3,), 1, 0),
        ("byte_bpe", (0,), (2,), 3, 1),
        ("unigram", (0,), (2,), 3, 1),
    ],
)
def test_special_pieces_are_found(
    kind: str, prefix: tuple[int, ...], suffix: tuple[int, ...], unknown: int, padding: int
) -> None:
    tokenizer = shared(kind)
    assert (tokenizer.prefix, tokenizer.suffix) == (prefix, suffix)
    assert (tokenizer.unknown, tokenizer.padding) == (unknown, padding)
    assert tokenizer.special_count == 2


def test_a_tokenizer_without_special_pieces() -> None:
    built = wordpiece()
    built.post_processor = processors.TemplateProcessing(single="$A", pair="$A $B")
    tokenizer = PieceTokenizer(built)
    assert (tokenizer.prefix, tokenizer.suffix, tokenizer.special_count) == ((), (), 0)


@each_kind
def test_truncation_and_padding_of_the_file_are_ignored(kind: str, tmp_path: Path) -> None:
    built = BUILDERS[kind]()
    built.enable_truncation(4)
    built.enable_padding(length=9, pad_id=5, pad_token="x")
    path = tmp_path / "tokenizer.json"
    built.save(str(path))
    read = PieceTokenizer.from_file(path)
    sentence = ["berlin"] * 20
    assert word_pieces(read, sentence) == word_pieces(shared(kind), sentence)
    assert (read.prefix, read.suffix) == (shared(kind).prefix, shared(kind).suffix)
    assert read.padding == 5
    assert read.vocabulary_size == built.get_vocab_size()
    path.write_text(read.to_json(), encoding="utf-8")
    assert word_pieces(PieceTokenizer.from_file(path), sentence) == word_pieces(read, sentence)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b"\xff", b'{"model": {}}'])
def test_a_bad_tokenizer_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="not a fast tokenizer's file") as caught:
        PieceTokenizer.from_file(path)
    assert caught.value.where == str(path)


def test_no_tokenizer_file(tmp_path: Path) -> None:
    for path in (tmp_path / "tokenizer.json", tmp_path):
        with pytest.raises(ModelError, match="no fast tokenizer"):
            PieceTokenizer.from_file(path)


def test_a_tokenizer_that_knows_no_piece_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    tokenizers.Tokenizer(models.BPE(vocab={}, merges=[])).save(str(path))
    with pytest.raises(ModelError, match="no pieces") as caught:
        PieceTokenizer.from_file(path)
    assert caught.value.where == str(path)


def document_of(*sentences: str) -> Document:
    return document_from_words(
        [WordSentence(tuple(WordRow(w) for w in s.split())) for s in sentences]
    )


def test_an_encoded_document_counts_through_its_sentences() -> None:
    empty, filled = Document(""), document_of("Ab berlin", "", "U.S. 7")
    none, encoded = Encoder(shared("wordpiece")).encode([empty, filled])
    assert (len(none.ids), none.starts.tolist(), none.sentences.tolist()) == (0, [0], [0])
    assert encoded.sentences.tolist() == [0, 2, 2, 4]
    counts = [1, 2, 4, 1]  # ab; ber ##lin; u . s .; 7
    assert np.diff(encoded.starts).tolist() == counts
    assert encoded.piece_count(1, 3) == 6
    assert [SHAPES[i] for i in encoded.shapes] == [
        "capitalised",
        "lower",
        "upper with dots",
        "digits",
    ]
    assert encoded.characters is None


def test_characters_are_a_words_two_ends() -> None:
    long = "abcdefghij" + "x" * 50 + "klmnopqrst"
    encoder = Encoder(shared("wordpiece"), "abcdefghijklmnopqrst")
    table = encoder.encode([document_of(f"ab? {long}")])[0].characters
    assert table is not None
    assert table.shape == (2, CHARACTERS_PER_WORD)
    assert table[0].tolist() == [2, 3, 1] + [0] * 17
    assert table[1].tolist() == list(range(2, 22))


def test_endless_words_are_split_and_not_remembered() -> None:
    tokenizer = PieceTokenizer(byte_bpe())
    (endless,) = tokenizer.encode([["ab", "x" * (CACHED_LETTERS + 1), "ber"]])
    assert endless.starts.tolist()[1:3] == [endless.starts[1], endless.starts[1] + MAX_WORD_PIECES]
    assert set(tokenizer._known) == {"ab", "ber"}
