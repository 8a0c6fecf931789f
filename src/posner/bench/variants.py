"""A model in each form that it can run in, measured one after the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from posner.bench.measure import Speed
from posner.errors import MissingExtraError, PosnerError, UsageError
from posner.extras import needs_extra
from posner.folder import find_model, made_by, read_manifest
from posner.foreign.folder import is_foreign

TEXTS = (
    "Ada Lovelace met Charles Babbage in London on 5 June 1833.",
    "The committee will publish its report on Thursday, two weeks later than planned.",
    "Shares of Brightwater Mills fell 3.5 percent after the company warned of lower profits.",
    "Nobody was hurt.",
    "In the second half Porto scored twice within five minutes, but Turin held on to win 4-3 and "
    "will play the winner of Tuesday's match between Lima and Quito for the cup.",
    "Dr. Clara Voss, who teaches at the University of Oslo, said that the results of the three "
    "studies did not agree with each other, and that a fourth one would begin next spring.",
    '"We are not going to sell," she told reporters outside the company\'s headquarters.',
    "Boats from New Haven arrive each morning before six.",
)
"""What is tagged when no file is given."""


@dataclass(frozen=True)
class Variant:
    """One form of a model: its folder or name, and the precision that it is loaded with."""

    name: str
    folder: Path | str
    precision: str


@contextmanager
def variants(path: Path) -> Iterator[list[Variant]]:
    """The forms of a model; those that are exported for it last as long as the block.

    An exported model has one, and so has one of another system. Of others those that cannot be
    exported, for want of packages or because of their encoder, are told on standard error and left
    out.

    Raises:
        MissingExtraError: the model is not exported, and torch is not installed.
    """
    folder = path if is_foreign(path) else find_model(path)
    system = made_by(folder)
    if system is not None:
        yield [Variant(system, folder, "fp32")]
        return
    manifest = None if is_foreign(path) else read_manifest(folder)
    if manifest is not None and manifest.is_exported:
        precision = manifest.figures.get("export", {}).get("precision", "")
        yield [Variant(f"ONNX {precision}".strip(), folder, "fp32")]
        return
    with needs_extra("measuring a model that is not exported", "train"):
        import posner.backends.torch  # noqa: F401
    found = [Variant("torch fp32", folder, "fp32"), Variant("torch bf16", folder, "bf16")]
    with tempfile.TemporaryDirectory() as scratch:
        yield found + list(_exported(folder, Path(scratch)))


def _exported(folder: Path, scratch: Path) -> Iterator[Variant]:
    """What can be exported of a model; the rest is told on standard error."""
    try:
        from posner.export.model import export_model
    except MissingExtraError as error:
        print(f"posner: {error.line()}", file=sys.stderr)
        return
    for precision, int8 in (("fp32", False), ("int8", True)):
        name, out = f"ONNX {precision}", scratch / precision
        try:
            export_model(folder, out, int8=int8)
        except PosnerError as error:
            print(f"posner: {name} is left out: {error.line()}", file=sys.stderr)
        else:
            yield Variant(name, out, "fp32")


def run_worker(command: Sequence[str], task: dict[str, object]) -> Speed:
    """Measure in a process of its own, after another one has started and ended.

    So its modules are compiled and its files were read once, as on any machine that has used it.

    Args:
        command: what starts it; it reads the task, with `begun` added, and prints a `Speed`.
        task: what it is told, as JSON: `texts`, `seconds` and what else it needs.

    Raises:
        UsageError: its exit code says that the call is wrong.
        PosnerError: it failed.
    """
    texts = cast("Sequence[object]", task["texts"])
    _run(command, task | {"texts": texts[:1], "seconds": 0.0})
    return _run(command, task)


def _run(command: Sequence[str], task: dict[str, object]) -> Speed:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    told = json.dumps(task | {"begun": time.time()})
    done = subprocess.run(
        command, input=told, capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [str(done.returncode)])[-1]
        if done.returncode == UsageError.exit_code:
            raise UsageError(last)
        raise PosnerError("the measuring process failed", got=last)
    return Speed(**json.loads(done.stdout.strip().splitlines()[-1]))


def bench(
    variant: Variant, texts: Sequence[str], *, seconds: float = 5.0, threads: int | None = None
) -> Speed:
    """Measure one form of a model.

    Args:
        variant: the form.
        texts: what it tags.
        seconds: how long it tags all texts again and again.
        threads: that compute; by default one for each core that may be used.

    Raises:
        UsageError: the model cannot be called so.
        PosnerError: it does not load or run.
    """
    task: dict[str, object] = {
        "model": str(variant.folder),
        "precision": variant.precision,
        "texts": list(texts),
        "seconds": seconds,
        "threads": threads,
    }
    return run_worker([sys.executable, "-m", "posner.bench.worker"], task)
