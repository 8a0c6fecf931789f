"""The routes by which texts are corrected."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import serving
import tiny
from posner.corpus import annotation_file, read
from posner.corpus.annotation_file import AnnotationFile
from posner.errors import DataError
from posner.serve import corrections
from posner.serve.app import build_app
from posner.serve.corrections import Corrections
from posner.serve.service import Service

TEXT = "Ada lived in Oslo. 😀 Bo left."
BO = {"start": 21, "end": 23, "label": "PER"}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    texts = tmp_path / "texts.txt"
    texts.write_text("one Ada\n\ntwo\nthree Oslo and Bo\n", encoding="utf-8")
    made = serving.service(annotations=str(tmp_path / "a.sqlite"), texts=str(texts), max_chars=200)
    with TestClient(build_app(made), base_url="http://localhost") as found:
        found.app_state["service"] = made
        serving.wait_until(lambda: found.get("/readyz").status_code == 200)
        yield found


def app_service(client: TestClient) -> Service:
    """The service that a client's application stands for."""
    found = client.app_state["service"]
    assert isinstance(found, Service)
    return found


def save(client: TestClient, **changes: Any) -> Any:
    body = {"text": TEXT, "entities": [BO], "who": "Ann", "revision": 0} | changes
    return client.post("/annotations", json=body)


def test_a_correction_is_saved_found_listed_and_undone(client: TestClient, tmp_path: Path) -> None:
    assert client.get("/info").json()["annotations"] is True
    assert client.post("/annotations/lookup", json={"text": TEXT}).json()["revision"] == 0
    saved = save(client).json()
    assert (saved["entities"], saved["who"]) == ([BO], "Ann")
    assert client.post("/annotations/lookup", json={"text": TEXT}).json() == saved
    assert client.get("/annotations").json() == [saved]
    assert client.get(f"/annotations?after={saved['id']}").json() == []
    [document] = read(tmp_path / "a.sqlite").documents
    assert [e.text for e in document.entities] == ["Bo"]
    undo = {"text": TEXT, "who": "Bob", "revision": saved["revision"]}
    undone = client.post("/annotations/undo", json=undo).json()
    assert (undone["entities"], undone["who"]) == (None, "Bob")
    again = client.post("/annotations/undo", json=undo | {"revision": undone["revision"]})
    assert (again.status_code, again.json()["field"]) == (422, "text")


def test_who_comes_too_late_is_told(client: TestClient) -> None:
    assert save(client).status_code == 200
    late = save(client, who="Bob")
    assert (late.status_code, late.json()["error_type"]) == (409, "stale")
    assert "Ann" in late.json()["error"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"entities": [BO, BO | {"end": 99}]}, "entities.1"),
        ({"entities": [BO | {"start": 23}]}, "entities.0"),
        ({"entities": [BO, {"start": 0, "end": 2, "label": "PER"}]}, "entities.1"),
        ({"entities": [BO, {"start": 4, "end": 9, "label": "PER"}, BO]}, "entities.2"),
        ({"entities": [BO | {"start": 20}]}, "entities.0"),
        ({"entities": [{"start": 3, "end": 4, "label": "PER"}]}, "entities.0"),
        ({"entities": [BO | {"label": "O"}]}, "entities.0.label"),
        ({"entities": [BO | {"label": "a b"}]}, "entities.0.label"),
        ({"entities": [BO | {"label": ""}]}, "entities.0.label"),
        ({"entities": [BO | {"start": -1}]}, "entities.0.start"),
        ({"who": ""}, "who"),
        ({"text": ""}, "text"),
        ({"revision": -1}, "revision"),
        ({"path": "x"}, "path"),
    ],
)
def test_a_wrong_correction_is_told_by_its_field(
    client: TestClient, changes: dict[str, Any], field: str
) -> None:
    answer = save(client, **changes)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_where_words_are_a_models_own_their_borders_are_not_checked(client: TestClient) -> None:
    part = {"start": 0, "end": 2, "label": "PER"}
    assert save(client, entities=[part]).status_code == 422
    supervisor = app_service(client).supervisor
    supervisor.facts = {n: replace(f, plain_words=False) for n, f in supervisor.facts.items()}
    assert save(client, entities=[part]).status_code == 200


