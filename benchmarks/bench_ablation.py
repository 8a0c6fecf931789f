"""What each part of the model and of its training is worth, on CoNLL-2003 and on GMB.

python benchmarks/bench_ablation.py DATA --corpus conll2003 [--sentences 3000] [--seeds 1]
    [--only NAME ...] [--workdir DIR]

Each variant changes the default recipe by a few flags and is trained in a process of its own; its
figures are a line of `results/ablation-<corpus>.jsonl`, and a variant that has its line is not
trained again, so the sweep goes on where it was stopped. `--sentences 0` takes the whole corpus.
`--table` only writes `results/ablation.md` from what is there.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from common import (
    RESULTS,
    conll_files,
    data_argument,
    gmb_files,
    guarded,
    markdown_table,
    read_corpus,
    run_posner,
    write_result,
)
from posner.corpus import Corpus, write
from posner.corpus.split import select_sentences
from posner.errors import UsageError
from posner.training.run import processor_name


@dataclass(frozen=True)
class Variant:
    """One change of the recipe.

    Attributes:
        part: what is looked at.
        name: the row's name, which must not change between runs of the sweep.
        flags: settings that differ from the base.
        base: the variant that it is compared with.
    """

    part: str
    name: str
    flags: tuple[str, ...]
    base: str = "default"


WITHIN_DOCUMENTS = ("context", "repeated words")
"""Parts that look at a sentence's document: GMB's csv has none, so there they change nothing."""
BASE = "default"
SOFTMAX = "softmax"
_TRAINING = {
    "training.epochs": "4",
    "training.evaluations": "1",
    "training.max-steps": "0",
    "features.surface": "false",  # whatever else is changed is looked at without their help
}
_SLOW_HEAD = ("training.epochs=8",)


def variants() -> list[Variant]:
    """All variants, the base first."""
    rows: list[tuple[str, str, Sequence[str]]] = [
        ("base", BASE, ()),
        ("casing", "no casing embedding", ("features.casing=false",)),
        ("context", "sentences packed to 128 pieces", ("data.pack=128",)),
        ("characters", "character CNN", ("features.characters=true",)),
        ("surface", "surface features beside the network", ("features.surface=true",)),
        ("embeddings", "word-piece embeddings trained", ("backbone.freeze-embeddings=false",)),
        ("part of speech", "no part-of-speech loss", ("heads.pos-weight=0",)),
        ("part of speech", "part-of-speech weight 0.5", ("heads.pos-weight=0.5",)),
        ("part of speech", "part-of-speech weight 1", ("heads.pos-weight=1",)),
        ("head", SOFTMAX, ("heads.entity=softmax",)),
        ("positional attention", "1 layer", ("attention.layers=1",)),
        ("positional attention", "2 layers", ("attention.layers=2",)),
        ("dropout", "no dropout in the encoder", ("training.encoder-dropout=0",)),
        ("repeated words", "emissions not shared", ("data.repeats=0",)),
        ("regularisation", "no words hidden", ("training.mask=0",)),
        ("regularisation", "a quarter of the words hidden", ("training.mask=0.25",)),
        ("regularisation", "dropout 0.1 before the heads", ("heads.dropout=0.1",)),
        ("regularisation", "R-Drop, weight 0.5", ("training.consistency=0.5",)),
        ("length", "8 epochs", ("training.epochs=8",)),
        ("weights", "2 members averaged", ("training.members=2",)),
        ("weights", "moving average 0.99", ("training.ema=0.99",)),
        ("weights", "layer-wise decay 0.9", ("training.layer-decay=0.9",)),
        ("weights", "layer-wise decay 0.8", ("training.layer-decay=0.8",)),
        ("pooling", "mean of the word's pieces", ("data.pooling=mean",)),
        ("pooling", "[CLS] state joined to each word's", ("features.sentence=true",)),
        ("context", "sentences packed to 256 pieces", ("data.pack=256",)),
        ("context", "packed to 128, last epoch only", ("data.pack=128", "data.context-epochs=1")),
        ("context", "32 pieces a side", ("data.context=32",)),
        ("context", "16 pieces a side", ("data.context=16",)),
        ("context", "64 pieces a side", ("data.context=64",)),
        ("context", "32 a side, last epoch only", ("data.context=32", "data.context-epochs=1")),
        ("positional attention", "clip 4", ("attention.layers=1", "attention.clip=4")),
        ("positional attention", "clip 64", ("attention.layers=1", "attention.clip=64")),
        ("positional attention", "content part", ("attention.layers=1", "attention.terms=content")),
        (
            "positional attention",
            "position part",
            ("attention.layers=1", "attention.terms=position"),
        ),
        ("positional attention", "band of 8 words", ("attention.layers=1", "attention.band=8")),
        ("scheme", "BIOES tags", ("data.scheme=BIOES",)),
        ("layers", "lowest 2 layers frozen", ("backbone.freeze-layers=2",)),
    ]
    listed = [Variant(part, name, tuple(flags)) for part, name, flags in rows]
    return [*listed, *_by_pieces(), *_upon_frozen()]


def _by_pieces() -> Iterator[Variant]:
    """Labels of pieces instead of words, which a CRF does not take."""
    for name, rule in (
        ("pieces, first labelled", "first"),
        ("pieces, all labelled", "all"),
        ("pieces, all labelled, B then I", "all-inside"),
    ):
        flags = ("heads.entity=softmax", "data.pooling=none", f"data.label-rule={rule}")
        yield Variant("pooling", name, flags, SOFTMAX)


def _upon_frozen() -> Iterator[Variant]:
    """Positional attention where it should matter: upon an encoder that learns little."""
    for base, flags in (
        ("top 2 layers trained", ("backbone.freeze-layers=4",)),
        ("top layer trained", ("backbone.freeze-layers=5",)),
        ("encoder frozen", ("backbone.freeze-encoder=true", *_SLOW_HEAD)),
    ):
        longer = "8 epochs" if base == "encoder frozen" else BASE
        yield Variant("upon little", base, flags, longer)
        for name, terms in (("both parts", "both"), ("content part", "content")):
            added = ("attention.layers=2", f"attention.terms={terms}")
            yield Variant("upon little", f"{base} + attention, {name}", (*flags, *added), base)


@dataclass(frozen=True)
class Figures:
    """What one training came to."""

    name: str
    sentences: int
    seed: int
    f1: float
    processor_seconds: float
    processor: str


def main() -> int:
    """Sweep, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    data_argument(parser)
    parser.add_argument("--corpus", choices=("conll2003", "gmb"), default="conll2003")
    parser.add_argument("--sentences", type=int, default=3000, help="0: all of the corpus")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--only", nargs="+", help="names of variants")
    parser.add_argument("--workdir", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--table", action="store_true", help="only write the table")
    arguments = parser.parse_args()
    check_names(arguments.only or ())
    if not arguments.table:
        _sweep(arguments)
    write_result("ablation.md", table())
    return 0


def check_names(names: Sequence[str]) -> None:
    """Refuse names that no variant has, which would train nothing.

    Raises:
        UsageError: names the first.
    """
    known = {variant.name for variant in variants()}
    for name in names:
        if name not in known:
            expected = ", ".join(sorted(known))
            raise UsageError("no such variant", where="--only", expected=expected, got=name)


def _sweep(arguments: argparse.Namespace) -> None:
    record = RESULTS / f"ablation-{arguments.corpus}.jsonl"
    train, dev = _parts(arguments)
    for seed in arguments.seeds:
        for variant in variants():
            if arguments.only and variant.name not in arguments.only:
                continue
            if arguments.corpus == "gmb" and variant.part in WITHIN_DOCUMENTS:
                continue
            done = {(f.name, f.sentences, f.seed) for f in read_figures(record)}
            if (variant.name, arguments.sentences, seed) not in done:
                figures = _train(variant, train, dev, seed, arguments)
                with record.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(figures)) + "\n")
                print(f"\n== {variant.name}: {100 * figures.f1:.2f}\n")


