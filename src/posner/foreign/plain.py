"""Which models transformers can run: an encoder, and one linear layer on each piece's state."""

from __future__ import annotations

from dataclasses import dataclass

from posner.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A setting with which a model is more than an encoder with a linear layer.

    Attributes:
        setting: as in a recipe.
        got: its value.
        expected: what the export needs.
    """

    setting: str
    got: object
    expected: str

    def __str__(self) -> str:
        got = str(self.got).lower() if isinstance(self.got, bool) else self.got
        return f"{self.setting} is {got}, not {self.expected}"


def obstacles(recipe: Recipe) -> list[Obstacle]:
    """Every setting of a recipe that stands in the way; none for a plain model.

    Parts of speech and chunks, frozen layers, adapters (which are added to the weights) and
    everything that only training or the cutting into windows knows do not.
    """
    data, features = recipe.data, recipe.features
    repeated = data.pooling == "none" and data.label_rule == "all"
    needed = (
        ("data.pooling", data.pooling, "first", data.pooling == "mean"),
        ("data.label-rule", data.label_rule, "first", repeated),
        ("backbone.layers", recipe.backbone.layers, "last", bool(recipe.backbone.layer_numbers)),
        ("features.casing", features.casing, "false", features.casing),
        ("features.sentence", features.sentence, "false", features.sentence),
        ("features.characters", features.characters, "false", features.characters),
        ("attention.layers", recipe.attention.layers, "0", recipe.attention.layers > 0),
        ("heads.entity", recipe.heads.entity, "softmax", recipe.heads.entity != "softmax"),
    )
    return [Obstacle(setting, got, wanted) for setting, got, wanted, hinders in needed if hinders]
