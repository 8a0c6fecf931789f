"""Connections of clients that send, or read, as slowly as they can."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.server import ServerState

from posner.errors import PosnerError
from posner.serve.app import build_app
from posner.serve.connection import Connection, connection_of
from posner.serve.logs import JsonLines
from posner.serve.server import refuse_taken, server_config
from posner.serve.settings import ServeSettings
from serving import running, service, wait_until


@pytest.mark.parametrize("host", ["localhost", "evil.example"])
def test_a_body_that_never_ends_behind_its_answer_holds_no_connection(host: str) -> None:
    with running(service(max_seconds=0.5, max_chars=10)) as made:
        head = f"POST /predict HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9000000\r\n\r\n"
        with socket.create_connection(made.address) as connection:
            connection.settimeout(10)
            connection.sendall(head.encode())
            assert connection.recv(1000)[9:12] in (b"413", b"403")

            def is_cut() -> bool:
                with contextlib.suppress(OSError):
                    connection.sendall(b"x")
                return not made.server.server_state.connections

            wait_until(is_cut)


def test_a_request_behind_an_answered_one_has_its_own_time() -> None:
    with running(service(max_chars=10)) as made:
        head = "POST /predict HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n"
        with socket.create_connection(made.address) as connection:
            connection.settimeout(10)
            connection.sendall(head.format("evil.example", 8).encode())
            answered = b""
            while not answered.endswith(b"}"):  # its head may come before its body
                answered += connection.recv(1000)
            assert b"403" in answered
            wait_until(lambda: len(made.server.server_state.connections) == 1)
            [timed] = made.server.server_state.connections
            assert isinstance(timed, Connection)
            wait_until(lambda: timed._rest is not None)
            connection.sendall(b"x" * 8 + head.format("localhost", 100).encode())
            wait_until(lambda: timed._rest is None)
            connection.sendall(b"x" * 100)
            assert b"422" in connection.recv(1000)


class Clock:
    """An event loop's timers, that end when they are told to, and a transport that holds bytes."""

    def __init__(self) -> None:
        self.left = 0
        self.aborted = False
        self.later: list[tuple[Callable[..., None], tuple[object, ...]]] = []

    def call_later(self, _seconds: float, call: Callable[..., None], *given: object) -> MagicMock:
        self.later.append((call, given))
        return MagicMock()

    def get_write_buffer_size(self) -> int:
        return self.left

    def abort(self) -> None:
        self.aborted = True


def test_a_slow_reader_is_cut_when_it_no_longer_reads(caplog: pytest.LogCaptureFixture) -> None:
    made = service()
    config = server_config(build_app(made), made.settings)
    clock: Any = Clock()
    connection = connection_of(1.0)(config, ServerState(), {}, _loop=clock)
    connection.transport, connection.flow = clock, FlowControl(clock)
    connection.scope = {"posner.id": "slow-1"}  # type: ignore[typeddict-item]
    clock.left = 100
    connection.pause_writing()
    for left, looks, aborted in ((60, 2, False), (10, 3, False), (10, 3, True)):
        clock.left = left
        look, given = clock.later[-1]
        look(*given)
        assert (len(clock.later), clock.aborted) == (looks, aborted)
    [told] = [r for r in caplog.records if "does not read" in r.getMessage()]
    assert json.loads(JsonLines().format(told))["request_id"] == "slow-1"


def test_a_taken_address_is_told_before_any_model_is_loaded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = ServeSettings(port=taken.getsockname()[1])
        with pytest.raises(PosnerError, match="cannot listen there") as told:
            refuse_taken(settings)
        assert told.value.line().startswith(
            f"127.0.0.1:{settings.port}: cannot listen there (got Addr"
        )
    refuse_taken(settings)
