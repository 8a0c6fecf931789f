"""Beside the plain way: the same backbone fine-tuned with transformers' `Trainer`, on CoNLL-2003.

    python benchmarks/bench_peer.py DATA [--share 0.1] [--threads 2] [--recipe quick]
        [--ways posner peer tuned] [--minutes 90] [--keep FOLDER]

Each way runs in a process of its own, one after the other, with the same threads. The peer's own
defaults may never reach the target, so it is also given a better learning rate and more epochs,
and is stopped where it gets there. `--share` learns from that share of the sentences for one epoch,
to compare speed only. With `--keep` a way that has ended is not run again.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from common import (
    CorpusFiles,
    conll_files,
    data_argument,
    draw_sentences,
    guarded,
    heading,
    markdown_table,
    read_corpus,
    run_script,
    write_result,
)
from points import (
    Point,
    best_f1,
    minutes_per_epoch,
    percent,
    read_points,
    seconds_to,
    useful_pieces_per_second,
)
from posner.corpus import write
from posner.errors import PosnerError

HERE = Path(__file__).parent
TARGET = 0.91
HEADER = [
    "way, precision",
    "useful pieces/s",
    "minutes of training an epoch",
    "dev F1 after each epoch",
    f"minutes to {100 * TARGET:.1f}",
    "peak memory, GB",
]


@dataclass(frozen=True)
class Way:
    """One way to train.

    Attributes:
        name: in the table.
        precision: of the recipe, or of `TrainingArguments`.
        script: which of the two ways it is.
        flags: for it.
        one_epoch: the flags of a comparison of speed alone.
    """

    name: str
    precision: str
    script: str
    flags: tuple[str, ...]
    one_epoch: tuple[str, ...]

    @property
    def title(self) -> str:
        """Its name and what its steps compute in."""
        if self.precision != "auto":
            return f"{self.name}, {self.precision}"
        # Not before the ways have run: a child's peak memory is never below its parent's.
        from posner.model.saved import native_bf16, torch_device

        return f"{self.name}, {'bf16' if native_bf16(torch_device('auto')) else 'fp32'}"

    @property
    def is_peer(self) -> bool:
        """Whether it is transformers' `Trainer`."""
        return self.script == "peer.py"


@dataclass(frozen=True)
class Outcome:
    """What a way came to."""

    points: list[Point]
    minutes: float
    peak_gigabytes: float


def ways(arguments: argparse.Namespace) -> dict[str, Way]:
    """All ways by their short names."""
    tuned = ("--learning-rate", f"{arguments.tuned_rate}", "--epochs", f"{arguments.tuned_epochs}")
    stop = ("--target", f"{TARGET}", "--minutes", f"{arguments.minutes}")
    rate = f"{arguments.tuned_rate:g}"
    return {
        "posner": _posner("default", "auto"),
        "posner-fp32": _posner("default", "fp32", "training.precision=fp32"),
        "recipe": _posner(arguments.recipe, "auto"),
        "peer": Way("Trainer, its defaults", "fp32", "peer.py", (), ("--epochs", "1")),
        "tuned": Way(
            f"Trainer, rate {rate}, {arguments.tuned_epochs} epochs planned",
            "fp32",
            "peer.py",
            (*tuned, *stop),
            (*tuned[:2], "--epochs", "1"),
        ),
    }


def _posner(recipe: str, precision: str, *settings: str) -> Way:
    flags = ("--recipe", recipe)
    full = (*flags, "--set", *settings) if settings else flags
    single = (*flags, "--set", "training.epochs=1", *settings)
    return Way(f"posner, `{recipe}` recipe", precision, "timed_train.py", full, single)


def main() -> int:
    """Run and write `results/peer.md`, or `results/peer-speed.md` of a share."""
    parser = argparse.ArgumentParser(description=__doc__)
    data_argument(parser)
    names = ("posner", "posner-fp32", "recipe", "peer", "tuned")
    parser.add_argument("--ways", nargs="+", choices=names, default=["posner", "peer", "tuned"])
    parser.add_argument("--recipe", help="train with this recipe of posner's too")
    parser.add_argument("--share", type=float, default=1.0, help="of the sentences: speed alone")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tuned-rate", type=float, default=3e-4)
    parser.add_argument("--tuned-epochs", type=int, default=6)
    parser.add_argument("--minutes", type=float, default=90, help="that the tuned peer may take")
    parser.add_argument("--keep", type=Path, help="keep what ended in this folder, and go on there")
    arguments = parser.parse_args()
    known = ways(arguments)
    chosen = list(arguments.ways)
    if arguments.recipe and "recipe" not in chosen:
        chosen.insert(1, "recipe")
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        files = conll_files(arguments.data)
        if arguments.share < 1:
            files = share_of(files, arguments.share, folder)
        outcomes = [(known[n], outcome_of(n, known[n], files, folder, arguments)) for n in chosen]
    speed_only = arguments.share < 1
    text = report(outcomes, speed_only=speed_only)
    write_result(f"peer{'-speed' if speed_only else ''}.md", _page(text, arguments))
    print(text)
    return 0


