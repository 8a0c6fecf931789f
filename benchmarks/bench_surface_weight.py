"""How the weight of surface features is best chosen on a small dev set.

    python benchmarks/bench_surface_weight.py CURVE

CURVE is what `bench_curve.py` left for conll2003 and gmb. The surface features of each run are
learned from its sentences, and weighed on shares of its 1,000 sentences of dev, drawn again and
again; the rest of them tells what came of it. Usual gains are here those of the other corpus.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from common import guarded, heading, markdown_table, read_corpus, write_result
from posner.calibration.judged import SpanScorer
from posner.calibration.surface import WEIGHTS, expected_gain
from posner.errors import PosnerError
from posner.evaluation.counts import Counts
from posner.loading import load
from posner.training.surface import learn_surface

CORPORA = {"conll2003": "CoNLL-2003", "gmb": "GMB"}
RUNS = ("100-small-1", "500-small-1", "2000-small-1", "100-top-1", "500-frozen-1", "500-full-1")
SHARES = (0.05, 0.1, 0.2, 0.5)
DRAWS = 100
FIXED = WEIGHTS.index(0.5)

CountArray = npt.NDArray[np.int64]
"""(units of dev, weights, 3): gold, predicted, correct."""
Rule = Callable[[Sequence[Counts], Sequence[float]], int]
"""From the counts at each weight, and the usual shares, to the number of a weight."""


def main() -> int:
    """Measure, and write `results/surface-weight.md`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("curve", type=Path, help="the OUT of bench_curve.py")
    curve: Path = parser.parse_args().curve
    runs = {(name, run): counted(curve / name, run) for name in CORPORA for run in RUNS}
    usual = {
        name: np.mean([shares(c) for (own, _), c in runs.items() if own != name], axis=0).tolist()
        for name in CORPORA
    }
    rows = [
        [CORPORA[name], run, *(f"{100 * share:+.1f}" for share in shares(counts))]
        for (name, run), counts in runs.items()
    ]
    mean = np.mean([shares(counts) for counts in runs.values()], axis=0)
    rows.append(["", "mean", *(f"{100 * share:+.1f}" for share in mean)])
    header = ["corpus", "run", *(f"{weight:g}" for weight in WEIGHTS)]
    text = (
        f"{heading('The weight of surface features')}\n"
        "The share of the network's errors (1 - strict F1, on 1,000 sentences of dev, in %) that "
        f"surface features of each weight take away.\n\n{markdown_table(header, rows)}\n\n"
        "What choosing the weight on a share of dev gains on the rest, in points of F1: mean (and "
        f"the worst of twenty) over all runs and {DRAWS} draws of each.\n\n"
        f"{markdown_table(['share of dev', *RULES], gains(runs, usual))}"
    )
    write_result("surface-weight.md", text)
    print(text)
    return 0


def counted(folder: Path, run: str) -> CountArray:
    """What a run's network and new surface features of each weight find in dev.

    Raises:
        PosnerError: the run, or what it learned from, is not there.
    """
    train = next(folder.glob(f"train-{run.split('-')[0]}-1.*"), None)
    dev = next(folder.glob("dev-1000.*"), None)
    if train is None or dev is None:
        raise PosnerError("no runs of bench_curve.py", where=folder)
    recognizer = load(folder / run / "model").beside(None)
    manifest = recognizer.manifest
    recipe, documents = manifest.recipe, read_corpus(dev).documents
    surface = learn_surface(
        read_corpus(train).documents, manifest.tags, recipe.data.scheme, recipe.training.seed
    )
    votes = recognizer.votes(documents)
    found = []
    for weight in WEIGHTS:
        beside = recognizer.beside(surface.weighing(weight))
        both = beside.with_surface(documents, votes)
        judged = SpanScorer(beside, documents, folds=1, votes=both).judged
        count = judged.unit_count
        gold = np.array([judged.gold_count([unit]) for unit in range(count)])
        predicted = np.bincount(judged.units, minlength=count)
        correct = np.bincount(judged.units[judged.correct], minlength=count)
        found.append(np.stack([gold, predicted, correct], axis=1))
    return np.stack(found, axis=1)


def summed(counts: CountArray) -> list[Counts]:
    """The counts of some units at each weight."""
    return [Counts(*map(int, row)) for row in counts.sum(axis=0)]


def shares(counts: CountArray) -> list[float]:
    """What share of the errors each weight takes away."""
    own = summed(counts)
    return [(c.f1 - own[0].f1) / (1 - own[0].f1) for c in own]


def best_found(counts: Sequence[Counts], usual: Sequence[float]) -> int:
    """The weight that is best on what was seen."""
    del usual
    return max(range(len(counts)), key=lambda i: counts[i].f1)


def best_expected(counts: Sequence[Counts], usual: Sequence[float]) -> int:
    """The weight of which the most is to be expected."""
    gains = [expected_gain(c, counts[0], share) for c, share in zip(counts, usual, strict=True)]
    return int(np.argmax(gains))


RULES: Mapping[str, Rule] = {
    "the best there": best_found,
    "the best to be expected": best_expected,
    f"always {WEIGHTS[FIXED]:g}": lambda _counts, _usual: FIXED,
}


def gains(
    runs: Mapping[tuple[str, str], CountArray], usual: Mapping[str, Sequence[float]]
) -> list[list[str]]:
    """A row for each share of dev."""
    rows = []
    for share in SHARES:
        random = np.random.default_rng(1)
        found: dict[str, list[float]] = {rule: [] for rule in RULES}
        for (corpus, _), counts in runs.items():
            for _ in range(DRAWS):
                order = random.permutation(len(counts))
                seen, rest = np.split(counts[order], [max(5, round(share * len(counts)))])
                chosen_on, judged_by = summed(seen), summed(rest)
                for name, rule in RULES.items():
                    number = rule(chosen_on, usual[corpus])
                    found[name].append(100 * (judged_by[number].f1 - judged_by[0].f1))
        cells = [f"{np.mean(g):+.2f} ({np.quantile(g, 0.05):+.2f})" for g in found.values()]
        rows.append([f"{100 * share:g} %", *cells])
    return rows


if __name__ == "__main__":
    sys.exit(guarded(main))
