"""The network on tiny encoders: shapes, pooling, features, freezing, and its folder."""

from __future__ import annotations

import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import huggingface_hub
import numpy as np
import pytest
import torch
import transformers
from torch import Tensor

import tiny
from posner.align import EncodedDocument, Encoder, PieceTokenizer
from posner.backends.torch import TorchBackend
from posner.batching import Batch, collate
from posner.document import Document
from posner.errors import ModelError
from posner.folder import MANIFEST, read_manifest
from posner.loading import load
from posner.model.backbone import load_backbone
from posner.model.features import CharacterCNN
from posner.model.network import Network
from posner.model.saved import load_network, save_network
from posner.model.tensors import TensorBatch
from posner.recipe import BackboneRecipe
from posner.recognizer import window_plan

CPU = torch.device("cpu")


def batch_of(model: tiny.Untrained, documents: list[Document]) -> Batch:
    encoded: list[EncodedDocument] = Encoder(model.tokenizer, model.manifest.characters).encode(
        documents
    )
    windows = window_plan(model.manifest, model.tokenizer).windows(encoded)
    return collate(windows, encoded, model.tokenizer)


def run(model: tiny.Untrained, documents: list[Document]) -> Tensor:
    """(windows, core words, tags) entity emissions in evaluation mode."""
    with torch.inference_mode():
        outputs = model.network(TensorBatch.of(batch_of(model, documents), CPU))
    entity: Tensor = outputs.entity
    return entity


def piece_states(model: tiny.Untrained, batch: Batch) -> Tensor:
    with torch.inference_mode():
        return model.network._piece_states(TensorBatch.of(batch, CPU))[1]


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_shapes_of_every_head(encoders: dict[str, Path], kind: str) -> None:
    settings = tiny.recipe(
        encoders[kind],
        {"heads.chunk-weight": 0.1, "features.characters": True, "attention.layers": 1},
    )
    model = tiny.untrained(settings)
    batch = batch_of(model, tiny.documents(2))
    outputs = model.network(TensorBatch.of(batch, CPU))
    rows, words = batch.core.shape
    assert outputs.entity.shape == (rows, words, len(model.manifest.tags))
    assert outputs.pos is not None
    assert outputs.pos.shape == (rows, words, len(model.manifest.pos_tags))
    assert outputs.chunk is not None
    assert outputs.chunk.shape == (rows, words, 1)
    assert outputs.pieces is None
    assert outputs.entity.isfinite().all()


def test_heads_whose_loss_weighs_nothing_are_left_out(bert: Path) -> None:
    model = tiny.untrained(tiny.recipe(bert, {"heads.pos-weight": 0}))
    assert model.network.pos_head is None
    assert model.network.chunk_head is None
    assert model.manifest.pos_tags == ()


