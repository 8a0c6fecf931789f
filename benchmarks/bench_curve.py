"""The curve of dev F1 against minutes, for several ways to train, from 100 sentences to all.

    python benchmarks/bench_curve.py DATA OUT [--corpus conll2003|gmb]
        [--sizes 100 500 2000 all] [--ways full top adapter frozen frozen-plain] [--seeds 1]
        [--threads 2] [--draw]

Runs stand in OUT, each with the model's `metrics.jsonl` and a file of points; a run that has ended
is not run again, and one that was broken off starts anew. `--draw` runs nothing and only writes
`results/curve-<corpus>.md`, `.svg` and `.png` from the points that OUT holds.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from common import (
    RESULTS,
    CorpusFiles,
    conll_files,
    data_argument,
    draw_sentences,
    gmb_files,
    guarded,
    heading,
    markdown_table,
    read_corpus,
    run_script,
    write_result,
)
from curve_picture import draw
from points import Point, best_f1, f1_within, percent, read_points
from posner.cache import VARIABLE as CACHE
from posner.corpus import write
from posner.errors import PosnerError

TRAIN = Path(__file__).parent / "timed_train.py"
ALL = "all"
JUDGING = 1000
"""Sentences of dev that judge what learned from few."""
MARKS = (1, 2, 4, 8)
"""Minutes at which the table reads the curves."""


@dataclass(frozen=True)
class Way:
    """One way to train: a recipe and what is set besides; `title` names it in the picture."""

    title: str
    recipe: str
    settings: Mapping[str, str]


WAYS = {
    "full": Way("full fine-tuning", "default", {}),
    "small": Way("recipe small", "small", {}),
    "top": Way("top 2 layers", "default", {"backbone.freeze-layers": "4"}),
    "adapter": Way("adapters", "adapter", {}),
    "frozen": Way("frozen + attention", "frozen", {}),
    "frozen-plain": Way("frozen, no attention", "frozen", {"attention.layers": "0"}),
}


@dataclass(frozen=True)
class Run:
    """One training of the curve."""

    way: str
    size: str
    seed: int
    folder: Path

    @property
    def points(self) -> Path:
        """Its points."""
        return self.folder / f"{self.size}-{self.way}-{self.seed}.jsonl"

    @property
    def model(self) -> Path:
        """Its run folder."""
        return self.folder / f"{self.size}-{self.way}-{self.seed}"

    @property
    def done(self) -> bool:
        """Whether it came to its end."""
        record = self.model / "run.json"
        if not record.is_file() or not self.points.is_file():
            return False
        state: object = json.loads(record.read_text(encoding="utf-8"))["state"]
        return state == "finished"


def main() -> int:
    """Run what is missing, write the table, draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    data_argument(parser)
    parser.add_argument("out", type=Path, help="folder of the runs")
    parser.add_argument("--corpus", choices=("conll2003", "gmb"), default="conll2003")
    sizes = ["100", "500", "2000", ALL]
    parser.add_argument("--sizes", nargs="+", type=size_of, metavar="N|all", default=sizes)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--draw", action="store_true", help="only draw what OUT holds")
    arguments = parser.parse_args()
    folder: Path = arguments.out / arguments.corpus
    runs = [
        Run(way, size, seed, folder)
        for size in arguments.sizes
        for seed in arguments.seeds
        for way in arguments.ways
        if (way, size) != ("small", ALL)
    ]
    if not arguments.draw:
        folder.mkdir(parents=True, exist_ok=True)
        files = _files(arguments, folder)
        for run in runs:
            if not run.done:
                train(run, _part(files, run, folder), arguments.threads)
    ended = {run: read_points(run.points) for run in runs if run.done}
    if not ended:
        raise PosnerError("no run has ended", where=folder, remedy="run without --draw")
    _write(ended, arguments.corpus, arguments.threads)
    return 0


def size_of(text: str) -> str:
    """So many sentences, or all.

    Raises:
        ArgumentTypeError: it is neither.
    """
    if text != ALL and not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number of sentences nor {ALL}")
    return text


def _files(arguments: argparse.Namespace, folder: Path) -> CorpusFiles:
    if arguments.corpus == "gmb":
        return gmb_files(arguments.data, folder)
    return conll_files(arguments.data)


