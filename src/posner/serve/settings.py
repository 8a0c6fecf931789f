"""Every setting of the service, once; flag and environment variable follow from its name."""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from posner.backends.cores import cores
from posner.errors import RecipeError, UsageError
from posner.recipe.setting import Setting, option

PREFIX = "POSNER_"
API_KEY = "POSNER_API_KEY"


@dataclass(frozen=True)
class ServeSettings:
    """What `posner serve` can be told. `max_chars` is `--max-chars` and `POSNER_MAX_CHARS`."""

    host: str = option("127.0.0.1", "address to listen on")
    port: int = option(8000, "port to listen on; 0: any free one", low=0, high=65535)
    workers: int = option(1, "inference processes; 1: a thread of the service itself", low=1)
    threads: int = option(0, "threads of each inference process; 0: all cores, shared", low=0)
    device: str = option("auto", "auto, cpu, cuda or mps")
    precision: Literal["fp32", "bf16"] = option("fp32", "bf16 where the device computes it")
    max_chars: int = option(1_000_000, "most characters in a request, over all its texts", low=1)
    max_texts: int = option(1_000, "most texts in a request", low=1)
    max_seconds: float = option(120.0, "seconds after which a request is given up", low=0.1)
    max_concurrent: int = option(256, "most requests at a time; more are answered 429", low=1)
    batch_tokens: int = option(4_096, "padded tokens computed together", low=1)
    batch_wait: float = option(3.0, "milliseconds that a batch waits for more", low=0, high=1000)
    allowed_hosts: str = option("", "host names of the service, separated by commas; *: any")
    annotations: str = option("", "SQLite file for corrections; empty: none are taken")
    texts: str = option(
        "", "with --annotations: file of texts to correct, one a line; or JSON Lines, CSV, Parquet"
    )
    lexicon: str = option("", "lexicon of known names (see posner lexicon) for all models")
    lexicon_rules: str = option("correct", "what the lexicon may do, separated by commas")
    auth: bool = option(True, "false: serve other machines without an API key")

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    @property
    def max_bytes(self) -> int:
        """What a request's body may hold: JSON writes a character with at most 12 bytes."""
        return 12 * self.max_chars + 65_536

    def engine_cores(self, number: int) -> tuple[int, ...]:
        """The cores of an inference process, by its number; processes share as few as can be."""
        available = _cores()
        threads = self.threads or max(1, len(available) // self.workers)
        first = number * threads
        return tuple({available[(first + i) % len(available)] for i in range(threads)})

    def check(self, api_key: str) -> None:
        """Refuse settings that contradict each other, or that open the service to everyone.

        Raises:
            UsageError: they do.
        """
        if not self.is_loopback and self.auth and not api_key:
            raise UsageError(
                "listening beyond this machine needs an API key",
                where=f"--host {self.host}",
                remedy=f"set {API_KEY}, or accept everyone with --no-auth (POSNER_AUTH=false)",
            )
        if api_key and not (api_key.isascii() and api_key.isprintable() and " " not in api_key):
            raise UsageError("an API key is printable ASCII without spaces", where=API_KEY)
        if self.texts and not self.annotations:
            raise UsageError("--texts goes with --annotations")


def _cores() -> list[int]:
    """The cores that this process may use, as many as its container's quota pays for."""
    if hasattr(os, "sched_getaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
    else:
        allowed = list(range(os.cpu_count() or 1))
    return allowed[: cores()]


def serve_settings() -> Iterator[Setting]:
    """Every field of the settings, in order."""
    hints = typing.get_type_hints(ServeSettings)
    for item in dataclasses.fields(ServeSettings):
        choices = typing.get_args(hints[item.name])
        meta = item.metadata
        yield Setting(
            section="serve",
            name=item.name,
            type=str if choices else hints[item.name],
            choices=choices,
            help=meta["help"],
            low=meta["low"],
            high=meta["high"],
        )


def flag(setting: Setting) -> str:
    """`--max-chars`."""
    return "--" + setting.name.replace("_", "-")


def variable(setting: Setting) -> str:
    """`POSNER_MAX_CHARS`."""
    return PREFIX + setting.name.upper()


def settings_from(
    flags: Mapping[str, str | None], environment: Mapping[str, str] = os.environ
) -> ServeSettings:
    """Settings from flags (by field name), else from the environment, else the defaults.

    Raises:
        UsageError: a value of the wrong type or out of range.
    """
    values: dict[str, Any] = {}
    for setting in serve_settings():
        where, text = flag(setting), flags.get(setting.name)
        if text is None:
            where, text = variable(setting), _from_environment(setting, environment)
        if text is None:
            continue
        try:
            values[setting.name] = setting.check(setting.convert(text))
        except RecipeError as error:
            raise UsageError(
                error.problem, where=where, expected=error.expected, got=error.got
            ) from None
    return ServeSettings(**values)


def _from_environment(setting: Setting, environment: Mapping[str, str]) -> str | None:
    """A setting's variable, or None for an unset one.

    Many a shell and many a compose file leave one unset by leaving it empty. Kubernetes sets
    `POSNER_PORT=tcp://10.0.0.1:8000` for a service of the name `posner`: that is no setting.
    """
    text = environment.get(variable(setting)) or None
    is_kubernetes = setting.name == "port" and (text or "").startswith("tcp://")
    return None if is_kubernetes else text
