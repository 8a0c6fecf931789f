from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import foreign_models
import tiny
from posner.backends.torch import TorchBackend
from posner.cli import main
from posner.document import Document, Sentence, Token
from posner.recognizer import Recognizer
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


def test_without_sharing_a_sentence_has_the_scores_that_it_has_alone(bert: Path) -> None:
    model = tiny.untrained(tiny.recipe(bert, {"data.repeats": 0.4}))
    backend = TorchBackend(model.network, model.manifest)
    recognizer = Recognizer(model.manifest, model.tokenizer, backend)
    texts = ["Ada saw Oslo.", "Then Ada left Oslo."]
    whole = "\n\n".join(texts)

    def emissions(of: list[str]) -> FloatArray:
        return np.concatenate([v.entity for t in of for v in recognizer.votes([recognizer(t)])])

    alone = emissions(texts)
    assert np.abs(log_softmax(emissions([whole])) - log_softmax(alone)).max() > 1e-3
    recognizer.repeats = 0
    assert emissions([whole]) == pytest.approx(alone, abs=1e-5)


def test_a_flag_says_how_far_repeated_words_are_shared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(foreign_models.save_classifier(tmp_path / "model"))
    call = ["predict", folder, "--format", "jsonl", "--tags", "--document", "file"]
    text = tmp_path / "text.txt"
    text.write_text("Ada in Oslo.\n\nIn Oslo Ada works.\n\nthe Ada Oslo", encoding="utf-8")

    def found(*flags: str) -> object:
        assert main([*call, str(text), *flags]) == 0
        return json.loads(capsys.readouterr().out)["entities"]

    assert found("--repeats", "0") == found()
    assert found("--repeats", "1") != found()
    assert main([*call, str(text), "--repeats", "1", "--aggregation", "simple"]) == 2
    assert "--repeats: this model cannot" in capsys.readouterr().err