def share_of(files: CorpusFiles, share: float, folder: Path) -> CorpusFiles:
    """The same share of both parts, drawn and written into the folder."""
    drawn = []
    for path in (files.train, files.dev):
        corpus = read_corpus(path)
        count = max(1, round(share * sum(1 for _ in corpus.sentences)))
        target = folder / f"share-{path.name}"
        write(draw_sentences(corpus, count, seed=1), target, format=corpus.format, force=True)
        drawn.append(target)
    return CorpusFiles(files.name, *drawn)


def outcome_of(
    name: str, way: Way, files: CorpusFiles, folder: Path, arguments: argparse.Namespace
) -> Outcome:
    """Run a way, or take what an earlier run in the same folder came to.

    Raises:
        PosnerError: the process failed.
    """
    flags = list(way.one_epoch if arguments.share < 1 else way.flags)
    asked = [*flags, f"{arguments.share:g}", f"{arguments.threads} threads"]
    kept, file = folder / f"{name}.json", folder / f"{name}.jsonl"
    if kept.is_file():
        record = json.loads(kept.read_text(encoding="utf-8"))
        if record.pop("asked") == asked:
            points = [Point(**point) for point in record.pop("points")]
            return Outcome(points, **record)
    places = [str(files.train), str(files.dev)]
    places += [] if way.is_peer else [str(folder / f"{name}-run")]
    environment = {"OMP_NUM_THREADS": str(arguments.threads), "TOKENIZERS_PARALLELISM": "false"}
    ran = run_script(HERE / way.script, [*places, str(file), *flags], environment=environment)
    if ran.status != 0:
        raise PosnerError("a training failed", where=way.name, got=f"exit {ran.status}")
    outcome = Outcome(read_points(file), ran.seconds / 60, ran.peak_gigabytes)
    kept.write_text(json.dumps({"asked": asked, **asdict(outcome)}), encoding="utf-8")
    return outcome


def report(outcomes: Sequence[tuple[Way, Outcome]], *, speed_only: bool) -> str:
    """The table, and a line for each pair of ways."""
    table = markdown_table(HEADER, [_cells(way, outcome, speed_only) for way, outcome in outcomes])
    own = [(way, outcome) for way, outcome in outcomes if not way.is_peer]
    peers = [(way, outcome) for way, outcome in outcomes if way.is_peer]
    lines = [ratio_line(a, b, speed_only=speed_only) for a in own for b in peers]
    return "\n".join([table, "", *(f"- {line}" for line in lines)])


def _cells(way: Way, outcome: Outcome, speed_only: bool) -> list[str]:
    points = outcome.points
    reached = seconds_to(points, TARGET)
    goal = f"not within {outcome.minutes:.1f}" if reached is None else f"{reached / 60:.1f}"
    scores = " ".join(percent(point.f1) for point in points)
    return [
        way.title,
        f"{useful_pieces_per_second(points):,.0f}",
        f"{minutes_per_epoch(points):.2f}",
        "-" if speed_only else scores,
        "-" if speed_only else goal,
        f"{outcome.peak_gigabytes:.2f}",
    ]


def ratio_line(
    own: tuple[Way, Outcome], peer: tuple[Way, Outcome], *, speed_only: bool = False
) -> str:
    """One of posner's ways beside one of the peer's."""
    (way, mine), (other, theirs) = own, peer
    speed = useful_pieces_per_second(mine.points) / useful_pieces_per_second(theirs.points)
    line = f"{way.title} takes in {speed:.2f} times the useful pieces/s of: "
    line += other.title
    ours, goal = seconds_to(mine.points, TARGET), seconds_to(theirs.points, TARGET)
    if speed_only or ours is None:
        return line
    if goal is None:
        return (
            f"{line}; the latter's best F1 is {percent(best_f1(theirs.points))}, "
            f"after {theirs.minutes:.1f} minutes"
        )
    return f"{line} and {ours / goal:.2f} of its minutes to {100 * TARGET:.1f}"


def _page(text: str, arguments: argparse.Namespace) -> str:
    notes = [
        f"Each way in a process of its own with {arguments.threads} threads. Useful pieces are real"
        " ones, padding not counted, over the seconds of training epochs; minutes to the target"
        " count from the start of the process, reading and looks at the dev set included. The"
        " Trainer is transformers' own with `AutoModelForTokenClassification`, batches of 32"
        " padded each to its longest sentence, and its defaults; its ill-formed tags are read as"
        " seqeval's default mode reads them."
    ]
    if arguments.share < 1:
        notes.append(f"One epoch over {100 * arguments.share:g} % of the sentences: speed alone.")
    title = heading("Beside the plain way, on CoNLL-2003")
    return f"{title}\n{' '.join(notes)}\n\n{text}\n"


if __name__ == "__main__":
    sys.exit(guarded(main))
