"""A model folder that runs with the base install: its graph, checked against the network."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from posner import __version__
from posner.align import PieceTokenizer
from posner.backends.onnx import write_transitions
from posner.document import Document
from posner.errors import DataError, ModelError
from posner.export import MAX_LOSS
from posner.export.checks import Graphs, Quality, check_parity, check_quality, probe
from posner.extras import needs_extra
from posner.files import folder_beside
from posner.folder import GRAPH, TOKENIZER, read_manifest
from posner.postprocess.thresholds import NO_THRESHOLDS, Thresholds
from posner.recognizer import Recognizer
from posner.seal import seal
from posner.surface import surface_of

with needs_extra("exporting a model", "export"):
    from posner.backends.torch import TorchBackend
    from posner.export.fuse import save_optimised, simplify
    from posner.export.graph import network_graph
    from posner.export.quantise import quantise
    from posner.foreign.adopt import own_folder
    from posner.model.merge import refuse_other, whole_network
    from posner.model.saved import ENCODER, WEIGHTS


@dataclass(frozen=True)
class Exported:
    """What an export made.

    Attributes:
        folder: the model folder.
        size: bytes of its files.
        difference: the largest one between an emission of the graph in full precision and of the
            network, over `PROBES`.
        int8: whether it is in 8 bits.
        quality: what they cost, where that was measured.
        thresholds: the model's own, below which entities were left out where it was measured.
    """

    folder: Path
    size: int
    int8: bool
    difference: float
    quality: Quality | None
    thresholds: Thresholds = NO_THRESHOLDS

    def to_json(self) -> dict[str, Any]:
        """The figures of `posner export --json`."""
        figures = export_figures(self.int8, self.difference, self.quality)
        return {"folder": str(self.folder), "size": self.size} | figures


def export_figures(int8: bool, difference: float, quality: Quality | None) -> dict[str, Any]:
    """What a model folder says of its own export."""
    return {
        "precision": "int8" if int8 else "fp32",
        "difference": difference,
        "dev": None if quality is None else quality.to_json(),
    }


def export_model(
    path: Path,
    out: Path,
    *,
    int8: bool = False,
    dev: Sequence[Document] | None = None,
    max_loss: float = MAX_LOSS,
    force: bool = False,
) -> Exported:
    """Write a model as one that needs neither torch nor transformers.

    Args:
        path: a model or run folder, or one that transformers saved.
        out: the model folder to make.
        int8: turn the graph to 8 bits.
        dev: labelled documents that 8 bits are judged on; without any they are not judged.
        max_loss: points of strict F1 on `dev` that 8 bits may lose.
        force: replace a model that stands there.

    Raises:
        ModelError: the model is exported already, or more than can be adopted; the graph answers
            otherwise than the network; 8 bits lose more than they may; or `out` holds something
            that is no model.
        DataError: `out` holds a model and `force` is off, or it cannot be written; `dev` has no
            entities.
        MissingExtraError: a package that exporting needs is not installed.
    """
    refuse_other(out, force=force)
    if dev is not None and not any(document.entities for document in dev):
        raise DataError("no entities to judge 8 bits by", where="--dev")
    with own_folder(path) as folder:
        return _export_folder(folder, out, int8, dev, max_loss, where=path)


def _export_folder(
    folder: Path,
    out: Path,
    int8: bool,
    dev: Sequence[Document] | None,
    max_loss: float,
    *,
    where: Path,
) -> Exported:
    """Write the model; `where` is what errors call it."""
    manifest = read_manifest(folder)
    if manifest.is_exported:
        raise ModelError("is exported already", where=where, remedy="name what it was made of")
    network, whole = whole_network(folder, manifest)
    native = TorchBackend(network, whole)
    surface = surface_of(folder, manifest)
    tokenizer = PieceTokenizer.from_file(folder / TOKENIZER)
    graphs = Graphs(whole, tokenizer, native.transitions, surface)
    expected = probe(Recognizer(whole, tokenizer, native, surface=surface))
    model = network_graph(network)
    simplify(model)
    with folder_beside(out) as beside, tempfile.TemporaryDirectory() as scratch:
        full, quality = Path(scratch) / GRAPH, None
        save_optimised(model, full)
        difference = check_parity(expected, probe(graphs.recognizer(full)), where)
        if int8:
            quantise(model)
            save_optimised(model, beside / GRAPH)
        else:
            shutil.copy(full, beside / GRAPH)
        if int8 and dev is not None:
            quality = graphs.quality(full, beside / GRAPH, dev)
            check_quality(quality, max_loss, where)
        for name in manifest.files.keys() - {WEIGHTS, ENCODER}:
            shutil.copy(folder / name, beside / name)
        if native.transitions is not None:
            write_transitions(beside, native.transitions)
        figures = whole.figures | {"export": export_figures(int8, difference, quality)}
        seal(beside, dataclasses.replace(whole, figures=figures, version=__version__))
    size = sum(file.stat().st_size for file in out.iterdir())
    return Exported(out, size, int8, difference, quality, whole.thresholds)
