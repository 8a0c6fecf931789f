"""Turning a missing package into the command that installs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from posner.errors import MissingExtraError


@contextmanager
def needs_train_extra(feature: str) -> Iterator[None]:
    """Imports inside this block need `posner[train]`.

    Raises:
        MissingExtraError: they are not there.
    """
    try:
        yield
    except ImportError as error:
        raise MissingExtraError(feature, "train") from error
