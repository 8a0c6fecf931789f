"""The extra that most commands need."""

from __future__ import annotations

from contextlib import AbstractContextManager

from posner.extras import needs_extra


def needs_train_extra(feature: str) -> AbstractContextManager[None]:
    """Imports inside this block need `posner[train]`."""
    return needs_extra(feature, "train")
