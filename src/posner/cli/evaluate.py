"""`posner evaluate MODEL DATA`: a model scored on a labelled corpus."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from posner.cli.analysis_flags import (
    CONLLEVAL,
    add_analysis_flags,
    check_analysis_flags,
    print_analysis,
    train_mentions,
    write_figures,
)
from posner.cli.corpora import add_format_flag, add_repair, add_scheme_flag, read_corpus
from posner.cli.model_flags import add_model_flags, load_from_flags, load_other
from posner.cli.steps import add_step_flags, print_steps, set_steps
from posner.corpus import Corpus
from posner.errors import UsageError
from posner.evaluation.analysis import Analysis, analyse_tagger
from posner.evaluation.analysis_report import difference_report
from posner.evaluation.bootstrap import paired_differences
from posner.evaluation.held_out import HeldOut
from posner.evaluation.report import figures_console
from posner.systems.labelling import only_labels
from posner.systems.opponents import better_name
from posner.systems.system import kept_labels
from posner.tagger import Tagger


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_model_flags(parser)
    parser.add_argument("data", metavar="DATA", help="labelled corpus")
    add_format_flag(parser, default="detected. conlleval: same as --conlleval", more=[CONLLEVAL])
    add_scheme_flag(parser)
    add_repair(parser)
    parser.add_argument(
        "--against",
        metavar="B",
        help="a second model or run, to compare with the first by a paired bootstrap",
    )
    parser.add_argument(
        "--labels",
        metavar="A,B,...",
        help="score only these labels; default: those that the model was told to learn "
        "(labels.keep), or all",
    )
    add_step_flags(parser)
    add_analysis_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    """Tag a corpus's words, and print the scores."""
    if arguments.format == CONLLEVAL:
        arguments.format, arguments.conlleval = None, True
    if arguments.conlleval and arguments.against is not None:
        raise UsageError("--conlleval prints one model's figures, without --against")
    check_analysis_flags(arguments)
    train = train_mentions(arguments)
    corpus = read_corpus(arguments.data, arguments)
    tagger = load_from_flags(arguments)
    rival = None if arguments.against is None else load_other(arguments, arguments.against)
    labels = _labels(arguments, [tagger] if rival is None else [tagger, rival])
    judged = only_labels(corpus, labels, known=tagger.manifest.labels)
    documents = judged.documents
    _warn_of_labels(arguments.model, tagger, judged)
    if rival is not None:
        _warn_of_labels(arguments.against, rival, judged)
    set_steps(tagger, arguments, beside=rival)
    if rival is not None:
        set_steps(rival, arguments, beside=tagger)
    analysis = analyse_tagger(tagger, documents, train=train, by=arguments.by, labels=labels)
    print_steps(tagger, None if rival is None else arguments.model)
    print_analysis(analysis, arguments)
    figures = analysis.to_json(text=arguments.errors > 0)
    held_out = HeldOut.of(tagger.manifest.figures, corpus.documents)
    if not arguments.conlleval:
        for note in held_out.notes:
            print(note)
        if held_out.calibration_error is not None:
            figures["calibration"]["held_out_error"] = held_out.calibration_error
        if held_out.surface is not None:
            figures["surface"] = held_out.surface_json()
    if rival is not None:
        other = analyse_tagger(rival, documents, labels=labels)
        print_steps(rival, arguments.against)
        figures["against"] = _compared(analysis, other, arguments)
    write_figures(figures, arguments)
    return 0


def _compared(own: Analysis, other: Analysis, arguments: argparse.Namespace) -> dict[str, Any]:
    """Print how two models differ; the figures of the second, and the differences."""
    found = paired_differences(own.units, other.units)
    console = figures_console()
    console.print()
    console.print(difference_report(found, arguments.model, arguments.against))
    return {
        "model": arguments.against,
        "figures": other.to_json(),
        "differences": {name: figure.to_json() for name, figure in found.items()},
    }


def _labels(arguments: argparse.Namespace, taggers: Sequence[Tagger]) -> tuple[str, ...]:
    """The labels that are judged; nothing for all.

    Raises:
        UsageError: the models were told to learn labels of which none is common.
    """
    if arguments.labels is not None:
        return tuple(arguments.labels.split(","))
    told = [kept for tagger in taggers if (kept := kept_labels(tagger))]
    if not told:
        return ()
    common = tuple(label for label in told[0] if all(label in kept for kept in told))
    if not common:
        raise UsageError(
            "the two models have learned no label in common (labels.keep)",
            where="--against",
            got=" and ".join(" ".join(kept) for kept in told),
            remedy="choose labels with --labels",
        )
    of_whom = "" if len(taggers) == 1 else ", those that both models were told to learn"
    said = f"only {' '.join(common)} of the labels are scored (labels.keep{of_whom})"
    print(f"{said}; --labels chooses others", file=sys.stderr)
    return common


def _warn_of_labels(name: str, tagger: Tagger, judged: Corpus) -> None:
    """Say so where a model speaks of other labels than the corpus."""
    own, wanted = tagger.manifest.labels, judged.labels
    better = better_name(name, own, wanted)
    if better is None and (not own or set(own) & set(wanted)):
        return
    few = "few" if set(own) & set(wanted) else "none"
    said = f"warning: {few} of the corpus's labels ({' '.join(wanted)}) are among those of {name}"
    print(f"{said}; {better} speaks of more of them" if better else said, file=sys.stderr)
