from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Before torch or transformers are imported: no network, and figures that do not hang on cores.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("OMP_NUM_THREADS", "1")

# No example database: tests leave the working directory as it was.
settings.register_profile("posner", deadline=None, database=None)
settings.register_profile("ci", deadline=None, database=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "posner")

CHROMIUM_NEEDED = "POSNER_TESTS_NEED_CHROMIUM"
"""Set where a browser was installed: a test that finds none then fails instead of being skipped."""


@pytest.fixture(scope="session", autouse=True)
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests keep goes when they end, and never into the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POSNER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        assert not os.environ.get(CHROMIUM_NEEDED), f"{CHROMIUM_NEEDED}, and there is no Chromium"
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    # As root, which containers often are, Chromium starts only without its sandbox.
    flags = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=flags)
        yield started
        started.close()


@pytest.fixture(scope="session")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny encoder of each kind."""
    import tiny

    folder = tmp_path_factory.mktemp("encoders")
    return {kind: tiny.save_encoder(folder / kind, kind) for kind in tiny.KINDS}


@pytest.fixture(scope="session")
def bert(encoders: dict[str, Path]) -> Path:
    """The tiny BERT."""
    return encoders["bert"]
