"""Turning a missing package into the command that installs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from posner.errors import MissingExtraError


@contextmanager
def needs_extra(feature: str, extra: str) -> Iterator[None]:
    """Imports inside this block need `posner[extra]`.

    Raises:
        MissingExtraError: a package that they need is not there.
        ImportError: one is there and cannot be imported, or a module of Posner's own is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "posner":
            raise
        raise MissingExtraError(feature, extra, error.name) from error
