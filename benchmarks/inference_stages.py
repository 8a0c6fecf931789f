"""Where the time from text to entities goes on one core, and what that core multiplies at most."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from posner.backends.onnx import BATCH_PIECES
from posner.crew import Crew
from posner.model.saved import ENCODER
from posner.recognizer import Recognizer
from posner.tagger import segmented

REPETITIONS = 3

T = TypeVar("T")


WHOLE = "the whole"
REST = "rest"


def stage_rows(recognizer: Recognizer, texts: Sequence[str]) -> list[list[str]]:
    """Each stage's time a word and its share, in the fastest of a few runs; nothing overlaps.

    The stages are timed inside of the road itself, each without those that it calls. What is left
    of the whole is the last row but one, so that the rows sum to the whole.
    """
    runs = [_stages(recognizer, texts) for _ in range(REPETITIONS)]
    seconds, words = min(runs, key=lambda run: run[0][WHOLE])
    whole = seconds[WHOLE]
    return [
        [name, f"{1e6 * s / words:.2f}", f"{100 * s / whole:.1f} %"] for name, s in seconds.items()
    ]


class Clock:
    """Seconds of each stage, without those of the stages inside it.

    Attributes:
        seconds: by stage.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inside: list[float] = []

    def timed(self, stage: str, action: Callable[..., T]) -> Callable[..., T]:
        """The action, its time added to that of its stage."""

        def run(*arguments: Any, **named: Any) -> T:
            self._inside.append(0.0)
            begin = time.perf_counter()
            try:
                return action(*arguments, **named)
            finally:
                taken = time.perf_counter() - begin
                own = taken - self._inside.pop()
                self.seconds[stage] = self.seconds.get(stage, 0.0) + own
                if self._inside:
                    self._inside[-1] += taken

        return run


class _With:
    """An object with one method in the place of its own."""

    def __init__(self, target: Any, method: str, action: Callable[..., Any]) -> None:
        self._target = target
        setattr(self, method, action)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)


def _stages(recognizer: Recognizer, texts: Sequence[str]) -> tuple[dict[str, float], int]:
    """Seconds of each stage, of the rest and of the whole, and the number of words."""
    clock = Clock()
    watched = _watched(recognizer, clock)
    segment_text = clock.timed("sentences and words", segmented)
    begin = time.perf_counter()
    # `pipe` takes Documents too: what it does with a text is done here, and timed.
    words = sum(d.word_count for d in watched.pipe(segment_text(text) for text in texts))
    whole = time.perf_counter() - begin
    rest = whole - sum(clock.seconds.values())
    return clock.seconds | {REST: rest, WHOLE: whole}, words


def _watched(recognizer: Recognizer, clock: Clock) -> Recognizer:
    """A copy of the recogniser that computes in the calling thread, with its stages timed."""
    watched: Any = object.__new__(type(recognizer))  # `copy` would load the model again
    watched.__dict__.update(recognizer.__dict__)
    watched.crew, watched.ahead = Crew(0), 0
    methods = {
        "_task": "windows and batches",
        "_compute": "windows and batches",
        "_votes": "votes",
        "assemble": "documents",
    }
    parts = {
        "encoder": ("encode", "pieces"),
        "backend": ("emissions", "network"),
        "decoder": ("decode", "decoding"),
    }
    for name, stage in methods.items():
        setattr(watched, name, clock.timed(stage, getattr(watched, name)))
    for name, (method, stage) in parts.items():
        part = getattr(recognizer, name)
        setattr(watched, name, _With(part, method, clock.timed(stage, getattr(part, method))))
    return cast("Recognizer", watched)


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
