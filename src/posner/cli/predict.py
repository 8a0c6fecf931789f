"""`posner predict MODEL [FILE ...]`: texts, files and corpora tagged."""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TextIO

from rich.console import Console

from posner.bulk import (
    Journal,
    Outcome,
    Progress,
    SideFile,
    finished,
    outcomes,
    write_lines,
)
from posner.cli.corpora import add_repair, add_scheme_flag
from posner.cli.inputs import find_sources, meter_of, read_groups
from posner.cli.model_flags import add_model_flags, load_from_flags
from posner.cli.numbers import whole
from posner.cli.outputs import call_digest, outputs_of, refuse_mixed, refuse_read, side_of
from posner.cli.rendered import Part, pieces_of, rendered, several
from posner.cli.steps import add_step_flags, print_steps, set_steps
from posner.corpus import FORMATS
from posner.corpus.files import plain_suffix
from posner.errors import UsageError
from posner.files import file_beside, refuse_filled
from posner.plural import counted
from posner.recognizer import Recognizer
from posner.render import CSV_COLUMNS, jsonl, write
from posner.sources import Bad, Item
from posner.tagger import Tagger
from posner.textfile import DOCUMENT_UNITS


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_model_flags(parser)
    parser.add_argument(
        "files",
        nargs="*",
        default=[],  # without it argparse calls them required
        metavar="FILE",
        help="text files, folders of them, or corpora; - is standard input (default)",
    )
    parser.add_argument(
        "--text", action="append", metavar="T", help="a text to tag; may be repeated"
    )
    parser.add_argument(
        "--input",
        choices=("text", *FORMATS, "csv", "parquet"),
        metavar="FORMAT",
        help="format of the files: raw texts (text, csv, parquet), or corpora whose words are "
        f"tagged ({', '.join(FORMATS)}); default: detected",
    )
    add_scheme_flag(parser, of="a corpus")
    parser.add_argument(
        "--document",
        choices=DOCUMENT_UNITS,
        default="line",
        help="unit of a text file that is one document; default: line",
    )
    _add_writing(parser)
    _add_reading(parser)
    add_repair(parser)
    add_step_flags(parser)


def _add_writing(parser: argparse.ArgumentParser) -> None:
    """The flags that say what is written, and where."""
    parser.add_argument(
        "--format",
        choices=("table", "text", "html", "json", "jsonl", "csv", "conll"),
        help="a table, the text with its entities marked, an HTML page, JSON, JSON Lines, csv with "
        "an entity a line, or CoNLL columns; default: by OUT's suffix, else table",
    )
    parser.add_argument("--tags", action="store_true", help="also write each word with its tags")
    parser.add_argument("--pieces", action="store_true", help="also write each piece with its tag")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT", help="file to write")
    parser.add_argument("--force", action="store_true", help="replace OUT")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="continue an interrupted OUT (jsonl); nothing if it is finished",
    )
    parser.add_argument(
        "--bad",
        type=Path,
        metavar="FILE",
        help="file for texts that cannot be tagged, with the reason; default: OUT.bad.jsonl",
    )


def _add_reading(parser: argparse.ArgumentParser) -> None:
    """The flags that say how texts are read."""
    parser.add_argument(
        "--column", metavar="NAME", help="column or JSON key that holds the texts; default: text"
    )
    parser.add_argument(
        "--keep",
        action="append",
        metavar="NAME",
        help="copy this column or key to OUT (json, jsonl, csv); may be repeated",
    )
    parser.add_argument(
        "--join-hyphens", action="store_true", help="join words hyphenated at a line's end"
    )
    parser.add_argument(
        "--max-chars",
        type=whole("--max-chars", low=1),
        metavar="N",
        help="most characters of a text",
    )
    parser.add_argument(
        "--over-limit",
        choices=("error", "split"),
        help="what becomes of a longer text: an error (default), or split into several",
    )


def run(arguments: argparse.Namespace) -> int:
    """Tag, and write what was found as it comes."""
    if arguments.format is None:
        arguments.format = _by_ending(arguments.output)
    _check(arguments)
    tagger = load_from_flags(arguments)
    if arguments.pieces and not isinstance(tagger, Recognizer):
        raise UsageError("--pieces: this model tags whole words only", where=arguments.model)
    set_steps(tagger, arguments)
    if arguments.join_hyphens:
        tagger.segmenter = replace(tagger.segmenter, hyphens=True)
    sources = find_sources(arguments, outputs_of(arguments))
    refuse_read(arguments, sources)
    call = call_digest(arguments, sources, tagger) if _is_journaled(arguments) else None
    if arguments.resume and call is not None and _is_finished(arguments, call):
        return 0
    meter = meter_of(sources)
    groups = read_groups(sources, arguments, tagger, meter)
    output: Path | None = arguments.output
    side = side_of(arguments)
    console = Console(stderr=True)
    with Progress(meter, console) as progress:
        if call is not None:
            assert output is not None
            assert side is not None
            journal = Journal(output, side, call, resume=arguments.resume, force=arguments.force)
            bad = _to_journal(journal, groups, tagger, arguments, progress)
        else:
            aside = SideFile(side, force=arguments.force)
            with aside, _output(output, arguments.force) as stream:
                found = _parts(outcomes(tagger, groups), aside, progress)
                places = several(sources, arguments)
                write(rendered(found, tagger, arguments, stream, places=places), stream)
            bad = aside.count
    print_steps(tagger)
    if output is not None:
        print(f"posner: {output}: {progress.line()}{_bad_line(bad, side)}", file=sys.stderr)
    return 0


