"""A service without a network's weights: a tagger by rule, and clients for it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import uvicorn

from posner.errors import ModelError
from posner.serve.app import build_app
from posner.serve.server import server_config
from posner.serve.service import Service
from posner.serve.settings import ServeSettings
from posner.serve.work import Found, ModelFacts, Task

LABELS = ("LOC", "PER")
_NAME = re.compile(r"[A-Z]\w+")
_WORD = re.compile(r"\w+|[^\w\s]")


WORDS = "words"
"""The path of a tagger of whole words, as the CRF is one."""


class RuleTagger:
    """Words with a capital are people, and places where they end in `o`; some texts go wrong."""

    def __init__(self, path: str) -> None:
        if "missing" in path:
            raise ModelError("no such folder", where=path)
        self.path = path
        self.batches: list[int] = []
        self.facts = ModelFacts(
            LABELS, "IOB2", (), "1", None, None, path, is_recognizer=path != WORDS
        )

    def find(self, tasks: Sequence[Task]) -> list[Found]:
        self.batches.append(len(tasks))
        return [self._find(task) for task in tasks]

    def _find(self, task: Task) -> Found:
        if "SLEEP" in task.text:
            time.sleep(0.3)
        if "DIE" in task.text:
            os._exit(1)
        if "DEFECT" in task.text:
            raise ValueError(task.text)
        entities, raw = [], []
        for match in _NAME.finditer(task.text):
            label = "LOC" if match.group().endswith("o") else "PER"
            entity = {
                "entity_group": label,
                "score": 0.25 if label == "LOC" else 0.75,
                "word": match.group(),
                "start": match.start(),
                "end": match.end(),
            }
            raw.append((label, float(str(entity["score"]))))
            if task.wanted.takes(label, float(str(entity["score"]))):
                entities.append(entity)
        words = [(m.start(), m.end(), 0) for m in _WORD.finditer(task.text)]
        unsure = len(entities) / 10 if task.wanted.uncertainty else None
        told = words if task.wanted.words else None
        return Found(entities, len(words), told, unsure, raw=tuple(raw))


def load_rules(path: str) -> RuleTagger:
    """A loader that another process can import."""
    return RuleTagger(path)


def service(models: Mapping[str, str] | None = None, api_key: str = "", **values: Any) -> Service:
    """A service over rules."""
    settings = ServeSettings(**values)
    return Service(models or {"rules": "rules"}, settings, load_rules, api_key)


@dataclass
class Running:
    """A service on a socket of this machine."""

    service: Service
    url: str
    server: uvicorn.Server
    loop: asyncio.AbstractEventLoop

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.url.removeprefix("http://").split(":")
        return host, int(port)


@contextlib.contextmanager
def running(made: Service) -> Iterator[Running]:
    """Run a service in a thread until the block ends, ready before it begins."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made.settings = replace(made.settings, port=port)
    config = server_config(build_app(made), made.settings)
    server = uvicorn.Server(config)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(server.serve()), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: server.started and is_ready(url))
        yield Running(made, url, server, loop)
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()
        loop.close()


def is_ready(url: str) -> bool:
    """Whether a service can answer texts."""
    try:
        return httpx2.get(f"{url}/readyz").status_code == 200
    except httpx2.TransportError:
        return False


def wait_until(condition: Any, seconds: float = 20.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to be so"
        time.sleep(0.01)
