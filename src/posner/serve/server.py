"""Running the service: logs, the socket, signals, and an end that finishes what was accepted."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
from collections.abc import Iterator, Mapping

import uvicorn
from starlette.types import ASGIApp

from posner.errors import PosnerError
from posner.serve.app import build_app
from posner.serve.connection import connection_of
from posner.serve.engines import Loader
from posner.serve.logs import log_json_lines
from posner.serve.process import THREAD_VARIABLES
from posner.serve.service import Service
from posner.serve.settings import ServeSettings

CONNECTIONS = 1_000
"""Open connections beyond four for each request that may be accepted: more are answered 503."""


class _Server(uvicorn.Server):
    """Ends with status 0 when it is asked to end; SIGHUP loads the models anew."""

    service: Service

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        loop.add_signal_handler(signal.SIGHUP, self._replace)
        yield

    def _replace(self) -> None:
        self.service.replacing()


def server_config(app: ASGIApp, settings: ServeSettings) -> uvicorn.Config:
    """How uvicorn runs the application."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=connection_of(settings.max_seconds),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        limit_concurrency=CONNECTIONS + 4 * settings.max_concurrent,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=int(settings.max_seconds) + 5,
    )


def refuse_taken(settings: ServeSettings) -> None:
    """Find out before models are loaded that the address cannot be had.

    Raises:
        PosnerError: another process listens there, or this user may not.
    """
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
        for family, kind, protocol, _, address in found:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:  # as the server itself listens
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind(address)
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):  # of others the server itself decides
            raise _not_there(settings, os.strerror(error.errno)) from error


def _not_there(settings: ServeSettings, reason: str | None = None) -> PosnerError:
    return PosnerError(
        "cannot listen there",
        where=f"{settings.host}:{settings.port}",
        got=reason,
        remedy="name another with --host and --port",
    )


def serve(
    models: Mapping[str, str], settings: ServeSettings, loader: Loader, api_key: str = ""
) -> None:
    """Serve until SIGTERM or SIGINT; what was accepted is answered first.

    Args:
        models: folders by name; the first is the default.
        settings: every setting.
        loader: loads a model's folder.
        api_key: what clients must know; empty: nothing.

    Raises:
        UsageError: settings that contradict each other.
        PosnerError: the models cannot be loaded, or the address is taken.
    """
    settings.check(api_key)
    refuse_taken(settings)
    if settings.threads and settings.workers == 1:
        os.environ |= dict.fromkeys(THREAD_VARIABLES, str(settings.threads))
    log_json_lines()
    service = Service(models, settings, loader, api_key)

    def stop() -> None:
        server.should_exit = True

    server = _Server(server_config(build_app(service, failed=stop), settings))
    server.service = service
    try:
        server.run()
    except SystemExit:
        raise _not_there(settings) from None
    if service.failure is not None:
        raise service.failure
