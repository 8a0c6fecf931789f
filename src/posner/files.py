"""Writing safely: beside the target, then renamed, so that a crash leaves what was there before."""

from __future__ import annotations

import codecs
import gzip
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from posner.errors import DataError


def encode_text(text: str, encoding: str, mark: bool, where: Path) -> bytes:
    """The bytes of a text file.

    Raises:
        DataError: a character that the encoding lacks.
    """
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError as error:
        raise DataError(
            f"a character cannot be written as {encoding}",
            where=where,
            got=f"U+{ord(text[error.start]):04X}",
            remedy="remove the character, or write a format that holds it",
        ) from error
    # A text that itself begins with U+FEFF needs a mark before it, or it would be taken for one.
    if encoding == "utf-8" and (mark or text.startswith("\ufeff")):
        return codecs.BOM_UTF8 + data
    return data


def refuse_filled(path: Path, *, force: bool) -> None:
    """Refuse a target that is not empty.

    Raises:
        DataError: it holds something and `force` is not set.
    """
    if force or not path.exists():
        return
    is_file = path.is_file() and path.stat().st_size > 0
    if is_file or (path.is_dir() and any(path.iterdir())):
        raise DataError(
            "the target is not empty", where=path, remedy="name another, or overwrite with --force"
        )


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file beside its place and rename it; `.gz` packs it.

    Raises:
        DataError: the target is a folder or cannot be written.
    """
    if path.is_dir():
        raise DataError("the target is a folder", where=path, expected="a file")
    if path.suffix.lower() == ".gz":
        data = gzip.compress(data, mtime=0)  # no time stamp: the same data, the same bytes
    try:
        if path.exists() and not path.is_file():  # /dev/stdout and pipes cannot be renamed over
            path.write_bytes(data)
            return
        target = path.resolve()  # a link keeps pointing; the file that it names is replaced
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        try:
            with beside.open("wb") as handle:
                handle.write(data)
                handle.flush()
                os.fsync(handle.fileno())
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def write_text(path: Path, text: str, encoding: str = "utf-8", mark: bool = False) -> None:
    """Encode a text and write it beside its place.

    Raises:
        DataError: a character that the encoding lacks, or the target cannot be written.
    """
    write_bytes(path, encode_text(text, encoding, mark, path))


def write_json(path: Path, value: Any) -> None:
    """Write figures as JSON, beside and renamed.

    Raises:
        DataError: the target cannot be written.
    """
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


@contextmanager
def folder_beside(path: Path) -> Iterator[Path]:
    """A new folder that takes the place of `path` when the block ends without an error.

    Raises:
        DataError: `path` is a file, or cannot be written.
    """
    if path.exists() and not path.is_dir():
        raise DataError("the target is a file", where=path, expected="a folder")
    target = path.resolve()
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    former = target.with_name(f".{target.name}.{os.getpid()}.old")
    try:
        beside.mkdir(parents=True)
        try:
            yield beside
            if target.exists():
                target.rename(former)
            beside.rename(target)
        except BaseException:
            if former.exists() and not target.exists():
                former.rename(target)
            raise
        finally:
            shutil.rmtree(beside, ignore_errors=True)
            shutil.rmtree(former, ignore_errors=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> DataError:
    return DataError("cannot be written", where=path, got=error.strerror or error)
