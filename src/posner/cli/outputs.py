"""Where `posner predict` writes: never over what it reads, and never two things in one file."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from posner.bulk import companions
from posner.cli.inputs import Source
from posner.errors import DataError, UsageError
from posner.systems.opponents import place_of
from posner.tagger import Tagger


def side_of(arguments: argparse.Namespace) -> Path | None:
    """The file for what cannot be tagged; None where there is none."""
    side: Path | None = arguments.bad
    output: Path | None = arguments.output
    if side is None and output is not None:
        side = output.with_name(output.name + ".bad.jsonl")
    return side


def outputs_of(arguments: argparse.Namespace) -> list[Path]:
    """Every file that is written, those that are gone at the end included."""
    output, side = arguments.output, side_of(arguments)
    own = [] if output is None else [output, *companions(output)]
    return own if side is None else [*own, side]


def refuse_mixed(arguments: argparse.Namespace) -> None:
    """Refuse two outputs in one file.

    Raises:
        UsageError: what cannot be tagged would go to the output, or to a file beside it.
    """
    output, side = arguments.output, side_of(arguments)
    if (
        output is not None
        and side is not None
        and side.resolve() in _places([output, *companions(output)])
    ):
        raise UsageError("--bad names the output, or a file beside it that it needs", got=side)


def refuse_read(arguments: argparse.Namespace, sources: Sequence[Source]) -> None:
    """Refuse to write over what is read.

    Raises:
        UsageError: an output is one of the sources, or a lexicon.
    """
    read = [source.path for source in sources if source.path is not None]
    written = _places(outputs_of(arguments))
    for path in (*read, *(arguments.lexicon or ())):
        if path.is_file() and path.resolve() in written:
            raise UsageError("this file is read, and cannot be written", where=path)


def _places(paths: Iterable[Path]) -> set[Path]:
    return {path.resolve() for path in paths}


def call_digest(arguments: argparse.Namespace, sources: Sequence[Source], tagger: Tagger) -> str:
    """What tells whether a later call writes the same: the model, the files, and the flags.

    Raises:
        DataError: a lexicon cannot be read.
    """
    own = ("resume", "force", "output", "bad", "device", "threads")
    flags = {key: str(v) for key, v in sorted(vars(arguments).items()) if key not in own}
    files = []
    for source in sources:
        if source.path is not None and source.path.exists():  # a hub's data set is no file
            files.append((*_stamp(source.path), source.kind))
    names = [_sha256(path) for path in arguments.lexicon or ()]
    facts = json.dumps([flags, files, names, repr(tagger.manifest), _weights(arguments, tagger)])
    return hashlib.sha256(facts.encode("utf-8", "backslashreplace")).hexdigest()


def _stamp(path: Path) -> tuple[str, int, int]:
    state = path.stat()
    return str(path), state.st_size, state.st_mtime_ns


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError("cannot be read", where=path, got=error.strerror or error) from error


def _weights(arguments: argparse.Namespace, tagger: Tagger) -> list[tuple[str, int, int]]:
    """The files of a local model whose manifest has no checksums: a foreign one."""
    folder = place_of(arguments.model)
    if getattr(tagger.manifest, "files", None) or folder is None or not folder.is_dir():
        return []
    return [_stamp(path) for path in sorted(folder.iterdir()) if path.is_file()]
