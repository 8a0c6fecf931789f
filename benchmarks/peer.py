"""The plain way: the same backbone fine-tuned with transformers' `Trainer`, in its own process.

    python benchmarks/peer.py TRAIN DEV POINTS [--learning-rate 5e-5] [--epochs 3]
        [--minutes 0] [--target 0]

`AutoModelForTokenClassification`, batches of 32 padded each to its longest sentence, the label on
a word's first piece; everything else as `TrainingArguments` has it. Ill-formed tags are read as
conlleval and seqeval's default mode read them, which costs it no entity that another reading keeps.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch
import transformers

from common import guarded, read_corpus
from points import Point, append_point
from posner.backbones import find_minilm
from posner.corpus import Corpus
from posner.document import sentence_spans
from posner.evaluation.spans import score_spans
from posner.labels import IGNORED
from posner.schemes import SCHEMES, Span, spans_to_tags, tags_to_spans

WINDOW = 512
BATCH = 32


@dataclass(frozen=True)
class Sentence:
    """Words with their gold spans."""

    words: list[str]
    spans: tuple[Span, ...]


def main() -> int:
    """Train, and keep a point an epoch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("dev", type=Path)
    parser.add_argument("points", type=Path)
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=0, help="stop after so many; 0: never")
    parser.add_argument("--target", type=float, default=0, help="stop at this F1; 0: never")
    arguments = parser.parse_args()
    corpus, dev = read_corpus(arguments.train), read_corpus(arguments.dev)
    arguments.points.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        _fine_tune(corpus, dev, arguments, scratch)
    return 0


def _fine_tune(corpus: Corpus, dev: Corpus, arguments: argparse.Namespace, scratch: str) -> None:
    transformers.logging.set_verbosity_error()  # that the classifier is new is known
    folder = str(find_minilm())
    tags = SCHEMES["IOB2"].tags(corpus.labels)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForTokenClassification.from_pretrained(
        folder,
        num_labels=len(tags),
        id2label=dict(enumerate(tags)),
        label2id={tag: i for i, tag in enumerate(tags)},
    )
    settings = transformers.TrainingArguments(
        output_dir=scratch,
        per_device_train_batch_size=BATCH,
        per_device_eval_batch_size=BATCH,
        learning_rate=arguments.learning_rate,
        num_train_epochs=arguments.epochs,
        eval_strategy="epoch",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),  # otherwise only a warning
    )
    learned, judged = sentences(corpus), sentences(dev)
    examples = encode(learned, tokenizer, tags)
    pieces = sum(len(example["input_ids"]) for example in examples)
    trainer = transformers.Trainer(
        model=model,
        args=settings,
        train_dataset=examples,
        eval_dataset=encode(judged, tokenizer, tags),
        data_collator=transformers.DataCollatorForTokenClassification(tokenizer),
        processing_class=tokenizer,
        compute_metrics=lambda found: {
            "f1": dev_f1(judged, found.predictions, found.label_ids, tags)
        },
        callbacks=[Notes(arguments, pieces)],
    )
    print(f"{settings.optim}, {model.dtype}, {settings.lr_scheduler_type}", flush=True)
    trainer.train()


class Notes(transformers.TrainerCallback):  # type: ignore[misc]
    """A point an epoch; an end at the target or when time is up.

    Args:
        arguments: of the command line.
        pieces: real pieces of an epoch.
    """

    def __init__(self, arguments: argparse.Namespace, pieces: int) -> None:
        self._arguments, self._pieces = arguments, pieces
        self._start = psutil.Process().create_time()
        self._mark = 0.0
        self._training = 0.0
        self._evaluations = 0.0
        self._epochs = 0.0

    @property
    def _seconds(self) -> float:
        return time.time() - self._start

    def on_epoch_begin(self, *_: Any, **__: Any) -> None:
        """Steps begin."""
        self._mark = time.perf_counter()

    def on_epoch_end(self, *_: Any, **__: Any) -> None:
        """Steps are finished; the look at the dev set comes next."""
        now = time.perf_counter()
        self._training, self._mark = now - self._mark, now

    def on_step_end(self, _arguments: Any, _state: Any, control: Any, **_: Any) -> None:
        """Stop when time is up."""
        if 0 < 60 * self._arguments.minutes < self._seconds:
            control.should_training_stop = True

    def on_evaluate(
        self, _arguments: Any, state: Any, control: Any, metrics: dict[str, float], **_: Any
    ) -> None:
        """Keep the point; stop at the target."""
        self._evaluations += time.perf_counter() - self._mark
        share, self._epochs = state.epoch - self._epochs, state.epoch  # below 1 where it was cut
        point = Point(
            epoch=round(state.epoch),
            f1=metrics["eval_f1"],
            seconds=self._seconds,
            evaluation_seconds=self._evaluations,
            train_seconds=self._training,
            pieces_per_second=share * self._pieces / self._training,
        )
        append_point(self._arguments.points, point)
        print(f"epoch {point.epoch}  F1 {100 * point.f1:.2f}  {point.seconds:.0f} s", flush=True)
        if 0 < self._arguments.target <= point.f1:
            control.should_training_stop = True


def sentences(corpus: Corpus) -> list[Sentence]:
    """All sentences that have words."""
    return [
        Sentence(sentence.words, spans)
        for document in corpus.documents
        for sentence, spans in zip(document.sentences, sentence_spans(document).spans, strict=True)
        if sentence.tokens
    ]


def encode(
    sentences: Sequence[Sentence], tokenizer: Any, tags: Sequence[str]
) -> list[dict[str, list[int]]]:
    """Pieces, and a label on each word's first."""
    numbers = {tag: i for i, tag in enumerate(tags)}
    words = [sentence.words for sentence in sentences]
    found = tokenizer(words, is_split_into_words=True, truncation=True, max_length=WINDOW)
    examples = []
    for row, sentence in enumerate(sentences):
        gold = spans_to_tags(sentence.spans, len(sentence.words), SCHEMES["IOB2"])
        places = found.word_ids(row)
        before = [None, *places[:-1]]
        labels = [
            IGNORED if word is None or word == last else numbers.get(gold[word], IGNORED)
            for word, last in zip(places, before, strict=True)
        ]
        examples.append(
            {"input_ids": found["input_ids"][row], "attention_mask": [1] * len(places)}
            | {"labels": labels}
        )
    return examples


def dev_f1(sentences: Sequence[Sentence], logits: Any, labels: Any, tags: Sequence[str]) -> float:
    """Strict micro F1 of spans; logits are (sentences, pieces, tags), labels as `encode` made."""
    pairs = []
    for sentence, scores, row in zip(sentences, logits, labels, strict=True):
        chosen = [tags[int(i)] for i in scores[row != IGNORED].argmax(axis=-1)]
        pairs.append((sentence.spans, tags_to_spans(chosen, SCHEMES["IOB2"], "repair")))
    return score_spans(pairs).micro.f1


if __name__ == "__main__":
    sys.exit(guarded(main))
