"""Every default, once. A recipe file (TOML) or a flag only overrides what stands here.

Keys are written with hyphens outside (`learning-rate`, `--training.learning-rate`) and with
underscores inside. A saved model carries the recipe that made it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from posner.errors import RecipeError


def option(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
) -> Any:
    """A recipe field with its default, its one-line help and its range (ends included)."""
    return field(default=default, metadata={"help": help, "low": low, "high": high})


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
        "weighted", "how several layers become one state: a learned weighted sum, or joined"
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
    overlap: int = option(64, "pieces shared by the windows of a sentence that is too long", low=0)
    context: int = option(0, "pieces of neighbouring sentences on each side", low=0)
    pack: int = option(
        0, "pieces up to which consecutive sentences of a document share a window; 0: none", low=0
    )
    alone: float = option(
        0.0, "share of documents whose sentences are learned without neighbours", low=0, high=1
    )
    context_epochs: int = option(
        0, "neighbours are seen in the last N epochs only; 0: in all", low=0
    )


@dataclass(frozen=True)
class FeaturesRecipe:
    """What a word tells besides its pieces."""

    casing: bool = option(
        True,
        "learn an embedding of each word's shape: added at the encoder's input, or joined to the "
        "word's state where the whole encoder is frozen",
    )
    sentence: bool = option(
        False, "join the window's state, that of its first special piece, to each word's"
    )
    characters: bool = option(False, "join a character CNN's view of the word to its state")
    character_width: int = option(64, "channels of the character CNN", low=1)


@dataclass(frozen=True)
class AttentionRecipe:
    """Positional attention between the encoder and the heads."""

    layers: int = option(0, "layers of positional attention; 0 switches it off", low=0)
    heads: int = option(4, "attention heads", low=1)
    width: int = option(256, "width of its states", low=1)
    clip: int = option(16, "distances beyond this many words count as this many", low=1)
    terms: Literal["both", "content", "position"] = option(
        "both", "which parts a score has: content, position, or both"
    )
    band: int = option(0, "words further apart than this do not see each other; 0: all do", low=0)


@dataclass(frozen=True)
class HeadsRecipe:
    """What is predicted for each word, and how much each loss weighs."""

    entity: Literal["softmax", "crf"] = option("softmax", "entity head")
    entity_weight: float = option(1.0, "weight of the entity loss", low=0)
    dropout: float = option(0.1, "dropout before the entity head", low=0, high=0.9)
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

    epochs: int = option(5, "passes over the training sentences", low=1)
    max_steps: int = option(
        4500, "fewer epochs where they would take more steps than this; 0: no limit", low=0
    )
    minimum_epochs: int = option(1, "early stopping waits at least this long", low=1)
    first_evaluation: int = option(
        1, "the epoch from which on each is scored on dev; the last always is", low=1
    )
    patience: int = option(
        3, "evaluations without a better dev F1 before stopping; 0: never", low=0
    )
    batch_pieces: int = option(768, "pieces a step, padding included, over all processes", low=16)
    accumulation: int = option(1, "parts that a process computes a step in", low=1)
    learning_rate: float = option(3e-4, "peak rate of the encoder's own weights", low=0)
    head_learning_rate: float = option(
        1e-3, "peak rate of everything above it, and of adapters in it", low=0
    )
    layer_decay: float = option(1.0, "a layer's rate relative to the one above", low=0, high=1)
    weight_decay: float = option(0.01, "AdamW's weight decay", low=0)
    encoder_dropout: float = option(0.1, "dropout inside the encoder", low=0, high=0.9)
    mask: float = option(
        0.0, "share of words hidden behind the mask piece while learning", low=0, high=0.9
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
    precision: Literal["auto", "bf16", "fp32"] = option(
        "auto", "bf16 autocast where the device computes it natively, or as named"
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = option("auto", "where it is computed")
    checkpoint_steps: int = option(400, "steps between checkpoints within an epoch; 0: none", low=0)
    dev_share: float = option(0.1, "share set aside when no dev set is given", low=0, high=0.9)
    seed: int = option(1, "seed of weights, order and dropout", low=0, high=2**32 - 1)


@dataclass(frozen=True)
class Recipe:
    """All settings of one training."""

    backbone: BackboneRecipe = field(default_factory=BackboneRecipe)
    adapter: AdapterRecipe = field(default_factory=AdapterRecipe)
    data: DataRecipe = field(default_factory=DataRecipe)
    features: FeaturesRecipe = field(default_factory=FeaturesRecipe)
    attention: AttentionRecipe = field(default_factory=AttentionRecipe)
    heads: HeadsRecipe = field(default_factory=HeadsRecipe)
    augment: AugmentRecipe = field(default_factory=AugmentRecipe)
    training: TrainingRecipe = field(default_factory=TrainingRecipe)

    def __post_init__(self) -> None:
        for setting in settings():
            section = getattr(self, setting.section)
            setting.check(getattr(section, setting.name))
        if self.attention.layers and self.attention.width % self.attention.heads:
            raise RecipeError(
                "the width of positional attention does not divide by its heads",
                where="attention.width",
                expected=f"a multiple of {self.attention.heads}",
                got=self.attention.width,
            )
        if self.adapter.rank and self.backbone.freeze_encoder:
            raise RecipeError(
                "this keeps the encoder as it is, and adapters change what it does",
                where="backbone.freeze-encoder",
                remedy="set adapter.rank = 0, or leave this false: with adapters the encoder's "
                "own weights stay as pretrained anyway",
            )
        self.backbone.layer_numbers  # noqa: B018 - refuses a text that is none
        needs_word_state = {
            "attention.layers": self.attention.layers > 0,
            "features.characters": self.features.characters,
            "heads.entity": self.heads.entity == "crf",
        }
        for key, wanted in needs_word_state.items():
            if self.data.pooling == "none" and wanted:
                raise RecipeError(
                    "this needs one state a word, and data.pooling is none",
                    where=key,
                    remedy="set data.pooling to first or mean",
                )

    def with_values(self, values: Mapping[str, Any], *, where: str) -> Recipe:
        """This recipe with `section.key` values replaced.

        Raises:
            RecipeError: an unknown key, a value of another type, or one out of range.
        """
        known = {setting.key: setting for setting in settings()}
        sections: dict[str, dict[str, Any]] = {}
        for key, value in values.items():
            setting = known.get(key)
            if setting is None:
                hyphened = key.replace("_", "-")
                raise RecipeError(
                    "unknown key",
                    where=f"{where}: {key}",
                    expected=hyphened
                    if hyphened in known
                    else "a key that `posner recipes default` prints",
                )
            checked = setting.check(setting.convert(value, where), where)
            sections.setdefault(setting.section, {})[setting.name] = checked
        replaced = {
            name: dataclasses.replace(getattr(self, name), **changes)
            for name, changes in sections.items()
        }
        return dataclasses.replace(self, **replaced)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Sections of keys with hyphens, ready for JSON or TOML."""
        return {
            section: {name.replace("_", "-"): value for name, value in values.items()}
            for section, values in dataclasses.asdict(self).items()
        }

    def to_toml(self) -> str:
        """The whole recipe as TOML, each value with its help."""
        lines: list[str] = []
        section = ""
        for setting in settings():
            if setting.section != section:
                section = setting.section
                lines += ["", f"[{section}]"] if lines else [f"[{section}]"]
            value = getattr(getattr(self, setting.section), setting.name)
            choices = f" ({' | '.join(setting.choices)})" if setting.choices else ""
            name = setting.name.replace("_", "-")
            lines.append(f"{name} = {_toml_value(value)}  # {setting.help}{choices}")
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Setting:
    """One field of a recipe, as flags and TOML see it."""

    section: str
    name: str
    type: type
    choices: tuple[str, ...]
    help: str
    low: float | None
    high: float | None

    @property
    def key(self) -> str:
        """`training.learning-rate`."""
        return f"{self.section}.{self.name.replace('_', '-')}"

    def convert(self, value: Any, where: str = "recipe") -> Any:
        """A value from TOML, JSON or a flag's text as the field's type.

        Raises:
            RecipeError: it is of another type.
        """
        if isinstance(value, str) and self.type is not str:
            if self.type is bool:
                if value.lower() in ("true", "false"):
                    return value.lower() == "true"
            else:
                with contextlib.suppress(ValueError):
                    return self.type(value)
        elif self.type is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        elif type(value) is self.type:
            return value
        names = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
        raise RecipeError(
            "wrong type of value",
            where=f"{where}: {self.key}",
            expected=names[self.type],
            got=repr(value),
        )

    def check(self, value: Any, where: str = "recipe") -> Any:
        """The value, if it is within the field's choices and range.

        Raises:
            RecipeError: it is not.
        """
        if self.choices and value not in self.choices:
            raise RecipeError(
                "not one of the choices",
                where=f"{where}: {self.key}",
                expected=" | ".join(self.choices),
                got=value,
            )
        if self.type in (int, float):
            low = -math.inf if self.low is None else self.low
            high = math.inf if self.high is None else self.high
            if not low <= value <= high or value in (math.inf, -math.inf):  # NaN is not within
                limits = f"at least {low}" if self.high is None else f"{low} to {high}"
                raise RecipeError(
                    "value out of range",
                    where=f"{where}: {self.key}",
                    expected=limits,
                    got=value,
                )
        return value


