"""Requests and words per second, and latencies, of the service beside a plain handler.

    python benchmarks/bench_serve.py MODEL CORPUS --plain FOLDER [--exported FOLDER] [--rounds 3]
        [--seconds 10] [--clients 1 8 64] [--workers 1]
    python benchmarks/bench_serve.py MODEL CORPUS --soak MINUTES

Each client sends one sentence of the corpus after the other, and waits for each answer. The plain
handler (`peer_service.py`) calls Hugging Face's pipeline with the same model, as `posner export
MODEL --to huggingface` wrote it; so MODEL has an encoder with a linear layer. With `--exported` the
same model as `posner export` made it is served too. All take turns, and the table holds medians of
the rounds. With `--soak` the service of MODEL alone is loaded for so many minutes, and its memory
looked at each half minute.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import numpy as np
import psutil

from common import guarded, heading, markdown_table, read_corpus, write_result
from posner.errors import PosnerError

PEER = Path(__file__).with_name("peer_service.py")
START = 120.0
"""Seconds that a service may take to load its model."""


@dataclass
class Load:
    """What clients saw of a service."""

    clients: int
    seconds: float = 0.0
    words: int = 0
    failed: int = 0
    latencies: list[float] = field(default_factory=list)

    @property
    def figures(self) -> list[float]:
        """Requests and words a second, and percentiles of the latencies in milliseconds."""
        taken = np.array(self.latencies) * 1000
        percentiles = np.percentile(taken, [50, 95, 99]) if taken.size else np.zeros(3)
        return [len(taken) / self.seconds, self.words / self.seconds, *map(float, percentiles)]


def row(name: str, rounds: Sequence[Load]) -> list[str]:
    """One line of the table: medians, and of the requests the range too."""
    figures = np.array([found.figures for found in rounds])
    requests, words, p50, p95, p99 = np.median(figures, axis=0)
    low, high = figures[:, 0].min(), figures[:, 0].max()
    return [
        name,
        str(rounds[0].clients),
        f"{requests:,.0f} ({low:,.0f}-{high:,.0f})",
        f"{words:,.0f}",
        *(f"{value:,.1f}" for value in (p50, p95, p99)),
        str(sum(found.failed for found in rounds)),
    ]


@dataclass(frozen=True)
class Sentence:
    """A text and how many words the corpus has in it."""

    text: str
    words: int


async def load(url: str, sentences: Sequence[Sentence], clients: int, seconds: float) -> Load:
    """Send sentences for so many seconds."""
    result = Load(clients)
    source = itertools.cycle(sentences)
    begin = time.perf_counter()
    end = begin + seconds
    limits = httpx2.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx2.AsyncClient(base_url=url, limits=limits, timeout=60) as client:

        async def send() -> None:
            while (sent := time.perf_counter()) < end:
                sentence = next(source)
                answer = await client.post("/predict", json={"inputs": sentence.text})
                if answer.status_code == 200:
                    result.latencies.append(time.perf_counter() - sent)
                    result.words += sentence.words
                else:
                    result.failed += 1

        await asyncio.gather(*(send() for _ in range(clients)))
    result.seconds = time.perf_counter() - begin
    return result


@contextmanager
def service(command: Sequence[str], port: int) -> Iterator[psutil.Process]:
    """A process that serves, once it is ready.

    Raises:
        PosnerError: it ended, or took too long.
    """
    process = subprocess.Popen([sys.executable, *command], stderr=subprocess.DEVNULL)
    try:
        limit = time.monotonic() + START
        while not _is_ready(port):
            if process.poll() is not None or time.monotonic() > limit:
                raise PosnerError("a service did not start", where=" ".join(command))
            time.sleep(0.1)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def _is_ready(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    except httpx2.TransportError:
        return False


def megabytes(process: psutil.Process) -> float:
    """What a process and its children hold."""
    family = [process, *process.children(recursive=True)]
    return float(sum(member.memory_info().rss for member in family)) / 1e6


def soak(url: str, process: psutil.Process, sentences: Sequence[Sentence], minutes: float) -> str:
    """Load the service for a while; its memory each half minute, as a table."""
    rows = [["0.0", f"{megabytes(process):,.0f}", "", ""]]
    part = min(30.0, 60 * minutes)
    for number in range(1, round(60 * minutes / part) + 1):
        found = asyncio.run(load(url, sentences, 8, part))
        per_second = len(found.latencies) / found.seconds
        held = f"{megabytes(process):,.0f}"
        rows.append([f"{number * part / 60:.1f}", held, f"{per_second:,.0f}", str(found.failed)])
    return markdown_table(["minutes", "memory MB", "requests/s", "failed"], rows)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve_command(model: str, workers: int, port: int) -> list[str]:
    """What starts `posner serve`."""
    return ["-m", "posner", "serve", model, "--port", str(port), "--workers", str(workers)]


def loads_table(arguments: argparse.Namespace, sentences: Sequence[Sentence]) -> str:
    """Every service under every number of clients, round after round."""
    port = free_port()
    commands = {"posner serve": serve_command(arguments.model, arguments.workers, port)}
    if arguments.exported:
        exported = serve_command(arguments.exported, arguments.workers, port)
        commands["posner serve, exported"] = exported
    commands["plain"] = [str(PEER), arguments.plain, str(port)]
    found: dict[tuple[str, int], list[Load]] = {}
    for number, (name, command) in itertools.product(range(arguments.rounds), commands.items()):
        with service(command, port):
            url = f"http://127.0.0.1:{port}"
            asyncio.run(load(url, sentences, 4, min(2.0, arguments.seconds)))  # warm
            for clients in arguments.clients:
                seen = asyncio.run(load(url, sentences, clients, arguments.seconds))
                found.setdefault((name, clients), []).append(seen)
                told = f"{seen.figures[0]:,.0f} requests/s"
                print(f"round {number + 1}: {name}, {clients} clients: {told}", flush=True)
    names = itertools.product(commands, arguments.clients)
    rows = [row(name, found[name, clients]) for name, clients in names]
    header = ["service", "clients", "requests/s", "words/s", "p50 ms", "p95 ms", "p99 ms"]
    return markdown_table([*header, "failed"], rows)


def main() -> int:
    """Load all services, or soak ours."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a model or run folder, not exported unless it is soaked")
    parser.add_argument("corpus", type=Path, help="whose sentences are sent")
    parser.add_argument("--exported", metavar="FOLDER", help="what `posner export` made of it")
    parser.add_argument("--plain", metavar="FOLDER", help="what transformers' pipeline opens")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each service")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--workers", type=int, default=1, help="inference processes of ours")
    parser.add_argument("--soak", type=float, default=0.0, metavar="MINUTES")
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/serve.md")
    arguments = parser.parse_args()
    if not (arguments.soak or arguments.plain):
        parser.error("--plain or --soak is needed")
    corpus = read_corpus(arguments.corpus)
    sentences = [Sentence(" ".join(s.words), len(s)) for s in corpus.sentences if s.tokens]
    if arguments.soak:
        port = free_port()
        with service(serve_command(arguments.model, arguments.workers, port), port) as process:
            url = f"http://127.0.0.1:{port}"
            parts = [soak(url, process, sentences, arguments.soak)]
    else:
        parts = [f"Medians of {arguments.rounds} rounds; of the requests the range too.\n"]
        parts.append(loads_table(arguments, sentences))
    text = "\n".join([heading("The service under load"), *parts, ""])
    print(text)
    if arguments.keep:
        write_result("serve-soak.md" if arguments.soak else "serve.md", text)
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