@pytest.mark.parametrize("pooling", ["first", "mean"])
@pytest.mark.parametrize("kind", tiny.KINDS)
def test_pooling_is_that_of_a_slow_loop(encoders: dict[str, Path], kind: str, pooling: str) -> None:
    model = tiny.untrained(tiny.recipe(encoders[kind], {"data.pooling": pooling}))
    batch = batch_of(model, tiny.documents(2))
    pieces = piece_states(model, batch)
    found = run(model, tiny.documents(2))
    for row in range(len(batch.core)):
        for place, word in enumerate(batch.core[row, batch.core_mask[row]]):
            own = [i for i, w in enumerate(batch.piece_words[row]) if w == word]
            states = pieces[row, own]
            state = states[0] if pooling == "first" else states.sum(dim=0) / len(own)
            expected = model.network.entity_head(state)
            torch.testing.assert_close(found[row, place], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rule", ["first", "all", "all-inside"])
def test_pooling_none_is_the_mean_of_the_pieces_that_speak(bert: Path, rule: str) -> None:
    model = tiny.untrained(tiny.recipe(bert, {"data.pooling": "none", "data.label-rule": rule}))
    tags = model.manifest.tags
    goes_on = [tags.index(f"I-{tag[2:]}" if tag != "O" else "O") for tag in tags]
    batch = batch_of(model, tiny.documents(1))
    with torch.inference_mode():
        emissions = model.network.entity_head(piece_states(model, batch))
    found = run(model, tiny.documents(1))
    for row in range(len(batch.core)):
        for place, word in enumerate(batch.core[row, batch.core_mask[row]]):
            own = [i for i, w in enumerate(batch.piece_words[row]) if w == word]
            speaking = [emissions[row, own[0]]]
            for later in own[1:]:
                if rule == "all":
                    speaking.append(emissions[row, later])
                if rule == "all-inside":
                    speaking.append(emissions[row, later][goes_on])
            expected = torch.stack(speaking).mean(dim=0)
            torch.testing.assert_close(found[row, place], expected, rtol=1e-4, atol=1e-5)


def test_casing_starts_as_nothing_and_then_tells_case(bert: Path) -> None:
    settings = tiny.recipe(bert)
    fresh = Network(
        load_backbone(settings.backbone, dropout=0.0).encoder, tiny.untrained(settings).manifest
    )
    assert fresh.shape_embedding is not None
    assert not fresh.shape_embedding.weight.any()
    model = tiny.untrained(settings)
    written = [tiny.labelled([("Ada met Oslo", [])])], [tiny.labelled([("ada met oslo", [])])]
    upper, lower = (run(model, documents) for documents in written)
    assert not torch.allclose(upper, lower, atol=1e-3)
    assert model.network.shape_embedding is not None
    torch.nn.init.zeros_(model.network.shape_embedding.weight)
    upper, lower = (run(model, documents) for documents in written)
    torch.testing.assert_close(upper, lower)


def test_casing_leaves_special_pieces_alone(bert: Path) -> None:
    model = tiny.untrained(tiny.recipe(bert))
    assert model.network.shape_embedding is not None
    batch = batch_of(model, tiny.documents(1))
    seen: list[Tensor] = []
    model.network.shape_embedding.register_forward_hook(lambda _, given, __: seen.append(given[0]))
    piece_states(model, batch)
    special = torch.from_numpy(batch.piece_words < 0)
    assert not seen[0][special].any()
    assert seen[0][~special].all()


def test_characters_ignore_padding() -> None:
    torch.manual_seed(4)
    module = CharacterCNN(alphabet_size=5, width=6).eval()
    word = torch.tensor([[[2, 3, 4]]])
    for length in (4, 20):
        padded = torch.zeros(1, 1, length, dtype=torch.long)
        padded[..., :3] = word
        torch.testing.assert_close(module(padded), module(word))
    assert not module(torch.zeros(1, 1, 8, dtype=torch.long)).any()


def test_characters_reach_the_heads(bert: Path) -> None:
    model = tiny.untrained(
        tiny.recipe(bert, {"features.characters": True, "features.casing": False})
    )
    upper = run(model, [tiny.labelled([("Ada met Oslo", [])])])
    lower = run(model, [tiny.labelled([("ada met oslo", [])])])
    assert not torch.allclose(upper, lower, atol=1e-3)


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_padding_never_changes_a_window(encoders: dict[str, Path], kind: str) -> None:
    settings = tiny.recipe(encoders[kind], {"attention.layers": 1, "features.characters": True})
    model = tiny.untrained(settings)
    documents = [*tiny.documents(1), tiny.labelled([("Oslo", [])])]
    together = run(model, documents)
    alone = run(model, documents[1:])
    torch.testing.assert_close(together[-1, :1], alone[0], rtol=1e-4, atol=1e-5)


FROZEN: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"backbone.freeze-embeddings": False}, ()),
    ({"backbone.freeze-embeddings": True}, ("encoder.embeddings.word_embeddings.",)),
    (
        {"backbone.freeze-layers": 1, "backbone.freeze-embeddings": False},
        ("encoder.embeddings.", "encoder.encoder.layer.0.", "encoder.transformer.layer.0."),
    ),
    ({"backbone.freeze-encoder": True}, ("encoder.",)),
    (
        {"backbone.layers": "0 1", "backbone.freeze-embeddings": False},
        ("encoder.encoder.layer.1.", "encoder.transformer.layer.1."),
    ),
    (
        {
            "backbone.layers": "0 1",
            "backbone.freeze-embeddings": False,
            "features.sentence": True,
        },
        (),
    ),
]


