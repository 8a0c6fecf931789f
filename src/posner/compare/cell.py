"""One cell in a process of its own: `python -m posner.compare.cell train|score FOLDER`.

A process each, so that its peak memory is its own, and what one breaks does not end the others.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from posner.compare.order import (
    FAILED,
    PARTS,
    Order,
    Scored,
    Trained,
    read_scored,
    read_trained,
)
from posner.corpus import Corpus, Problem, read, split_by_fraction
from posner.document import Document
from posner.errors import PosnerError
from posner.evaluation.analysis import analyse
from posner.evaluation.model import as_read_by, timed_tagging, with_labels
from posner.evaluation.report import figures_console
from posner.extras import needs_extra
from posner.files import write_json
from posner.locks import locked
from posner.recipe import Recipe
from posner.systems.labelling import only_labels
from posner.systems.mapping import Relabelled, mapping_to
from posner.systems.opening import load
from posner.systems.opponents import is_opponent, opponent_folder
from posner.systems.recipes import MAIN, recipe_of_kind
from posner.systems.train import train_system
from posner.tagger import Tagger
from posner.training.console import reporter_for
from posner.training.memory import peak_gigabytes
from posner.training.prepare import fingerprint
from posner.training.run import RunFolder

RUN = "run"
SHARE_SEED = 1
"""Every system with the same share gets the same sentences."""
WARMING_WORDS = 500
"""Words that are tagged before the clock is started."""


def corpus_of(order: Order, *, dev: bool) -> Corpus:
    """The training corpus of a cell, or the dev corpus."""
    problems: list[Problem] = []  # told already, by whoever gave the order
    data = order.data
    corpus = read(
        data.dev if dev else data.train, format=data.format, scheme=data.scheme, problems=problems
    )
    corpus = only_labels(corpus, data.labels, known=data.labels if dev else ())
    if not dev and order.share < 1:
        return split_by_fraction(corpus, order.share, SHARE_SEED, by="sentence").dev
    return corpus


def corpus_fingerprint(corpus: Corpus) -> str:
    """A hash of all words and entities."""
    return fingerprint(corpus.documents)


def train_cell(folder: Path, order: Order) -> None:
    """Train, and write what it cost; an interrupted network's training is gone on with.

    One clock for every system: from the corpus's files to a saved model that is judged, and the
    parts of a resumed training are added. What is begun anew costs what its last beginning does.
    """
    begin = time.perf_counter()
    resumes = order.system == MAIN and RunFolder(folder / RUN).record.is_file()
    earlier = read_trained(folder, PARTS) if resumes else None
    known = 0.0  # what the run itself says, should a part have been killed
    try:
        train, dev = corpus_of(order, dev=False), corpus_of(order, dev=True)
        if order.system == MAIN:
            known = _train_main(folder / RUN, order, train, dev)
        else:
            _train_other(folder / RUN, order, train, dev)
    finally:
        cost = Trained(time.perf_counter() - begin, peak_gigabytes()).after(earlier)
        cost.write(folder, PARTS)
    lines = RunFolder(folder / RUN).read_metrics()
    steps = lines[-1].step if lines else None
    replace(cost, seconds=max(cost.seconds or 0.0, known), steps=steps).write(folder)


def _train_other(run: Path, order: Order, train: Corpus, dev: Corpus) -> None:
    recipe = recipe_of_kind(order.system, order.recipe, where="order")
    reporter = reporter_for(figures_console())
    train_system(order.system, train, dev, recipe, run, reporter=reporter, force=True)


def _train_main(run: Path, order: Order, train: Corpus, dev: Corpus) -> float:
    """Train Posner's own; the seconds that it has trained for, whatever ended its parts."""
    with needs_extra("training", "train"):
        from posner.training.train import train as train_network
    result = train_network(
        train,
        dev,
        Recipe.from_dict(order.recipe, where="order"),
        run,
        reporter=reporter_for(figures_console()),
        resume=RunFolder(run).record.is_file(),
    )
    return result.seconds


def score_cell(folder: Path, order: Order) -> None:
    """Tag the dev set with the saved model, and write what was found."""
    dev = corpus_of(order, dev=True)
    tagger = _tagger(folder, order, dev)
    documents = as_read_by(tagger, dev.documents)
    tagger.tag(_first_words(documents))
    tagged, seconds = timed_tagging(tagger, documents)
    if order.data.labels:
        tagged = with_labels(tagged, order.data.labels)
    peak = peak_gigabytes()  # the scoring's own memory is no matter of the system
    has_pos = bool(tagger.manifest.pos_tags)
    found = analyse(documents, tagged, has_pos=has_pos, seconds=seconds)
    Scored(
        figures=found.evaluation.to_json(),
        units=found.units,
        words_per_second=sum(d.word_count for d in documents) / max(seconds, 1e-9),
        gigabytes=peak,
        bytes=_size(_model_folder(folder, order)),
    ).write(folder)


def _tagger(folder: Path, order: Order, dev: Corpus) -> Tagger:
    if not is_opponent(order.system):
        return load(folder / RUN, device=order.device)
    tagger = load(order.system, device=order.device)
    if isinstance(tagger, Relabelled):  # its name says how
        return tagger
    labels = order.data.labels or dev.labels
    unknown = sorted(order.mapping.keys() - set(tagger.manifest.labels))
    if unknown:
        known = " ".join(tagger.manifest.labels)
        told = f"--map: {order.system} has no {' '.join(unknown)}, only {known}"
        print(f"posner: {told}", file=sys.stderr)
    return Relabelled(tagger, mapping_to(labels, tagger.manifest.labels, order.mapping))


def _first_words(documents: Sequence[Document]) -> list[Document]:
    """The first documents, up to some number of words."""
    chosen: list[Document] = []
    words = 0
    for document in documents:
        if words >= WARMING_WORDS:
            break
        chosen.append(document)
        words += document.word_count
    return chosen


def _model_folder(folder: Path, order: Order) -> Path:
    return opponent_folder(order.system) if is_opponent(order.system) else folder / RUN / "model"


def _size(folder: Path) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def done(folder: Path, work: str) -> bool:
    """Whether a part of a cell's work is finished."""
    found = read_trained(folder) if work == "train" else read_scored(folder)
    return found is not None


def main(arguments: list[str]) -> int:
    """Do one part of a cell's work; why it failed stands in its folder."""
    work, folder = arguments[0], Path(arguments[1])
    order = Order.read(folder)
    assert order is not None
    try:
        # One whose parent was killed may still be at it: then its answer is waited for.
        with locked(folder / ".lock"):
            if done(folder, work):
                return 0
            {"train": train_cell, "score": score_cell}[work](folder, order)
    except PosnerError as error:
        write_json(folder / FAILED, {"work": work, "error": error.line()})
        print(f"posner: {error.line()}", file=sys.stderr)
        return error.exit_code
    except Exception as error:  # whatever it is, it is told, and the other systems go on
        traceback.print_exc()
        told = " ".join(f"{type(error).__name__}: {error}".split())  # one line, as tables need it
        write_json(folder / FAILED, {"work": work, "error": told})
        return 70
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
