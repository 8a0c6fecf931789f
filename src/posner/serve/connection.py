"""A client's connection: how long it may hold back what it sends, or leave an answer unread."""

from __future__ import annotations

import asyncio
import logging

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 20.0
"""Within these a request's head has come, from its first byte or the connection's beginning.

So has the rest of a body that was answered before its end.
"""

STOPPING = "posner_stopping"
"""The event of the application's state that is set when the service begins to end."""

log = logging.getLogger("posner.serve")


class Connection(H11Protocol):
    """Uvicorn's protocol, that waits for nobody without end.

    Attributes:
        seconds: within which a part of an answer is read; a head, or the rest of a body that was
            answered before its end, has at most `HEAD_SECONDS` of them.
    """

    seconds: float
    _head: asyncio.TimerHandle | None = None
    _rest: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Someone has come."""
        super().connection_made(transport)
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        """A part of a request has come."""
        super().data_received(data)
        self._watch_head()
        self._watch_rest()

    def on_response_complete(self) -> None:
        """A request is answered, perhaps before all of it has come."""
        super().on_response_complete()
        self._watch_rest()

    def _watch_head(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._head = _stopped(self._head)
        elif self._head is None:
            self._head = self._abort_later()

    def _watch_rest(self) -> None:
        """Cut the connection if the body of an answered request does not end in time.

        Uvicorn's own timer, for the next request, ends with each byte that comes.
        """
        if self.conn.their_state is not h11.SEND_BODY or not self.cycle.response_complete:
            self._rest = _stopped(self._rest)
        elif self._rest is None:
            self._rest = self._abort_later()

    def _abort_later(self) -> asyncio.TimerHandle:
        return self.loop.call_later(min(self.seconds, HEAD_SECONDS), self.transport.abort)

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
        self.app_state[STOPPING].set()

    def _watch_reading(self) -> None:
        """Cut the connection if nothing of what it holds is read in time."""
        left = self.transport.get_write_buffer_size()
        if left and self._unread is None:
            self._unread = self.loop.call_later(self.seconds, self._look_at_reading, left)

    def _look_at_reading(self, before: int) -> None:
        self._unread = None
        if self.transport.get_write_buffer_size() < before:
            self._watch_reading()
            return
        identity = self.scope.get("posner.id", "") if self.scope else ""
        facts = {"request_id": identity, "bytes": before}
        log.warning("connection cut: the client does not read", extra={"facts": facts})
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._head, self._rest = _stopped(self._head), _stopped(self._rest)
        self._unread = _stopped(self._unread)
        super().connection_lost(exc)


def connection_of(seconds: float) -> type[Connection]:
    """The protocol with a time, as uvicorn makes it."""
    return type("TimedConnection", (Connection,), {"seconds": seconds})


def _stopped(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """What is left of a timer that is stopped: nothing."""
    if timer is not None:
        timer.cancel()
    return None
