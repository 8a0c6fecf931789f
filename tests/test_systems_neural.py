"""The two networks over word vectors: their layers, their learning, their files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny
from listener import Listener
from posner.errors import DataError, ModelError, RecipeError
from posner.systems.bilstm import BilstmSystem, RecurrentDropoutLstm
from posner.systems.examples import Examples
from posner.systems.learning import DevScore, Trainer, relative_rate
from posner.systems.neural import NeuralSystem
from posner.systems.opening import load
from posner.systems.recipes import NeuralRecipe, system_recipe
from posner.systems.sections import LearningRecipe
from posner.systems.transformer import TransformerSystem, position_sines
from posner.systems.vectors import read_vectors
from posner.systems.vocabulary import FIRST, UNKNOWN, Vocabulary
from posner.training.console import Reporter

TRAIN = tiny.documents(4)
DEV = tiny.documents(1, first=4)
SMALL: dict[str, Any] = {"vectors.width": 12, "learning.device": "cpu", "learning.batch": 4}
KINDS: dict[str, tuple[type[NeuralSystem[Any]], dict[str, Any]]] = {
    "bilstm": (BilstmSystem, {"bilstm.units": 8, "learning.learning-rate": 0.02}),
    "transformer": (
        TransformerSystem,
        {"transformer.layers": 1, "transformer.heads": 2, "transformer.hidden": 16},
    ),
}


def recipe(kind: str, **values: Any) -> NeuralRecipe:
    keys = {k.replace("__", ".").replace("_", "-"): v for k, v in values.items()}
    found = system_recipe(kind, values={**SMALL, **KINDS[kind][1], **keys})
    assert isinstance(found, NeuralRecipe)
    return found


def fit(kind: str, listener: Reporter | None = None, **values: Any) -> NeuralSystem[Any]:
    used = recipe(kind, **{"learning__epochs": 2, **values})
    return KINDS[kind][0].fit(kind, TRAIN, DEV, used, reporter=listener or Reporter())


@pytest.fixture(scope="module", params=list(KINDS))
def system(request: pytest.FixtureRequest) -> NeuralSystem[Any]:
    return fit(request.param)


@settings(max_examples=20)
@given(st.lists(st.integers(1, 7), min_size=1, max_size=5), st.integers(0, 2**31))
def test_walking_the_words_is_what_torchs_kernel_computes(lengths: list[int], seed: int) -> None:
    torch.manual_seed(seed)
    lstm = RecurrentDropoutLstm(3, 4, 0.0).eval()
    inputs = torch.randn(len(lengths), max(lengths), 3)
    counts = torch.tensor(lengths)
    real = torch.arange(max(lengths))[None] < counts[:, None]
    with torch.no_grad():
        walked, kernel = lstm.walked(inputs, counts), lstm(inputs, counts)
    torch.testing.assert_close(walked[real], kernel[real])


def test_recurrent_dropout_leaves_the_first_word_and_changes_the_others() -> None:
    torch.manual_seed(1)
    lstm = RecurrentDropoutLstm(3, 16, 0.5)
    inputs, lengths = torch.randn(1, 5, 3), torch.tensor([5])
    learning = lstm.train()(inputs, lengths)
    judging = lstm.eval()(inputs, lengths)
    torch.testing.assert_close(learning[:, 0, :16], judging[:, 0, :16])  # no state before it
    torch.testing.assert_close(learning[:, 4, 16:], judging[:, 4, 16:])  # nor behind the last
    assert not torch.allclose(learning[:, 1:, :16], judging[:, 1:, :16])


def test_batching_changes_nothing(system: NeuralSystem[Any]) -> None:
    together = system.emissions([*TRAIN, *DEV])
    alone = [e for document in (*TRAIN, *DEV) for e in system.emissions([document])]
    for one, other in zip(together, alone, strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    assert [len(e) for e in together] == [len(s) for d in (*TRAIN, *DEV) for s in d.sentences]


def test_it_is_saved_without_a_pickle_and_loaded_the_same(
    system: NeuralSystem[Any], tmp_path: Path
) -> None:
    system.save(tmp_path / "model")
    names = {p.name for p in (tmp_path / "model").iterdir()}
    assert names == {"posner.json", "README.md", "model.safetensors", "vocabulary.json"}
    assert load(tmp_path / "model", device="cpu").tag(DEV) == system.tag(DEV)
    (tmp_path / "model" / "vocabulary.json").write_text("[]")
    with pytest.raises(ModelError, match="damaged"):
        load(tmp_path / "model")


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_decides_the_weights(kind: str) -> None:
    first, again, other = (
        fit(kind, learning__epochs=1, learning__seed=seed).network.state_dict()
        for seed in (3, 3, 4)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_the_toy_corpus_is_learned_and_the_best_epoch_kept() -> None:
    listener = Listener()
    found = fit("bilstm", listener, learning__epochs=12, learning__patience=0)
    assert max(line.f1 for line in listener.lines) > 0.5
    assert listener.lines[-1].train_loss < listener.lines[0].train_loss
    best = max(listener.lines, key=lambda line: line.f1)
    assert found.manifest.figures["learning"]["epoch"] == best.epoch
    assert found.evaluate(DEV).counts.f1 == pytest.approx(best.f1)
    assert [line.best for line in listener.lines].count(True) >= 1
    assert "random" in listener.said[0]


class _Constant(torch.nn.Module):
    """A network that can learn nothing but a bias."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = torch.nn.Parameter(torch.zeros(2))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.bias.expand(*rows.shape, 2)


