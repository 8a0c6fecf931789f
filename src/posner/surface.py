"""What the surface of a word and of its neighbours says of its tag: a CRF beside the network.

Annotations have habits: what a word was called once it mostly is called again. A CRF over word
forms, endings and shapes learns these by heart, a network learns what a sentence means; so they err
in different places, and their weighted sum, which is a product of two models' probabilities
(a logarithmic opinion pool: Smith, Cohn and Osborne 2005, "Logarithmic opinion pools for
conditional random fields"), finds more than either. Each is learned for itself, as a CRF that is
learned together with something stronger learns next to nothing (Sutton et al. 2006).

A word's features are looked up by their checksums: a model does not spell out the words that it
learned from.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from posner.decode import Transitions
from posner.errors import ModelError
from posner.files import write_bytes
from posner.folder import Manifest
from posner.windows import FloatArray
from posner.word_features import CACHED_LETTERS, shape_of

SURFACE = "surface.safetensors"
"""Its file in a model folder."""

BEGIN, END = ("begin",), ("end",)
"""The features that a sentence's first and last word have besides."""

OFFSETS = (0, 1, -1, 2, -2)
"""The words that a word's features tell something of: itself, those after it and those before."""

CACHED_WORDS = 16_384
"""Distinct words whose weights are remembered, the first that come: with 17 tags 8 MB of memory."""

KeyArray = npt.NDArray[np.uint32]


def word_features(word: str) -> tuple[tuple[str, ...], ...]:
    """What a word tells to each of `OFFSETS`: `near_features` and `further_features`."""
    both = zip(near_features(word), further_features(word), strict=True)
    return tuple(near + further for near, further in both)


def near_features(word: str) -> tuple[tuple[str, ...], ...]:
    """Those features that are usual for CRFs.

    Of itself its lower-cased form, its last three and two letters and its shape; of its neighbours
    form and shape.
    """
    lower, shape = word.lower(), shape_of(word)
    return (
        (f"form={lower}", f"last3={word[-3:]}", f"last2={word[-2:]}", f"shape={shape}"),
        (f"-1 form={lower}", f"-1 shape={shape}"),
        (f"+1 form={lower}", f"+1 shape={shape}"),
        (),
        (),
    )


def further_features(word: str) -> tuple[tuple[str, ...], ...]:
    """Those that only help where they are seen again: longer affixes, and words two away."""
    lower = word.lower()
    affixes = (f"first3={lower[:3]}", f"first4={lower[:4]}", f"last4={lower[-4:]}")
    return (affixes, (), (), (f"-2 form={lower}",), (f"+2 form={lower}",))


def key_of(feature: str) -> int:
    """The checksum that a feature is looked up by."""
    return zlib.crc32(feature.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True, eq=False)
