"""Who may ask: the names by which the service is reached, where a page comes from, the API key."""

from __future__ import annotations

import hmac
import ipaddress
import socket
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from posner.serve.errors import ServiceError
from posner.serve.settings import ServeSettings

OPEN_PATHS = frozenset(("/", "/docs", "/openapi.json", "/livez", "/readyz", "/health"))
"""Paths that need no key: they tell nothing of the models but that they are there."""

CHANGING = frozenset(("/queue",))
"""Paths of GET that change something: whoever asks for texts keeps others from them."""

_READING = ("GET", "HEAD", "OPTIONS")

OPEN_FOLDER = "/static/"

SECURITY_HEADERS: Mapping[str, str] = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """Refuses requests that a stranger, or a stranger's page, has made.

    A page of another site can make a browser send requests to this machine. It cannot hide where
    it comes from (`Origin`), nor, with a name of its own that leads here, that name (`Host`).

    Args:
        app: what is guarded.
        settings: which names are allowed.
        api_key: what clients must know; empty: nothing.
    """

    def __init__(self, app: ASGIApp, settings: ServeSettings, api_key: str) -> None:
        self.app = app
        self._key = api_key.encode()
        listed = {name.strip().lower() for name in settings.allowed_hosts.split(",")} - {""}
        self._any = "*" in listed
        self._listed = listed
        own = {"localhost", socket.gethostname().lower(), settings.host.lower()}
        self._names = own | listed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer why not."""
        if scope["type"] == "http":
            try:
                self._check(scope["method"], scope["path"], Headers(scope=scope))
            except ServiceError as error:
                await error.response()(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _check(self, method: str, path: str, headers: Headers) -> None:
        host = headers.get("host", "")
        if not self._is_own(host):
            message = "this service does not go by that name; --allowed-hosts adds names"
            raise ServiceError(403, "host", message)
        if (method not in _READING or path in CHANGING) and self._is_foreign(headers, host):
            raise ServiceError(403, "origin", "a page of another site may not ask")
        if self._key and path not in OPEN_PATHS and not path.startswith(OPEN_FOLDER):
            scheme, _, given = headers.get("authorization", "").partition(" ")
            known = hmac.compare_digest(given.encode("utf-8", "replace"), self._key)
            if scheme.lower() != "bearer" or not known:
                raise ServiceError(401, "unauthorized", "send Authorization: Bearer API-KEY")

    def _is_foreign(self, headers: Headers, host: str) -> bool:
        """Whether a page asks that is not one of this service's."""
        if headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            return True
        origin = headers.get("origin")
        if origin is None:
            return False
        asking = origin.partition("://")[2]
        # Behind a proxy that sends a Host of its own, the page still has the name that is allowed.
        return asking != host and host_name(asking) not in self._listed

    def _is_own(self, host: str) -> bool:
        """Whether a Host header names this service: a listed name, or an address."""
        name = host_name(host)
        if self._any or name in self._names:
            return True
        try:
            ipaddress.ip_address(name)  # no other site's name can lead to an address
        except ValueError:
            return False
        return True


def host_name(host: str) -> str:
    """The name in a Host header, without port and brackets, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()
