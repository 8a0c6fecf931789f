"""How much memory a text of any length takes: texts of 1, 10 and more megabytes.

python benchmarks/bench_long_text.py MODEL [--megabytes 1 10] [--source FILE] [--nothing-found]

Each size is tagged by `posner predict --document file` in a process of its own, whose peak memory
the system tells. The text is FILE (by default the sample corpus) over and over, each time with
other invented words in the place of two fifths of its longer words, so that its vocabulary grows
with it, and what remembers words fills. With `--nothing-found` a stand-in takes the model's place:
that measures everything but the network in a minute, instead of an hour for 10 MB.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import SimpleNamespace

import posner
from common import Ran, guarded, heading, markdown_table, run_script, write_result
from made_words import made_word
from posner.document import Document
from posner.errors import PosnerError
from posner.segment import segment
from running_text import running

NEW_WORDS = 0.4
"""Share of the longer words that are invented anew each time."""

_LONGER_WORD = re.compile(r"[A-Za-z]{4,}")
SAMPLE = Path(__file__).parent.parent / "sample" / "train.conll"


def write_text(path: Path, source: str, megabytes: float) -> int:
    """The source again and again with other words, up to a size; how many words are distinct."""
    wanted = int(megabytes * 1e6)
    random = Random(1)
    words: set[str] = set()
    with path.open("wb") as file:
        while file.tell() < wanted:
            block = grown(source.strip(), random) + "\n\n"
            words.update(block.split())
            file.write(block.encode()[: wanted - file.tell()])
    return len(words)


def grown(source: str, random: Random) -> str:
    """The source with invented words in the place of some, capitals kept."""

    def other(word: re.Match[str]) -> str:
        if random.random() >= NEW_WORDS:
            return word[0]
        made = made_word(random, 3, 6)
        return made.capitalize() if word[0][0].isupper() else made

    return _LONGER_WORD.sub(other, source)


def source_text(path: Path | None) -> str:
    """A text file, or the sample corpus as running text."""
    if path is not None:
        return path.read_text(encoding="utf-8")
    return "\n\n".join(running(d).text for d in posner.read(SAMPLE, problems=[]).documents)


@dataclass(frozen=True)
class Measured:
    """What tagging a text took: its distinct words, and the process."""

    distinct: int
    ran: Ran


def measure(model: str, source: str, megabytes: float, folder: Path, *, nothing: bool) -> Measured:
    """Tag a text of that size in a process of its own."""
    text, found = folder / f"{megabytes}.txt", folder / f"{megabytes}.jsonl"
    distinct = write_text(text, source, megabytes)
    flags = ["--stand-in"] if nothing else []
    ran = run_script(Path(__file__), ["tag", model, str(text), str(found), *flags])
    if ran.status:
        raise PosnerError("the tagging failed", where=text, got=f"exit {ran.status}")
    return Measured(distinct, ran)


def tag(arguments: list[str]) -> int:
    """What each process does: `posner predict`, or the same with a stand-in for the model."""
    from posner.cli import main as command

    model, text, found, *flags = arguments
    if flags:
        vars(importlib.import_module("posner.cli.predict"))["load_from_flags"] = _stand_in
    call = ["predict", model, text, "--document", "file", "--format", "jsonl", "-o", found]
    return command(call)


def _stand_in(_: argparse.Namespace) -> _StandIn:
    return _StandIn()


class _StandIn:
    """Finds every capitalised word: more entities than any model."""

    def __init__(self) -> None:
        self.manifest = SimpleNamespace(labels=("X",))
        self.segmenter = segment
        self.margin = 0
        self.steps = ()

    def pipe(self, documents: Iterable[Document]) -> Iterator[Document]:
        for document in documents:
            yield document.with_entities(
                document.entity(t.start, t.end, "X", 0.5)
                for t in document.tokens
                if t.text[0].isupper()
            )


def main() -> int:
    """Run and write `results/long-text.md`."""
    if sys.argv[1:2] == ["tag"]:
        return tag(sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a model or run folder")
    parser.add_argument("--megabytes", type=float, nargs="+", default=[1, 10])
    parser.add_argument("--source", type=Path, help="a text file; default: the sample corpus")
    parser.add_argument("--nothing-found", action="store_true", help="a stand-in for the model")
    arguments = parser.parse_args()
    source = source_text(arguments.source)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for size in arguments.megabytes:
            found = measure(
                arguments.model, source, size, Path(folder), nothing=arguments.nothing_found
            )
            peak = f"{1000 * found.ran.peak_gigabytes:,.0f} MB"
            rows.append([f"{size:g} MB", f"{found.distinct:,}", peak])
    table = markdown_table(["text", "distinct words", "peak memory of the process"], rows)
    name = "long-text-stand-in.md" if arguments.nothing_found else "long-text.md"
    what = " (a stand-in finds every capitalised word)" if arguments.nothing_found else ""
    text = heading(f"One document of any length{what}") + f"\n{table}\n"
    write_result(name, text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
