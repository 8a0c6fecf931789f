"""Pretrained word vectors from a GloVe text file: a word and its numbers a line, spaces between."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posner.errors import DataError
from posner.windows import FloatArray


@dataclass(frozen=True)
class Vectors:
    """Words with their vectors.

    Attributes:
        words: in the order of the file.
        values: (words, width).
    """

    words: tuple[str, ...]
    values: FloatArray


def read_vectors(path: Path, width: int, wanted: Container[str], first: int) -> Vectors:
    """Read the vectors of wanted words, and of those that stand first in the file.

    The file is streamed: only what is kept is in memory. A word2vec header (two whole numbers) is
    passed over. A word may hold spaces itself: the numbers are counted from the end. Of a word
    that stands there twice the first vector counts.

    Args:
        path: the file.
        width: numbers a vector.
        wanted: words to keep wherever they stand.
        first: how many vectors from the beginning are kept besides.

    Raises:
        DataError: the file cannot be read, a line has another width, or holds something else.
    """
    words: dict[str, None] = {}
    rows: list[FloatArray] = []
    for number, line in _lines(path):
        word, values = _word_and_numbers(line, width, path, number)
        if word in words or not (len(rows) < first or word in wanted):
            continue
        words[word] = None
        rows.append(_numbers(values, path, number))
    if not rows:
        raise DataError(
            "holds no vector of any word of the corpus",
            where=path,
            expected="a word and its numbers a line",
        )
    return Vectors(tuple(words), np.stack(rows))


def check_vectors(path: Path, width: int) -> None:
    """Look at the first vector of a file.

    Raises:
        DataError: as `read_vectors`.
    """
    for number, line in _lines(path):
        _numbers(_word_and_numbers(line, width, path, number)[1], path, number)
        return


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines with something on them, each with its number, without a word2vec header."""
    try:
        with path.open("rb") as file:
            for number, data in enumerate(file, start=1):
                line = data.decode("utf-8").strip("\r\n ")
                header = number == 1 and len(line.split(" ")) == 2
                if line and not header:
                    yield number, line
    except OSError as error:
        raise DataError("cannot be read", where=path, got=error.strerror) from error
    except UnicodeDecodeError as error:
        raise DataError("is not UTF-8", where=path, got=error) from error


def _word_and_numbers(line: str, width: int, path: Path, number: int) -> tuple[str, list[str]]:
    """A line's word and its numbers as text."""
    word, *values = line.rsplit(" ", width)
    # One number too many would look like a part of the word.
    if len(values) == width and word and not _is_number(word.rpartition(" ")[2], word):
        return word, values
    raise DataError(
        "a vector of another width",
        where=f"{path}:{number}",
        expected=f"a word and {width} numbers",
        got=f"{len(line.split(' ')) - 1} numbers behind {line.split(' ')[0][:20]!r}",
        remedy="set vectors.width to the file's",
    )


def _is_number(last: str, word: str) -> bool:
    """Whether the last part of a word with spaces is a number, and so belonged to the vector."""
    if last == word:  # a word of one part may well be a number
        return False
    try:
        float(last)
    except ValueError:
        return False
    return True


def _numbers(values: list[str], path: Path, number: int) -> FloatArray:
    try:
        found = np.array(values, dtype=np.float32)
    except ValueError as error:
        raise DataError(
            "holds something that is no number", where=f"{path}:{number}", got=error
        ) from error
    if not np.isfinite(found).all():
        raise DataError("holds a number that is not finite", where=f"{path}:{number}")
    return found
