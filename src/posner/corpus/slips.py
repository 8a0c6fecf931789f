"""Labels that look like slips of the pen of another label: `LCO` once beside many `LOC`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import takewhile

from posner.corpus.container import Corpus

RARE = 20
"""A label may be a slip where another is at least so many times as frequent."""
SHORTEST = 3
"""Letters of a label that may be a slip, and of one that may be meant."""


@dataclass(frozen=True)
class Slip:
    """A rare label that is one slip away from a frequent one.

    Attributes:
        label: the rare one.
        count: its entities.
        mention: the text of the first of them.
        meant: the frequent label.
    """

    label: str
    count: int
    mention: str
    meant: str

    def line(self) -> str:
        """The whole of it on one line."""
        return f"{self.label} ({self.count:,}, such as {self.mention!r}): {self.meant}?"

    def to_json(self) -> dict[str, str | int]:
        """As JSON holds it."""
        return asdict(self)


def slips(corpus: Corpus, labels: Mapping[str, int]) -> list[Slip]:
    """The labels of a corpus that may be slips.

    Args:
        corpus: has the mentions.
        labels: entities of each label, the most frequent first.
    """
    found = []
    for label, count in labels.items():
        frequent = (other for other, times in labels.items() if times >= RARE * count)
        meant = next((other for other in frequent if one_slip_apart(label, other)), None)
        if meant is not None:
            found.append(Slip(label, count, next(_mentions(corpus, label)), meant))
    return found


def one_slip_apart(one: str, other: str) -> bool:
    """Whether two labels differ by case alone, by one letter, or by two neighbours swapped.

    The restricted edit distance of Damerau (1964), as far as 1. Labels of less than three letters,
    and those that another digit makes another label, are near to too many to be slips.
    """
    first, second = one.casefold(), other.casefold()
    if min(len(first), len(second)) < SHORTEST:
        return False
    same = _same_beginning(first, second)
    first, second = first[same:][::-1], second[same:][::-1]
    same = _same_beginning(first, second)
    first, second = first[same:], second[same:]
    if any(letter.isdigit() for letter in first + second):
        return False
    swapped = len(first) == 2 and first == second[::-1]
    return max(len(first), len(second)) <= 1 or swapped


def _same_beginning(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _mentions(corpus: Corpus, label: str) -> Iterator[str]:
    for document in corpus.documents:
        yield from (entity.text for entity in document.entities if entity.label == label)
