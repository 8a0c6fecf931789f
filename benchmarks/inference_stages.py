"""Where the time from text to entities goes on one core, and what that core multiplies at most."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from posner.backends.onnx import BATCH_PIECES
from posner.batching import collate, sorted_batches
from posner.model.saved import ENCODER
from posner.recognizer import Recognizer
from posner.tagger import segmented

REPETITIONS = 3


def stage_rows(recognizer: Recognizer, texts: Sequence[str]) -> list[list[str]]:
    """Each stage's time a word, the best of a few runs, and its share; nothing overlaps."""
    best: dict[str, float] = {}
    words = 1
    for _ in range(REPETITIONS):
        seconds, words = _stages(recognizer, texts)
        best = {name: min(best.get(name, s), s) for name, s in seconds.items()}
    total = sum(best.values())
    return [
        [name, f"{1e6 * s / words:.1f}", f"{100 * s / total:.1f} %"] for name, s in best.items()
    ]


def _stages(recognizer: Recognizer, texts: Sequence[str]) -> tuple[dict[str, float], int]:
    """Seconds of each stage, and the number of words."""
    seconds: dict[str, float] = {}

    def timed(name: str, action: Callable[[], Any]) -> Any:
        begin = time.perf_counter()
        result = action()
        seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - begin
        return result

    documents = timed("sentences and words", lambda: [segmented(text) for text in texts])
    encoded = timed("pieces", lambda: recognizer.encoder.encode(documents))
    windows = timed("windows and batches", lambda: recognizer.plan.windows(encoded))
    for indices in sorted_batches([w.pieces for w in windows], BATCH_PIECES):
        chosen = [windows[i] for i in indices]
        batch = timed(
            "windows and batches", partial(collate, chosen, encoded, recognizer.tokenizer)
        )
        timed("network", partial(recognizer.backend.emissions, batch))
    votes = recognizer.votes(documents)
    entities = [vote.entity for vote in votes]
    timed("decoding", lambda: recognizer.decoder.decode(entities))
    timed("decoding and documents", lambda: recognizer.assemble(documents, votes))
    seconds["documents"] = max(0.0, seconds.pop("decoding and documents") - seconds["decoding"])
    return seconds, sum(document.word_count for document in documents)


def ceiling_rows(folder: Path) -> list[list[str]]:
    """The encoder's products by ONNX Runtime on one core."""
    config = json.loads((folder / ENCODER).read_text(encoding="utf-8"))
    width = int(config.get("hidden_size") or config["dim"])
    inner = int(config.get("intermediate_size") or config["hidden_dim"])
    shapes = [(width, 3 * width), (width, width), (width, inner), (inner, width)]
    return [
        [f"{k} x {n}", f"{_rate(k, n, int8=False):,.0f}", f"{_rate(k, n, int8=True):,.0f}"]
        for k, n in shapes
    ]


def _rate(k: int, n: int, *, int8: bool) -> float:
    """Thousand millions of operations a second, at best."""
    random = np.random.default_rng(0)
    given = random.standard_normal((BATCH_PIECES, k)).astype(np.float32)
    session = _product(k, n, int8=int8)
    session.run(None, {"x": given})
    best = float("inf")
    for _ in range(20):
        begin = time.perf_counter()
        session.run(None, {"x": given})
        best = min(best, time.perf_counter() - begin)
    return 2 * BATCH_PIECES * k * n / best / 1e9


def _product(k: int, n: int, *, int8: bool) -> onnxruntime.InferenceSession:
    """One linear layer."""
    if int8:
        weights = [
            numpy_helper.from_array(np.ones((k, n), np.int8), "w"),
            numpy_helper.from_array(np.ones(n, np.float32), "scale"),
            numpy_helper.from_array(np.zeros(n, np.int8), "zero"),
        ]
        inputs, kind, domain = ["x", "w", "scale", "zero"], "DynamicQuantizeMatMul", "com.microsoft"
    else:
        weights = [numpy_helper.from_array(np.ones((k, n), np.float32), "w")]
        inputs, kind, domain = ["x", "w"], "MatMul", ""
    graph = helper.make_graph(
        [helper.make_node(kind, inputs, ["y"], domain=domain)],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["pieces", k])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["pieces", n])],
        weights,
    )
    imports = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=imports, ir_version=10)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