def read_figures(record: Path) -> list[Figures]:
    """The lines of a sweep's record; none where there is none yet."""
    if not record.is_file():
        return []
    return [Figures(**json.loads(line)) for line in record.read_text("utf-8").splitlines()]


def _parts(arguments: argparse.Namespace) -> tuple[Path, Path]:
    """The corpus's files, the training part cut to whole documents, or sentences, of that many."""
    folder = arguments.workdir / "data"
    folder.mkdir(parents=True, exist_ok=True)
    gmb = arguments.corpus == "gmb"
    files = gmb_files(arguments.data, folder) if gmb else conll_files(arguments.data)
    if not arguments.sentences:
        return files.train, files.dev
    cut = folder / f"{arguments.corpus}-{arguments.sentences}.jsonl"
    if not cut.is_file():
        write(first_sentences(read_corpus(files.train), arguments.sentences), cut)
    short = folder / f"{arguments.corpus}-dev.jsonl"
    if not short.is_file():
        write(first_sentences(read_corpus(files.dev), 3000), short)
    return cut, short


def first_sentences(corpus: Corpus, count: int) -> Corpus:
    """Documents from the start until they hold that many sentences, the last one cut."""
    chosen, left = [], count
    for document in corpus.documents:
        if left <= 0:
            break
        chosen.append(select_sentences(document, range(min(left, len(document.sentences)))))
        left -= len(document.sentences)
    return Corpus(path=corpus.path, documents=tuple(chosen), format=corpus.format)


