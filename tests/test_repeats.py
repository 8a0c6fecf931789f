from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posner.document import Document, Sentence, Token
from posner.repeats import share_repeats
from posner.windows import FloatArray


def document_of(sentences: list[list[str]]) -> Document:
    text, made = "", []
    for words in sentences:
        tokens = []
        for word in words:
            tokens.append(Token(word, len(text), len(text) + len(word)))
            text += word + " "
        made.append(Sentence(tuple(tokens)))
    return Document(text, tuple(made))


def log_softmax(emissions: FloatArray) -> FloatArray:
    result: FloatArray = np.log(np.exp(emissions) / np.exp(emissions).sum(axis=1, keepdims=True))
    return result


def oracle(
    sentences: list[list[str]], emissions: list[FloatArray], share: float
) -> list[FloatArray]:
    """The definition, word by word."""
    logs = [log_softmax(e.astype(np.float64)) for e in emissions]
    result = [log.copy() for log in logs]
    for s, words in enumerate(sentences):
        for w, word in enumerate(words):
            places = [
                (t, v)
                for t, others in enumerate(sentences)
                for v, other in enumerate(others)
                if other.casefold() == word.casefold()
            ]
            if len({t for t, _ in places}) > 1:
                found = np.array([logs[t][v] for t, v in places])
                weights = [np.exp(2 * np.sum(np.exp(log) * log)) for log in found]
                mean = np.average(found, axis=0, weights=weights)
                result[s][w] = (1 - share) * logs[s][w] + share * mean
    return result


corpora = st.lists(
    st.lists(st.sampled_from(["Rho", "rho", "ate", "x", "."]), max_size=5), max_size=5
)


@given(corpora, st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_repeated_words_lean_to_their_mean(
    sentences: list[list[str]], share: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    emissions = [random.normal(0, 3, (len(words), 3)).astype(np.float32) for words in sentences]
    shared = share_repeats(document_of(sentences), emissions, share)
    assert [s.shape for s in shared] == [e.shape for e in emissions]
    for found, expected in zip(shared, oracle(sentences, emissions, share), strict=True):
        assert log_softmax(found) == pytest.approx(log_softmax(expected), abs=1e-4)


def test_a_clear_place_decides_an_unclear_one() -> None:
    document = document_of([["Mr", "Halvorsen"], ["Halvorsen", "3"]])
    clear = np.array([[2, 0], [0, 6]], dtype=np.float32)
    unclear = np.array([[0.5, 0], [3, 0]], dtype=np.float32)
    assert unclear.argmax(axis=1).tolist() == [0, 0]
    _, shared = share_repeats(document, [clear, unclear], 0.35)
    assert shared.argmax(axis=1).tolist() == [1, 0]


def test_a_lone_sentence_stays_as_it_is() -> None:
    emissions = [np.array([[1, 2], [3, 1]], dtype=np.float32)]
    (shared,) = share_repeats(document_of([["Oslo", "Oslo"]]), emissions, 0.35)
    assert (shared == emissions[0]).all()
