"""What can be changed in a training step, as two tables: builds of a rig, and process settings."""

from __future__ import annotations

import contextlib
import ctypes.util
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

import posner.model.dropout
from posner.corpus import Corpus
from posner.recipe import load_recipe
from rig import Rig, build_rig, replaced


def _unchanged(_rig: Rig) -> None:
    """Nothing is changed after the build."""


@dataclass(frozen=True)
class Variant:
    """A build of the rig beside the default one.

    Attributes:
        title: what differs, for the table.
        values: settings of the recipe.
        byte_dropout: whether dropout by bytes and attention written out are switched on.
        change: what is done to the rig after it was built.
        around: what holds only while it runs.
    """

    title: str
    values: Mapping[str, object] = field(default_factory=dict)
    byte_dropout: bool = True
    change: Callable[[Rig], None] = _unchanged
    around: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext

    def build(self, corpus: Corpus, steps: int) -> Rig:
        """The rig."""
        recipe = load_recipe("default").with_values(self.values, where="variant")
        rig = build_rig(corpus, recipe, steps, byte_dropout=self.byte_dropout)
        self.change(rig)
        rig.around = self.around
        return rig


def _adamw(rig: Rig, *, foreach: bool) -> None:
    """The same groups in another of torch's three implementations."""
    groups = [
        {key: group[key] for key in ("params", "lr", "weight_decay")}
        for group in rig.optimizer.param_groups
    ]
    rig.optimizer = torch.optim.AdamW(groups, foreach=foreach, fused=False)


def _foreach(rig: Rig) -> None:
    _adamw(rig, foreach=True)


def _single(rig: Rig) -> None:
    _adamw(rig, foreach=False)


def _fused_attention(rig: Rig) -> None:
    """torch's own attention kernel; the other dropouts stay as they are."""
    rig.network.encoder.set_attn_implementation("sdpa")  # type: ignore[operator]


@contextlib.contextmanager
def _torch_dropout() -> Iterator[None]:
    """torch's draws, in attention written out and everywhere else."""

    def dropped(states: Tensor, probability: float) -> Tensor:
        return functional.dropout(states, probability)

    with replaced(posner.model.dropout, "dropped", dropped):
        yield


@contextlib.contextmanager
def _gradients_kept() -> Iterator[None]:
    """Between the steps gradients are zeroed in place, not given back."""
    plain = torch.optim.AdamW.zero_grad

    def kept(self: torch.optim.Optimizer, set_to_none: bool = True) -> None:
        del set_to_none
        plain(self, set_to_none=False)

    with _overridden(torch.optim.AdamW, "zero_grad", kept):
        yield


@contextlib.contextmanager
def _overridden(owner: type, name: str, value: object) -> Iterator[None]:
    """A method that a class inherits, overridden for a while."""
    setattr(owner, name, value)
    try:
        yield
    finally:
        delattr(owner, name)


def _compiled(rig: Rig) -> None:
    rig.network.encoder.compile(dynamic=True)


BASE = Variant("the default recipe")

VARIANTS: dict[str, Variant] = {
    "trained-embeddings": Variant(
        "word-piece embeddings trained, not frozen", {"backbone.freeze-embeddings": False}
    ),
    "adamw-foreach": Variant("AdamW `foreach`, not fused", change=_foreach),
    "adamw-single": Variant("AdamW tensor by tensor, not fused", change=_single),
    "torch-dropout": Variant("torch's dropout, not by bytes", around=_torch_dropout),
    "sdpa": Variant("torch's fused attention, not written out", change=_fused_attention),
    "plain-torch": Variant("torch's dropout and its fused attention", byte_dropout=False),
    "no-dropout": Variant("no dropout in the encoder", {"training.encoder-dropout": 0.0}),
    "fp32": Variant("float32, not bf16", {"training.precision": "fp32"}),
    "kept-gradients": Variant("gradients zeroed, not freed", around=_gradients_kept),
    "no-clipping": Variant("gradients not clipped", {"training.clip": 0.0}),
    "pack-128": Variant("sentences packed up to 128 pieces", {"data.pack": 128}),
    "pack-256": Variant("sentences packed up to 256 pieces", {"data.pack": 256}),
    "batch-1536": Variant("steps of 1,536 pieces, not 768", {"training.batch-pieces": 1536}),
    "compile": Variant("`torch.compile` of the encoder (dynamic shapes)", change=_compiled),
}


@dataclass(frozen=True)
class Setting:
    """What a process is started with; `flush` is torch's treatment of denormal numbers."""

    title: str
    environment: Mapping[str, str] = field(default_factory=dict)
    flush: bool = False


def settings() -> dict[str, Setting]:
    """The settings that this machine can try; torch's wheels bring GNU's OpenMP."""
    large = str(2**30)
    found = {
        "threads-1": Setting("one thread", {"OMP_NUM_THREADS": "1"}),
        "wait-passive": Setting("`OMP_WAIT_POLICY=PASSIVE`", {"OMP_WAIT_POLICY": "PASSIVE"}),
        "wait-active": Setting("`OMP_WAIT_POLICY=ACTIVE`", {"OMP_WAIT_POLICY": "ACTIVE"}),
        "spin-0": Setting("`GOMP_SPINCOUNT=0`", {"GOMP_SPINCOUNT": "0"}),
        "spin-1e6": Setting("`GOMP_SPINCOUNT=1000000`", {"GOMP_SPINCOUNT": "1000000"}),
        "bound": Setting("`OMP_PROC_BIND=TRUE`", {"OMP_PROC_BIND": "TRUE"}),
        "flush": Setting("denormal numbers flushed to zero", flush=True),
        "malloc-keeps": Setting(
            "glibc keeps freed memory (thresholds of 1 GiB)",
            {"MALLOC_MMAP_THRESHOLD_": large, "MALLOC_TRIM_THRESHOLD_": large},
        ),
        "huge-pages": Setting("`THP_MEM_ALLOC_ENABLE=1`", {"THP_MEM_ALLOC_ENABLE": "1"}),
    }
    for name in ("tcmalloc_minimal", "tcmalloc", "jemalloc"):
        library = ctypes.util.find_library(name)
        if library:
            found[name] = Setting(f"`LD_PRELOAD={library}`", {"LD_PRELOAD": library})
    return found
