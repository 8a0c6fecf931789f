"""`posner evaluate`."""

from __future__ import annotations

import argparse
import sys

from posner.cli.analysis_flags import (
    CONLLEVAL,
    add_analysis_flags,
    print_analysis,
    train_mentions,
    write_figures,
)
from posner.cli.corpora import add_repair, read_corpus
from posner.cli.model_flags import add_model_flags, load_from_flags, load_other
from posner.cli.steps import add_step_flags, print_steps, set_steps
from posner.corpus import FORMATS
from posner.errors import UsageError
from posner.evaluation.analysis import analyse_tagger
from posner.evaluation.analysis_report import difference_report
from posner.evaluation.bootstrap import paired_differences
from posner.evaluation.held_out import held_out_error, held_out_note
from posner.evaluation.report import figures_console
from posner.schemes import SCHEMES
from posner.systems.labelling import only_labels
from posner.systems.system import kept_labels
from posner.tagger import Tagger


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_model_flags(parser)
    parser.add_argument("data", metavar="DATA", help="labelled corpus")
    parser.add_argument(
        "--format",
        choices=(*FORMATS, CONLLEVAL),
        help="format of the data; default: found out. conlleval: the same as --conlleval",
    )
    parser.add_argument(
        "--scheme", help=f"its tag scheme ({', '.join(SCHEMES)}); default: found out"
    )
    add_repair(parser)
    parser.add_argument(
        "--against",
        metavar="B",
        help="a second model or run, compared with the first by a paired bootstrap",
    )
    parser.add_argument(
        "--labels",
        metavar="A,B,...",
        help="judge only these labels; default: those that the model was told to learn "
        "(labels.keep), or all",
    )
    add_step_flags(parser)
    add_analysis_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    """Tag a corpus's words, and say what was found and how sure that is."""
    if arguments.format == CONLLEVAL:
        arguments.format, arguments.conlleval = None, True
    if arguments.conlleval and arguments.against is not None:
        raise UsageError("--conlleval prints one model's figures, without --against")
    train = train_mentions(arguments)
    corpus = read_corpus(arguments.data, arguments)
    tagger = load_from_flags(arguments)
    labels = _labels(arguments, tagger)
    documents = only_labels(corpus, labels, known=tagger.manifest.labels).documents
    rival = None if arguments.against is None else load_other(arguments, arguments.against)
    set_steps(tagger, arguments, beside=rival)
    if rival is not None:
        set_steps(rival, arguments, beside=tagger)
    analysis = analyse_tagger(tagger, documents, train=train, by=arguments.by, labels=labels)
    print_steps(tagger, None if rival is None else arguments.model)
    print_analysis(analysis, arguments)
    figures = analysis.to_json(text=arguments.errors > 0)
    note = held_out_note(tagger.manifest.figures, arguments.data)
    if note is not None and not arguments.conlleval:
        print(note)
        held_out = held_out_error(tagger.manifest.figures, arguments.data)
        figures["calibration"]["held_out_error"] = held_out
    if rival is not None:
        other = analyse_tagger(rival, documents, labels=labels)
        print_steps(rival, arguments.against)
        found = paired_differences(analysis.units, other.units)
        console = figures_console()
        console.print()
        console.print(difference_report(found, arguments.model, arguments.against))
        figures["against"] = {
            "model": arguments.against,
            "figures": other.to_json(),
            "differences": {name: figure.to_json() for name, figure in found.items()},
        }
    write_figures(figures, arguments)
    return 0


def _labels(arguments: argparse.Namespace, tagger: Tagger) -> tuple[str, ...]:
    """The labels that are judged; nothing for all."""
    if arguments.labels is not None:
        return tuple(arguments.labels.split(","))
    kept = kept_labels(tagger)
    if kept:
        said = f"only {' '.join(kept)} of the labels are judged (labels.keep)"
        print(f"{said}; --labels chooses others", file=sys.stderr)
    return kept
