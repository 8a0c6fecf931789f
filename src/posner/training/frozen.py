"""A wholly frozen encoder is run once: its states are taken from the cache, or computed into it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from posner.align import EncodedDocument, PieceTokenizer
from posner.cache import Label, cache_folder, discard, megabytes, new_entry, sweep, touch
from posner.errors import ModelError
from posner.model.network import Network
from posner.model.stored import StateLayout, StoredStates, state_key, write_states
from posner.recipe import Recipe
from posner.training.console import Reporter, clock
from posner.training.prepare import PreparedSet
from posner.windows import Window


@dataclass(frozen=True)
class FrozenStates:
    """The states of what is learned and of what it is judged by.

    Attributes:
        prepared: the documents that `train` knows.
        train: their states; None where each epoch learns from other documents.
        dev: the dev set's.
    """

    prepared: PreparedSet
    train: StoredStates | None
    dev: StoredStates

    def of(self, learned: PreparedSet) -> StoredStates | None:
        """The states of an epoch's windows, unless its documents are others."""
        return self.train if learned.encoded is self.prepared.encoded else None


def wants_states(recipe: Recipe) -> bool:
    """Whether a training keeps its encoder's states: a frozen one's that sees whole words.

    With `pooling = none` there is no state a word.
    """
    backbone = recipe.backbone
    wanted = backbone.freeze_encoder and backbone.cache
    return wanted and recipe.data.pooling != "none"


@dataclass(frozen=True)
class StateKeeper:
    """Finds or computes states.

    Attributes:
        network: whose encoder it is.
        tokenizer: belongs to it.
        reporter: is told what is written.
    """

    network: Network
    tokenizer: PieceTokenizer
    reporter: Reporter

    def states(
        self, documents: Sequence[EncodedDocument], windows: Sequence[Window], corpus: str
    ) -> StoredStates:
        """The states of all windows of a corpus.

        Raises:
            DataError: there is no room for them, or they cannot be written.
            ModelError: they do not fit float16, or vanish as soon as they are written.
        """
        layout = StateLayout.of(windows, self.network)
        key = state_key(self.network, self.tokenizer, documents, layout)
        found = self._kept(key, layout)
        if found is not None:
            self.reporter.say(
                f"the frozen encoder's states of {corpus} are kept from before: "
                f"{megabytes(layout.bytes)} MB in {cache_folder() / key}"
            )
        else:
            self._compute(key, layout, documents, corpus)
            found = self._kept(key, layout)
        if found is None:
            raise ModelError("vanished while it was used", where=cache_folder() / key)
        return found

    def _kept(self, key: str, layout: StateLayout) -> StoredStates | None:
        """What the cache holds; a damaged entry is removed."""
        entry = cache_folder() / key
        if not entry.is_dir():
            return None
        try:
            states = StoredStates(layout, entry)
        except ModelError as error:
            self.reporter.say(f"{error.where}: damaged, so it is made anew")
            discard(entry)
            return None
        touch(entry)
        return states

    def _compute(
        self, key: str, layout: StateLayout, documents: Sequence[EncodedDocument], corpus: str
    ) -> None:
        sweep(psutil.pid_exists)
        backbone = self.network.recipe.backbone
        told = f"{layout.words:,} words, layers {backbone.layers}"
        label = Label(backbone.name, corpus, told)
        with new_entry(key, label, layout.bytes) as folder:
            self.reporter.say(
                f"computing the frozen encoder's states of {corpus} once: {told}; "
                f"{megabytes(layout.bytes)} MB in {cache_folder() / key}"
            )
            begin = time.perf_counter()
            with self.reporter.working("words", layout.words) as progress:
                write_states(folder, self.network, self.tokenizer, documents, layout, progress)
        self.reporter.say(f"done in {clock(time.perf_counter() - begin)}")
