"""The network on ONNX Runtime: an exported folder, run with the base install alone.

The folder holds the graph (`model.onnx`, everything between a batch's arrays and emissions) and,
where the entity head is a CRF, its weights between tags (`transitions.json`), which decoding adds
in NumPy.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime

from posner.backends import Emissions
from posner.batching import Batch
from posner.decode import Transitions, legal_transitions
from posner.errors import ModelError
from posner.folder import GRAPH, Manifest
from posner.schemes import SCHEMES

TRANSITIONS = "transitions.json"

BATCH_PIECES = 384
"""Padded pieces in a batch: what passes between two layers then stays in a core's own cache."""


class OnnxBackend:
    """Runs an exported graph, each batch on one core; several threads may call it at once.

    Many small batches side by side take less time than one after the other over all cores, which
    would have to wait for each other at each of a graph's nodes.

    Args:
        session: a graph whose inputs are named like the arrays of `Batch`.
        transitions: the CRF's weights within the legal paths, or None for a softmax head.
    """

    def __init__(
        self, session: onnxruntime.InferenceSession, transitions: Transitions | None
    ) -> None:
        self._session = session
        self._transitions = transitions
        self._inputs = [value.name for value in session.get_inputs()]
        self._outputs = [value.name for value in session.get_outputs()]

    @classmethod
    def load(cls, folder: Path, manifest: Manifest) -> OnnxBackend:
        """Load an exported folder.

        Raises:
            ModelError: its files do not fit together.
        """
        return cls(open_session(folder / GRAPH), read_transitions(folder, manifest))

    @property
    def transitions(self) -> Transitions | None:
        """The CRF's weights within the legal paths, or None for a softmax head."""
        return self._transitions

    @property
    def batch_pieces(self) -> int:
        """Padded pieces that it computes fastest at once."""
        return BATCH_PIECES

    def emissions(self, batch: Batch) -> Emissions:
        """Run one batch."""
        feed = {name: getattr(batch, name) for name in self._inputs}
        found = dict(zip(self._outputs, self._session.run(self._outputs, feed), strict=True))
        return Emissions(found["entity"], found.get("pos"), found.get("chunk"))


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """A session over a saved graph.

    Raises:
        ModelError: ONNX Runtime cannot run it.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # The graph was optimised before it was saved.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    # It would keep a plan for each shape that a batch ever had.
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no parent of their own
        raise ModelError(
            "ONNX Runtime cannot run it",
            where=path,
            got=str(error).splitlines()[0],
            remedy="upgrade with: pip install --upgrade onnxruntime; or export the model again",
        ) from error


def write_transitions(folder: Path, transitions: Transitions) -> None:
    """Keep a CRF's weights beside its graph."""
    tables = {name: getattr(transitions, name).tolist() for name in ("start", "pairs", "end")}
    (folder / TRANSITIONS).write_text(json.dumps(tables) + "\n", encoding="utf-8")


def read_transitions(folder: Path, manifest: Manifest) -> Transitions | None:
    """The CRF's weights within the legal paths; None where the folder has none.

    Raises:
        ModelError: they are not those of the model's tags.
    """
    if TRANSITIONS not in manifest.files:
        return None
    path = folder / TRANSITIONS
    legal = legal_transitions(manifest.tags, SCHEMES[manifest.recipe.data.scheme])
    try:
        tables = json.loads(path.read_text(encoding="utf-8"))
        found = Transitions(*(np.array(tables[name], float) for name in ("start", "pairs", "end")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError("damaged", where=path, got=error) from error
    if (found.start.shape, found.pairs.shape) != (legal.start.shape, legal.pairs.shape):
        raise ModelError("weights of other tags than the model's", where=path)
    return found
