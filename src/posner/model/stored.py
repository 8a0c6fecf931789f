"""The states of a frozen encoder in files: computed once, read by window.

`words.npy` holds (words of all windows, layers, width) in float16, `sentences.npy` (windows,
width) where the recipe wants the window's state. Both are in the order in which they were
computed, windows alike in length together, as training batches take them. float16 keeps three
decimal digits, bfloat16 only two; both take half of float32's room.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
import torch

from posner.align import EncodedDocument, PieceTokenizer
from posner.batching import collate, sorted_batches
from posner.errors import ModelError
from posner.model.adapters import fingerprint
from posner.model.backbone import encoder_config
from posner.model.network import Network
from posner.model.states import States
from posner.model.tensors import TensorBatch, batch_pieces, device_of
from posner.windows import Window

HalfArray = npt.NDArray[np.float16]

FORMAT = 1
WORDS, SENTENCES = "words.npy", "sentences.npy"

Place = tuple[int, int, int]
"""What a window sees: its document, its first word and its last (exclusive)."""


@dataclass(frozen=True)
class StateLayout:
    """Which windows are kept, and where.

    Attributes:
        windows: different ones, in the order of the files.
        layers: layers of a word's state.
        width: of a layer's state.
        sentence: whether the windows' own states are kept too.
    """

    windows: Sequence[Window]
    layers: int
    width: int
    sentence: bool

    @classmethod
    def of(cls, windows: Sequence[Window], network: Network) -> StateLayout:
        """Lay out windows; those that see the same words are one."""
        different = list({_place(window): window for window in windows}.values())
        return cls(
            windows=sorted(different, key=lambda window: -window.pieces),
            layers=network.mix.count,
            width=int(network.encoder.config.hidden_size),  # type: ignore[union-attr, arg-type]
            sentence=network.recipe.features.sentence,
        )

    @property
    def words(self) -> int:
        """Words of all windows."""
        return sum(window.last - window.first for window in self.windows)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each file's array."""
        shapes: dict[str, tuple[int, ...]] = {WORDS: (self.words, self.layers, self.width)}
        if self.sentence:
            shapes[SENTENCES] = (len(self.windows), self.width)
        return shapes

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(2 * int(np.prod(shape)) for shape in self.shapes.values())


class StoredStates:
    """States in mapped files.

    Args:
        layout: what they hold.
        folder: where they are.

    Raises:
        ModelError: a file is missing or damaged.
    """

    def __init__(self, layout: StateLayout, folder: Path) -> None:
        arrays = {name: _mapped(folder / name, shape) for name, shape in layout.shapes.items()}
        self._words = arrays[WORDS]
        self._sentences = arrays.get(SENTENCES)
        self._places: dict[Place, tuple[int, int]] = {}
        row = 0
        for number, window in enumerate(layout.windows):
            self._places[_place(window)] = (number, row)
            row += window.last - window.first

    def states(self, windows: Sequence[Window], device: torch.device) -> States:
        """The states of some windows, padded to the longest with zeros, in float32."""
        longest = max(window.last - window.first for window in windows)
        words = np.zeros((len(windows), longest, *self._words.shape[1:]), dtype=np.float16)
        numbers = []
        for row, window in enumerate(windows):
            number, first = self._places[_place(window)]
            count = window.last - window.first
            words[row, :count] = self._words[first : first + count]
            numbers.append(number)
        tokens = torch.from_numpy(words).to(device).float()
        if self._sentences is None:
            return States(tokens, None)
        return States(tokens, torch.from_numpy(self._sentences[numbers]).to(device).float())


