"""A large lexicon: how long it takes to load, how fast it matches, how much memory it holds.

python benchmarks/bench_lexicon.py [--names 1000000] [--megabytes 2] [--write]

The names are made of syllables, of one to three words, as many as asked for and no two alike; one
in ten has an alias and an id. A tenth of the text's words begin a known name. The default rules run
over documents of names that the lexicon lacks, each of which is looked up: half of them misspelt
ones, the other half near none.
"""

from __future__ import annotations

import argparse
import itertools
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil

from common import guarded, heading, markdown_table, write_result
from made_words import made_word
from posner.document import Document
from posner.postprocess.correct import LexiconStep
from posner.postprocess.names import Name, read_names, write_names
from posner.postprocess.near import NearNames
from posner.postprocess.rules import Rules
from posner.tagger import segmented

LABELS = ("LOC", "ORG", "PER")

T = TypeVar("T")


@dataclass(frozen=True)
class Row:
    """One measured step: its seconds, the resident memory after it, and what it came to."""

    step: str
    seconds: float
    megabytes: float
    note: str = ""


def words(source: random.Random) -> Iterator[str]:
    """Invented words without end, each with a capital."""
    while True:
        yield made_word(source).capitalize()


def made_names(count: int, seed: int) -> list[Name]:
    """Names, no two alike."""
    source = random.Random(seed)
    stream = words(source)
    found: dict[str, Name] = {}
    while len(found) < count:
        text = " ".join(itertools.islice(stream, source.randint(1, 3)))
        number = len(found)
        extra = (f"Q{number}", (f"{text} Holdings",)) if number % 10 == 0 else (None, ())
        found.setdefault(text, Name(LABELS[number % 3], text, *extra))
    return list(found.values())


def made_text(names: list[Name], size: int, seed: int) -> str:
    """A text of so many characters, in lines of twenty words or names."""
    source = random.Random(seed)
    stream = words(source)
    lines: list[str] = []
    length = 0
    while length < size:
        line = " ".join(
            source.choice(names).name if source.random() < 0.1 else next(stream).lower()
            for _ in range(20)
        )
        lines.append(line + " .")
        length += len(line) + 3
    return "\n".join(lines)


def misspelt(names: list[Name], count: int, seed: int) -> list[str]:
    """Names with one letter left out."""
    source = random.Random(seed)
    chosen = [name.name for name in source.choices(names, k=count)]
    places = [source.randrange(len(name)) for name in chosen]
    return [name[:i] + name[i + 1 :] for name, i in zip(chosen, places, strict=True)]


def unknown_documents(names: list[Name], count: int, seed: int) -> list[Document]:
    """Documents of ten entities that are no known names: misspelt ones, and words backwards."""
    source = random.Random(seed)
    stream = words(source)
    texts = misspelt(names, count, seed)
    texts += [next(stream).lower()[::-1].capitalize() for _ in range(count)]
    source.shuffle(texts)
    return [_tagged(texts[i : i + 10], source) for i in range(0, len(texts), 10)]


def _tagged(texts: list[str], source: random.Random) -> Document:
    """A document in which each of the texts is an entity."""
    document = segmented(" said ".join(texts))
    starts = itertools.accumulate((len(text) + len(" said ") for text in texts), initial=0)
    return document.with_entities(
        document.entity(start, start + len(text), source.choice(LABELS), 0.9)
        for start, text in zip(starts, texts, strict=False)
    )


class Rows:
    """The rows of the steps that were measured so far."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._process = psutil.Process()

    def add(self, step: str, seconds: float, note: str = "") -> None:
        """Add a row, with the memory as it is."""
        memory = self._process.memory_info().rss / 1e6
        self.rows.append(Row(step, seconds, memory, note))

    def timed(self, step: str, work: Callable[[], T], note: Callable[[T, float], str]) -> T:
        """Do a step, and add its row."""
        begin = time.perf_counter()
        result = work()
        seconds = time.perf_counter() - begin
        self.add(step, seconds, note(result, seconds))
        return result


def measure(count: int, megabytes: float) -> list[Row]:
    """Every step, in order."""
    rows = Rows()
    names = read(rows, count)
    match(rows, names, megabytes)
    look_up(rows, names)
    return rows.rows


def read(rows: Rows, count: int) -> list[Name]:
    """The names, from a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "names.jsonl"
        write_names(path, made_names(count, seed=1))
        size = path.stat().st_size / 1e6
        rows.add("before", 0.0)
        return rows.timed(
            "read",
            lambda: read_names(path),
            lambda found, _: f"{len(found):,} names, {size:.0f} MB",
        )


def match(rows: Rows, names: list[Name], megabytes: float) -> None:
    """Known names in a text, and misspelt ones by themselves."""
    text = made_text(names, int(megabytes * 1e6), seed=2)
    step = rows.timed(
        "build the automaton",
        lambda: LexiconStep(names, Rules(add=True, edits=0)),
        lambda made, _: f"{len(made.matcher.spellings):,} spellings",
    )
    matcher = step.matcher
    rows.timed(
        "match a text",
        lambda: sum(1 for _ in matcher.find(text)),
        lambda found, seconds: f"{len(text) / 1e6 / seconds:.2f} MB/s, {found:,} places",
    )
    near = rows.timed(
        "build the near index", lambda: NearNames(matcher.spellings), lambda *_: "1 or 2 edits"
    )
    queries = misspelt(names, 1000, seed=3)
    rows.timed(
        "look up misspelt names",
        lambda: sum(near.nearest(query, lambda _: True) is not None for query in queries),
        lambda found, seconds: f"{len(queries) / seconds:,.0f} a second, {found:,} found",
    )
    documents = [segmented(line) for line in text.split("\n")]
    rows.timed(
        "the step over tagged documents",
        lambda: _entities(step, documents),
        lambda found, seconds: f"{len(text) / 1e6 / seconds:.2f} MB/s, {found:,} entities added",
    )


def look_up(rows: Rows, names: list[Name]) -> None:
    """The default rules, over names that the lexicon lacks."""
    step = LexiconStep(names, Rules())
    documents = unknown_documents(names, 2500, seed=4)
    rows.timed(
        "the default rules over documents of unknown names",
        lambda: _entities(step, documents),
        lambda found, seconds: (
            f"{found / seconds:,.0f} names a second, {step.done['corrected']:,} corrected"
        ),
    )


def _entities(step: LexiconStep, documents: list[Document]) -> int:
    return sum(len(step(document).entities) for document in documents)


def main() -> int:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--names", type=int, default=1_000_000)
    parser.add_argument("--megabytes", type=float, default=2.0)
    parser.add_argument("--write", action="store_true", help="keep the figures in results/")
    arguments = parser.parse_args()
    rows = measure(arguments.names, arguments.megabytes)
    table = markdown_table(
        ("step", "seconds", "resident MB after it", ""),
        [(r.step, f"{r.seconds:.2f}", f"{r.megabytes:,.0f}", r.note) for r in rows],
    )
    text = heading(f"A lexicon of {arguments.names:,} names") + "\n" + table + "\n"
    print(text)
    if arguments.write:
        write_result("lexicon.md", text)
    return 0


if __name__ == "__main__":
    raise SystemExit(guarded(main))
