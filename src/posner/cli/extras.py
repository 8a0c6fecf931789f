"""Turning a missing package into the command that installs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from posner.errors import MissingExtraError


@contextmanager
def needs_extra(feature: str, extra: str) -> Iterator[None]:
    """Imports inside this block need `posner[extra]`.

    Raises:
        MissingExtraError: they are not there.
    """
    try:
        yield
    except ImportError as error:
        raise MissingExtraError(feature, extra) from error


def needs_train_extra(feature: str) -> AbstractContextManager[None]:
    """Imports inside this block need `posner[train]`."""
    return needs_extra(feature, "train")
