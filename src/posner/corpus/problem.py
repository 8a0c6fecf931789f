"""What is wrong with a corpus, one `Problem` a place, and what a reader does about each kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from posner.errors import DataError, SchemeError


@dataclass(frozen=True)
class Kind:
    """A kind of problem.

    Attributes:
        repair: what a reader that goes on does about it.
        loses: whether the repair may lose or change an annotation or a word.
    """

    repair: str
    loses: bool


KINDS: dict[str, Kind] = {
    "undecodable-byte": Kind("read as the replacement character U+FFFD", True),
    "too-few-columns": Kind("the word is kept with the tag O", True),
    "too-many-columns": Kind("the first column is the word and the last the tag", True),
    "empty-word": Kind("the row is left out", True),
    "unknown-tag": Kind("the word is kept with the tag O", True),
    "ill-formed-tag": Kind("read as conlleval does: every mention is kept", False),
    "sentence-number": Kind("a sentence without a number begins", False),
    "misaligned-span": Kind("kept with its own characters", False),
    "span-outside-text": Kind("the span is left out", True),
    "span-text-mismatch": Kind("the characters are kept, the quoted text is not", True),
    "discontinuous-span": Kind("kept from its first character to its last", True),
    "malformed-span": Kind("the span is left out", True),
    "malformed-tokens": Kind("words are found by segmentation", False),
    "malformed-json": Kind("the record is left out", True),
    "malformed-record": Kind("the record is left out", True),
    "malformed-array": Kind("what stands there is left out", True),
    "malformed-line": Kind("the line is left out", True),
    "not-accepted": Kind("the record is kept with its spans", True),
    "no-annotation": Kind("the record is kept without spans", True),
    "missing-file": Kind("the document is left out", True),
    "repeated-id": Kind("kept without its id; what refers to the id means the first", True),
}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and how to mend it.

    Attributes:
        path: the file, which may be one of many in a folder that the user named.
        line: its line, from 1; None where the file has no lines.
        kind: one of `KINDS`.
        reason: what is wrong, in a few words.
        remedy: what to do about it.
    """

    path: str
    line: int | None
    kind: str
    reason: str
    remedy: str

    @property
    def loses(self) -> bool:
        """Whether the reader's repair may lose or change an annotation or a word."""
        return KINDS[self.kind].loses

    def line_text(self) -> str:
        """The whole problem on one line: `path:line: reason; remedy`."""
        return " ".join(f"{self._where}: {self.reason}; {self.remedy}".split())

    @property
    def _where(self) -> str:
        return self.path if self.line is None else f"{self.path}:{self.line}"

    def error(self, total: int, source: object) -> DataError:
        """The error that a reader raises which was not asked to go on.

        Args:
            total: how many problems there are.
            source: the corpus as the user named it: what `posner check` is to be given.
        """
        children = {"ill-formed-tag": SchemeError, "unknown-tag": SchemeError}
        remedy = self.remedy
        if total > 1:
            remedy += f" ({total} problems in all: `posner check {source}` lists them)"
        else:
            remedy += f" (the only problem: `posner check {source}` shows it with statistics)"
        return children.get(self.kind, DataError)(self.reason, where=self._where, remedy=remedy)


def count_kinds(problems: Iterable[Problem]) -> dict[str, int]:
    """How many problems there are of each kind, the most frequent first."""
    return dict(Counter(problem.kind for problem in problems).most_common())


def raise_first(problems: Sequence[Problem], source: object) -> None:
    """Raise the first problem of a corpus, if there is one; the message says how many there are.

    Raises:
        DataError: there is a problem.
    """
    if problems:
        raise problems[0].error(len(problems), source)
