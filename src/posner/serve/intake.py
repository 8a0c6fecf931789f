"""Request bodies: read whole, within a size and a time, before anything is done about them."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from posner.serve.errors import ServiceError, too_much

STREAMED = frozenset(("/predict/stream",))
"""Paths whose bodies have no end that could be waited for; they count for themselves."""

ROOM = 32
"""Bodies of the largest size that may be held together while their ends have not come."""


class Intake:
    """Reads bodies, so that a client that stops half-way holds nothing but its own connection.

    Unfinished bodies share a room, since nobody has been given a place yet: beyond it they are
    answered 429. Small ones, however many come slowly, keep nobody else from being answered.

    Args:
        app: gets each body in one piece.
        limit: bytes that a body may have.
        seconds: that it may take; of a streamed body, each of its parts.
    """

    def __init__(self, app: ASGIApp, limit: int, seconds: float) -> None:
        self.app = app
        self.limit = limit
        self.seconds = seconds
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, then pass the request on."""
        if scope["type"] != "http" or scope["path"] in STREAMED:
            await self.app(scope, receive, send)
            return
        try:
            body = await self._body(Headers(scope=scope), receive)
        except ServiceError as error:
            await error.response()(scope, receive, send)
            return
        if body is None:
            return
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, replay, send)

    async def _body(self, headers: Headers, receive: Receive) -> bytes | None:
        """The whole body; None if the client has gone before its end."""
        said = headers.get("content-length", "0")
        if said.isdigit() and int(said) > self.limit:
            raise too_much(f"a body of {int(said):,} bytes, at most {self.limit:,} are taken")
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self.seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    self._held += len(parts[-1])
                    if size > self.limit:
                        raise too_much(f"a body of more than {self.limit:,} bytes")
                    if self._held > ROOM * self.limit:
                        full = "too many large bodies are being sent"
                        raise ServiceError(429, "overloaded", full, retry_after=1)
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError:
            late = f"the body did not come within {self.seconds:g} seconds"
            raise ServiceError(408, "timeout", late) from None
        finally:
            self._held -= size
