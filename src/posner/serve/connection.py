"""A client's connection: how long it may hold back a request's head, or leave an answer unread."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 20.0
"""Within these a request's head has come, from its first byte or the connection's beginning."""


class Connection(H11Protocol):
    """Uvicorn's protocol, that waits for nobody without end.

    Attributes:
        seconds: that an answer may lie unread; a head has at most `HEAD_SECONDS` of them.
    """

    seconds: float
    _head: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Someone has come."""
        super().connection_made(transport)
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        """A part of a request has come."""
        super().data_received(data)
        self._watch_head()

    def _watch_head(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._head = _stopped(self._head)
        elif self._head is None:
            seconds = min(self.seconds, HEAD_SECONDS)
            self._head = self.loop.call_later(seconds, self.transport.abort)

    def pause_writing(self) -> None:
        """The client reads more slowly than it is answered."""
        super().pause_writing()
        self._watch_reading()

    def resume_writing(self) -> None:
        """The client has read."""
        super().resume_writing()
        self._unread = _stopped(self._unread)

    def timeout_keep_alive_handler(self) -> None:
        """No other request has come."""
        super().timeout_keep_alive_handler()
        self._watch_reading()

    def shutdown(self) -> None:
        """The service ends; a connection that closes still sends what it holds."""
        super().shutdown()
        self._watch_reading()

    def _watch_reading(self) -> None:
        """Cut the connection if what it holds is not read in time."""
        left = self.transport.get_write_buffer_size()
        if left and self._unread is None:
            self._unread = self.loop.call_later(self.seconds, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._head, self._unread = _stopped(self._head), _stopped(self._unread)
        super().connection_lost(exc)


def connection_of(seconds: float) -> type[Connection]:
    """The protocol with a time, as uvicorn makes it."""
    return type("TimedConnection", (Connection,), {"seconds": seconds})


def _stopped(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """What is left of a timer that is stopped: nothing."""
    if timer is not None:
        timer.cancel()
    return None
