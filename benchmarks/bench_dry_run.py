"""Every file of the data through check, convert and predict: no error, no lost word.

    python benchmarks/bench_dry_run.py DATA MODEL [--bf16]

For each file: `posner check`; `posner convert` to every format that can hold it and back, with the
words and spans compared; `posner predict --format jsonl` on its words, with every slice compared
to its text and every word accounted for.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import posner
from common import data_argument, guarded, machine, require, run_posner, write_result
from posner.corpus import Corpus, Problem
from posner.document import entity_order, sentence_spans
from posner.errors import PosnerError

MOST_FOLDERS = 5000
FILES = {"conll2003": ["eng.train", "eng.testa"], "gmb": ["ner_dataset.csv"]}
TARGETS = {
    "conll": ".conll",
    "kaggle": ".csv",
    "doccano": ".jsonl",
    "prodigy": ".jsonl",
    "labelstudio": ".json",
    "brat": "",
    "hub": "",
}


def main() -> int:
    """Run and write `results/dry-run.md`."""
    parser = argparse.ArgumentParser(description=__doc__)
    data_argument(parser)
    parser.add_argument("model", help="a model or run folder to predict with")
    parser.add_argument("--bf16", action="store_true", help="predict in bf16")
    parser.add_argument("--only", choices=FILES, help="one of the corpora")
    arguments = parser.parse_args()
    chosen = [arguments.only] if arguments.only else list(FILES)
    files = [arguments.data / corpus / name for corpus in chosen for name in FILES[corpus]]
    require(*files)
    lines = [
        "| file | sentences | words | entities | problems | round trips | predicted | slices |"
    ]
    lines.append("|---|---|---|---|---|---|---|---|")
    begin = time.perf_counter()
    for file in files:
        with tempfile.TemporaryDirectory() as scratch:
            lines.append(_dry_run(file, Path(scratch), arguments))
    minutes = (time.perf_counter() - begin) / 60
    text = "\n".join(lines)
    suffix = f"-{arguments.only}" if arguments.only else ""
    write_result(
        f"dry-run{suffix}.md",
        f"# Dry run over the real corpora\n\nMachine: {machine()}; {minutes:.1f} minutes.\n"
        f"Command: `python {' '.join(sys.argv)}`\n\n{text}\n",
    )
    print(text)
    return 0


def _dry_run(file: Path, scratch: Path, arguments: argparse.Namespace) -> str:
    run_posner(["check", str(file), "--json", str(scratch / "check.json")], accept=(0, 1))
    problems: list[Problem] = []
    corpus = posner.read(file, problems=problems)
    # Standoff is two files a document: for tens of thousands of documents that is a test of disks.
    names = [n for n in TARGETS if n != "brat" or len(corpus.documents) < MOST_FOLDERS]
    trips = [name for name in names if _round_trip(corpus, file, name, scratch)]
    predicted, slices = _predict(corpus, file, scratch, arguments)
    entities = sum(len(d.entities) for d in corpus.documents)
    sentences = sum(1 for _ in corpus.sentences)
    return (
        f"| {file.name} | {sentences:,} | {corpus.word_count:,} | {entities:,} | {len(problems)} "
        f"| {', '.join(trips)} | {predicted:,} words | {slices:,} right |"
    )


def _round_trip(corpus: Corpus, file: Path, name: str, scratch: Path) -> bool:
    """Convert there, read it back, compare words and spans."""
    there = scratch / f"{name}{TARGETS[name]}"
    run_posner(["convert", str(file), str(there), "--to", name])
    back = posner.read(there)
    same = mentions(corpus) == mentions(back)
    if name != "brat":  # standoff holds a text and its spans, but no words
        same = same and facts(corpus) == facts(back)
    if not same:
        raise PosnerError("a round trip lost something", where=f"{file} to {name}")
    return True


def mentions(corpus: Corpus) -> list[tuple[str, str]]:
    """The text and label of every entity, in order."""
    return [
        (e.text, e.label) for d in corpus.documents for e in sorted(d.entities, key=entity_order)
    ]


def facts(corpus: Corpus) -> list[tuple[list[str], tuple[object, ...]]]:
    """Each sentence's words and spans, whatever the documents."""
    return [
        (sentence.words, spans)
        for document in corpus.documents
        for sentence, spans in zip(document.sentences, sentence_spans(document).spans, strict=True)
    ]


def _predict(
    corpus: Corpus, file: Path, scratch: Path, arguments: argparse.Namespace
) -> tuple[int, int]:
    """(words in the answer, entity and word slices that equal their text)."""
    out = scratch / "predicted.jsonl"
    command = ["predict", arguments.model, str(file), "--tags", "--format", "jsonl", "-o", str(out)]
    run_posner([*command, *(["--precision", "bf16"] if arguments.bf16 else [])])
    words, slices = [], 0
    with out.open(encoding="utf-8") as stream:
        for line in stream:
            record = json.loads(line)
            text = record["text"]
            for item in (*record["entities"], *record["tokens"]):
                if text[item["start"] : item["end"]] != item["word"]:
                    raise PosnerError("a slice differs from its text", where=file, got=item)
                slices += 1
            words += [token["word"] for token in record["tokens"]]
    if words != [token.text for document in corpus.documents for token in document.tokens]:
        raise PosnerError("predicting lost or changed words", where=file)
    return len(words), slices


if __name__ == "__main__":
    sys.exit(guarded(main))
