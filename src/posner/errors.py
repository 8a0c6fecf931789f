"""What a user can do wrong, told in one line: where, the problem, expected, got, how to mend it.

Every error that a user can cause is a `PosnerError`; the command line prints it on one line and
ends with its `exit_code`. Anything else that escapes is a defect of the program.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A remedy for a name that there is not: the nearest known one; None where none is near."""
    folded = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(name.casefold(), folded, n=1)
    return f"did you mean {folded[near[0]]}?" if near else None


class PosnerError(Exception):
    """One clear line about something the user can mend.

    Args:
        problem: what is wrong, in a few words.
        where: the file (and line), folder, field or flag.
        expected: what would have been right.
        got: what was found instead.
        remedy: what to do about it.
    """

    exit_code = 1

    def __init__(
        self,
        problem: str,
        *,
        where: object = None,
        expected: object = None,
        got: object = None,
        remedy: str | None = None,
    ) -> None:
        self.problem = problem
        self.where = None if where is None else str(where)
        self.expected = None if expected is None else str(expected)
        self.got = None if got is None else str(got)
        self.remedy = remedy
        super().__init__(self.line())

    def line(self) -> str:
        """The whole message on one line."""
        text = f"{self.where}: {self.problem}" if self.where else self.problem
        details = [
            f"{name} {value}"
            for name, value in (("expected", self.expected), ("got", self.got))
            if value is not None
        ]
        if details:
            text += f" ({', '.join(details)})"
        if self.remedy:
            text += f"; {self.remedy}"
        return " ".join(text.split())


class UsageError(PosnerError):
    """The call itself is wrong: a flag that is unknown, missing, or excludes another."""

    exit_code = 2


class DataError(PosnerError):
    """A corpus or text that cannot be read or does not say what it should."""


class SchemeError(DataError):
    """Tags that are illegal in their scheme, or spans that a scheme cannot hold."""


class RecipeError(PosnerError):
    """A recipe with an unknown key or a value out of range."""


class ModelError(PosnerError):
    """A model folder that is missing, damaged, foreign, or newer than the program."""


class MissingExtraError(PosnerError):
    """A feature whose optional packages are not installed.

    Args:
        feature: what needs them.
        extra: brings them.
        missing: the module that was not found, where one is known.
    """

    def __init__(self, feature: str, extra: str, missing: str | None = None) -> None:
        named = "" if missing is None else f": no module named {missing}"
        super().__init__(
            f"{feature} needs packages that are not installed{named}",
            remedy=f"install them with: pip install 'posner[{extra}]'",
        )
