"""Every default, once, section by section."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from posner.errors import RecipeError, UsageError
from posner.recipe.setting import option
from posner.segment import Segmenter


@dataclass(frozen=True)
class BackboneRecipe:
    """The pretrained encoder, and which of it stays as it is."""

    name: str = option("minilm", "`minilm` (built in), a local folder, or a hub name")
    freeze_embeddings: bool = option(True, "keep the word-piece embeddings as pretrained")
    freeze_layers: int = option(0, "keep the lowest N layers (and the embeddings) too", low=0)
    freeze_encoder: bool = option(
        False, "keep the whole encoder as pretrained; its outputs are computed once and kept"
    )
    layers: str = option(
        "last", "whose outputs are used: last, or numbers such as 2 4 6; 0: the embeddings' output"
    )
    mix: Literal["weighted", "concat"] = option(
        "weighted", "how several layers become one state: a learned weighted sum, or concatenated"
    )
    cache: bool = option(True, "keep a wholly frozen encoder's outputs on disk, see `posner cache`")

    @property
    def layer_numbers(self) -> tuple[int, ...]:
        """The layers whose outputs are used; none where only the last one's are.

        Raises:
            RecipeError: the text names none, or one twice.
        """
        words = self.layers.split()
        if words == ["last"]:
            return ()
        numbers = tuple(int(word) for word in words if word.isascii() and word.isdigit())
        if not words or len(set(numbers)) < len(words):
            raise RecipeError(
                "names no layers",
                where="backbone.layers",
                expected="last, or different numbers such as 2 4 6",
                got=repr(self.layers),
            )
        return numbers


@dataclass(frozen=True)
class AdapterRecipe:
    """Low-rank adapters (Hu et al. 2021): the encoder's own weights stay as pretrained.

    They learn at `training.head-learning-rate`: like a head they start from nothing, and want a
    higher rate than pretrained weights do.
    """

    rank: int = option(
        0, "rank of adapters beside the encoder's weights, which stay frozen; 0: none", low=0
    )
    alpha: float = option(16.0, "what they add is scaled by alpha / rank", low=0.001)
    dropout: float = option(0.0, "dropout of what they see", low=0, high=0.9)
    targets: Literal["attention", "all"] = option(
        "all", "which linear layers of the encoder get one: the attention's, or all"
    )


@dataclass(frozen=True)
class DataRecipe:
    """From sentences to what the encoder sees."""

    scheme: Literal["IOB2", "IOB1", "IOE1", "IOE2", "BIOES", "BILOU"] = option(
        "IOB2", "tag scheme inside the model"
    )
    pooling: Literal["first", "mean", "none"] = option(
        "first", "a word's state: its first piece, the mean of its pieces, or none (per piece)"
    )
    label_rule: Literal["first", "all", "all-inside"] = option(
        "first", "with pooling none: which pieces are labelled, and whether B becomes I after one"
    )
    window: int = option(0, "pieces a window holds, special ones included; 0: all it can", low=0)
    long_window: int = option(
        128,
        "pieces up to which a sentence is seen at once; longer ones are covered by windows of so "
        "many; 0: all that a window holds",
        low=0,
    )
    overlap: int = option(
        32,
        "pieces shared by the windows of a sentence that is too long; half of one at most",
        low=0,
    )
    context: int = option(0, "pieces of neighbouring sentences on each side", low=0)
    pack: int = option(
        0, "pieces up to which consecutive sentences of a document share a window; 0: none", low=0
    )
    repeats: float = option(
        0.4,
        "how far a word's emissions lean to their mean over its places in the document, where it "
        "stands in several sentences; 0: not",
        low=0,
        high=1,
    )
    alone: float = option(
        0.0, "share of documents whose sentences are learned without neighbours", low=0, high=1
    )
    context_epochs: int = option(
        0, "neighbours are seen in the last N epochs only; 0: in all", low=0
    )
    join_hyphens: bool = option(
        False, "in raw text: words that a hyphen parts at the end of a line are one"
    )
    dictionaries: str = option(
        "", "in raw text: chinese, japanese, thai: whose words a dictionary finds; else characters"
    )

    @property
    def segmenter(self) -> Segmenter:
        """How raw text becomes words, in the corpora that are learned from and afterwards.

        Raises:
            RecipeError: there is no such dictionary.
        """
        try:
            return Segmenter(self.join_hyphens, tuple(self.dictionaries.split()))
        except UsageError as error:
            raise RecipeError(
                error.problem, where="data.dictionaries", expected=error.expected, got=error.got
            ) from None


@dataclass(frozen=True)
class FeaturesRecipe:
    """What a word tells besides its pieces."""

    casing: bool = option(
        True,
        "learn an embedding of each word's shape: added at the encoder's input, or concatenated "
        "to the word's state where the whole encoder is frozen",
    )
    sentence: bool = option(
        False, "concatenate the window's state, that of its first special piece, to each word's"
    )
    characters: bool = option(
        False, "concatenate a character CNN's encoding of the word to its state"
    )
    character_width: int = option(64, "channels of the character CNN", low=1)
    surface: bool = option(
        True,
        "beside the network a CRF over the words' forms, endings and shapes and their "
        "neighbours', learned for itself and weighed on dev; left out where it gains nothing there",
    )


@dataclass(frozen=True)
class AttentionRecipe:
    """Positional attention between the encoder and the heads."""

    layers: int = option(0, "layers of positional attention; 0 switches it off", low=0)
    heads: int = option(4, "attention heads", low=1)
    width: int = option(256, "width of its hidden states", low=1)
    clip: int = option(16, "distances beyond this many words count as this many", low=1)
    terms: Literal["both", "content", "position"] = option(
        "both", "which parts a score has: content, position, or both"
    )
    band: int = option(0, "words further apart than this do not see each other; 0: all do", low=0)


@dataclass(frozen=True)
class HeadsRecipe:
    """What is predicted for each word, and how much each loss weighs."""

    entity: Literal["softmax", "crf"] = option("crf", "entity head")
    entity_weight: float = option(1.0, "weight of the entity loss", low=0)
    dropout: float = option(0.3, "dropout before the entity head", low=0, high=0.9)
    pos_weight: float = option(0.2, "weight of the part-of-speech loss; 0: no such head", low=0)
    pos_dropout: float = option(0.1, "dropout before the part-of-speech head", low=0, high=0.9)
    chunk_weight: float = option(0.0, "weight of the chunk loss; 0: no such head", low=0)
    chunk_dropout: float = option(0.1, "dropout before the chunk head", low=0, high=0.9)


@dataclass(frozen=True)
class AugmentRecipe:
    """What each epoch changes in the training sentences; nothing by default."""

    mentions: float = option(
        0.0, "share of mentions replaced by another of their label, anew each epoch", low=0, high=1
    )
    lexicon: str = option(
        "", "file of further names: LABEL, a tab and a name a line, or csv headed label,name"
    )
    casing: float = option(
        0.0,
        "share of sentences in lower case, capitals or title case, anew each epoch",
        low=0,
        high=1,
    )

    @property
    def on(self) -> bool:
        """Whether any epoch changes anything."""
        return self.mentions > 0 or self.casing > 0


@dataclass(frozen=True)
class TrainingRecipe:
    """The optimiser and its course."""

    epochs: int = option(6, "passes over the training sentences", low=1)
    members: int = option(
        1, "trainings from one start, each of all epochs, whose weights are averaged", low=1
    )
    min_steps: int = option(
        700,
        "epochs are added on a small corpus until a member takes so many steps; 0: none are, which "
        "is the default where epochs are named",
        low=0,
    )
    max_steps: int = option(
        4500,
        "on a large corpus members, then epochs, are left out until all take at most so many "
        "steps; 0: none are",
        low=0,
    )
    minimum_epochs: int = option(
        1, "epochs that each member has; early stopping waits as long", low=1
    )
    evaluations: int = option(
        0,
        "how often a member is scored on dev, evenly over its epochs; 0: after each epoch, or as "
        "often as `epochs` says where min-steps adds some",
        low=0,
    )
    patience: int = option(
        3,
        "evaluations without a better dev F1 before stopping; 0, or several members: never",
        low=0,
    )
    batch_pieces: int = option(768, "pieces a step, padding included, over all processes", low=16)
    accumulation: int = option(1, "parts that a process computes a step in", low=1)
    learning_rate: float = option(3e-4, "peak rate of the encoder's own weights", low=0)
    head_learning_rate: float = option(
        1e-3, "peak rate of everything above it, and of adapters in it", low=0
    )
    layer_decay: float = option(1.0, "a layer's rate relative to the one above", low=0, high=1)
    weight_decay: float = option(0.01, "AdamW's weight decay", low=0)
    encoder_dropout: float = option(0.15, "dropout inside the encoder", low=0, high=0.9)
    mask: float = option(
        0.15,
        "share of words whose spelling is hidden while learning, their shape is not; never from a "
        "wholly frozen encoder",
        low=0,
        high=0.9,
    )
    consistency: float = option(
        0.0,
        "weight of the divergence between two passes with different dropout (R-Drop), which "
        "doubles a step; 0: one pass",
        low=0,
    )
    warmup: float = option(0.1, "warmup: a share of all steps if below 1, else steps", low=0)
    schedule: Literal["linear", "cosine", "constant", "plateau"] = option(
        "linear", "the rate after warmup"
    )
    plateau_patience: int = option(1, "evaluations without a better F1 before it is lowered", low=1)
    plateau_factor: float = option(0.5, "what it is multiplied by then", low=0, high=1)
    clip: float = option(1.0, "largest norm of a step's gradient; 0: unlimited", low=0)
    ema: float = option(0.0, "decay of the weights' moving average; 0: off", low=0, high=0.99999)
    threshold: Literal["none", "best-f1"] = option(
        "none",
        "best-f1: the model leaves out entities below the score with the best F1 on dev, if that "
        "gains on parts of dev that it was not chosen on",
    )
    precision: Literal["auto", "bf16", "fp32"] = option(
        "auto", "bf16 autocast where the device computes it natively, or as named"
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = option("auto", "where it is computed")
    checkpoint_steps: int = option(400, "steps between checkpoints within an epoch; 0: none", low=0)
    dev_share: float = option(0.1, "share set aside when no dev set is given", low=0, high=0.9)
    seed: int = option(1, "seed of weights, order and dropout", low=0, high=2**32 - 1)
