"""`posner check DATA`: every problem of a corpus, and its statistics."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from posner.align import PieceTokenizer
from posner.backbones import MINILM, minilm_folder
from posner.cli.corpora import add_format_flag, add_scheme_flag
from posner.cli.extras import needs_train_extra
from posner.cli.numbers import whole
from posner.corpus import KINDS, Corpus, Overlap, Problem, Statistics, count_kinds, read
from posner.corpus.nested import SharedWords, shared_words
from posner.corpus.slips import slips
from posner.corpus.statistics import DEFAULT_WINDOW, Measure, compare, describe
from posner.errors import ModelError, UsageError
from posner.evaluation.analysis_report import suspect_lines
from posner.evaluation.suspects import Suspect, find_suspects
from posner.files import write_json
from posner.folder import TOKENIZER, find_model
from posner.plural import counted
from posner.systems.opening import load

SUSPECTS_SHOWN = 20
PAIRS_SHOWN = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("data", metavar="DATA", help="a file, a folder or the name of a data set")
    add_format_flag(parser)
    add_scheme_flag(parser)
    parser.add_argument(
        "--against", metavar="TRAIN", help="count the sentences and mentions shared with TRAIN"
    )
    parser.add_argument(
        "--window",
        type=whole("--window", low=1),
        default=DEFAULT_WINDOW,
        metavar="N",
        help="count sentences of more than N pieces; default: %(default)s",
    )
    parser.add_argument(
        "--model",
        help="count pieces with this model's tokenizer: a model, a run, or a folder with "
        f"tokenizer.json; default: {MINILM}, where it is installed",
    )
    parser.add_argument(
        "--suspects",
        type=Path,
        metavar="RUN",
        help="rank the likeliest annotation errors: the disagreements with the models of "
        "`posner train --folds`, or with any one model",
    )
    parser.add_argument(
        "--limit",
        type=whole("--limit", low=0),
        metavar="N",
        help=f"suspects to print (--json lists all); default: {SUSPECTS_SHOWN}",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Check a corpus; 1 when something is wrong with it, 0 when it is clean."""
    if arguments.limit is not None and arguments.suspects is None:
        raise UsageError("--limit goes with --suspects")
    limit = SUSPECTS_SHOWN if arguments.limit is None else arguments.limit
    problems: list[Problem] = []
    corpus = read(
        arguments.data, format=arguments.format, scheme=arguments.scheme, problems=problems
    )
    statistics = describe(corpus, window=arguments.window, count_pieces=_counter(arguments.model))
    overlap = None
    other_problems: list[Problem] = []
    if arguments.against is not None:
        overlap = compare(corpus, read(arguments.against, problems=other_problems))
    suspects: list[Suspect] | None = None
    if arguments.suspects is not None:
        with needs_train_extra("running this model"):
            suspects = find_suspects(arguments.suspects, corpus.documents, load)
    shared = shared_words(corpus)
    likely_slips = slips(corpus, statistics.labels)
    print_problems(problems)
    _print_shared(shared)
    for slip in likely_slips:
        print(f"note: this label may be a slip: {slip.line()}")
    _print_statistics(corpus, statistics)
    if overlap is not None:
        _print_overlap(overlap, arguments.against, len(other_problems))
    if suspects is not None:
        _print_suspects(suspects, limit)
    if arguments.json is not None:
        figures = _figures(corpus, problems, statistics, overlap)
        figures["shared_words"] = [pair.to_json() for pair in shared]
        figures["slips"] = [slip.to_json() for slip in likely_slips]
        if suspects is not None:
            figures["suspects"] = [suspect.to_json() for suspect in suspects]
        write_json(arguments.json, figures)
    return 1 if problems else 0


def _counter(model: str | None) -> Measure | None:
    """Counts pieces as the named model does, or the embedded backbone; None without either."""
    if model is None:
        try:
            minilm_folder()
        except ModelError:
            return None
    tokenizer = PieceTokenizer.from_file(_tokenizer_file(model or MINILM))

    def count(sentences: Sequence[Sequence[str]]) -> list[int]:
        return [len(pieces.ids) for pieces in tokenizer.encode(sentences)]

    return count


def _tokenizer_file(model: str) -> Path:
    """The tokenizer of the embedded backbone, a model, the model in a run, or any such folder."""
    if model == MINILM:
        return minilm_folder() / TOKENIZER
    path = Path(model)
    if path.is_file():
        return path
    return (path if (path / TOKENIZER).exists() else find_model(path)) / TOKENIZER


