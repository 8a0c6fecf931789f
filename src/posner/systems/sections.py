"""Every default of the other systems, once, section by section."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from posner.recipe import option


@dataclass(frozen=True)
class LabelsRecipe:
    """What of the annotation is learned."""

    merge: bool = option(
        False, "one tag a label in place of B and I: touching entities of a label become one"
    )
    keep: str = option("", "labels that are learned and judged, such as PER GPE; empty: all")

    @property
    def kept(self) -> tuple[str, ...]:
        """The labels that `keep` names."""
        return tuple(self.keep.split())


@dataclass(frozen=True)
class CrfSection:
    """A linear-chain CRF over what words look like."""

    pos: Literal["corpus", "spacy", "none"] = option(
        "corpus", "where parts of speech come from (raw text has none: there spaCy tags it)"
    )
    next: bool = option(False, "see the next word as it sees the previous one")
    c1: float = option(0.1, "weight of the L1 penalty", low=0)
    c2: float = option(0.1, "weight of the L2 penalty", low=0)
    iterations: int = option(100, "L-BFGS iterations at most", low=1)
    all_transitions: bool = option(True, "weigh transitions that the corpus never shows, too")


@dataclass(frozen=True)
class VectorsRecipe:
    """What stands for a word."""

    path: str = option("", "GloVe text file of pretrained vectors; empty: random vectors")
    width: int = option(300, "dimensions of the vectors", low=2)
    vocabulary: int = option(
        50_000, "first vectors of the file that are kept besides those of the corpus", low=0
    )
    freeze: bool = option(False, "keep pretrained vectors as they are")
    unknown: float = option(
        0.5,
        "share of occurrences at which a word seen once, and without a pretrained vector, is "
        "learned as the unknown word",
        low=0,
        high=1,
    )


@dataclass(frozen=True)
class BilstmSection:
    """A bidirectional LSTM."""

    units: int = option(100, "units in each direction", low=1)
    dropout: float = option(0.1, "dropout of the vectors", low=0, high=0.9)
    recurrent_dropout: float = option(
        0.1, "dropout of the recurrent state, the same units through a sentence", low=0, high=0.9
    )


@dataclass(frozen=True)
class TransformerSection:
    """A transformer encoder that starts from nothing."""

    layers: int = option(6, "layers", low=1)
    heads: int = option(6, "attention heads", low=1)
    hidden: int = option(2048, "width of the feed-forward parts", low=1)
    dropout: float = option(0.0, "dropout throughout", low=0, high=0.9)


@dataclass(frozen=True)
class LearningRecipe:
    """The optimiser and its course."""

    epochs: int = option(20, "passes over the training sentences", low=1)
    patience: int = option(
        0,
        "epochs with neither a better dev F1 nor a lower dev loss before stopping; 0: never",
        low=0,
    )
    batch: int = option(32, "sentences a step", low=1)
    optimizer: Literal["sgd", "adam", "adamw"] = option("adam", "the optimiser")
    learning_rate: float = option(1e-3, "peak rate", low=0)
    momentum: float = option(0.9, "momentum of SGD", low=0, high=1)
    weight_decay: float = option(0.01, "weight decay of AdamW", low=0)
    warmup: float = option(0.0, "share of the steps in which the rate rises", low=0, high=1)
    schedule: Literal["constant", "linear"] = option("constant", "the rate after that")
    clip: float = option(0.0, "largest norm of a step's gradient; 0: unlimited", low=0)
    precision: Literal["auto", "bf16", "fp32"] = option(
        "fp32", "bf16 autocast as named, or (auto) where the device computes it natively"
    )
    seed: int = option(1, "seed of weights, order and dropout", low=0, high=2**32 - 1)
    device: Literal["auto", "cpu", "cuda", "mps"] = option("auto", "where it is computed")