def settings() -> Iterator[Setting]:
    """Every field of a recipe, in order."""
    for section in dataclasses.fields(Recipe):
        cls = typing.get_type_hints(Recipe)[section.name]
        hints = typing.get_type_hints(cls)
        for item in dataclasses.fields(cls):
            hint = hints[item.name]
            literal = not isinstance(hint, (type, types.UnionType))
            yield Setting(
                section=section.name,
                name=item.name,
                type=str if literal else hint,
                choices=typing.get_args(hint) if literal else (),
                help=item.metadata["help"],
                low=item.metadata["low"],
                high=item.metadata["high"],
            )


def recipe_names() -> list[str]:
    """The named recipes, `default` first."""
    files = resources.files("posner").joinpath("recipes").iterdir()
    names = sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml"))
    return sorted(names, key=lambda name: name != "default")


def recipe_summary(name: str) -> str:
    """The first comment line of a named recipe's file."""
    return _named_text(name).splitlines()[0].lstrip("# ").strip()


def load_recipe(name_or_path: str) -> Recipe:
    """A named recipe, or the defaults overridden by a TOML file.

    Raises:
        RecipeError: neither a name nor a file, broken TOML, an unknown key, a bad value.
    """
    if name_or_path in recipe_names():
        return _parse(_named_text(name_or_path), f"recipe {name_or_path}")
    path = Path(name_or_path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise RecipeError(
            "no such recipe",
            where=name_or_path,
            expected=f"a TOML file or one of {', '.join(recipe_names())}",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError("cannot be read", where=path, got=error) from error
    return _parse(text, str(path))


def recipe_from_dict(values: Mapping[str, Any], *, where: str) -> Recipe:
    """A recipe from sections of values, as `Recipe.to_dict` gives them."""
    flat: dict[str, Any] = {}
    known = [section.name for section in dataclasses.fields(Recipe)]
    for section, keys in values.items():
        if not isinstance(keys, Mapping):
            raise RecipeError(
                "a key outside any section",
                where=f"{where}: {section}",
                expected="it below one of " + ", ".join(f"[{name}]" for name in known),
            )
        if section not in known:
            raise RecipeError(
                "unknown section",
                where=f"{where}: {section}",
                expected=f"one of {', '.join(known)}",
            )
        flat |= {f"{section}.{key}": value for key, value in keys.items()}
    return Recipe().with_values(flat, where=where)


def _named_text(name: str) -> str:
    return resources.files("posner").joinpath("recipes", f"{name}.toml").read_text("utf-8")


def _parse(text: str, where: str) -> Recipe:
    try:
        return recipe_from_dict(tomllib.loads(text), where=where)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError("not TOML", where=where, got=error) from error


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):  # TOML's escapes are JSON's, but it forbids a bare DEL too
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