class Surface:
    """A linear-chain CRF over surface features.

    Attributes:
        keys: (features,) sorted checksums of those that have weights.
        states: (features, tags) weights; half precision halves what they add to a model.
        start, pairs, end: (tags,), (tags, tags), (tags,) transitions within legal paths.
        weight: of its emissions and transitions beside the network's.
    """

    keys: KeyArray
    states: npt.NDArray[np.float16]
    start: FloatArray
    pairs: FloatArray
    end: FloatArray
    weight: float = 1.0
    _known: dict[str, FloatArray] = field(
        init=False, default_factory=dict, repr=False, compare=False
    )

    @classmethod
    def read(cls, folder: Path, tags: int) -> Surface:
        """That of a model folder.

        Args:
            folder: the model folder.
            tags: how many the model has.

        Raises:
            ModelError: its file is damaged, or is of another number of tags.
        """
        path = folder / SURFACE
        try:
            found = load_file(path)
        except (OSError, ValueError, SafetensorError) as error:
            raise ModelError("damaged", where=path, got=error) from error
        shapes = {name: table.shape for name, table in found.items()}
        count = len(found.get("keys", ()))
        expected: dict[str, tuple[int, ...]] = {"keys": (count,), "states": (count, tags)}
        expected |= {"start": (tags,), "pairs": (tags, tags), "end": (tags,), "weight": (1,)}
        if shapes != expected or not count:
            raise ModelError("damaged", where=path, expected=expected, got=shapes)
        keys, weight = found["keys"], float(found["weight"][0])
        sorted_keys = keys.dtype == np.uint32 and bool((keys[1:] > keys[:-1]).all())
        if not sorted_keys or not all(np.isfinite(table).all() for table in found.values()):
            expected_of = "sorted whole-numbered keys and finite weights"
            raise ModelError("damaged", where=path, expected=expected_of)
        return cls(
            keys,
            found["states"],
            found["start"],
            found["pairs"],
            found["end"],
            weight=weight,
        )

    def write(self, folder: Path) -> None:
        """Into a model folder, which is sealed afterwards."""
        arrays: dict[str, Any] = {
            name: np.ascontiguousarray(getattr(self, name))
            for name in ("keys", "states", "start", "pairs", "end")
        }
        arrays["weight"] = np.array([self.weight], dtype=np.float32)
        write_bytes(folder / SURFACE, save(arrays))

    def weighing(self, weight: float) -> Surface:
        """The same with another weight; what it remembers of words is shared."""
        other = replace(self, weight=weight)
        object.__setattr__(other, "_known", self._known)
        return other

    def over(self, places: Sequence[int], tags: int) -> Surface:
        """The same over more tags, of which the new ones weigh nothing.

        Args:
            places: of its own tags among them.
            tags: how many there are.
        """
        states = np.zeros((len(self.keys), tags), dtype=np.float16)
        start, end = np.zeros((2, tags), dtype=np.float32)
        pairs = np.zeros((tags, tags), dtype=np.float32)
        states[:, places], start[places], end[places] = self.states, self.start, self.end
        pairs[np.ix_(places, places)] = self.pairs
        return Surface(self.keys, states, start, pairs, end, self.weight)

    def emissions(self, sentences: Sequence[Sequence[str]]) -> list[FloatArray]:
        """Its weighted emissions: (words, tags) for each sentence.

        Args:
            sentences: the forms of each one's words.
        """
        lengths = [len(words) for words in sentences]
        words = list(chain.from_iterable(sentences))
        if not words:
            return [np.zeros((0, self.states.shape[1]), dtype=np.float32) for _ in sentences]
        weights = self._weights(words)  # (words, offsets, tags)
        number = np.repeat(np.arange(len(lengths)), lengths)  # of each word's sentence
        total = np.zeros((len(words), self.states.shape[1]), dtype=np.float32)
        for place, offset in enumerate(OFFSETS):
            told = np.arange(max(0, offset), len(words) + min(0, offset))
            told = told[number[told] == number[told - offset]]
            total[told] += weights[told - offset, place]
        begin, end = self._borders
        total[np.flatnonzero(np.diff(number, prepend=-1))] += begin
        total[np.flatnonzero(np.diff(number, append=-1))] += end
        return np.split(np.float32(self.weight) * total, np.cumsum(lengths)[:-1])

    def added_to(self, transitions: Transitions) -> Transitions:
        """Transitions with its weighted own."""
        start, pairs, end = (self.weight * own for own in (self.start, self.pairs, self.end))
        return transitions.plus(start, pairs, end)

    @cached_property
    def _borders(self) -> tuple[FloatArray, FloatArray]:
        """(tags,) each: what it weighs that a word begins, or ends, its sentence."""
        return self._summed(BEGIN), self._summed(END)

    def _weights(self, words: Sequence[str]) -> FloatArray:
        """(words, offsets, tags) what each word's features weigh for each of `OFFSETS`."""
        known = self._known
        fresh = {word: self._offsets(word) for word in {w for w in words if w not in known}}
        for word, weights in fresh.items():
            if len(known) < CACHED_WORDS and len(word) <= CACHED_LETTERS:
                known[word] = weights
        return np.stack([known[word] if word in known else fresh[word] for word in words])

    def _offsets(self, word: str) -> FloatArray:
        """(offsets, tags)."""
        return np.stack([self._summed(names) for names in word_features(word)])

    def _summed(self, features: Sequence[str]) -> FloatArray:
        """(tags,) the sum of the weights of features, those that are not known left out."""
        if not len(self.keys):
            return np.zeros(self.states.shape[1], dtype=np.float32)
        keys = np.array([key_of(feature) for feature in features], dtype=np.uint32)
        places = np.searchsorted(self.keys, keys).clip(max=len(self.keys) - 1)
        rows = places[self.keys[places] == keys]
        total: FloatArray = self.states[rows].sum(axis=0, dtype=np.float32)
        return total


def surface_of(folder: Path, manifest: Manifest) -> Surface | None:
    """The surface CRF that stands beside a model folder's network; None where none does.

    Raises:
        ModelError: its file is damaged, or is of another number of tags.
    """
    return Surface.read(folder, len(manifest.tags)) if SURFACE in manifest.files else None
