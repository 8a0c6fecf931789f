"""`train_system`: from a labelled corpus and a system's recipe to a run folder with a model."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from posner.corpus import Corpus
from posner.evaluation.analysis import Analysis, analyse_tagger
from posner.evaluation.bootstrap import intervals_json
from posner.evaluation.result import Evaluation
from posner.extras import needs_extra
from posner.folder import FINISHED
from posner.recipe import load_recipe
from posner.systems.kinds import EXTRAS, system_class
from posner.systems.labelling import only_labels
from posner.systems.recipes import SystemRecipe, kind_of
from posner.systems.system import System
from posner.training.console import PassingReporter, Reporter, clock
from posner.training.parts import Parts, training_parts
from posner.training.run import MetricsLine, RunFolder, StepLine


@dataclass(frozen=True)
class SystemRun:
    """What a training of another system came to.

    Attributes:
        run: the run folder.
        system: the model in it.
        evaluation: on the dev set.
        seconds: wall time of the learning, without reading and writing.
    """

    run: Path
    system: System[Any]
    evaluation: Evaluation
    seconds: float

    def describe(self) -> str:
        """One closing line."""
        f1 = 100 * self.evaluation.counts.f1
        return f"dev F1 {f1:.2f} in {clock(self.seconds)}; the model is in {self.run / 'model'}"


class RecordingReporter(PassingReporter):
    """Passes everything on, and writes evaluations into the run folder."""

    def __init__(self, shown: Reporter, run: RunFolder) -> None:
        super().__init__(shown)
        self._run = run
        self._steps: list[StepLine] = []

    def stepped(self, line: StepLine) -> None:
        """Keep it until the next evaluation, and pass it on."""
        self._steps.append(line)
        super().stepped(line)

    def evaluated(self, line: MetricsLine) -> None:
        """Pass it on, and write it."""
        self._run.append_steps(self._steps)
        self._steps.clear()
        self._run.append(line)
        super().evaluated(line)


def train_system(
    name: str,
    corpus: Corpus,
    dev: Corpus | None,
    recipe: SystemRecipe,
    out: Path,
    *,
    reporter: Reporter,
    force: bool = False,
) -> SystemRun:
    """Train one of the other systems.

    Args:
        name: such as `crf-next`.
        corpus: what it learns from.
        dev: what it is judged by; by default a share of the corpus is set aside.
        recipe: every setting.
        out: the run folder.
        reporter: is told how it goes.
        force: write into a folder that is not empty.

    Raises:
        DataError: the corpus cannot be learned from.
        MissingExtraError: what the system needs is not installed.
    """
    kind = kind_of(name)
    with needs_extra(f"--system {name}", EXTRAS[kind]):
        cls = system_class(kind)
    run = RunFolder(out)
    run.refuse(force=force)
    cls.check(recipe)
    parts = _parts(corpus, dev, recipe, reporter)
    run.start(recipe, parts.facts, force=force)
    run.write_record(run.read_record() | {"system": name})
    recorded = RecordingReporter(reporter, run)
    begin = time.perf_counter()
    system: System[Any] = cls.fit(
        name, parts.train.documents, parts.dev.documents, recipe, reporter=recorded
    )
    seconds = time.perf_counter() - begin
    memory = system.peak_gigabytes()  # judging is no matter of the learning
    judged = analyse_tagger(system, parts.dev.documents)
    system.manifest = system.manifest.with_figures(_figures(system, parts, judged, seconds))
    system.save(run.model)
    cost = {"seconds": round(seconds, 1)}
    cost |= {} if memory is None else {"memory_gigabytes": round(memory, 3)}
    run.write_record(run.read_record() | {"state": FINISHED} | cost)
    return SystemRun(out, system, judged.evaluation, seconds)


def _parts(corpus: Corpus, dev: Corpus | None, recipe: SystemRecipe, reporter: Reporter) -> Parts:
    """The corpora, split and checked as for the network."""
    kept = recipe.labels.kept
    if kept:
        reporter.say(f"only {' '.join(kept)} of the labels are learned and judged (labels.keep)")
    plain = load_recipe("default").with_values({"heads.pos-weight": 0.0}, where="systems")
    train = only_labels(corpus, kept)
    judged = None if dev is None else only_labels(dev, kept, known=kept)
    parts = training_parts(train, judged, plain, reporter)
    facts = parts.facts
    reporter.say(
        f"{facts['train_sentences']:,} sentences ({parts.train.word_count:,} words) to learn from, "
        f"{facts['dev_sentences']:,} to judge by; labels {' '.join(parts.tags.labels)}"
    )
    return parts


def _figures(system: System[Any], parts: Parts, judged: Analysis, seconds: float) -> dict[str, Any]:
    """What the model's folder says of its training; a CRF has no epochs to tell of."""
    learned = dict(system.manifest.figures.get("learning", {}))
    epoch = {"epoch": learned["epoch"]} if "epoch" in learned else {}
    return {
        "data": {k: v for k, v in parts.facts.items() if k != "fingerprints"},
        "dev": {
            **epoch,
            "seconds": round(seconds, 2),
            **{k: v for k, v in judged.evaluation.to_json().items() if k != "words_per_second"},
            "intervals": intervals_json(judged.units, ["strict"]),
        },
        "learning": learned,
    }