@pytest.mark.parametrize("damage", ["locked", "gone"])
def test_a_file_that_cannot_be_used_is_no_fault_of_the_client(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    path = tmp_path / "a.sqlite"
    serving.wait_until(lambda: client.get("/queue").json()[0]["uncertainty"] is not None)
    monkeypatch.setattr(annotation_file, "_WAIT", 0.01)  # only now: rating is over
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        if damage == "gone":
            path.unlink()
        answers = all_routes(client)
    for answer in answers:
        assert (answer.status_code, answer.json()["error_type"]) == (503, "unavailable")
        assert str(tmp_path) not in answer.text
    assert path.exists() == (damage == "locked")


def all_routes(client: TestClient) -> list[Any]:
    return [
        save(client),
        client.get("/queue"),
        client.get("/annotations"),
        client.post("/annotations/undo", json={"text": TEXT, "who": "Ann", "revision": 0}),
        client.post("/annotations/lookup", json={"text": TEXT}),
    ]


def test_corrections_are_requests_among_all_others(client: TestClient) -> None:
    made = app_service(client)
    with contextlib.ExitStack() as places:
        for _ in range(made.settings.max_concurrent):
            places.enter_context(made.accepted())
        answers = all_routes(client)
        assert {a.json()["error_type"] for a in answers if a.status_code == 429} == {"overloaded"}
        assert {a.status_code for a in answers} == {429}
    assert save(client).status_code == 200


def test_corrections_that_take_too_long_are_given_up(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def waits(*_given: Any) -> None:
        over.wait(20)

    over = threading.Event()
    for name in ("save", "find", "corrected", "undo", "waiting"):
        monkeypatch.setattr(AnnotationFile, name, waits)
    made = app_service(client)
    made.settings = replace(made.settings, max_seconds=0.05)
    try:
        assert {answer.status_code for answer in all_routes(client)} == {504}
    finally:
        over.set()


def test_too_long_a_text_is_413(client: TestClient) -> None:
    assert save(client, text="x" * 201, entities=[]).status_code == 413


def test_the_queue_gives_each_person_texts_of_their_own(client: TestClient) -> None:
    rated = "posner_texts_total"
    serving.wait_until(lambda: f'{rated}{{model="rules"}} 3.0' in client.get("/metrics").text)

    def first(who: str) -> list[str]:
        return [a["text"] for a in client.get(f"/queue?who={who}&limit=1").json()]

    serving.wait_until(lambda: first("Ann") == ["three Oslo and Bo"])  # least sure of it
    assert first("Bob") == ["one Ada"]
    assert first("Cyd") == ["two"]
    assert first("Dee") == []
    assert first("Ann") == ["three Oslo and Bo"]
    save(client, text="three Oslo and Bo", entities=[])
    assert first("Ann") == []


@pytest.mark.parametrize("damage", ["missing", "a folder", "no UTF-8"])
def test_texts_that_cannot_be_read_are_told_before_a_file_is_made(
    tmp_path: Path, damage: str
) -> None:
    texts, path = tmp_path / "texts.txt", tmp_path / "a.sqlite"
    if damage == "a folder":
        texts.mkdir()
    elif damage == "no UTF-8":
        texts.write_bytes(b"one\ntw\xe9\n")
    with pytest.raises(DataError, match=r"texts\.txt"):
        Corrections(serving.service(), str(path), str(texts))
    assert not path.exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "t.jsonl",
            '{"text": "Ada lived.", "label": [[0, 3, "PER"]]}\n{"text": " "}\n{"text": "b"}\n',
        ),
        ("t.csv", "id,text\n7,Ada lived.\n8,\n9,b\n"),
        ("t.md", "Ada lived.\n\nb\n"),
    ],
)
def test_texts_come_in_every_kind_of_file(tmp_path: Path, name: str, content: str) -> None:
    texts = tmp_path / name
    texts.write_text(content, encoding="utf-8")
    correcting = Corrections(serving.service(), str(tmp_path / "a.sqlite"), str(texts))
    queued = correcting.file.waiting(9)
    assert [annotation.text for annotation in queued] == ["Ada lived.", "b"]
    assert all(str(a.name).startswith(f"{name}:") for a in queued)


