"""`posner convert IN OUT`: a corpus in another format or tag scheme."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from posner.cli.corpora import (
    add_format_flag,
    add_repair,
    add_scheme_flag,
    print_losses,
    read_repaired,
    size,
    size_line,
)
from posner.corpus import FORMATS, count_kinds, write
from posner.corpus.files import plain_suffix
from posner.corpus.formats import target_format
from posner.files import write_json


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("source", metavar="IN", help="a file, a folder or the name of a data set")
    parser.add_argument("target", metavar="OUT", help="the file or folder to write")
    add_format_flag(parser, "--format", "--from", of="IN")
    parser.add_argument(
        "--to",
        choices=FORMATS,
        metavar="FORMAT",
        help="format of OUT; default: by its suffix, else that of IN",
    )
    add_scheme_flag(parser, "--from-scheme", of="IN")
    parser.add_argument(
        "--scheme",
        "--to-scheme",
        metavar="SCHEME",
        help="tag scheme of OUT; default: that of IN in the same format, else IOB2",
    )
    parser.add_argument("--force", action="store_true", help="overwrite OUT")
    add_repair(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Convert a corpus."""
    corpus, problems = read_repaired(
        arguments.source,
        format=arguments.format,
        scheme=arguments.from_scheme,
        repair=arguments.repair,
    )
    if arguments.to is None:
        _tell_format(Path(arguments.target), corpus.format)
    losses = write(
        corpus,
        arguments.target,
        format=arguments.to,
        scheme=arguments.scheme,
        force=arguments.force,
    )
    print_losses(losses)
    figures = size(corpus)
    print(size_line(arguments.target, figures))
    if arguments.json is not None:
        found = {**figures, "problems": count_kinds(problems), "losses": losses}
        write_json(arguments.json, found)
    return 0


def _tell_format(target: Path, source: str) -> None:
    """Say which format is written where the file's ending does not tell."""
    suffix = plain_suffix(target)
    if suffix and not any(suffix in format.suffixes for format in FORMATS.values()):
        name = target_format(target, source).name
        print(
            f"posner: {target}: no format has this ending; writing {name} (--to names another)",
            file=sys.stderr,
        )
