"""Every request on record: its id, its line in the log, its figures, and the headers of answers."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from posner.serve.errors import failed, stopping
from posner.serve.guard import SECURITY_HEADERS
from posner.serve.metrics import Metrics

log = logging.getLogger("posner.serve")

REQUEST_ID = "x-request-id"
_ID = re.compile(r"[\w.:-]{1,64}", re.ASCII)
_QUIET = frozenset(("/livez", "/readyz", "/health", "/metrics"))


class RequestLog:
    """Gives each request an id, logs and counts it, and answers where the program failed.

    Args:
        app: what answers.
        metrics: what counts.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin = time.monotonic()
        given = Headers(scope=scope).get(REQUEST_ID, "")
        identity = given if _ID.fullmatch(given) else uuid.uuid4().hex
        # Whoever answers may add what is worth logging: counts, never texts.
        scope["posner.id"] = identity
        facts: dict[str, Any] = scope.setdefault("posner.facts", {})
        status, ended = 0, False

        async def send_on(message: Message) -> None:
            nonlocal status, ended
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = identity
                for name, value in SECURITY_HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            elif not message.get("more_body", False):
                ended = True
            await send(message)  # whether the client reads, its connection sees to

        try:
            await self.app(scope, receive, send_on)
        except asyncio.CancelledError:  # the service ends, and waits no longer
            if not status:
                await stopping().response()(scope, receive, send_on)
            raise
        except Exception:
            log.exception("the service failed", extra={"facts": {"request_id": identity}})
            if not status:
                await failed().response()(scope, receive, send_on)
            elif not ended:
                raise  # nothing is left but to cut the connection
        finally:
            self._log(scope, status, time.monotonic() - begin, {"request_id": identity} | facts)

    def _log(self, scope: Scope, status: int, seconds: float, facts: dict[str, Any]) -> None:
        route = getattr(scope.get("route"), "path", None) or "other"
        self.metrics.requests.labels(route, str(status)).inc()
        self.metrics.request_seconds.labels(route).observe(seconds)
        line = {"method": scope["method"], "path": scope["path"][:200], "status": status}
        level = logging.DEBUG if route in _QUIET and status < 400 else logging.INFO
        log.log(
            level,
            "request",
            extra={"facts": facts | line | {"seconds": round(seconds, 4)}},
        )