def test_a_corpus_is_no_file_of_texts(tmp_path: Path) -> None:
    corpus = tiny.save_corpus(tmp_path / "c.conll", 2)
    with pytest.raises(DataError, match="a corpus, and not texts") as told:
        Corrections(serving.service(), str(tmp_path / "a.sqlite"), str(corpus))
    assert "posner convert" in told.value.line()
    assert not (tmp_path / "a.sqlite").exists()


def test_pages_of_other_sites_take_no_texts_away(client: TestClient) -> None:
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        assert client.get("/queue?who=Eve&limit=100", headers=headers).status_code == 403
    own = {"sec-fetch-site": "same-origin"}
    assert len(client.get("/queue?who=Ann&limit=100", headers=own).json()) == 3


def test_a_model_that_is_never_unsure_rates_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("one\ntwo\n", encoding="utf-8")
    made = serving.service({serving.WORDS: serving.WORDS})
    correcting = Corrections(made, str(tmp_path / "a.sqlite"), str(texts))

    async def rated() -> None:
        await made.load()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(correcting.rate(), 0.5)
        await made.stop()

    with caplog.at_level("INFO", "posner.serve"):
        asyncio.run(rated())
    assert caplog.messages == ["models loaded"]
    assert [a.text for a in correcting.queue("Ann", 5)] == ["one", "two"]


def test_another_model_rates_anew_and_a_locked_file_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(annotation_file, "_WAIT", 0.01)
    monkeypatch.setattr(corrections, "AGAIN", 0.05)
    path = tmp_path / "a.sqlite"
    made = serving.service(annotations=str(path))
    app = build_app(made)
    file = AnnotationFile(path)
    file.add([(None, "Ada and Bo", None)])
    file.rate([(1, 0.9)], "former")

    def rating() -> float | None:
        return file.waiting()[0].uncertainty

    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with TestClient(app, base_url="http://localhost") as client:
            time.sleep(0.3)
            assert rating() == 0.9
            other.execute("ROLLBACK")
            monkeypatch.setattr(annotation_file, "_WAIT", 10.0)
            serving.wait_until(lambda: rating() == 0.2)
            file.rate([(1, 0.9)], "former")
            made.models["rules"] = "next"
            made.supervisor.make.args[0]["rules"] = "next"  # type: ignore[attr-defined]
            assert client.post("/models/replace").status_code == 200
            serving.wait_until(lambda: rating() == 0.2)


def test_texts_can_be_skipped_and_are_one_persons_whoever_asks_at_once(client: TestClient) -> None:
    first, second, third = (a["id"] for a in client.get("/queue?who=Ann&limit=3").json())
    answer = client.get(f"/queue?who=Ann&limit=1&skip={first}&skip={second}")
    assert [a["id"] for a in answer.json()] == [third]
    assert client.get("/queue?who=Ann&skip=x").status_code == 422


def test_two_who_ask_at_once_get_different_texts(tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join(map(str, range(100))), encoding="utf-8")
    made = Corrections(serving.service(), str(tmp_path / "a.sqlite"), str(texts))
    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(lambda i: [a.id for a in made.queue(f"p{i}", 5)], range(20)))
    assert len({number for numbers in given for number in numbers}) == 100


def test_without_a_file_there_are_no_such_routes() -> None:
    with TestClient(build_app(serving.service()), base_url="http://localhost") as client:
        assert client.get("/annotations").status_code == 404
        assert client.get("/queue").status_code == 404
