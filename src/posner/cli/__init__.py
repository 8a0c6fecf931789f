"""The command line: one module a command. Each parses, calls one library function, and prints.

A command's module has `configure(parser)` and `run(arguments) -> exit status`; it is imported only
when the command is called, so that `posner check` never pays for torch.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from posner import __version__
from posner.errors import PosnerError

COMMANDS: dict[str, str] = {
    "check": "list what is wrong with a corpus, and its statistics",
    "convert": "write a corpus in another format or tag scheme",
    "split": "part a corpus into train and dev",
    "score": "score predictions that stand in a file beside the gold tags",
    "recipes": "list the recipes, or print one as TOML",
    "train": "fine-tune a recogniser on a labelled corpus",
    "search": "try settings of a space, and keep the best as a recipe",
    "evaluate": "score a model on a labelled corpus",
    "compare": "train and score several systems on the same words, in one table",
    "calibrate": "make a model's scores honest, and choose thresholds for them",
    "lexicon": "build, check or describe a list of known names",
    "report": "show runs side by side on one HTML page, with pictures",
    "predict": "tag text, files or a corpus",
    "serve": "answer texts over HTTP, with a page to try it",
    "adopt": "make a Posner model of a Hugging Face token classifier",
    "merge": "make a whole model of one with adapters",
    "export": "make an ONNX model that runs without torch, in fp32 or int8",
    "bench": "measure a model's speed, start-up and memory",
    "info": "say what a model is: labels, recipe, figures, checksums",
    "cache": "list what frozen encoders' trainings keep on disk, or remove it",
}


class _Parser(argparse.ArgumentParser):
    """A parser that knows only the full names of flags, and says a wrong call on one line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """End with exit code 2; an unknown flag is told with the nearest known one."""
        unknown = message.removeprefix("unrecognized arguments: ")
        if unknown != message:
            message = f"no such argument: {unknown}"
            known = [flag for flag in self._option_string_actions if flag.startswith("--")]
            near = difflib.get_close_matches(unknown.split()[0], known, n=1)
            message += f"; did you mean {near[0]}?" if near else ""
        print(f"{self.prog}: {message} (see {self.prog} --help)", file=sys.stderr)
        sys.exit(2)


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
    """End with exit code 2 if the command is none, and name the nearest."""
    if arguments and not arguments[0].startswith("-"):
        near = difflib.get_close_matches(arguments[0], COMMANDS, n=1)
        known = f"did you mean {near[0]}?" if near else f"there are {', '.join(COMMANDS)}"
        overview().error(f"no such command: {arguments[0]}; {known}")


def command_parser(command: str) -> argparse.ArgumentParser:
    """The parser of one command."""
    parser = _Parser(prog=f"posner {command}", description=COMMANDS[command] + ".")
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