def _trained(scores: Callable[[int], tuple[float, float]], patience: int) -> tuple[int, int]:
    """The epochs that are run until it stops and the one kept, given F1 and loss by epoch."""
    from posner.evaluation.counts import Ratios

    seen = 0

    def judge() -> DevScore:
        nonlocal seen
        seen += 1
        f1, loss = scores(seen)
        return DevScore(Ratios(f1, f1, f1), loss)

    settings = recipe("bilstm", learning__epochs=20, learning__patience=patience)
    examples = Examples([[2, 3]], [[0, 1]], frozenset())
    device = torch.device("cpu")
    kept = Trainer(_Constant(), examples, judge, settings, Reporter(), device).run()
    return seen, kept


def test_an_epochs_pace_padding_and_steps_are_told() -> None:
    listener = Listener()
    fit("bilstm", listener)
    steps = -(-sum(len(d.sentences) for d in TRAIN) // 4)
    assert [line.step for line in listener.steps] == list(range(1, 2 * steps + 1))
    assert all(line.train_loss > 0 and line.learning_rate > 0 for line in listener.steps)
    for line in listener.lines:
        assert 0 < line.padding < 1
        assert line.pieces_per_second > 0


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_in_bf16_and_stays_in_full_precision(kind: str) -> None:
    listener = Listener()
    found = fit(kind, listener, learning__epochs=1, learning__precision="bf16")
    full = fit(kind, learning__epochs=1, learning__precision="fp32")
    assert "in bf16" in "".join(listener.said)
    weights = found.network.state_dict()
    assert all(
        weights[name].dtype == other.dtype for name, other in full.network.state_dict().items()
    )
    assert not all(torch.equal(weights[n], w) for n, w in full.network.state_dict().items())
    for one, other in zip(found.emissions(DEV), full.emissions(DEV), strict=True):
        assert one == pytest.approx(other, abs=0.1)


def test_patience_waits_while_the_loss_still_falls() -> None:
    assert _trained(lambda epoch: (0.0, 1.0 / epoch), patience=2) == (20, 20)
    assert _trained(lambda epoch: (min(epoch, 5) / 10, 1.0), patience=2) == (7, 5)
    assert _trained(lambda _: (0.1, 1.0), patience=0) == (20, 1)


def test_of_epochs_with_the_same_f1_the_one_with_the_least_loss_is_kept() -> None:
    losses = [3.0, 1.0, 2.0]
    assert _trained(lambda epoch: (0.9, losses[min(epoch, 3) - 1]), patience=0) == (20, 2)
    assert _trained(lambda epoch: (0.9 if epoch == 1 else 0.8, 1 / epoch), patience=0) == (20, 1)


def test_words_seen_once_stand_for_the_unknown_now_and_then() -> None:
    examples = Examples([[2, 3]] * 400, [[0, 1]] * 400, frozenset([3]))
    random = np.random.default_rng(1)
    rows = torch.cat([b.rows for b in examples.batches(8, 0.5, random)])
    assert (rows[:, 0] == 2).all()
    assert 0.4 < (rows[:, 1] == UNKNOWN).float().mean() < 0.6
    assert examples.words == 800


def test_a_word_is_found_by_its_lower_cased_form_too() -> None:
    vocabulary = Vocabulary(("oslo", "Ada"))
    assert vocabulary.rows(["oslo", "Oslo", "OSLO", "Ada", "ada"]) == [
        *[FIRST] * 3,
        FIRST + 1,
        UNKNOWN,
    ]


def test_long_sentences_are_cut_and_each_word_has_its_emission(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = fit("transformer")
    whole = found.emissions(DEV)
    monkeypatch.setattr(TransformerSystem, "longest", 3)
    cut = found.emissions(DEV)
    assert [e.shape for e in cut] == [e.shape for e in whole]


def test_sines_tell_every_position_apart() -> None:
    table = position_sines(50, 7)
    assert table.shape == (50, 7)
    assert len(np.unique(table.numpy().round(4), axis=0)) == 50


def test_the_rate_rises_and_falls() -> None:
    plain = LearningRecipe()
    assert [relative_rate(plain, step, 10) for step in (0, 5, 9)] == [1.0, 1.0, 1.0]
    course = LearningRecipe(warmup=0.2, schedule="linear")
    rates = [relative_rate(course, step, 10) for step in range(10)]
    assert rates[:3] == [0.5, 1.0, 1.0]
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert rates[-1] > 0


def test_a_width_that_heads_do_not_divide_is_refused() -> None:
    with pytest.raises(RecipeError, match="multiple of 6"):
        system_recipe("transformer", values={"vectors.width": 100})


# --- pretrained vectors ---


def write_vectors(path: Path, words: dict[str, list[float]], header: str = "") -> Path:
    lines = [f"{word} {' '.join(map(str, numbers))}" for word, numbers in words.items()]
    path.write_text(header + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_vectors_are_read_of_wanted_words_and_of_the_first(tmp_path: Path) -> None:
    words = {"the": [1, 2], "of": [3, 4], ". . .": [5, 6], "oslo": [7, 8], "7": [9, 10]}
    file = write_vectors(tmp_path / "v.txt", {k: list(map(float, v)) for k, v in words.items()})
    found = read_vectors(file, 2, {"oslo", ". . .", "7"}, 1)
    assert found.words == ("the", ". . .", "oslo", "7")
    assert found.values.tolist() == [[1, 2], [5, 6], [7, 8], [9, 10]]
    headed = write_vectors(tmp_path / "w.txt", {"a": [1.0, 2.0]}, header="1 2\n")
    assert read_vectors(headed, 2, {"a"}, 0).words == ("a",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a 1 2 3\nb 1 2\n", r"v.txt:2.*a word and 3 numbers.*2 numbers"),
        ("a 1 2 3 4\n", r"v.txt:1.*a word and 3 numbers.*4 numbers"),
        ("a 1 2 x\n", "v.txt:1.*no number"),
        ("a 1 2 inf\n", "v.txt:1.*not finite"),
        ("", "holds no vector"),
    ],
)
def test_vectors_of_another_kind_are_refused(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text(text)
    with pytest.raises(DataError, match=told):
        read_vectors(tmp_path / "v.txt", 3, {"a", "b"}, 0)
    with pytest.raises(DataError, match="cannot be read"):
        read_vectors(tmp_path / "none.txt", 3, {"a"}, 0)


@pytest.mark.parametrize("freeze", [True, False])
def test_frozen_vectors_stay_and_others_learn(freeze: bool, tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    known = {w: list(random.normal(size=12).round(3)) for w in ("lives", "oslo", "far", "ada")}
    file = write_vectors(tmp_path / "v.txt", known)
    listener = Listener()
    found = fit("bilstm", listener, vectors__path=str(file), vectors__freeze=freeze)
    table = found.network.state_dict()["words.table.weight"]
    rows = {word: table[found.vocabulary.row(word)].numpy() for word in known}
    assert rows["far"] == pytest.approx(known["far"])  # no sentence has it
    assert (rows["lives"] == pytest.approx(known["lives"])) is freeze
    assert found.vocabulary.row("Oslo") == found.vocabulary.row("oslo")
    assert "4 vectors from" in listener.said[0]
    assert "random ones for the others" in listener.said[0]
