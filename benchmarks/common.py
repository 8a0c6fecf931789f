"""What the benchmarks share: the corpora, the machine, processes of their own, Markdown."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import posner
from posner import __version__
from posner.corpus import Corpus, Problem, split_by_fraction
from posner.errors import PosnerError
from posner.training.run import processor_name

RESULTS = Path(__file__).parent / "results"


def data_argument(parser: argparse.ArgumentParser) -> None:
    """Add DATA, the folder with the corpora."""
    parser.add_argument(
        "data", type=Path, help="folder with conll2003/eng.train, eng.testa and gmb/ner_dataset.csv"
    )


def parted(words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """The words of a command line before `--`, and the flags for `posner train` after it.

    argparse gives such flags only to a positional that follows another directly.
    """
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def require(*paths: Path) -> None:
    """Stop with one clear line where a file is missing."""
    for path in paths:
        if not path.exists():
            raise PosnerError(
                "the benchmark's data is missing",
                where=path,
                remedy="give the folder that holds conll2003/ and gmb/",
            )


@dataclass(frozen=True)
class CorpusFiles:
    """A corpus as people name it, and its two parts."""

    name: str
    train: Path
    dev: Path


def conll_files(data: Path) -> CorpusFiles:
    """CoNLL-2003 as it was published."""
    source = data / "conll2003"
    require(source / "eng.train", source / "eng.testa")
    return CorpusFiles("CoNLL-2003", source / "eng.train", source / "eng.testa")


def gmb_files(data: Path, folder: Path) -> CorpusFiles:
    """GMB parted into `folder`: into dev goes every sentence whose number ends in 1."""
    source = data / "gmb" / "ner_dataset.csv"
    require(source)
    parts = folder / "gmb-split"
    if not (parts / "dev.csv").is_file():
        flags = ["--every", "10", "--offset", "1", "--force"]
        run_posner(["split", str(source), "--out", str(parts), *flags])
    return CorpusFiles("GMB", parts / "train.csv", parts / "dev.csv")


def read_corpus(path: Path) -> Corpus:
    """A corpus as `posner train` reads it: ill-formed tags as conlleval reads them."""
    problems: list[Problem] = []
    return posner.read(path, problems=problems)


def draw_sentences(corpus: Corpus, count: int, seed: int) -> Corpus:
    """`count` of a corpus's sentences, drawn with a seed, documents and order as they were.

    Raises:
        PosnerError: it has not that many.
    """
    total = sum(1 for _ in corpus.sentences)
    if count > total:
        raise PosnerError(
            "too few sentences to draw from", where=corpus.path, expected=count, got=total
        )
    if count == total:
        return corpus
    return split_by_fraction(corpus, count / total, seed, by="sentence").dev


def machine() -> str:
    """The machine in a few words."""
    return (
        f"{os.cpu_count()} cores ({processor_name()}), Python {platform.python_version()}, "
        f"posner {__version__}"
    )


@dataclass(frozen=True)
class Timed:
    """A command that ran: its output, its wall time, and the processor time that it took.

    The last is what to compare where other work shares the machine.
    """

    output: str
    seconds: float
    processor_seconds: float


def run_posner(arguments: Sequence[str], *, accept: Sequence[int] = (0,)) -> Timed:
    """Run `posner` in a process of its own, echoing what it prints.

    Raises:
        PosnerError: it ended with a status that is not in `accept`.
    """
    print("$ posner " + " ".join(arguments), flush=True)
    begin, used = time.perf_counter(), _children_seconds()
    process = subprocess.Popen(
        [sys.executable, "-m", "posner", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    lines = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        print(line, end="", flush=True)
    status = process.wait()
    if status not in accept:
        raise PosnerError("a command failed", where="posner " + arguments[0], got=f"exit {status}")
    seconds = time.perf_counter() - begin
    return Timed("".join(lines), seconds, _children_seconds() - used)


def _children_seconds() -> float:
    """Processor time of the processes that this one has waited for."""
    times = os.times()
    return times.children_user + times.children_system


@dataclass(frozen=True)
class Ran:
    """A process that ended: its exit status, wall time, and the most memory it held.

    Attributes:
        status: of the exit; None where it took longer than allowed and was ended.
    """

    status: int | None
    seconds: float
    peak_gigabytes: float


def run_script(
    script: Path,
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    seconds: float = 0.0,
) -> Ran:
    """Run one of these scripts in a process of its own, its output going where this one's goes.

    Args:
        script: the file.
        arguments: for it.
        environment: variables besides those of this process.
        seconds: how long it may take; it and its children are ended then. 0: as long as it takes.
    """
    print(f"$ {script.name} {' '.join(arguments)}", flush=True)
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, str(script), *arguments],
        env={**os.environ, **(environment or {})},
        start_new_session=True,
    )
    try:
        ended, peak = _wait(process, seconds)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    return Ran(process.returncode if ended else None, time.perf_counter() - begin, peak)


def _wait(process: subprocess.Popen[bytes], seconds: float) -> tuple[bool, float]:
    """Whether it ended by itself, and its peak memory in GB, which only `wait4` tells by child."""
    limit = time.monotonic() + seconds
    in_time = True
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            process.returncode = os.waitstatus_to_exitcode(status)
            unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, KiB on Linux
            return in_time, usage.ru_maxrss * unit / 1e9
        if in_time and seconds and time.monotonic() > limit:
            in_time = False
            os.killpg(process.pid, signal.SIGKILL)
        time.sleep(0.05)


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; every row has as many cells as the header."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def heading(title: str) -> str:
    """A result's title, the machine, and the command that made it."""
    return f"# {title}\n\nMachine: {machine()}.\nCommand: `python {' '.join(sys.argv)}`\n"


def write_result(name: str, text: str) -> None:
    """Keep what a benchmark found."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / name).write_text(text, encoding="utf-8")
    print(f"\nwritten: {RESULTS / name}")


def guarded(main: Callable[[], int]) -> int:
    """Run a benchmark; a user's mistake is one line."""
    try:
        return main()
    except PosnerError as error:
        print(error.line(), file=sys.stderr)
        return error.exit_code
