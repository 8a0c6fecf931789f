"""The models that `posner serve` names: their names, and how an engine loads one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from posner.errors import UsageError
from posner.folder import find_model, read_manifest
from posner.recognizer import load
from posner.serve.work import ModelTagger, TextTagger


def named_models(arguments: Sequence[str]) -> dict[str, str]:
    """Folders by name, of `PATH` or `NAME=PATH`; a run folder's model has the run's name.

    Raises:
        UsageError: two have one name, or there is none.
        ModelError: one is no model.
    """
    models: dict[str, str] = {}
    for argument in arguments:
        given, equals, path = argument.partition("=")
        if not equals:
            given, path = "", argument
        folder = find_model(path)
        read_manifest(folder)  # a damaged model is told before anything listens
        place = Path(path).resolve()
        name = given or (place.parent.name if place.name == "model" else place.name)
        if name in models:
            raise UsageError(
                "two models have one name", where=name, remedy="name them: NAME=PATH NAME=PATH"
            )
        models[name] = str(place)
    if not models:
        raise UsageError("names no model", expected="posner serve MODEL [MODEL ...]")
    return models


class ModelLoader:
    """Loads models; a class, so that its settings travel to another process.

    Args:
        device: see `posner.load`.
        precision: see `posner.load`.
    """

    def __init__(self, device: str, precision: Literal["fp32", "bf16"]) -> None:
        self.device = device
        self.precision = precision

    def __call__(self, path: str) -> TextTagger:
        """The model in a folder."""
        return ModelTagger(load(path, device=self.device, precision=self.precision))