def _bad_line(bad: int, side: Path | None) -> str:
    """How many texts could not be tagged; nothing where all could."""
    return f"; {bad:,} could not be tagged, see {side}" if bad else ""


def _is_finished(arguments: argparse.Namespace, call: str) -> bool:
    """Whether the same call has written everything already; told if so."""
    output, side = arguments.output, side_of(arguments)
    assert output is not None
    assert side is not None
    done = finished(output, side, call)
    if done is None:
        return False
    counts = f"{counted(done.items, 'text')}, {counted(done.words, 'word')}"
    told = f"everything is there already ({counts}){_bad_line(done.bad, side)}"
    print(f"posner: {output}: {told}", file=sys.stderr)
    return True


def _by_ending(output: Path | None) -> str:
    """The format that a file's ending names, packed or not; told where it names none."""
    ending = "" if output is None else plain_suffix(output)
    if ending in (".html", ".json", ".jsonl", ".csv", ".conll"):
        return ending.removeprefix(".")
    if ending not in ("", ".txt"):
        print(
            f"posner: {output}: no format has this ending; writing a table "
            "(--format names another)",
            file=sys.stderr,
        )
    return "table"


def _check(arguments: argparse.Namespace) -> None:
    """Refuse flags that contradict each other."""
    refuse_mixed(arguments)
    if arguments.pieces and arguments.format in ("conll", "text", "html", "csv"):
        raise UsageError("--pieces goes with --format table, json or jsonl")
    if arguments.tags and arguments.format in ("text", "html", "csv"):
        raise UsageError("--tags goes with --format table, json, jsonl or conll")
    if arguments.over_limit is not None and arguments.max_chars is None:
        raise UsageError("--over-limit goes with --max-chars")
    if arguments.keep and arguments.format not in ("json", "jsonl", "csv"):
        raise UsageError("--keep goes with --format json, jsonl or csv")
    taken = set(CSV_COLUMNS) & set(arguments.keep or ()) if arguments.format == "csv" else set()
    if taken:
        raise UsageError(
            "csv has a column of that name already",
            where=f"--keep {min(taken)}",
            remedy="rename it, or write --format jsonl",
        )
    if arguments.resume:
        if not _is_journaled(arguments):
            raise UsageError("--resume goes with --format jsonl and regular files, not packed")
        if "-" in (arguments.files or ([] if arguments.text else ["-"])):
            raise UsageError("--resume cannot read standard input again", remedy="name files")
        if arguments.force:
            raise UsageError("--resume and --force exclude each other")


def _is_journaled(arguments: argparse.Namespace) -> bool:
    """Whether a later process can go on with the output: lines, and both files regular ones."""
    output: Path | None = arguments.output
    if output is None or arguments.format != "jsonl" or output.suffix.lower() == ".gz":
        return False
    side = side_of(arguments)
    return all(path is None or path.is_file() or not path.exists() for path in (output, side))


def _to_journal(
    journal: Journal,
    groups: Iterator[Iterable[Item]],
    tagger: Tagger,
    arguments: argparse.Namespace,
    progress: Progress,
) -> int:
    """Write JSON Lines that can be gone on with; returns how many texts could not be tagged."""
    if journal.items:
        done = counted(journal.items, "text")
        print(f"posner: going on behind {done} that an earlier call tagged", file=sys.stderr)
    remaining = islice(groups, journal.items, None)
    try:
        write_lines(
            outcomes(tagger, journal.before_each(remaining)),
            journal,
            progress,
            lambda parts: jsonl(parts, tags=bool(arguments.tags)),
            pieces_of(tagger, arguments),
        )
        journal.finish()
    finally:
        journal.close()
    return journal.bad


def _parts(found: Iterable[Outcome], aside: SideFile, progress: Progress) -> Iterator[Part]:
    """What was found; what cannot be tagged is set aside."""
    for outcome in found:
        if isinstance(outcome.source, Bad):
            aside.add(outcome.source)
        elif outcome.passage is not None:
            progress.add(outcome.passage.document.word_count, ends=outcome.passage.last)
            yield outcome.source, outcome.passage


@contextlib.contextmanager
def _output(path: Path | None, force: bool) -> Iterator[TextIO]:
    """Standard output, or a file that appears only when it is complete."""
    if path is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(line_buffering=True)  # a live source is answered line by line
        yield sys.stdout
        return
    if not path.is_dir():
        refuse_filled(path, force=force)
    with file_beside(path) as handle:
        stream = io.TextIOWrapper(handle, encoding="utf-8", newline="\n")
        yield stream
        stream.flush()
        stream.detach()
