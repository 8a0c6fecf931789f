"""`posner serve MODEL...`: models behind HTTP."""

from __future__ import annotations

import argparse
import os

from posner.cli.model_flags import warn_of_unfinished
from posner.extras import needs_extra
from posner.recipe.setting import Setting
from posner.serve.settings import (
    API_KEY,
    ServeSettings,
    flag,
    serve_settings,
    settings_from,
    variable,
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "posner serve MODEL [MODEL ...] [--SETTING VALUE] ..."
    parser.add_argument(
        "models",
        nargs="+",
        metavar="MODEL",
        help="a model or run folder, or NAME=FOLDER; the first is the default",
    )
    for setting in serve_settings():
        if setting.name == "auth":
            parser.add_argument(
                "--no-auth",
                dest="auth",
                action="store_const",
                const="false",
                help=f"serve other machines without an API key ({API_KEY}); "
                f"or {variable(setting)}=false",
            )
            continue
        parser.add_argument(
            flag(setting),
            dest=setting.name,
            metavar="|".join(setting.choices) or setting.type.__name__.upper(),
            help=f"{setting.help}; default: {_default(setting)}; or {variable(setting)}",
        )


def _default(setting: Setting) -> str:
    """A setting's default as help shows it."""
    value = getattr(ServeSettings(), setting.name)
    return "none" if value == "" else str(value)


def run(arguments: argparse.Namespace) -> int:
    """Serve until told to end."""
    settings = settings_from({s.name: getattr(arguments, s.name) for s in serve_settings()})
    api_key = os.environ.get(API_KEY, "")
    settings.check(api_key)
    with needs_extra("the service", "serve"):
        from posner.serve.loading import ModelLoader, named_models
        from posner.serve.server import serve
    models = named_models(arguments.models)
    warn_of_unfinished(*models.values())
    serve(models, settings, ModelLoader(settings), api_key)
    return 0
