"""`posner evaluate`."""

from __future__ import annotations

import argparse
from pathlib import Path

from posner.cli.corpora import add_corpus_flags, read_corpus
from posner.cli.model_flags import add_model_flags, load_from_flags
from posner.cli.steps import add_step_flags, print_steps, set_steps
from posner.evaluation.model import evaluate_documents
from posner.evaluation.report import evaluation_report, figures_console
from posner.files import write_json


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_model_flags(parser)
    parser.add_argument("data", metavar="DATA", help="labelled corpus")
    add_corpus_flags(parser)
    add_step_flags(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Tag a corpus's words and score what was found."""
    corpus = read_corpus(arguments.data, arguments)
    recognizer = load_from_flags(arguments)
    set_steps(recognizer, arguments)
    evaluation = evaluate_documents(recognizer, corpus.documents)
    print_steps(recognizer)
    figures_console().print(evaluation_report(evaluation))
    if arguments.json is not None:
        write_json(arguments.json, evaluation.to_json())
    return 0