@pytest.mark.parametrize(("values", "prefixes"), FROZEN)
@pytest.mark.parametrize("kind", tiny.KINDS)
def test_exactly_what_is_named_is_frozen(
    encoders: dict[str, Path], kind: str, values: dict[str, Any], prefixes: tuple[str, ...]
) -> None:
    network = tiny.untrained(tiny.recipe(encoders[kind], values)).network
    frozen = {name for name, p in network.named_parameters() if not p.requires_grad}
    expected = {n for n, _ in network.named_parameters() if prefixes and n.startswith(prefixes)}
    assert frozen == expected
    assert bool(expected) is bool(prefixes)


@pytest.mark.parametrize("kind", tiny.KINDS)
@pytest.mark.parametrize(
    "values",
    [
        {},
        {"heads.entity": "crf", "attention.layers": 1, "features.characters": True},
        {"data.pooling": "none", "data.label-rule": "all-inside", "heads.chunk-weight": 0.1},
    ],
)
def test_a_saved_model_is_the_same_model(
    encoders: dict[str, Path], kind: str, values: dict[str, Any], tmp_path: Path
) -> None:
    model = tiny.untrained(tiny.recipe(encoders[kind], values))
    folder = tmp_path / "model"
    save_network(folder, model.network, model.manifest, model.tokenizer)
    manifest = read_manifest(folder)
    network = load_network(folder, manifest)
    assert manifest.tags == model.manifest.tags
    batch = batch_of(model, tiny.documents(2))
    before = TorchBackend(model.network, model.manifest).emissions(batch)
    after = TorchBackend(network, manifest).emissions(batch)
    for name in ("entity", "pos", "chunk"):
        first, second = getattr(before, name), getattr(after, name)
        assert (first is None) is (second is None)
        if first is not None:
            np.testing.assert_array_equal(first, second)
    tokenizer = PieceTokenizer.from_file(folder / "tokenizer.json")
    words = ["Ada", "Lovelace", "Oslo", "\ufe0f"]
    np.testing.assert_array_equal(
        tokenizer.encode([words])[0].ids, model.tokenizer.encode([words])[0].ids
    )
    assert tokenizer.padding == model.tokenizer.padding


def test_a_model_folder_holds_no_pickle(bert: Path, tmp_path: Path) -> None:
    model = tiny.untrained(tiny.recipe(bert))
    save_network(tmp_path / "model", model.network, model.manifest, model.tokenizer)
    assert sorted(p.name for p in (tmp_path / "model").iterdir()) == [
        "README.md",
        "encoder.json",
        "model.safetensors",
        "posner.json",
        "tokenizer.json",
    ]
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


@pytest.fixture
def saved(bert: Path, tmp_path: Path) -> Path:
    model = tiny.untrained(tiny.recipe(bert))
    save_network(tmp_path / "model", model.network, model.manifest, model.tokenizer)
    return tmp_path / "model"


def rewrite(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def reseal(folder: Path) -> None:
    """Make the checksums right again, so that the next check must find the fault."""
    manifest = folder / MANIFEST
    rewrite(manifest, files={})


def test_a_flipped_byte_is_refused(saved: Path) -> None:
    weights = saved / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))
    with pytest.raises(ModelError, match=r"a file of the model is damaged"):
        load(saved)


@pytest.mark.parametrize("name", ["model.safetensors", "encoder.json", "tokenizer.json"])
def test_a_missing_or_broken_file_is_refused(saved: Path, name: str) -> None:
    (saved / name).write_bytes(b"{broken")
    reseal(saved)
    with pytest.raises(ModelError):
        load(saved)
    (saved / name).unlink()
    with pytest.raises(ModelError):
        load(saved)


def test_an_encoder_of_another_size_is_refused(saved: Path) -> None:
    rewrite(saved / "encoder.json", num_hidden_layers=1)
    reseal(saved)
    with pytest.raises(ModelError, match="weights do not fit the model"):
        load(saved)


@pytest.mark.parametrize("values", [{"model_type": "no-such-thing"}, {"hidden_size": "wide"}])
def test_an_unknown_encoder_is_refused(saved: Path, values: dict[str, Any]) -> None:
    rewrite(saved / "encoder.json", **values)
    reseal(saved)
    with pytest.raises(ModelError):
        load(saved)


def test_a_newer_format_is_refused_by_name(saved: Path) -> None:
    rewrite(saved / MANIFEST, format_version=99)
    with pytest.raises(ModelError, match=r"newer Posner.*99.*upgrade"):
        load(saved)


