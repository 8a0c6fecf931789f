"""The models that `posner serve` names: their names, and how an engine loads one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from posner.errors import UsageError
from posner.postprocess.correct import LexiconStep
from posner.postprocess.names import read_names
from posner.postprocess.rules import RULES, Rules
from posner.recognizer import Recognizer
from posner.serve.model import ModelTagger
from posner.serve.settings import ServeSettings
from posner.serve.work import TextTagger
from posner.systems.opening import check_model, load


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
        check_model(path)  # a damaged model is told before anything listens
        place = Path(path).resolve() if Path(path).exists() else Path(path)
        run = place.parent.name if place.name == "model" else ""
        name = given or run or place.name
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
        settings: device, precision, lexicon.

    Raises:
        UsageError: no such rule of a lexicon.
    """

    def __init__(self, settings: ServeSettings) -> None:
        self.settings = settings
        self.rules = _rules(settings.lexicon_rules)

    def __call__(self, path: str) -> TextTagger:
        """The model in a folder, with the lexicon before its own steps.

        Raises:
            ModelError: it cannot be loaded.
            DataError: the lexicon cannot be read.
            MissingExtraError: packages that the model or the lexicon needs are not installed.
        """
        settings = self.settings
        model = load(path, device=settings.device, precision=settings.precision)
        if settings.lexicon:
            names = read_names(Path(settings.lexicon))
            known = model.knows if isinstance(model, Recognizer) else None
            model.steps = (LexiconStep(names, self.rules, known=known), *model.steps)
        return ModelTagger(model)


def _rules(text: str) -> Rules:
    named = {part.strip() for part in text.split(",")} - {""}
    for name in sorted(named - set(RULES)):
        raise UsageError(
            "no such rule", where="--lexicon-rules", expected=",".join(RULES), got=name
        )
    return Rules(
        correct="correct" in named,
        relabel="relabel" in named,
        veto="veto" in named,
        add="add" in named,
    )
