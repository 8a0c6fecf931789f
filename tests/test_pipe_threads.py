"""`recognizer.pipe` is a generator that reads no more than it needs; recognisers serve threads."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import pytest

import foreign_models
import posner
import posner.align
import posner.tagger
import tiny
from posner.backends.torch import TorchBackend
from posner.document import Document
from posner.errors import DataError, ModelError, UsageError
from posner.loading import Aggregation, load
from posner.postprocess.correct import LexiconStep
from posner.postprocess.names import Name
from posner.postprocess.thresholds import Thresholds, threshold_steps
from posner.recognizer import Recognizer

TEXTS = [f"Ada Marsh lives in Oslo with {chr(97 + i)}b{i} and Ben ." for i in range(26)]


@pytest.fixture(scope="module")
def own(bert: Path) -> Recognizer:
    model = tiny.untrained(tiny.recipe(bert))
    return Recognizer(model.manifest, model.tokenizer, TorchBackend(model.network, model.manifest))


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Recognizer:
    folder = foreign_models.save_classifier(tmp_path_factory.mktemp("t") / "m")
    return load(folder, device="cpu", aggregation="max")


class Source:
    """A stream that counts what was taken from it, and whether it was closed."""

    def __init__(self) -> None:
        self.taken = 0

    def __iter__(self) -> Iterator[str]:
        while True:
            self.taken += 1
            yield TEXTS[self.taken % len(TEXTS)]


def test_no_more_is_read_than_a_chunk(own: Recognizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posner.tagger, "CHUNK_WORDS", 40)
    source = Source()
    stream = own.pipe(source)
    assert source.taken == 0  # nothing happens before the first answer is asked for
    next(stream)
    chunk = source.taken
    assert chunk <= 5
    list(islice(stream, chunk - 1))
    assert source.taken == chunk  # a slow reader holds the source back
    next(stream)
    assert source.taken == 2 * chunk


def test_blanks_and_endless_words_are_bounded_too(
    own: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posner.tagger, "CHUNK_CHARACTERS", 100)
    for text in (" " * 40, "x" * 40):
        taken = 0

        def texts(text: str = text) -> Iterator[str]:
            nonlocal taken
            for _ in range(10):
                taken += 1
                yield text

        next(own.pipe(texts()))
        assert taken == 3


@pytest.mark.parametrize("ahead", [0, 1])
def test_a_source_that_was_waited_for_gets_its_answers_at_once(
    own: Recognizer, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    monkeypatch.setattr(own, "ahead", ahead)
    monkeypatch.setattr(posner.tagger, "CHUNK_SECONDS", 0.0)
    source = Source()
    stream = own.pipe(source)
    for count in range(1, 4):
        next(stream)
        assert source.taken == count


def test_one_text_is_no_stream(own: Recognizer) -> None:
    for wrong in ("Ada", b"Ada", None):
        with pytest.raises(UsageError, match="a stream of texts is wanted"):
            own.pipe(wrong)  # type: ignore[arg-type]


def test_a_call_with_no_text_says_what_a_call_takes(own: Recognizer) -> None:
    for wrong, got in ((3, "int"), (b"Ada", "bytes"), (None, "NoneType")):
        with pytest.raises(UsageError, match=rf"^a text or a list of texts is wanted .*{got}"):
            own(wrong)  # type: ignore[arg-type]


def test_an_item_that_is_no_text_is_named(own: Recognizer) -> None:
    with pytest.raises(DataError, match=r"item 2: not a text .*got int"):
        list(own.pipe(["Ada", 7]))  # type: ignore[list-item]


def test_an_error_of_the_source_comes_through(own: Recognizer) -> None:
    def broken() -> Iterator[str]:
        yield TEXTS[0]
        raise ValueError("the source failed")

    with pytest.raises(ValueError, match="the source failed"):
        list(own.pipe(broken()))


def facts(documents: list[Document]) -> list[list[tuple[int, int, str]]]:
    return [[(e.start, e.end, e.label) for e in d.entities] for d in documents]


@pytest.mark.parametrize("which", ["own", "foreign"])
def test_threads_get_what_one_alone_gets(
    which: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    recognizer: Recognizer = request.getfixturevalue(which)
    expected = facts(recognizer(TEXTS))
    monkeypatch.setattr(posner.align, "CACHED_WORDS", 20)  # each call throws words away
    together = threading.Barrier(4)

    def one(shift: int) -> list[list[tuple[int, int, str]]]:
        together.wait(timeout=30)
        order = [*range(shift, len(TEXTS)), *range(shift)]
        found: dict[int, list[tuple[int, int, str]]] = {}
        for start in range(0, len(order), 3):
            places = order[start : start + 3]
            answers = list(recognizer.pipe(TEXTS[i] for i in places))
            found |= dict(zip(places, facts(answers), strict=True))
        return [found[i] for i in range(len(TEXTS))]

    with ThreadPoolExecutor(4) as pool:
        for answers in pool.map(one, (0, 7, 13, 20)):
            assert answers == expected


@pytest.mark.parametrize("aggregation", ["legal", "max"])
def test_a_recogniser_and_its_documents_are_sent_to_other_processes(
    tmp_path: Path, aggregation: Aggregation
) -> None:
    folder = foreign_models.save_classifier(tmp_path / "m")
    recognizer = load(folder, device="cpu", aggregation=aggregation)
    names = [Name("PER", "Ada Marsh", "1")]
    recognizer.steps = (
        LexiconStep(names, known=recognizer.knows),
        *threshold_steps(Thresholds(0.1, {"PER": 0.2})),
    )
    expected = recognizer(TEXTS[:3])
    sent = pickle.loads(pickle.dumps(recognizer))
    assert type(sent) is type(recognizer)
    assert sent(TEXTS[:3]) == expected
    assert pickle.loads(pickle.dumps(expected)) == expected


def test_a_recogniser_without_a_folder_cannot_be_sent(own: Recognizer) -> None:
    with pytest.raises(ModelError, match="loaded from a folder"):
        pickle.dumps(own)