def _part(files: CorpusFiles, run: Run, folder: Path) -> CorpusFiles:
    """The run's sentences, drawn with its seed, and a share of dev, which costs time too."""
    if run.size == ALL:
        return files
    target = folder / f"train-{run.size}-{run.seed}{files.train.suffix}"
    _draw(files.train, int(run.size), run.seed, target)
    judging = folder / f"dev-{JUDGING}{files.dev.suffix}"
    _draw(files.dev, JUDGING, 1, judging)
    return CorpusFiles(files.name, target, judging)


def _draw(source: Path, count: int, seed: int, target: Path) -> None:
    """Write so many sentences, unless an earlier run has."""
    if not target.is_file():
        corpus = read_corpus(source)
        write(draw_sentences(corpus, count, seed), target, format=corpus.format)


def train(run: Run, files: CorpusFiles, threads: int) -> None:
    """Train in a process of its own, with a cache of its own: each run pays for all it uses.

    Raises:
        PosnerError: it failed.
    """
    way = WAYS[run.way]
    settings = settings_of(way) | {"training.seed": str(run.seed)}
    flags = ["--clock", "processor", "--recipe", way.recipe]
    flags += ["--set", *(f"{key}={value}" for key, value in settings.items())]
    places = [str(path) for path in (files.train, files.dev, run.model, run.points)]
    with tempfile.TemporaryDirectory(dir=run.folder, prefix="cache-") as cache:
        environment = {CACHE: cache, "OMP_NUM_THREADS": str(threads)}
        ran = run_script(TRAIN, [*places, *flags], environment=environment)
    if ran.status != 0:
        raise PosnerError("a training failed", where=run.model, got=f"exit {ran.status}")


def settings_of(way: Way) -> dict[str, str]:
    """What is set besides the way's recipe, whose own rules give few sentences more epochs."""
    # A curve is looked at along its whole way; the last epochs, at low rates, are the best.
    return {**way.settings, "training.evaluations": "0", "training.patience": "0"}


def table(ended: Mapping[Run, Sequence[Point]]) -> str:
    """A row a run: the model's F1, minutes, and F1 within so many of them."""
    marks = [f"F1 after {mark} min" for mark in MARKS]
    header = ["sentences", "way", "seed", "epochs", "F1 kept", "minutes", "with evaluations"]
    rows = []
    for run, points in ended.items():
        row = [run.size, WAYS[run.way].title, str(run.seed), str(points[-1].epoch)]
        row += [percent(best_f1(points)), f"{points[-1].minutes:.1f}"]
        row += [f"{points[-1].seconds / 60:.1f}"]
        rows.append(row + [percent(f1_within(points, mark)) for mark in MARKS])
    return markdown_table([*header, *marks], rows)


def panels(ended: Mapping[Run, Sequence[Point]]) -> dict[str, dict[str, list[Point]]]:
    """For each size the curve of each way, by title; of several seeds the first."""
    found: dict[str, dict[str, list[Point]]] = {}
    for run, points in ended.items():
        found.setdefault(run.size, {}).setdefault(run.way, list(points))
    return found


def _write(ended: Mapping[Run, Sequence[Point]], corpus: str, threads: int) -> None:
    text = table(ended)
    name = {"conll2003": "CoNLL-2003", "gmb": "GMB"}[corpus]
    notes = (
        f"Minutes are of processor time, all threads (here {threads}) together, from the start of"
        " the process, imports and reading included; looks at dev are taken out but in the column"
        " that says so. Models of all sentences are judged by the whole dev set, the others by"
        f" {JUDGING:,} sentences of it, drawn once."
    )
    page = f"{heading(f'Dev F1 against minutes, {name}')}\n{notes}\n\n"
    picture = f"![Dev F1 against minutes on {name}](curve-{corpus}.svg)\n"
    write_result(f"curve-{corpus}.md", f"{page}{text}\n\n{picture}")
    print(text)
    titles = {key: way.title for key, way in WAYS.items()}
    title = f"Dev F1 against training minutes on {name}"
    draw(panels(ended), titles, title, RESULTS / f"curve-{corpus}")


if __name__ == "__main__":
    sys.exit(guarded(main))
