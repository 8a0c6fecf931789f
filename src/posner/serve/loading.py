"""The models that `posner serve` names: their names, and how an engine loads one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from posner.errors import ModelError, UsageError
from posner.postprocess.correct import LexiconStep
from posner.postprocess.names import read_names
from posner.postprocess.rules import Rules, rule_names
from posner.recognizer import Recognizer
from posner.serve.model import ModelTagger
from posner.serve.settings import ServeSettings
from posner.serve.work import TextTagger
from posner.systems.opening import check_model, is_foreign_model, load
from posner.systems.opponents import names_opponent, opponent_folder


def named_models(arguments: Sequence[str]) -> dict[str, str]:
    """Folders by name, of `PATH` or `NAME=PATH`; a run folder's model has the run's name.

    Raises:
        UsageError: two have one name, or there is none.
        ModelError: one is no model.
    """
    models: dict[str, str] = {}
    for argument in arguments:
        given, path = _named(argument)
        check_model(path)  # a damaged model is told before anything listens
        place = Path(path).absolute() if Path(path).exists() else Path(path)
        name = given or _name_of(place)
        if name in models:
            raise UsageError(
                "two models have one name", where=name, remedy="name them: NAME=PATH NAME=PATH"
            )
        models[name] = str(place)
    if not models:
        raise UsageError("names no model", expected="posner serve MODEL [MODEL ...]")
    return models


def _named(argument: str) -> tuple[str, str]:
    """Name and path of `NAME=PATH`; of a path that is there, whatever stands in it, no name."""
    given, equals, path = argument.partition("=")
    if not equals or Path(argument).exists() or "/" in given or os.sep in given:
        return "", argument
    return given, path


def _name_of(place: Path) -> str:
    """The folder's name, as it was given: a link may lead elsewhere when models are replaced."""
    named = place if place.name not in ("", "..") else place.resolve()
    return named.parent.name if named.name == "model" and named.parent.name else named.name


class ModelLoader:
    """Loads models; a class, so that its settings travel to another process.

    Args:
        settings: device, precision, lexicon.

    Raises:
        UsageError: no such rule of a lexicon.
    """

    def __init__(self, settings: ServeSettings) -> None:
        self.settings = settings
        self.rules = Rules.named(rule_names(settings.lexicon_rules))

    def __call__(self, path: str) -> TextTagger:
        """The model in a folder, with the lexicon before its own steps.

        Raises:
            ModelError: it cannot be loaded.
            DataError: the lexicon cannot be read.
            MissingExtraError: packages that the model or the lexicon needs are not installed.
        """
        settings = self.settings
        stamp = _stamp(path)  # before its files are read: what changes meanwhile is told next time
        model = load(path, device=settings.device, precision=settings.precision)
        if settings.lexicon:
            names = read_names(Path(settings.lexicon))
            known = model.knows if isinstance(model, Recognizer) else None
            model.steps = (LexiconStep(names, self.rules, known=known), *model.steps)
        tagger = ModelTagger(model)
        if stamp:
            told = hashlib.sha256(f"{tagger.facts.revision} {stamp}".encode())
            tagger.facts = replace(tagger.facts, revision=told.hexdigest()[:12])
        return tagger


def _stamp(path: str) -> list[tuple[str, int, int]]:
    """Names, sizes and times of the files of a model that says nothing of its files itself.

    Raises:
        ModelError: they cannot be read.
    """
    if names_opponent(path):
        folder = opponent_folder(path)
    elif is_foreign_model(path):
        folder = Path(path)
    else:
        return []  # Posner's own names the checksums
    try:
        files = [(file, file.stat()) for file in sorted(folder.rglob("*")) if file.is_file()]
    except OSError as error:
        raise ModelError("cannot be read", where=folder, got=error.strerror) from error
    return [(str(f.relative_to(folder)), stat.st_size, stat.st_mtime_ns) for f, stat in files]
