"""What augmentation gives with little data: samples of CoNLL-2003, with and without it.

    python benchmarks/bench_augment.py DATA --scratch FOLDER [--only 100 500] [-- FLAGS...]

A run whose result stands in the scratch folder is not repeated, so the benchmark goes on where it
was stopped. Each seed draws a sample of its own; all settings learn from the same one.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean

from common import (
    conll_files,
    data_argument,
    draw_sentences,
    guarded,
    heading,
    markdown_table,
    parted,
    read_corpus,
    run_posner,
    write_result,
)
from posner.corpus import write
from posner.document import (
    Document,
    WordRow,
    WordSentence,
    document_from_words,
    sentence_spans,
)

SIZES = (100, 500, 2000)
# Samples by size and seed, in an order in which the table soon tells something of each.
SAMPLES = ((100, 1), (500, 1), (2000, 1), (100, 2), (500, 2))
# Shares of mentions and of sentences whose case changes; the first changes nothing.
SETTINGS = ((0.0, 0.0), (0.3, 0.0), (0.3, 0.1), (0.5, 0.0), (0.0, 0.1))
JUDGING = 1000


@dataclass(frozen=True)
class Result:
    """One training; `minutes` are of computing, so they hang less on what else is running.

    Attributes:
        flags: further flags that it had.
    """

    sentences: int
    seed: int
    mentions: float
    casing: float
    f1: float
    f1_lower: float
    minutes: float
    flags: tuple[str, ...] = ()


def main() -> int:
    """Run and write `results/augment.md` after each training."""
    parser = argparse.ArgumentParser(description=__doc__)
    data_argument(parser)
    parser.add_argument("--scratch", type=Path, required=True, help="samples, runs and results")
    parser.add_argument("--only", type=int, nargs="+", choices=SIZES, default=list(SIZES))
    own, flags = parted(sys.argv[1:])
    arguments = parser.parse_args(own, argparse.Namespace(flags=flags))
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    files = conll_files(arguments.data)
    learned = read_corpus(files.train)
    _make_dev_sets(files.dev, arguments.scratch)
    for size, seed in SAMPLES:
        if size not in arguments.only:
            continue
        sample = draw_sentences(learned, size, seed)
        write(sample, arguments.scratch / f"train-{size}-{seed}.conll", force=True)
        for mentions, casing in SETTINGS:
            _train(arguments, size, seed, mentions, casing)
            _write_table(arguments.scratch, arguments.flags)
    return 0


def _make_dev_sets(source: Path, scratch: Path) -> None:
    """Sentences of eng.testa that judge a model, as they are and in lower case."""
    dev = draw_sentences(read_corpus(source), JUDGING, seed=1)
    write(dev, scratch / "dev.conll", force=True)
    write([_lower(d) for d in dev.documents], scratch / "lower.conll", force=True)


def _lower(document: Document) -> Document:
    spans = sentence_spans(document).spans
    return document_from_words(
        [
            WordSentence(tuple(WordRow(t.text.lower(), t.pos, t.chunk) for t in s.tokens), own)
            for s, own in zip(document.sentences, spans, strict=True)
        ]
    )


def _train(
    arguments: argparse.Namespace, size: int, seed: int, mentions: float, casing: float
) -> None:
    """Train and score one setting, unless its result with the same further flags is there."""
    scratch: Path = arguments.scratch
    kept = scratch / f"result-{size}-{seed}-{mentions}-{casing}.json"
    if kept.exists() and _read(kept).flags == tuple(arguments.flags):
        return
    # The last epoch is judged, none is chosen.
    flags = ["--recipe", "small", "--training.evaluations", "1"]
    flags += ["--training.seed", str(seed), "--augment.mentions", str(mentions)]
    flags += ["--augment.casing", str(casing), "--out", str(scratch / "run"), "--force"]
    data = [str(scratch / f"train-{size}-{seed}.conll"), "--dev", str(scratch / "dev.conll")]
    call = ["train", *data, *flags, "--json", str(scratch / "dev.json"), *arguments.flags]
    minutes = run_posner(call).processor_seconds / 60
    lower = ["--json", str(scratch / "lower.json")]
    run_posner(["evaluate", str(scratch / "run"), str(scratch / "lower.conll"), *lower])
    f1, f1_lower = (_f1(scratch / f"{name}.json") for name in ("dev", "lower"))
    further = tuple(arguments.flags)
    result = Result(size, seed, mentions, casing, f1, f1_lower, minutes, further)
    kept.write_text(json.dumps(asdict(result)) + "\n", encoding="utf-8")


def _f1(figures: Path) -> float:
    return float(json.loads(figures.read_text(encoding="utf-8"))["strict"]["micro"]["f1"])


def _read(kept: Path) -> Result:
    values = json.loads(kept.read_text(encoding="utf-8"))
    return Result(**(values | {"flags": tuple(values.get("flags", ()))}))


def _write_table(scratch: Path, flags: Sequence[str]) -> None:
    """The table of what was trained with these further flags."""
    found = map(_read, scratch.glob("result-*.json"))
    results = [result for result in found if result.flags == tuple(flags)]
    header = ["sentences", "mentions", "casing", "F1 strict", "gain", "by seed"]
    header += ["F1 in lower case", "gain", "minutes"]
    table = markdown_table(header, [cells for size in SIZES for cells in _rows(results, size)])
    write_result(
        "augment.md",
        f"{heading('Augmentation with little data (CoNLL-2003)')}\n"
        "Seeded samples of sentences of eng.train, another for each seed; recipe `small`. "
        f"{JUDGING:,} sentences of eng.testa, drawn once, judge the last "
        "epoch, as they are and with every word in lower case. Gains are means over the seeds "
        "against the same sample without augmentation; minutes are of computing, on one core, "
        f"from reading to the figures on dev.\n\n{table}\n{_missing(results)}",
    )


def _missing(results: list[Result]) -> str:
    """What a table of an unfinished benchmark lacks."""
    done = {(r.sentences, r.seed, r.mentions, r.casing) for r in results}
    open_runs = {
        f"{size:,} (seed {seed})": sum((size, seed, *setting) not in done for setting in SETTINGS)
        for size, seed in SAMPLES
    }
    parts = [f"{count} of {name}" for name, count in open_runs.items() if count]
    return f"\nTrainings not run yet, by sentences: {', '.join(parts)}.\n" if parts else ""


def _rows(results: list[Result], size: int) -> Iterator[list[str]]:
    """The table's cells of one size, setting by setting."""
    own = {(r.mentions, r.casing, r.seed): r for r in results if r.sentences == size}
    for setting in sorted(SETTINGS):
        found = [r for key, r in sorted(own.items()) if key[:2] == setting]
        if not found:
            continue
        pairs = [(r, own[(*SETTINGS[0], r.seed)]) for r in found]
        gains = [
            mean(r.f1 - p.f1 for r, p in pairs),
            mean(r.f1_lower - p.f1_lower for r, p in pairs),
        ]
        gain, gain_lower = ("" if setting == SETTINGS[0] else f"{100 * g:+.2f}" for g in gains)
        yield [
            f"{size:,}",
            f"{setting[0]:g}",
            f"{setting[1]:g}",
            f"{100 * mean(r.f1 for r in found):.2f}",
            gain,
            ", ".join(f"{100 * r.f1:.2f}" for r in found),
            f"{100 * mean(r.f1_lower for r in found):.2f}",
            gain_lower,
            f"{mean(r.minutes for r in found):.1f}",
        ]


if __name__ == "__main__":
    sys.exit(guarded(main))
