"""The states of a frozen encoder in files: what they hold, their key, and what damage does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tiny
from posner.align import EncodedDocument, Encoder
from posner.batching import collate
from posner.cache import clear, entries
from posner.errors import ModelError
from posner.model import stored
from posner.model.states import States
from posner.model.stored import StateLayout, StoredStates, state_key
from posner.model.tensors import TensorBatch
from posner.recipe import Recipe
from posner.recognizer import window_plan
from posner.training.console import Reporter
from posner.training.frozen import StateKeeper
from posner.windows import Window

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POSNER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "states"


class Listener(Reporter):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


class Toy:
    """Recipes over a frozen tiny encoder."""

    def __init__(self, encoder: Path) -> None:
        self.encoder = encoder

    def recipe(self, values: dict[str, Any]) -> Recipe:
        return tiny.recipe(self.encoder, {"backbone.freeze-encoder": True, **values})


@pytest.fixture
def toy(bert: Path) -> Toy:
    return Toy(bert)


def test_states_come_back_within_half_precision(toy: Toy) -> None:
    model = tiny.untrained(toy.recipe({"backbone.layers": "0 2", "features.sentence": True}))
    documents, windows = encoded(model)
    keeper = StateKeeper(model.network, model.tokenizer, Reporter())
    kept = keeper.states(documents, windows, "toy")
    chosen = [windows[3], windows[0], windows[5]]
    found = kept.states(chosen, CPU)
    expected = fresh_states(model, documents, chosen)
    mask = torch.zeros(found.tokens.shape[:2], dtype=torch.bool)
    for row, window in enumerate(chosen):
        mask[row, : window.last - window.first] = True
    torch.testing.assert_close(found.tokens[mask], expected.tokens[mask], rtol=1e-3, atol=1e-4)
    assert not found.tokens[~mask].any()
    assert found.sentence is not None
    torch.testing.assert_close(found.sentence, expected.sentence, rtol=1e-3, atol=1e-4)


def encoded(model: tiny.Untrained, first: int = 0) -> tuple[list[EncodedDocument], list[Window]]:
    encoder = Encoder(model.tokenizer, model.manifest.characters)
    documents = encoder.encode(tiny.documents(3, first))
    return documents, window_plan(model.manifest, model.tokenizer).windows(documents)


def fresh_states(
    model: tiny.Untrained, documents: list[EncodedDocument], windows: list[Window]
) -> States:
    with torch.inference_mode():
        return model.network.states(
            TensorBatch.of(collate(windows, documents, model.tokenizer), CPU)
        )


def key_of(recipe: Recipe, first: int = 0, change: Any = None) -> str:
    model = tiny.untrained(recipe)
    if change is not None:
        change(model)
    documents, windows = encoded(model, first)
    layout = StateLayout.of(windows, model.network)
    return state_key(model.network, model.tokenizer, documents, layout)


def test_the_key_holds_all_that_states_depend_on(toy: Toy, encoders: dict[str, Path]) -> None:
    def weights(model: tiny.Untrained) -> None:
        with torch.no_grad():
            next(model.network.encoder.parameters()).view(-1)[7] += 1e-6

    def activation(model: tiny.Untrained) -> None:
        model.network.encoder.config.hidden_act = "relu"  # type: ignore[union-attr]

    def special(model: tiny.Untrained) -> None:
        model.tokenizer.prefix = (*model.tokenizer.prefix, 5)

    plain = toy.recipe({})
    keys = [
        key_of(plain),
        key_of(plain, first=1),
        key_of(plain, change=weights),
        key_of(plain, change=activation),
        key_of(plain, change=special),
        key_of(Toy(encoders["roberta"]).recipe({})),
        *(
            key_of(toy.recipe(values))
            for values in (
                {"backbone.layers": "1"},
                {"backbone.layers": "1 2"},
                {"backbone.layers": "2 1"},
                {"data.pooling": "mean"},
                {"features.sentence": True},
                {"data.window": 16, "data.overlap": 4},
                {"data.window": 16, "data.overlap": 0},
                {"data.context": 6},
                {"data.pack": 40},
            )
        ),
    ]
    assert len(set(keys)) == len(keys)


def test_the_key_holds_nothing_else(toy: Toy) -> None:
    same: list[dict[str, Any]] = [
        {"heads.entity": "crf"},
        {"attention.layers": 2},
        {"features.characters": True},
        {"features.casing": False},
        {"backbone.mix": "concat"},
        {"training.seed": 5, "training.epochs": 9, "training.head-learning-rate": 1.0},
        {"training.encoder-dropout": 0.3},
        {"data.scheme": "BIOES"},
        {"data.window": 100},  # cuts nothing here
    ]
    assert {key_of(toy.recipe(values)) for values in same} == {key_of(toy.recipe({}))}


DAMAGE: dict[str, Callable[[Path], Any]] = {
    "cut short": lambda file: file.write_bytes(file.read_bytes()[:-2]),
    "too long": lambda file: file.write_bytes(file.read_bytes() + b"00"),
    "another shape": lambda file: np.save(file, np.zeros((3, 1, tiny.WIDTH), dtype=np.float16)),
    "another type": lambda file: np.save(file, np.load(file).astype(np.float32)),
    "no array": lambda file: file.write_bytes(b"broken"),
    "empty": lambda file: file.write_bytes(b""),
    "gone": lambda file: file.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", [stored.WORDS, stored.SENTENCES])
def test_a_damaged_file_is_noticed_and_made_anew(toy: Toy, damage: str, name: str) -> None:
    model = tiny.untrained(toy.recipe({"features.sentence": True}))
    documents, windows = encoded(model)
    listener = Listener()
    keeper = StateKeeper(model.network, model.tokenizer, listener)
    whole = keeper.states(documents, windows, "toy").states(windows, CPU)
    (entry,) = entries()
    DAMAGE[damage](entry.path / name)
    mended = keeper.states(documents, windows, "toy").states(windows, CPU)
    assert torch.equal(whole.tokens, mended.tokens)
    assert sum("damaged, so it is made anew" in text for text in listener.said) == 1
    assert len(entries()) == 1


def test_states_too_large_for_half_precision_are_told(toy: Toy, folder: Path) -> None:
    model = tiny.untrained(toy.recipe({}))
    with torch.no_grad():
        for name, parameter in model.network.encoder.named_parameters():
            if name.endswith("LayerNorm.weight"):
                parameter.fill_(1e6)
    documents, windows = encoded(model)
    keeper = StateKeeper(model.network, model.tokenizer, Reporter())
    with pytest.raises(ModelError, match=r"half precision.*backbone\.cache = false"):
        keeper.states(documents, windows, "toy")
    assert list(folder.iterdir()) == []


def test_readers_of_one_file_do_not_disturb_each_other(toy: Toy) -> None:
    model = tiny.untrained(toy.recipe({}))
    documents, windows = encoded(model)
    keeper = StateKeeper(model.network, model.tokenizer, Reporter())
    first = keeper.states(documents, windows, "toy")
    second = keeper.states(documents, windows, "toy")
    clear()  # whoever has it open reads on
    assert isinstance(first, StoredStates)
    assert torch.equal(first.states(windows, CPU).tokens, second.states(windows, CPU).tokens)