def test_a_file_outside_the_folder_is_refused(saved: Path) -> None:
    rewrite(saved / MANIFEST, files={"../other": "0"})
    with pytest.raises(ModelError, match="outside its folder"):
        load(saved)


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": "posner-model"}', "no json"])
def test_a_foreign_manifest_is_refused(saved: Path, text: str) -> None:
    (saved / MANIFEST).write_text(text)
    with pytest.raises(ModelError):
        load(saved)


@pytest.mark.parametrize(
    "changes",
    [{"recipe": {}}, {"recipe": None}, {"labels": None}, {"window": "wide"}, {"files": None}],
)
def test_a_manifest_with_wrong_values_is_refused(saved: Path, changes: dict[str, Any]) -> None:
    rewrite(saved / MANIFEST, **changes)
    if changes == {"recipe": {}}:  # all defaults: the sections that the weights need are missing
        reseal(saved)
    try:
        load(saved)
    except ModelError:
        return
    assert changes == {"recipe": {}}


def test_folders_that_are_no_model_are_refused(bert: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such folder"):
        load(tmp_path / "nothing")
    with pytest.raises(ModelError, match=r"config\.json: its outputs have no names"):
        load(bert)
    (tmp_path / "file").write_text("x")
    with pytest.raises(ModelError, match="not a Posner model"):
        load(tmp_path / "file")


def test_backbones_that_are_none_are_refused(bert: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such backbone"):
        load_backbone(BackboneRecipe(name=str(tmp_path)), dropout=0.0)
    with pytest.raises(ModelError, match="no such backbone"):
        load_backbone(BackboneRecipe(name="nobody/no-such-model"), dropout=0.0)
    with pytest.raises(ModelError, match=r"no such backbone .* got Repo id must"):
        load_backbone(BackboneRecipe(name="two words"), dropout=0.0)
    other = shutil.copytree(bert, tmp_path / "other")
    big = json.loads((other / "tokenizer.json").read_text())
    big["model"]["vocab"] |= {f"extra{i}": 1000 + i for i in range(9)}
    (other / "tokenizer.json").write_text(json.dumps(big))
    with pytest.raises(ModelError, match="does not belong to the encoder"):
        load_backbone(BackboneRecipe(name=str(other)), dropout=0.0)


def test_the_hub_is_asked_once_for_a_model_that_it_does_not_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    asked: list[str] = []

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            asked.append(self.path)
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Hub) as hub:
        threading.Thread(target=hub.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{hub.server_port}"
        monkeypatch.setattr(
            huggingface_hub, "hf_hub_url", lambda name, file: f"{address}/{name}/{file}"
        )
        with pytest.raises(ModelError, match=r"no such backbone .* got 404 Client Error"):
            load_backbone(BackboneRecipe(name="nobody/no-such-model"), dropout=0.0)
        hub.shutdown()
    assert asked == ["/nobody/no-such-model/config.json"]


def test_a_backbone_in_half_precision_is_trained_whole(bert: Path, tmp_path: Path) -> None:
    half = tmp_path / "half"
    transformers.AutoModel.from_pretrained(bert).half().save_pretrained(half)
    shutil.copy(bert / "tokenizer.json", half)
    model = tiny.untrained(tiny.recipe(half))
    assert {p.dtype for p in model.network.parameters()} == {torch.float32}
    save_network(tmp_path / "model", model.network, model.manifest, model.tokenizer)
    network = load_network(tmp_path / "model", read_manifest(tmp_path / "model"))
    assert {p.dtype for p in network.parameters()} == {torch.float32}


def test_byte_pieces_see_a_space_before_each_word(encoders: dict[str, Path]) -> None:
    tokenizer = load_backbone(BackboneRecipe(name=str(encoders["roberta"])), dropout=0.0).tokenizer
    document = tiny.labelled([("a Oslo \u65e5", [])])
    pieces = tokenizer.pieces(document.sentences[0].tokens)
    assert [word[0].text for word in pieces] == ["\u0120a", "\u0120O", "\u0120"]
    slices = [[document.text[p.start : p.end] for p in word] for word in pieces]
    # One character of three bytes is three pieces, and the space before it stands for nothing.
    assert slices == [["a"], ["O", "s", "l", "o"], ["", "\u65e5", "\u65e5", "\u65e5"]]
