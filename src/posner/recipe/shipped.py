"""TOML files that come with the project by name, beside those that people write."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from posner.errors import RecipeError, did_you_mean


@dataclass(frozen=True)
class Shipped:
    """The TOML files in a folder of a package.

    Attributes:
        kind: what one of them is, such as `recipe`.
        package: the package that has the folder.
        folder: its name there.
    """

    kind: str
    package: str
    folder: str

    @property
    def names(self) -> list[str]:
        """The names, `default` first."""
        files = resources.files(self.package).joinpath(self.folder).iterdir()
        names = sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml"))
        return sorted(names, key=lambda name: name != "default")

    def text(self, name: str) -> str:
        """The file of that name."""
        folder = resources.files(self.package).joinpath(self.folder)
        return folder.joinpath(f"{name}.toml").read_text("utf-8")

    def find(self, name_or_path: str) -> tuple[str, str]:
        """The text of a named file or of one at a path, and how errors call it.

        Raises:
            RecipeError: it is neither a name nor a file that can be read.
        """
        if name_or_path in self.names:
            return self.text(name_or_path), f"{self.kind} {name_or_path}"
        path = Path(name_or_path)
        try:
            return path.read_text(encoding="utf-8-sig"), str(path)
        except FileNotFoundError as error:
            raise RecipeError(
                f"no such {self.kind}",
                where=name_or_path,
                expected=f"a TOML file or one of {', '.join(self.names)}",
                remedy=did_you_mean(name_or_path, self.names),
            ) from error
        except OSError as error:
            raise RecipeError("cannot be read", where=path, got=error.strerror) from error
        except UnicodeDecodeError as error:
            raise RecipeError(
                "not UTF-8",
                where=path,
                got=f"byte {error.object[error.start]:#04x} at {error.start:,}",
                remedy="save it as UTF-8",
            ) from error


def toml_tables(text: str, where: str) -> dict[str, Any]:
    """The tables of a TOML text.

    Raises:
        RecipeError: it is none.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        unquoted = str(error).startswith("Invalid value")
        raise RecipeError(
            "not TOML",
            where=where,
            got=error,
            remedy='texts stand in quotes ("crf"), numbers, true and false without'
            if unquoted
            else None,
        ) from error
