"""A graph in 8 bits: weights by output channel, activations as they come, embeddings by row.

Each linear layer becomes ONNX Runtime's `DynamicQuantizeMatMul`: it finds the range of what comes
in (over the whole batch), rounds that to 8 bits, multiplies integers and gives float32. Weights
are rounded symmetrically, each output channel on a scale of its own. The layers that give a few
numbers a word (the heads) stay in float32: they cost nothing, and what they say is the answer.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx_ir as ir
from onnx_ir.passes.common import RemoveUnusedNodesPass

from posner.export.fuse import constant, linears, new_weight

LEAST_WIDTH = 64
"""Linear layers with fewer outputs, and inputs, than this stay as they are."""

LEAST_ROWS = 1000
"""Embeddings of fewer rows than this stay as they are: they take no room."""

MICROSOFT = "com.microsoft"
"""Where ONNX Runtime keeps operators that ONNX itself does not have."""


def quantise(model: ir.Model) -> None:
    """Turn linear layers and embeddings to 8 bits, in place."""
    graph = model.graph
    for matmul, add in list(linears(graph)):
        weight = constant(matmul.inputs[1])
        if weight is not None and min(weight.shape) >= LEAST_WIDTH:
            _quantise_linear(graph, matmul, add, weight)
    for node in list(graph):
        table = constant(node.inputs[0]) if node.op_type == "Gather" else None
        if table is not None and table.ndim == 2 and len(table) >= LEAST_ROWS:
            _quantise_embedding(graph, node, table)
    graph.opset_imports.setdefault(MICROSOFT, 1)
    RemoveUnusedNodesPass()(model)


def rounded(
    values: npt.NDArray[np.float32], axis: int
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Whole numbers from -127 to 127, and the scale along `axis` that they are to be multiplied by.

    Args:
        values: two-dimensional.
        axis: over which the largest value is taken.
    """
    largest = np.abs(values).max(axis=axis, keepdims=True)
    scale = (np.where(largest > 0, largest, 1.0) / 127).astype(np.float32)
    return np.round(values / scale).astype(np.int8), scale


def _quantise_linear(
    graph: ir.Graph, matmul: ir.Node, add: ir.Node, weight: npt.NDArray[np.float32]
) -> None:
    whole, scale = rounded(weight, axis=0)
    name = matmul.name or matmul.outputs[0].name or ""
    bias = next(value for value in add.inputs if constant(value) is not None)
    node = ir.node(
        "DynamicQuantizeMatMul",
        [
            matmul.inputs[0],
            new_weight(graph, f"{name}/whole", whole),
            new_weight(graph, f"{name}/scale", scale[0]),
            new_weight(graph, f"{name}/zero", np.zeros(len(scale[0]), dtype=np.int8)),
            bias,
        ],
        domain=MICROSOFT,
    )
    graph.insert_before(add, node)
    add.outputs[0].replace_all_uses_with(node.outputs[0])


def _quantise_embedding(graph: ir.Graph, gather: ir.Node, table: npt.NDArray[np.float32]) -> None:
    """Rows are looked up as whole numbers, each with its scale."""
    whole, scale = rounded(table, axis=1)
    name, rows = gather.name or "embedding", gather.inputs[1]
    numbers = ir.node("Gather", [new_weight(graph, f"{name}/whole", whole), rows])
    scales = ir.node("Gather", [new_weight(graph, f"{name}/scale", scale), rows])
    real = ir.node("Cast", [numbers.outputs[0]], {"to": ir.DataType.FLOAT.value})
    scaled = ir.node("Mul", [real.outputs[0], scales.outputs[0]])
    graph.insert_before(gather, [numbers, scales, real, scaled])
    gather.outputs[0].replace_all_uses_with(scaled.outputs[0])