def print_problems(problems: Sequence[Problem]) -> None:
    """Every problem on its own line, by kind, each kind with its count and its repair."""
    for kind, count in count_kinds(problems).items():
        print(f"{kind}: {count:,}  (when reading goes on: {KINDS[kind].repair})")
        for problem in problems:
            if problem.kind == kind:
                print(f"  {problem.line_text()}")
    print(counted(len(problems), "problem"))


def _print_shared(pairs: Sequence[SharedWords]) -> None:
    """A note: the corpus is as it should be, but no model here can learn all of it."""
    if not pairs:
        return
    count = len(pairs)
    print(
        f"note: {counted(count, 'entity shares', 'entities share')} words with another; "
        "models learn flat entities, so a training refuses them, or keeps the longest with --repair"
    )
    for pair in pairs[:PAIRS_SHOWN]:
        print(f"  {pair.line()}")
    if count > PAIRS_SHOWN:
        print(f"  and {count - PAIRS_SHOWN:,} more; --json FILE lists them all")


def _print_table(title: str, rows: Sequence[tuple[str, str]]) -> None:
    table = Table(title=title, title_justify="left", box=SIMPLE, show_header=False, pad_edge=False)
    table.add_column(overflow="fold")
    table.add_column(justify="right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    terminal = sys.stdout.isatty()
    Console(markup=False, highlight=False, width=None if terminal else 100).print(table)


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({part / whole:.1%})" if whole else f"{part:,}"


def _print_statistics(corpus: Corpus, found: Statistics) -> None:
    scheme = f", {corpus.layout.scheme}" if corpus.layout.scheme else ""
    flavour = f", {corpus.layout.flavour}" if corpus.layout.flavour else ""
    rows = [
        ("format", f"{corpus.format}{flavour}{scheme}"),
        ("documents", f"{found.documents:,}"),
        ("sentences", f"{found.sentences:,}"),
        ("words", f"{found.words:,}"),
        ("entities", f"{found.entities:,}"),
        *((f"  {label}", _share(n, found.entities)) for label, n in found.labels.items()),
        *(
            (f"  of {counted(length, 'word')}", _share(n, found.entities))
            for length, n in found.mention_lengths.items()
        ),
        ("  overlapping another", f"{found.overlapping:,}"),
        ("  off the words' borders", f"{found.misaligned:,}"),
        ("repeated sentences", _share(found.repeated_sentences, found.sentences)),
        ("sentences all in capitals", _share(found.capital_sentences, found.sentences)),
        (f"sentences longer than {found.window} {found.unit}", f"{found.overlong:,}"),
        ("longest sentence", f"{found.longest:,} {found.unit}"),
    ]
    _print_table(str(corpus.path), rows)
    if found.unit == "words":
        print(
            "Lengths are estimated in words, of which each has at least one piece; "
            "--model FOLDER counts the pieces of its tokenizer."
        )


def _print_overlap(overlap: Overlap, other: str, problems: int) -> None:
    rows = [
        ("sentences that also occur there", _share(overlap.repeated_sentences, overlap.sentences)),
        ("mentions seen there with their label", _share(overlap.seen_mentions, overlap.mentions)),
        ("mentions seen there with any label", _share(overlap.seen_texts, overlap.mentions)),
    ]
    _print_table(f"against {other}", rows)
    if problems:
        own = counted(problems, "problem")
        print(f"{other} has {own} of its own: `posner check {other}` lists them.")


def _print_suspects(suspects: Sequence[Suspect], limit: int) -> None:
    disagreements = counted(len(suspects), "disagreement")
    print(f"\n{disagreements} with the annotation, the most suspect first")
    unknown = sum(not suspect.known for suspect in suspects)
    if unknown:
        print(f"of {unknown:,} of them the model gives no probability: ranked as one half")
    for line in suspect_lines(suspects, limit):
        print(line)


def _figures(
    corpus: Corpus, problems: Sequence[Problem], statistics: Statistics, overlap: Overlap | None
) -> dict[str, object]:
    return {
        "path": str(corpus.path),
        "format": corpus.format,
        "flavour": corpus.layout.flavour,
        "scheme": corpus.layout.scheme,
        "problems": {
            "count": len(problems),
            "kinds": count_kinds(problems),
            "list": [vars(problem) for problem in problems],
        },
        "statistics": statistics.to_json(),
        "against": None if overlap is None else overlap.to_json(),
    }