def _train(
    variant: Variant, train: Path, dev: Path, seed: int, arguments: argparse.Namespace
) -> Figures:
    run = arguments.workdir / f"{arguments.corpus}-run"
    settings = dict(_TRAINING) | {"training.seed": str(seed)}
    settings |= dict(flag.split("=", 1) for flag in variant.flags)
    command = ["train", str(train), "--dev", str(dev), "--out", str(run), "--force"]
    for key, value in settings.items():
        command += [f"--{key}", value]
    cache = arguments.workdir / "cache"  # of its own, so that each pays for what it needs
    shutil.rmtree(cache, ignore_errors=True)
    os.environ["POSNER_CACHE"] = str(cache.resolve())
    timed = run_posner(command)
    saved = json.loads((run / "model" / "posner.json").read_text(encoding="utf-8"))
    return Figures(
        name=variant.name,
        sentences=arguments.sentences,
        seed=seed,
        f1=round(saved["figures"]["dev"]["strict"]["micro"]["f1"], 6),
        processor_seconds=round(timed.processor_seconds, 1),
        processor=processor_name(),
    )


def table() -> str:
    """All records as Markdown."""
    lines = [
        "# What each part is worth",
        "",
        "F1 strict on dev, after the last of four epochs unless a row says otherwise. Seconds are",
        "processor time of one training with its look at dev, all cores together, and compare only",
        "on one processor. Each variant stands against its base (the default recipe unless it",
        "says so) with the same seeds, all without surface features but where a row has them.",
        "GMB's csv has no documents, so that context and shared emissions change nothing there.",
    ]
    for corpus in ("conll2003", "gmb"):
        figures = read_figures(RESULTS / f"ablation-{corpus}.jsonl")
        for sentences in sorted({f.sentences for f in figures}):
            own = [f for f in figures if f.sentences == sentences]
            size = f"{sentences:,} sentences" if sentences else "all sentences"
            lines += ["", f"## {corpus}, {size}", "", markdown_table(HEADER, list(_rows(own)))]
    return "\n".join(lines) + "\n"


HEADER = ("part", "variant", "seeds", "F1", "against its base", "seconds", "processor")


def _rows(figures: Sequence[Figures]) -> Iterator[list[str]]:
    """The cells of each variant that was trained."""
    for variant in variants():
        own = {f.seed: f for f in figures if f.name == variant.name}
        base = {f.seed: f for f in figures if f.name == variant.base}
        if not own:
            continue
        scores = [100 * f.f1 for f in own.values()]
        differences = [100 * (own[s].f1 - base[s].f1) for s in own if s in base]
        spread = f" ± {statistics.stdev(scores):.2f}" if len(scores) > 1 else ""
        against = f"{statistics.mean(differences):+.2f}" if differences else ""
        yield [
            variant.part,
            variant.name,
            " ".join(str(seed) for seed in sorted(own)),
            f"{statistics.mean(scores):.2f}{spread}",
            "" if variant.name == BASE else against,
            f"{statistics.mean(f.processor_seconds for f in own.values()):.0f}",
            ", ".join(sorted({f.processor for f in own.values()})),
        ]


if __name__ == "__main__":
    sys.exit(guarded(main))
