"""Writing safely: beside the target, then renamed, so that a crash leaves what was there before."""

from __future__ import annotations

import codecs
import gzip
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

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
            "this file exists already, and is not empty" if is_file else "the target is not empty",
            where=path,
            remedy="name another, or overwrite with --force",
        )


@contextmanager
def file_beside(path: Path) -> Iterator[BinaryIO]:
    """A new file that takes the place of `path` when the block ends without an error.

    `.gz` packs it. A link stays, and the file that it leads to is replaced. What is no regular
    file (a pipe, `/dev/stdout`) is written to directly, for a rename would put a file in its place.

    Raises:
        DataError: the target is a folder or cannot be written.
    """
    if path.is_dir():
        raise DataError("the target is a folder", where=path, expected="a file")
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as handle:
                yield handle
            return
        target = path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.new")
        try:
            with beside.open("wb") as handle:
                yield from _packed(handle, path)
                handle.flush()
                os.fsync(handle.fileno())
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise _unwritable(path, error) from error


def _packed(handle: BinaryIO, path: Path) -> Iterator[BinaryIO]:
    """The handle itself, or one that packs what is written to it."""
    if path.suffix.lower() != ".gz":
        yield handle
        return
    # No name and no time stamp: the same data, the same bytes.
    with gzip.GzipFile(filename="", mode="wb", fileobj=handle, mtime=0) as packed:
        yield packed  # type: ignore[misc]  # a GzipFile is a BinaryIO in all but its declaration


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file beside its place and rename it; `.gz` packs it.

    Raises:
        DataError: the target is a folder or cannot be written.
    """
    with file_beside(path) as handle:
        handle.write(data)


def write_text(path: Path, text: str, encoding: str = "utf-8", mark: bool = False) -> None:
    """Encode a text and write it beside its place.

    Raises:
        DataError: a character that the encoding lacks, or the target cannot be written.
    """
    write_bytes(path, encode_text(text, encoding, mark, path))


def write_json(path: Path, value: Any) -> None:
    """Write figures as JSON, beside and renamed; older figures are replaced, other files are not.

    Raises:
        DataError: the target cannot be written, or holds something that is no JSON.
    """
    if path.is_file() and path.stat().st_size:
        with path.open("rb") as handle:
            if handle.read(1) not in (b"{", b"["):
                raise DataError(
                    "holds something that is no JSON, and is not replaced",
                    where=path,
                    remedy="name another file",
                )
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


@contextmanager
def folder_beside(path: Path) -> Iterator[Path]:
    """A new folder that takes the place of `path` when the block ends without an error.

    What stands at `path` is set aside for the moment of the exchange, and put back if that fails.
    A link stays, and the folder that it leads to is replaced.

    Raises:
        DataError: `path` is a file, or cannot be written.
    """
    if path.exists() and not path.is_dir():
        raise DataError("the target is a file", where=path, expected="a folder")
    target = path.resolve()
    mark = uuid.uuid4().hex[:8]
    beside = target.with_name(f".{target.name}.{mark}.new")
    former = target.with_name(f".{target.name}.{mark}.old")
    missing = [parent for parent in beside.parents if not parent.exists()]
    try:
        beside.mkdir(parents=True)
        try:
            yield beside
            _sync(beside)
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
            _remove_empty(missing)
    except OSError as error:
        raise _unwritable(path, error) from error


def _remove_empty(folders: Iterable[Path]) -> None:
    """Remove the folders, innermost first, as far as nothing is in them."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def restore_folder(path: Path) -> None:
    """Undo what `folder_beside` left when its process was killed: the former folder comes back."""
    for unfinished in path.parent.glob(f".{path.name}.*.new"):
        shutil.rmtree(unfinished, ignore_errors=True)
    for former in path.parent.glob(f".{path.name}.*.old"):
        if path.exists():
            shutil.rmtree(former, ignore_errors=True)
        else:
            former.rename(path)


def _sync(folder: Path) -> None:
    """Let the disk have every file before the rename makes it visible."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("r+b") as file:  # Windows syncs only what is open for writing
                os.fsync(file.fileno())


def _unwritable(path: Path, error: OSError) -> DataError:
    return DataError("cannot be written", where=path, got=error.strerror or error)