def state_key(
    network: Network,
    tokenizer: PieceTokenizer,
    documents: Sequence[EncodedDocument],
    layout: StateLayout,
) -> str:
    """SHA-256 over all that states depend on.

    These are the encoder's weights and configuration, the special pieces, the corpus's pieces,
    the windows, and what is taken from the encoder. Settings that lead to the same windows of the
    same pieces have the same states, and so one key.
    """
    recipe = network.recipe
    facts = {
        "format": FORMAT,
        "encoder": _fixed(encoder_config(network.encoder)),
        "layers": recipe.backbone.layer_numbers,
        "pooling": recipe.data.pooling,
        "sentence": recipe.features.sentence,
        "special": [tokenizer.prefix, tokenizer.suffix],
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode())
    digest.update(fingerprint(network.encoder).encode())
    for document in documents:
        for array in (document.ids, document.starts):
            digest.update(len(array).to_bytes(8, "little") + array.tobytes())
    windows = [(*_place(window), window.pieces) for window in layout.windows]
    digest.update(np.array(windows, dtype=np.int64).tobytes())
    return digest.hexdigest()


def write_states(
    folder: Path,
    network: Network,
    tokenizer: PieceTokenizer,
    documents: Sequence[EncodedDocument],
    layout: StateLayout,
    progress: Callable[[int], None],
) -> None:
    """Run the encoder over all windows, in float32.

    Args:
        folder: where the files go.
        network: whose encoder it is.
        tokenizer: belongs to it.
        documents: that the windows are of.
        layout: what to write.
        progress: is told the words done.

    Raises:
        ModelError: states that float16 cannot hold.
    """
    device = device_of(network)
    network.encoder.eval()
    with (
        (folder / WORDS).open("wb") as words_file,
        (folder / SENTENCES).open("wb") as sentences_file,
        torch.inference_mode(),
    ):
        for file, shape in zip((words_file, sentences_file), layout.shapes.values(), strict=False):
            _write_header(file, shape)
        done, begin = 0, 0
        budget = batch_pieces(device)
        for batch_indices in sorted_batches([w.pieces for w in layout.windows], budget):
            chosen = layout.windows[begin : begin + len(batch_indices)]
            begin += len(chosen)
            batch = collate(chosen, documents, tokenizer)
            states = network.states(TensorBatch.of(batch, device))
            tokens = _half(states.tokens)[batch.word_mask]  # (words, layers, width)
            words_file.write(tokens.tobytes())
            if states.sentence is not None:
                sentences_file.write(_half(states.sentence).tobytes())
            done += len(tokens)
            progress(done)
    if not layout.sentence:
        (folder / SENTENCES).unlink()


def _place(window: Window) -> Place:
    return window.document, window.first, window.last


def _fixed(config: dict[str, object]) -> dict[str, object]:
    """An encoder's configuration without what changes nothing in evaluation mode."""
    idle = ("drop", "dtype", "version")
    return {k: v for k, v in config.items() if not any(part in k for part in idle)}


def _half(states: torch.Tensor) -> HalfArray:
    """The states in float16.

    Raises:
        ModelError: one is too large for it.
    """
    halves: HalfArray = states.half().cpu().numpy()
    if not np.isfinite(halves).all():
        raise ModelError(
            "the frozen encoder's states cannot be kept in half precision",
            where="backbone.layers",
            expected="at most 65504",
            got=f"{float(states.abs().max()):.0f}",
            remedy="choose other layers, or set backbone.cache = false",
        )
    return halves


def _write_header(file: IO[bytes], shape: tuple[int, ...]) -> None:
    header = {"descr": "<f2", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


def _mapped(path: Path, shape: tuple[int, ...]) -> HalfArray:
    """A file's array, not read yet.

    Raises:
        ModelError: it is missing, or not of that shape and the size that belongs to it.
    """
    try:
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        whole = mapped.offset + mapped.nbytes == path.stat().st_size
    except (OSError, ValueError, EOFError, AttributeError) as error:
        raise ModelError("damaged", where=path, got=error) from error
    if mapped.shape != shape or mapped.dtype != np.dtype("<f2") or not whole:
        raise ModelError("damaged", where=path, expected=shape, got=mapped.shape)
    return np.asarray(mapped)  # the plain array is faster to slice
