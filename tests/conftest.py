from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Before torch or transformers are imported: no network, and figures that do not hang on cores.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("OMP_NUM_THREADS", "1")

# No example database: tests leave the working directory as it was.
settings.register_profile("posner", deadline=None, database=None)
settings.register_profile("ci", deadline=None, database=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "posner")


@pytest.fixture(scope="session", autouse=True)
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests keep goes when they end, and never into the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POSNER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


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
