"""What goes wrong: clients that hang up, stop half-way or do not read; engines that die."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import json
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import cast

import httpx2
import pytest
from starlette.types import Message, Receive, Scope, Send

import serving
from echo import Echo
from posner.document import Document
from posner.errors import ModelError
from posner.segment import passages
from posner.serve import intake, supervisor
from posner.serve.app import build_app
from posner.serve.batching import BatchQueue
from posner.serve.engines import EngineGoneError
from posner.serve.metrics import Metrics
from posner.serve.model import ModelTagger
from posner.serve.process import ProcessEngine
from posner.serve.request_log import RequestLog
from posner.serve.service import Service
from posner.serve.settings import ServeSettings
from posner.serve.supervisor import Supervisor
from posner.serve.work import Found, Task
from serving import Running, running, service, wait_until


@pytest.fixture(scope="module")
def slow() -> Iterator[Running]:
    """One text a batch, five requests at a time."""
    with running(service(batch_tokens=1, max_concurrent=5, max_seconds=3.0)) as made:
        yield made


def ask(url: str, text: str) -> httpx2.Response:
    return httpx2.post(f"{url}/predict", json={"inputs": text}, timeout=20)


def raw(made: Running, text: str, *, length: int | None = None) -> socket.socket:
    """A connection on which a request was sent, all of it or less."""
    body = json.dumps({"inputs": text}).encode()
    head = (
        "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {length or len(body)}\r\n\r\n"
    )
    connection = socket.create_connection(made.address)
    connection.sendall(head.encode() + body)
    return connection


def figure(made: Running, name: str) -> float:
    value = made.service.metrics.registry.get_sample_value(name)
    assert value is not None
    return value


def test_what_a_client_hung_up_on_is_not_computed(slow: Running) -> None:
    before = figure(slow, "posner_texts_given_up_total")
    busy, leaving = raw(slow, "SLEEP"), raw(slow, "Never")
    wait_until(lambda: slow.service.queue.depth == 1)
    leaving.close()
    wait_until(lambda: figure(slow, "posner_texts_given_up_total") == before + 1)
    assert b"200 OK" in busy.recv(1000)
    busy.close()
    assert ask(slow.url, "Ada").status_code == 200
    tagged = slow.service.metrics.registry.get_sample_value(
        "posner_entities_total", {"model": "rules", "label": "PER"}
    )
    assert tagged == 2  # SLEEP and Ada look like names; Never was left out


def test_too_many_at_once_are_told_when_to_come_again(slow: Running) -> None:
    with ThreadPoolExecutor(9) as pool:
        answers = list(pool.map(lambda _: ask(slow.url, "SLEEP"), range(9)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] * 5 + [429] * 4
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert 1 <= int(refused.headers["retry-after"]) <= 30
    assert refused.json()["error_type"] == "overloaded"


def test_small_batches_do_not_tell_how_fast_an_engine_is() -> None:
    with running(service(batch_tokens=100)) as made:
        assert ask(made.url, "Ada").status_code == 200
        assert not made.service.supervisor.is_measured
        assert ask(made.url, "Ada " * 600).status_code == 200
        assert made.service.supervisor.is_measured


def test_a_body_that_stops_half_way_is_answered(slow: Running) -> None:
    with raw(slow, "Ada", length=500) as connection:
        connection.settimeout(10)
        assert b"408" in connection.recv(1000)
    assert ask(slow.url, "Ada").status_code == 200


def test_unfinished_bodies_share_a_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "ROOM", 0.5)
    with running(service(max_chars=10_000)) as made:
        large = "x" * 50_000
        with contextlib.ExitStack() as open_ones:
            open_ones.enter_context(raw(made, large, length=90_000))
            wait_until(lambda: ask(made.url, large).status_code == 429)
            assert ask(made.url, "Ada").status_code == 200
        wait_until(lambda: ask(made.url, large).status_code == 413)  # it is looked at again


def test_a_late_answer_is_504(caplog: pytest.LogCaptureFixture) -> None:
    with running(service(max_seconds=0.2)) as made:
        answer = ask(made.url, "SLEEP")
        assert (answer.status_code, answer.json()["error_type"]) == (504, "timeout")
        assert ask(made.url, "Ada").status_code == 200
        gc.collect()
    assert not [record for record in caplog.records if record.name == "asyncio"]


def test_a_client_that_does_not_read_holds_nobody_up() -> None:
    with running(service(batch_tokens=1, max_seconds=20)) as made:
        with contextlib.ExitStack() as lazy:
            for _ in range(2):
                lazy.enter_context(raw(made, "Ada " * 50_000))
            assert ask(made.url, "Ada").status_code == 200
        wait_until(lambda: made.service.queue.depth == 0)


def test_a_stream_that_is_not_read_is_cut_off() -> None:
    with running(service(max_seconds=1.0, max_concurrent=1)) as made:
        line = json.dumps("Ada " * 2000).encode() + b"\n"
        head = (
            "POST /predict/stream HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000000\r\n\r\n"
        )
        with socket.create_connection(made.address) as connection:
            connection.settimeout(0.2)
            connection.sendall(head.encode())
            sent = 0
            with contextlib.suppress(OSError):  # the service stops reading, for we do not
                for _ in range(10_000):
                    connection.sendall(line)
                    sent += 1
            assert 0 < sent < 10_000
            assert ask(made.url, "Ada").status_code == 429  # it holds the only place
            wait_until(lambda: figure(made, "posner_requests_open") == 0)
        assert ask(made.url, "Ada").status_code == 200


def test_what_was_accepted_is_answered_before_the_end() -> None:
    with running(service()) as made, ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(ask, made.url, f"SLEEP {i}") for i in range(3)]
        wait_until(lambda: figure(made, "posner_requests_open") == 3)
        made.server.should_exit = True
        assert [answer.result().status_code for answer in answers] == [200] * 3


def chunk(text: str) -> bytes:
    line = f'"{text}"\n'.encode()
    return b"%x\r\n%s\r\n" % (len(line), line)


def everything(connection: socket.socket) -> bytes:
    with contextlib.suppress(ConnectionResetError):
        return b"".join(iter(lambda: connection.recv(10_000), b""))
    return b""


def test_a_stream_without_end_is_ended_with_the_service() -> None:
    with running(service(max_seconds=60.0)) as made:
        head = "POST /predict/stream HTTP/1.1\r\nHost: localhost\r\n"
        with socket.create_connection(made.address) as connection:
            connection.settimeout(20)
            connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
            connection.sendall(chunk("SLEEP Ada") + chunk("Bo"))
            wait_until(lambda: b'"word": "SLEEP"' in connection.recv(10_000, socket.MSG_PEEK))
            made.server.should_exit = True
            answer = everything(connection).decode()
        words = re.findall(r'"word": "(\w+)"', answer)
        assert words == ["SLEEP", "Ada", "Bo"]
        last = json.loads(re.findall(r"\{.*\}", answer)[-1])
        assert last["error_type"] == "stopping"


def test_a_stream_that_has_come_whole_is_answered_whole_before_the_end() -> None:
    with running(service(batch_tokens=1)) as made, ThreadPoolExecutor(1) as pool:
        lines = "\n".join(f'"{word}"' for word in ["SLEEP", *["Ada"] * 200])
        url = f"{made.url}/predict/stream"
        asked = pool.submit(httpx2.post, url, content=lines, timeout=20)
        wait_until(lambda: made.service.queue.depth > 0)
        made.server.should_exit = True
        answers = [json.loads(line) for line in asked.result().text.splitlines()]
        assert len(answers) == 201
        assert all(isinstance(found, list) for found in answers)


def test_a_request_that_the_end_cannot_wait_for_is_told_so() -> None:
    async def never(_scope: Scope, _receive: Receive, _send: Send) -> None:
        await asyncio.Future()

    async def send(message: Message) -> None:
        sent.append(message)

    async def check() -> None:
        asked = asyncio.create_task(RequestLog(never, Metrics(1))(scope, cast(Receive, None), send))
        await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked

    sent: list[Message] = []
    scope = {"type": "http", "method": "POST", "path": "/predict", "headers": []}
    asyncio.run(check())
    assert sent[0]["status"] == 503
    assert json.loads(sent[1]["body"])["error_type"] == "stopping"


def test_a_dead_process_is_restarted_and_only_its_killer_is_refused() -> None:
    with running(service(workers=2)) as made, ThreadPoolExecutor(8) as pool:
        texts = ["SLEEP Ada", "SLEEP Bo", "DIE", *[f"Ada {i}" for i in range(5)]]
        answers = list(pool.map(lambda text: ask(made.url, text), texts))
        assert [a.status_code for a in answers] == [200, 200, 503, *[200] * 5]
        assert answers[2].json()["error_type"] == "engine_died"
        assert int(answers[2].headers["retry-after"]) >= 1
        wait_until(lambda: made.service.supervisor.ready == 2)
        assert figure(made, "posner_engine_deaths_total") >= 2
        assert ask(made.url, "Ada").status_code == 200
        begin = time.monotonic()
        with ThreadPoolExecutor(4) as asking:
            asked = [asking.submit(ask, made.url, f"SLEEP {i}") for i in range(4)]
            assert httpx2.post(f"{made.url}/models/replace", timeout=20).status_code == 200
            assert [a.result().status_code for a in asked] == [200] * 4
        assert time.monotonic() - begin < 20
        made.service.models["rules"] = "missing"  # the next engines cannot load it
        made.service.supervisor.make.args[0]["rules"] = "missing"  # type: ignore[attr-defined]
        assert httpx2.post(f"{made.url}/models/replace", timeout=20).status_code == 409
        assert ask(made.url, "Ada").status_code == 200


def test_a_model_that_cannot_be_loaded_ends_the_service() -> None:
    made = serving.service({"rules": "missing"})
    ended = []
    from starlette.testclient import TestClient

    app = build_app(made, failed=lambda: ended.append(True))
    with TestClient(app, base_url="http://localhost") as client:
        wait_until(lambda: bool(ended))
        assert client.get("/readyz").status_code == 503
    assert made.failure is not None


class Failing:
    """An engine that cannot be started, fails in an unforeseen way, and cannot be ended well."""

    def __init__(self, starts: Callable[[], None]) -> None:
        self.facts = {"rules": serving.RuleTagger("rules").facts}
        self.ended = asyncio.get_running_loop().create_future()
        self.starts = starts

    async def start(self) -> None:
        self.starts()

    async def run(self, model: str, tasks: Sequence[Task]) -> list[Found]:
        if any("ODD" in task.text for task in tasks):
            raise OSError(errno.ENOMEM, "no memory")
        return serving.RuleTagger(model).find(tasks)

    def kill(self) -> bool:
        return False

    async def stop(self) -> None:
        raise ValueError("Cannot close a process while it is still running")


def test_whatever_an_engine_does_its_place_is_filled_again() -> None:
    made = service()
    starts = 0

    def start() -> None:
        nonlocal starts
        starts += 1
        if starts == 2:
            raise OSError(errno.ENOMEM, "no memory")

    made.supervisor.make = lambda _: Failing(start)
    with running(made) as found:
        odd = ask(found.url, "ODD")
        assert (odd.status_code, odd.json()["error_type"]) == (503, "engine_died")
        assert ask(found.url, "Ada").status_code == 200
        assert starts == 4  # the first, one in vain, and one after each of two failures
        assert httpx2.get(f"{found.url}/readyz").status_code == 200


def test_without_anyone_who_gives_it_work_no_engine_is_ready() -> None:
    with running(service()) as made:
        loop = made.loop
        for slot in made.service.supervisor.slots:
            assert slot.work is not None
            loop.call_soon_threadsafe(slot.work.cancel)
        wait_until(lambda: httpx2.get(f"{made.url}/readyz").status_code == 503)
        assert httpx2.get(f"{made.url}/health").json()["status"] == "degraded"


def test_a_process_that_hangs_is_killed_and_the_next_one_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervisor, "GRACE", 0.1)
    with running(service(workers=2, max_seconds=1.0)) as made:
        engines = [slot.engine for slot in made.service.supervisor.slots]
        hanging = [engine.pid for engine in engines if isinstance(engine, ProcessEngine)]
        for pid in hanging:
            assert pid is not None
            os.kill(pid, signal.SIGSTOP)
        with ThreadPoolExecutor(2) as pool:
            late = list(pool.map(lambda text: ask(made.url, text), ["Ada", "Bo"]))
        assert {answer.status_code for answer in late} == {504}
        wait_until(lambda: ask(made.url, "Ada").status_code == 200)
        for slot in made.service.supervisor.slots:  # the end does not wait for them either
            if isinstance(slot.engine, ProcessEngine) and slot.engine.pid is not None:
                os.kill(slot.engine.pid, signal.SIGSTOP)


def test_processes_that_die_while_idle_are_restarted_before_anyone_asks() -> None:
    with running(service(workers=2)) as made:
        for slot in made.service.supervisor.slots:
            assert isinstance(slot.engine, ProcessEngine)
            assert slot.engine.pid is not None
            os.kill(slot.engine.pid, signal.SIGKILL)
        wait_until(lambda: figure(made, "posner_engine_deaths_total") == 2)
        wait_until(lambda: made.service.supervisor.ready == 2)
        assert ask(made.url, "Ada").status_code == 200
        assert figure(made, "posner_engine_deaths_total") == 2


def test_what_no_process_was_given_was_not_tried_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    starts = 0

    class Gone(Failing):
        async def run(self, model: str, tasks: Sequence[Task]) -> list[Found]:
            if starts < 4:
                raise EngineGoneError
            return await super().run(model, tasks)

    def start() -> None:
        nonlocal starts
        starts += 1

    monkeypatch.setattr(supervisor, "PAUSES", (0.0,))
    made = service()
    made.supervisor.make = lambda _: Gone(start)
    with running(made) as found:
        assert ask(found.url, "Ada").status_code == 200
    assert starts == 4


def test_an_unforeseen_failure_of_loading_ends_the_service() -> None:
    def fails(_path: str) -> serving.RuleTagger:
        raise ValueError("a defect")

    made = Service({"rules": "rules"}, ServeSettings(), fails)
    asyncio.run(made.load())
    assert made.failure is not None
    assert "ValueError" in made.failure.line()
    assert "a defect" not in made.failure.line()


def test_a_head_that_does_not_come_holds_no_connection() -> None:
    with running(service(max_seconds=0.5)) as made:
        whole = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for before in (b"", whole):
            for half in (b"", whole[:30]):
                if before and not half:
                    continue  # a connection kept for the next request has longer
                with socket.create_connection(made.address) as connection:
                    connection.settimeout(10)
                    if before:
                        connection.sendall(before)
                        answer = b""
                        while not answer.endswith(b"}"):
                            answer += connection.recv(10_000)
                    connection.sendall(half)
                    with contextlib.suppress(ConnectionResetError):
                        assert connection.recv(1000) == b""


def test_an_answer_that_is_not_read_holds_no_connection() -> None:
    with running(service(max_seconds=3.0)) as made:
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(made.address)
            body = json.dumps({"inputs": "Ada " * 100_000}).encode()
            head = (
                "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            connection.sendall(head.encode() + body)
            wait_until(lambda: bool(made.server.server_state.connections))
            wait_until(lambda: not made.server.server_state.connections)
        assert ask(made.url, "Ada").status_code == 200


class SlowEcho(Echo):
    """Takes its time for each document."""

    def find(self, documents: Sequence[Document]) -> list[Document]:
        time.sleep(0.02 * len(documents))
        return super().find(documents)


def test_a_long_text_is_answered_between_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passages, "PASSAGE", 100)
    model = ModelTagger(SlowEcho(finds=True))
    made = Service({"echo": "echo"}, ServeSettings(), lambda _: model)
    long = "\n\n".join(f"Ada lived in a house of stone and wood, number {i}." for i in range(100))
    with running(made) as found, ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask, found.url, long)
        wait_until(lambda: figure(found, "posner_batch_seconds_count") >= 2)
        assert ask(found.url, "Bo").json()[0]["word"] == "Bo"
        assert not first.done()
        answer = first.result().json()
        assert [e["start"] for e in answer] == [m.start() for m in re.finditer("Ada", long)]
        before = figure(found, "posner_batch_seconds_count")
        made.settings = replace(made.settings, max_seconds=0.2)
        assert ask(found.url, long).status_code == 504
        wait_until(lambda: made.queue.depth == 0)
        made.settings = ServeSettings()
        assert ask(found.url, "Bo").status_code == 200
        assert figure(found, "posner_batch_seconds_count") - before < 50  # of 100 parts


def test_models_are_replaced_all_or_none() -> None:
    class Numbered(Failing):
        def __init__(self, number: int, revision: str) -> None:
            super().__init__(lambda: None)
            self.number, self.revision = number, revision
            self.facts = {"rules": serving.RuleTagger(revision).facts}

        async def start(self) -> None:
            if self.revision == "damaged" and self.number == 1:
                raise ModelError("damaged")

    revisions = iter(["old", "old", "damaged", "damaged"])
    made = Supervisor(2, lambda n: Numbered(n, next(revisions)), BatchQueue(100, 0.0), Metrics(100))

    async def check() -> None:
        await made.start()
        before = [slot.engine for slot in made.slots]
        with pytest.raises(ModelError, match="damaged"):
            await made.replace()
        assert [slot.engine for slot in made.slots] == before
        assert made.facts["rules"].revision == "old"
        await made.stop()

    asyncio.run(check())
