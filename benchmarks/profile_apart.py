"""The default recipe's step, or a variant's beside it, measured in a process of its own.

`bench_profile.py` runs this where a compiler may have to be ended, and for settings that a process
is started with.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from common import conll_files, data_argument, draw_sentences, guarded, read_corpus, run_script
from posner.corpus import Corpus
from posner.errors import PosnerError
from rig import Block, Rig, in_turns
from variants import BASE, VARIANTS


def corpora(data: Path, count: int) -> tuple[Corpus, Corpus]:
    """CoNLL-2003's two parts, or so many sentences of the first and fewer of the second."""
    files = conll_files(data)
    corpus, dev = read_corpus(files.train), read_corpus(files.dev)
    if not count:
        return corpus, dev
    return draw_sentences(corpus, count, 1), draw_sentences(dev, min(count, 100), 1)


@dataclass(frozen=True)
class Found:
    """What a process measured: blocks of the default, and of a variant if it was one.

    Attributes:
        blocks: of each rig.
        first_seconds: what a variant's first pass over the block took.
    """

    blocks: list[list[Block]]
    first_seconds: float


def measured_apart(
    name: str,
    arguments: argparse.Namespace,
    environment: dict[str, str],
    *,
    seconds: float = 0.0,
    flush: bool = False,
) -> Found | str:
    """What a process of its own measured, or why it did not.

    Args:
        name: a variant, which takes turns with the default; any other name is the default alone.
        arguments: those of `bench_profile.py`.
        environment: variables besides those of this process.
        seconds: how long it may take; 0: as long as it takes.
        flush: whether denormal numbers are flushed to zero.
    """
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "found.json"
        flags = [str(arguments.data), name, str(file)]
        for number in ("steps", "rounds", "compiling", "sentences"):
            flags += [f"--{number}", str(getattr(arguments, number))]
        flags += ["--flush"] if flush else []
        ran = run_script(Path(__file__), flags, environment=environment, seconds=seconds)
        if ran.status is None:
            return f"not within {seconds / 60:.0f} minutes"
        if ran.status != 0 or not file.is_file():
            return f"failed (exit {ran.status})"
        record = json.loads(file.read_text(encoding="utf-8"))
    if "error" in record:
        return str(record["error"])
    blocks = [[Block(**block) for block in own] for own in record["blocks"]]
    return Found(blocks, record["first_seconds"])


def main() -> int:
    """Measure the default alone, or a variant in turns with it, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    data_argument(parser)
    parser.add_argument("name", help="a variant; any other name is the default alone")
    parser.add_argument("found", type=Path, help="file to write")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--compiling", type=float, required=True)
    parser.add_argument("--sentences", type=int, required=True)
    parser.add_argument("--flush", action="store_true")
    arguments = parser.parse_args()
    torch.set_flush_denormal(arguments.flush)
    arguments.found.write_text(json.dumps(_record(arguments)), encoding="utf-8")
    return 0


def _record(arguments: argparse.Namespace) -> dict[str, Any]:
    """What was measured, or the error that was met."""
    corpus, _ = corpora(arguments.data, arguments.sentences)
    built = [BASE.build(corpus, arguments.steps)]
    first = 0.0
    try:
        if arguments.name in VARIANTS:
            built.append(VARIANTS[arguments.name].build(corpus, arguments.steps))
            first = _first_pass(built[1], arguments.compiling)
        found = in_turns(built, arguments.rounds if len(built) > 1 else 1)
    except PosnerError as error:
        return {"error": error.line()}
    except Exception as error:  # a compiler may fail in its own ways; that is a finding too
        message = str(error).strip().splitlines() or [""]
        return {"error": f"failed: {type(error).__name__}: {message[0][:120]}"}
    return {"blocks": [[asdict(b) for b in own] for own in found], "first_seconds": first}


def _first_pass(rig: Rig, most: float) -> float:
    """Seconds of one pass over the block, in which every shape is met; `most` is the limit.

    Raises:
        PosnerError: it takes longer than compiling may.
    """
    begin = time.perf_counter()
    with rig.around():
        for number, windows in enumerate(rig.steps, start=1):
            rig.step(windows)
            if time.perf_counter() - begin > most:
                raise PosnerError(f"not compiled within {most:.0f} s", got=f"{number} steps")
    return time.perf_counter() - begin


if __name__ == "__main__":
    sys.exit(guarded(main))
