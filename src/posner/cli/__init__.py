"""The command line: one module a command. Each parses, calls one library function, and prints.

A command's module has `configure(parser)` and `run(arguments) -> exit status`; it is imported only
when the command is called, so that `posner check` never pays for torch.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from posner import __version__
from posner.errors import PosnerError, did_you_mean

COMMANDS: dict[str, str] = {
    "check": "list the problems of a corpus, and its statistics",
    "convert": "write a corpus in another format or tag scheme",
    "split": "split a corpus into train and dev",
    "score": "score predictions of any tool against gold annotations",
    "recipes": "list the recipes, or print one as TOML",
    "train": "fine-tune a recogniser on a labelled corpus",
    "search": "search a space of settings, and keep the best as a recipe",
    "evaluate": "score a model on a labelled corpus",
    "compare": "train and score several systems on the same words, in one table",
    "calibrate": "calibrate a model's scores, and choose thresholds for them",
    "lexicon": "build, check or describe a lexicon of known names",
    "report": "show runs side by side on one HTML page, with charts",
    "predict": "tag text, files or a corpus",
    "serve": "serve models over HTTP, with a page to try them",
    "adopt": "turn a Hugging Face token classifier into a Posner model",
    "merge": "merge a model's adapters into its encoder",
    "export": "export a model to ONNX (fp32 or int8, runs without torch) or to transformers",
    "bench": "measure a model's speed, start-up time and memory",
    "info": "describe a model: labels, recipe, scores, checksums",
    "cache": "list or clear the cached outputs of frozen encoders",
}


class _Parser(argparse.ArgumentParser):
    """A parser that takes only full names of flags, and reports a wrong call on one line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """End with exit code 2; of an unknown flag the nearest known one is named."""
        unknown = message.removeprefix("unrecognized arguments: ")
        if unknown != message:
            message = f"no such argument: {unknown}"
            known = [flag for flag in self._option_string_actions if flag.startswith("--")]
            near = did_you_mean(unknown.split()[0], known)
            message += f"; {near}" if near else ""
        print(f"{self.prog}: {message} (see {self.prog} --help)", file=sys.stderr)
        sys.exit(2)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse what is none of a flag's choices; the nearest of them is named."""
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            near = did_you_mean(str(value), map(str, action.choices or ()))
            if near is None:
                raise
            raise argparse.ArgumentError(action, f"{error.message}; {near}") from None


def overview() -> argparse.ArgumentParser:
    """The parser that lists the commands."""
    parser = _Parser(
        prog="posner",
        description="Customise a pretrained BERT into a named-entity recogniser, and run it well.",
    )
    parser.add_argument("--version", action="version", version=f"posner {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        commands.add_parser(name, help=summary)
    return parser


def _refuse_unknown(arguments: Sequence[str]) -> None:
    """End with exit code 2 if there is no such command, and name the nearest one."""
    if arguments and not arguments[0].startswith("-"):
        known = did_you_mean(arguments[0], COMMANDS) or f"there are {', '.join(COMMANDS)}"
        overview().error(f"no such command: {arguments[0]}; {known}")


def command_parser(command: str) -> argparse.ArgumentParser:
    """The parser of one command."""
    summary = COMMANDS[command]
    parser = _Parser(prog=f"posner {command}", description=f"{summary[0].upper()}{summary[1:]}.")
    importlib.import_module(f"posner.cli.{command}").configure(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; a user's mistake prints one line and returns its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):  # what a stream cannot encode never ends a command
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        if not arguments or arguments[0] not in COMMANDS:
            _refuse_unknown(arguments)
            overview().parse_args(arguments)  # help, the version, or what is wrong with the call
        command = arguments[0]
        parsed = command_parser(command).parse_intermixed_args(arguments[1:])
        status: int = importlib.import_module(f"posner.cli.{command}").run(parsed)
        sys.stdout.flush()
        return status
    except PosnerError as error:
        print(f"posner: {error.line()}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("posner: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader (head, less) has gone; say nothing and leave stdout harmless for the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
