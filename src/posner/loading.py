"""Model folders to recognisers: ours on either backend, and token classifiers of transformers'."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from posner.align import PieceTokenizer
from posner.errors import ModelError, UsageError
from posner.extras import needs_extra
from posner.folder import TOKENIZER, Manifest, find_model, read_manifest
from posner.foreign.folder import is_foreign
from posner.recognizer import Recognizer
from posner.surface import surface_of

if TYPE_CHECKING:
    from posner.backends.torch import TorchBackend

Aggregation = Literal["legal", "first", "average", "max", "simple"]
"""How the pieces of a foreign model become entities, see `load`."""


def load(
    path: str | os.PathLike[str],
    *,
    device: str = "auto",
    precision: Literal["fp32", "bf16"] = "fp32",
    aggregation: Aggregation = "legal",
    threads: int | None = None,
) -> Recognizer:
    """Load a model or run folder, or a token classifier that transformers saved.

    That takes no network, unless it has adapters over an encoder of the hub of which no copy is
    kept on this machine.

    Args:
        path: a model folder, exported or not, or the run folder around it; or a folder of
            transformers' with config.json, safetensors and a tokenizer.
        device: `auto`, `cpu`, `cuda` or `mps`; an exported model runs on the CPU.
        precision: `bf16` is faster where the device computes it natively; see `TorchBackend`.
        aggregation: for folders of transformers': with `legal` each of our words is tagged by its
            first piece, on the best legal path; the others give the entities that transformers'
            pipeline gives with that aggregation strategy.
        threads: that compute on the CPU; by default an exported model has one for each core that
            the process may use, and torch as many as it chooses. For torch the number holds for
            the whole process.

    Raises:
        ModelError: the folder is missing, damaged, of no known kind or newer than the program, or
            the encoder that its adapters stand on is missing or another.
        UsageError: another aggregation than `legal` for one of Posner's own models; no threads.
        MissingExtraError: torch is not installed and the model is not exported, or peft for a
            model with adapters.
    """
    if threads is not None and threads < 1:
        raise UsageError(
            "a model needs a thread", where="threads", expected="1 or more", got=threads
        )
    recognizer = _loaded(
        path, device=device, precision=precision, aggregation=aggregation, threads=threads
    )
    recognizer.reload = partial(
        load,
        Path(path).absolute(),
        device=device,
        precision=precision,
        aggregation=aggregation,
        threads=threads,
    )
    return recognizer


def _loaded(
    path: str | os.PathLike[str],
    *,
    device: str,
    precision: Literal["fp32", "bf16"],
    aggregation: Aggregation,
    threads: int | None,
) -> Recognizer:
    """What `load` loads."""
    if is_foreign(path):
        from posner.piece_recognizer import load_foreign

        _limit_torch(threads)
        return load_foreign(Path(path), device=device, precision=precision, aggregation=aggregation)
    if aggregation != "legal":
        raise UsageError(
            "one of Posner's own models tags whole words, so no aggregation can be named",
            where=path,
            got=aggregation,
        )
    folder = find_model(path)
    manifest = read_manifest(folder)
    tokenizer = PieceTokenizer.from_file(folder / TOKENIZER)
    if manifest.is_exported:
        return _exported(folder, manifest, tokenizer, device, precision, threads)
    _limit_torch(threads)
    backend = _torch_backend().load(folder, manifest, device=device, precision=precision)
    return Recognizer(manifest, tokenizer, backend, workers=1, surface=surface_of(folder, manifest))


def _limit_torch(threads: int | None) -> None:
    """Let torch compute on so many threads, where a number is wished for."""
    if threads is not None:
        _torch_backend().limit_threads(threads)


def _exported(
    folder: Path,
    manifest: Manifest,
    tokenizer: PieceTokenizer,
    device: str,
    precision: str,
    threads: int | None,
) -> Recognizer:
    """A model that ONNX Runtime runs, on each core that the process may use."""
    if device not in ("auto", "cpu"):
        raise ModelError("an exported model runs on the CPU", where=folder, got=device)
    if precision != "fp32":
        raise ModelError(
            "an exported model has the precision that it was exported with",
            where=folder,
            got=precision,
        )
    from posner.backends.cores import cores
    from posner.backends.onnx import OnnxBackend

    backend = OnnxBackend.load(folder, manifest)
    workers = cores() if threads is None else threads
    surface = surface_of(folder, manifest)
    return Recognizer(manifest, tokenizer, backend, workers=workers, surface=surface)


def load_adapters(
    paths: Sequence[str | os.PathLike[str]],
    *,
    device: str = "auto",
    precision: Literal["fp32", "bf16"] = "fp32",
) -> list[Recognizer]:
    """Load several models with adapters over one encoder, which is in memory once.

    Each answers as if it had been loaded alone, in any order and from any thread.

    Args:
        paths: model or run folders; the recognisers come in their order.
        device: see `load`.
        precision: see `load`.

    Raises:
        ModelError: as `load`; or one has no adapters, or stands on another encoder than the first.
        MissingExtraError: torch or peft is not installed.
    """
    folders = [find_model(path) for path in paths]
    manifests = [read_manifest(folder) for folder in folders]
    models = list(zip(folders, manifests, strict=True))
    backends = _torch_backend().load_adapters(models, device=device, precision=precision)
    recognizers = [
        Recognizer(
            manifest,
            PieceTokenizer.from_file(folder / TOKENIZER),
            backend,
            surface=surface_of(folder, manifest),
        )
        for (folder, manifest), backend in zip(models, backends, strict=True)
    ]
    for recognizer, folder in zip(recognizers, folders, strict=True):
        recognizer.reload = partial(load, folder.absolute(), device=device, precision=precision)
    return recognizers


def _torch_backend() -> type[TorchBackend]:
    with needs_extra("running this model", "train"):
        from posner.backends.torch import TorchBackend
    return TorchBackend
