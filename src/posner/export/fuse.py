"""A traced graph made smaller: what changes no number but costs time is taken out.

ONNX Runtime's own rules find the rest (the sum before a layer norm, the bias before GELU); they
are applied once, here, and what they made is saved, so that a process that loads it need not.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx_ir as ir
import onnxruntime
from onnx_ir.passes.common import ClearMetadataAndDocStringPass, RemoveUnusedNodesPass

SLOW_RULES = ["SkipLayerNormFusion"]
"""Rules that cost time: on CPU the fused sum and norm takes six times as long as the two alone."""


def simplify(model: ir.Model) -> None:
    """Drop reshapes that lead back, join each layer's projections, drop inputs that nobody reads.

    Changes the model in place.
    """
    _drop_detours(model.graph)
    for node in [n for n in model.graph if n.op_type == "Attention"]:
        _join_projections(model.graph, node)
    RemoveUnusedNodesPass()(model)
    inputs = model.graph.inputs
    inputs[:] = [value for value in inputs if value.uses()]
    ClearMetadataAndDocStringPass()(model)


def _drop_detours(graph: ir.Graph) -> None:
    """Reshapes that end in the shape that they set out from: to heads and back."""
    for node in list(graph):
        if node.op_type != "Reshape":
            continue
        end, source = node.outputs[0], node.inputs[0]
        while source is not None and source.shape != end.shape:
            maker = _maker(source, "Reshape")
            if maker is None:
                break
            source = maker.inputs[0]
        if source is not None and source.shape is not None and source.shape == end.shape:
            end.replace_all_uses_with(source)


def _maker(value: ir.Value | None, kind: str) -> ir.Node | None:
    """The node that makes a value, if it is of that kind."""
    node = None if value is None else value.producer()
    return node if node is not None and node.op_type == kind else None


def constant(value: ir.Value | None) -> np.ndarray | None:
    """The numbers of a weight; None for what is computed."""
    if value is None or not value.is_initializer() or value.const_value is None:
        return None
    return value.const_value.numpy()


def linears(graph: ir.Graph) -> Iterator[tuple[ir.Node, ir.Node]]:
    """Each product with a two-dimensional weight, and the sum with a bias after it."""
    for add in graph:
        if add.op_type != "Add":
            continue
        for product, bias in (add.inputs, add.inputs[::-1]):
            matmul = _maker(product, "MatMul")
            weight = None if matmul is None else constant(matmul.inputs[1])
            found = constant(bias)
            if matmul is None or weight is None or found is None:
                continue
            if weight.ndim == 2 and found.shape == weight.shape[1:]:
                yield matmul, add


def _join_projections(graph: ir.Graph, attention: ir.Node) -> None:
    """Query, key and value of one input as one product, split afterwards."""
    by_output = {add.outputs[0]: (matmul, add) for matmul, add in linears(graph)}
    parts = [by_output.get(value) for value in attention.inputs[:3] if value is not None]
    found = [part for part in parts if part is not None]
    if len(found) < 3 or len({id(matmul.inputs[0]) for matmul, _ in found}) > 1:
        return
    weights = [w for matmul, _ in found if (w := constant(matmul.inputs[1])) is not None]
    biases = [next(b for b in map(constant, add.inputs) if b is not None) for _, add in found]
    if len({weight.shape[1] for weight in weights}) > 1:
        return
    name = found[0][0].name
    weight = new_weight(graph, f"{name}/joined/weight", np.concatenate(weights, axis=1))
    bias = new_weight(graph, f"{name}/joined/bias", np.concatenate(biases))
    source = found[0][0].inputs[0]
    product = ir.node("MatMul", [source, weight])
    total = ir.node("Add", [product.outputs[0], bias])
    split = ir.node("Split", [total.outputs[0]], {"axis": -1, "num_outputs": 3}, num_outputs=3)
    graph.insert_before(attention, [product, total, split])
    for i, value in enumerate(split.outputs):
        attention.replace_input_with(i, value)


def new_weight(graph: ir.Graph, name: str, values: np.ndarray) -> ir.Value:
    """A new weight of the graph."""
    tensor = ir.tensor(np.ascontiguousarray(values), name=name)
    value = ir.Value(name=name, const_value=tensor)
    value.shape, value.type = ir.Shape(values.shape), ir.TensorType(tensor.dtype)
    graph.register_initializer(value)
    return value


def save_optimised(model: ir.Model, path: Path) -> None:
    """Save a model as ONNX Runtime rewrites it, by rules that hold on every machine."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(path)
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory() as folder:
        traced = Path(folder) / "traced.onnx"
        ir.save(model, traced)
        onnxruntime.InferenceSession(
            traced, options, providers=["CPUExecutionProvider"], disabled_optimizers=SLOW_RULES
        )
