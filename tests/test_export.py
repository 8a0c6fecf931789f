"""Exported models: the same answers as the network's, the gate of 8 bits, no torch."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

import posner.backends.cores
import posner.cli.bench
import posner.export.checks
import posner.export.model
import posner.export.quantise
import posner.tagger
import tiny
from posner.backends.onnx import TRANSITIONS
from posner.bench.measure import SINGLES, Speed, quantile, some_sentences
from posner.bench.variants import Variant, variants
from posner.cli import main
from posner.cli.export import export_lines
from posner.document import Document
from posner.errors import ModelError, PosnerError, UsageError
from posner.evaluation.counts import Counts
from posner.export.checks import Quality, check_parity
from posner.export.graph import network_graph
from posner.export.model import Exported, export_model
from posner.export.quantise import rounded
from posner.folder import GRAPH, MANIFEST, read_manifest
from posner.loading import load
from posner.model.saved import save_network
from posner.postprocess.thresholds import Thresholds
from posner.recognizer import Recognizer, Votes
from posner.seal import rewrite, seal
from posner.training.start import Start

TEXTS = [
    "Ada Marsh lives in Oslo. Ben Hollis works for Brightwater Mills in Lima.",
    "ADA \u00e9t\u00e9 \u65e5\u672c\u8a9e \U0001f600 naïve-co-op 3.14 U.S.A.",
    "",
    "one",
    "Fennec thanked Emil Stone and left.\nThe boats of Porto belong to Delta Works. " * 3,
    "a long one without an end " * 30,
]

FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "softmax and parts of speech": ("bert", {}),
    "crf, attention, characters, chunks, context": (
        "bert",
        {
            "heads.entity": "crf",
            "heads.chunk-weight": 0.1,
            "attention.layers": 1,
            "features.characters": True,
            "data.context": 12,
        },
    ),
    "positions in a band, mean of pieces": (
        "roberta",
        {
            "attention.layers": 1,
            "attention.terms": "position",
            "attention.band": 3,
            "data.pooling": "mean",
        },
    ),
    "pieces": (
        "distilbert",
        {"data.pooling": "none", "data.label-rule": "all-inside", "heads.pos-weight": 0},
    ),
    "frozen layers and the window's state, content": (
        "bert",
        {
            "backbone.freeze-encoder": True,
            "backbone.layers": "1 2",
            "features.sentence": True,
            "attention.layers": 1,
            "attention.terms": "content",
        },
    ),
}

Make = Callable[[str], tuple[Path, Path]]


@pytest.fixture(scope="module")
def made(encoders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Make:
    """A model of a form and its export, each made once."""
    folder = tmp_path_factory.mktemp("exports")
    known: dict[str, tuple[Path, Path]] = {}

    def make(form: str) -> tuple[Path, Path]:
        if form not in known:
            kind, values = FORMS[form]
            model = tiny.untrained(tiny.recipe(encoders[kind], values))
            native, out = folder / f"n{len(known)}", folder / f"x{len(known)}"
            save_network(native, model.network, model.manifest, model.tokenizer)
            export_model(native, out)
            known[form] = (native, out)
        return known[form]

    return make


@pytest.fixture
def plain(made: Make) -> tuple[Path, Path]:
    return made("softmax and parts of speech")


def facts(document: Document) -> list[tuple[int, int, str]]:
    return [(e.start, e.end, e.label) for e in document.entities]


def assert_alike(first: list[Document], second: list[Document]) -> None:
    for one, other in zip(first, second, strict=True):
        assert facts(one) == facts(other)
        assert one.sentences == other.sentences
        for left, right in zip(one.entities, other.entities, strict=True):
            assert left.score == pytest.approx(right.score, abs=1e-4)


def assert_near(first: list[Votes], second: list[Votes]) -> None:
    for one, other in zip(first, second, strict=True):
        for name in ("entity", "pos", "chunk"):
            left, right = getattr(one, name), getattr(other, name)
            assert (left is None) == (right is None)
            if left is not None:
                np.testing.assert_allclose(left, right, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_the_graph_answers_as_the_network_does(made: Make, form: str) -> None:
    native, exported = (load(folder) for folder in made(form))
    documents = [posner.tagger.segmented(text) for text in TEXTS] + tiny.documents(3)
    assert_near(native.votes(documents), exported.votes(documents))
    assert_alike(native(TEXTS), exported(TEXTS))
    for left, right in zip(native.pieces(documents[0]), exported.pieces(documents[0]), strict=True):
        assert (left.entity, left.start, left.end) == (right.entity, right.start, right.end)
        assert left.score == pytest.approx(right.score, abs=1e-4)
    assert sum(len(d.entities) for d in exported(TEXTS)) > 3


def test_attention_is_one_node_and_inputs_are_read(made: Make) -> None:
    graph = onnx.load(made("softmax and parts of speech")[1] / GRAPH).graph
    kinds = [node.op_type for node in graph.node]
    assert kinds.count("Attention") == tiny.LAYERS
    assert kinds.count("Split") == tiny.LAYERS
    assert kinds.count("Transpose") == 0
    read = {name for node in graph.node for name in node.input}
    assert {value.name for value in graph.input} <= read
    assert not graph.metadata_props


def test_transitions_stand_beside_the_graph(made: Make) -> None:
    native, exported = made("crf, attention, characters, chunks, context")
    ours, theirs = load(native).backend.transitions, load(exported).backend.transitions
    assert ours is not None
    assert theirs is not None
    for name in ("start", "pairs", "end"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


def test_batches_threads_and_chunks_change_nothing(
    plain: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    exported = load(plain[1])
    documents = tiny.documents(30)
    expected = exported.tag(documents)
    for workers, pieces, words in ((0, 1, 10), (1, 64, 50), (3, 64, 10), (3, 1, 1)):
        monkeypatch.setattr(posner.tagger, "CHUNK_WORDS", words)
        other = Recognizer(
            exported.manifest,
            exported.tokenizer,
            exported.backend,
            workers=workers,
            batch_pieces=pieces,
        )
        assert_alike(list(other.pipe(iter(documents))), expected)


@pytest.mark.parametrize("native", [True, False])
def test_a_stream_is_read_a_bounded_number_of_words_ahead(
    plain: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, native: bool
) -> None:
    monkeypatch.setattr(posner.tagger, "CHUNK_WORDS", 30)
    taken = 0

    def endless() -> Any:
        nonlocal taken
        while True:
            taken += 1
            yield "Ada met Ben."

    stream = load(plain[0 if native else 1]).pipe(endless())
    assert [next(stream).text for _ in range(3)] == ["Ada met Ben."] * 3
    assert taken <= 2 * 8


def test_a_folder_runs_without_torch_and_onnx(plain: tuple[Path, Path]) -> None:
    script = (
        "import sys, posner\n"
        f"found = posner.load({str(plain[1])!r})('Ada Marsh met Ben Hollis in Oslo.')\n"
        "print(len(found.sentences))\n"
        "heavy = {'torch', 'transformers', 'onnx', 'onnxscript', 'onnx_ir'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["1", "[]"], done.stderr


def small_limits(patch: pytest.MonkeyPatch) -> None:
    """The tiny encoder's layers are narrower than those that are worth 8 bits."""
    patch.setattr(posner.export.quantise, "LEAST_WIDTH", 16)
    patch.setattr(posner.export.quantise, "LEAST_ROWS", 50)


def test_an_exports_figures_say_of_what_they_are(tmp_path: Path) -> None:
    quality = Quality(full=Counts(100, 100, 90), int8=Counts(100, 80, 72), changed=2)
    lines = list(export_lines(Exported(tmp_path, 24_100_000, True, 9.2e-06, quality)))
    assert lines == [
        f"{tmp_path}: an ONNX model in int8, 24.1 MB",
        "parity: in fp32 its raw scores of tags differ by at most 9e-06 from torch's",
        "dev F1 (strict): fp32 90.00, int8 80.00, 10.00 points lost",
        "batching: 2 entities come or go when each sentence is tagged alone "
        "(2.50 % of the 80 that int8 finds on dev)",
    ]
    one = replace(quality, changed=1)
    (line,) = list(export_lines(Exported(tmp_path, 1, True, 0.0, one)))[3:]
    assert line.startswith("batching: 1 entity comes or goes when")
    assert len(list(export_lines(Exported(tmp_path, 1, False, 0.0, None)))) == 2


@pytest.mark.slow
def test_8_bits_that_pass_the_gate(
    plain: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    small_limits(monkeypatch)
    dev = tiny.save_corpus(tmp_path / "dev.conll", 4)
    model, out, figures = tmp_path / "model", tmp_path / "int8", tmp_path / "figures.json"
    shutil.copytree(plain[0], model)
    rewrite(model, replace(read_manifest(model), thresholds=Thresholds(0.0001)))
    call = ["export", str(model), "--out", str(out), "--int8", "--dev", str(dev)]
    assert main([*call, "--max-loss", "100", "--json", str(figures)]) == 0
    told_lines = capsys.readouterr().out.splitlines()
    assert "int8" in told_lines[0]
    (line,) = [line for line in told_lines if line.startswith("dev F1 (strict): ")]
    assert line.endswith(" lost; with the model's threshold 0.0001")
    kinds = [node.op_type for node in onnx.load(out / GRAPH).graph.node]
    assert kinds.count("DynamicQuantizeMatMul") == 4 * tiny.LAYERS
    assert (out / GRAPH).stat().st_size < (plain[1] / GRAPH).stat().st_size
    told = json.loads(figures.read_text())
    assert told["precision"] == "int8"
    assert told["dev"]["full"]["gold"] > 0
    assert read_manifest(out).figures["export"]["dev"] == told["dev"]
    native, exported = load(plain[0]), load(out)
    documents = tiny.documents(3)
    for one, other in zip(native.votes(documents), exported.votes(documents), strict=True):
        assert np.corrcoef(one.entity.ravel(), other.entity.ravel())[0, 1] > 0.99
    assert main(["evaluate", str(out), str(dev)]) == 0
    assert main(["predict", str(out), "--text", TEXTS[0]]) == 0
    assert main(["info", str(out)]) == 0
    assert "an ONNX graph in int8" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("limit", [-101, math.nan])
def test_8_bits_that_lose_too_much_leave_nothing_behind(
    plain: tuple[Path, Path], tmp_path: Path, limit: float
) -> None:
    dev, out = tiny.documents(2), tmp_path / "int8"
    with pytest.raises(ModelError, match=f"in full precision less {limit}"):
        export_model(plain[0], out, int8=True, dev=dev, max_loss=limit)
    assert not list(tmp_path.iterdir())


def test_wrong_calls_and_targets(
    plain: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    native, exported = (str(path) for path in plain)
    out = str(tmp_path / "out")
    assert main(["export", native, "--out", out, "--int8"]) == 2
    for flag in (
        ["--max-loss", "0.1"],
        ["--dev", native],
        ["--to", "huggingface", "--dev", native],
    ):
        assert main(["export", native, "--out", out, *flag]) == 2
    assert main(["export", native, "--out", out, "--dev", "x"]) == 2
    assert main(["export", exported, "--out", out]) == 1
    assert "is exported already" in capsys.readouterr().err
    assert main(["export", native, "--out", exported]) == 1
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "note.txt").write_text("mine")
    assert main(["export", native, "--out", str(tmp_path / "other"), "--force"]) == 1
    assert (tmp_path / "other" / "note.txt").read_text() == "mine"


def test_a_graph_that_answers_otherwise_is_refused() -> None:
    votes = Votes(np.zeros((3, 2), dtype=np.float32), None, None)
    other = Votes(np.full((3, 2), 0.1, dtype=np.float32), None, None)
    broken = Votes(np.full((3, 2), np.nan, dtype=np.float32), None, None)
    assert check_parity([votes], [votes], Path("m")) == 0
    for wrong in (other, broken):
        with pytest.raises(ModelError, match="otherwise"):
            check_parity([votes], [wrong], Path("m"))


def test_a_model_computes_on_the_threads_that_it_is_given(
    plain: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    native, exported = plain
    assert load(exported, threads=3).crew.workers == 3
    monkeypatch.setattr(posner.backends.cores, "cores", lambda: 5)
    assert load(exported).crew.workers == 5
    told: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", told.append)
    load(native)
    load(native, threads=2)
    assert told == [2]
    with pytest.raises(UsageError, match="threads: a model needs a thread"):
        load(exported, threads=0)
    assert main(["predict", str(exported), "--text", TEXTS[0], "--threads", "1"]) == 0
    assert main(["predict", str(exported), "--text", TEXTS[0], "--threads", "0"]) == 2


def test_what_an_exported_model_cannot_do(plain: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="on the CPU"):
        load(plain[1], device="cuda")
    with pytest.raises(ModelError, match="precision"):
        load(plain[1], precision="bf16")
    damaged = tmp_path / "damaged"
    shutil.copytree(plain[1], damaged)
    (damaged / GRAPH).write_bytes(b"no graph")
    seal(damaged, read_manifest(plain[1]))
    with pytest.raises(ModelError, match="cannot run it"):
        load(damaged)


def test_transitions_of_other_tags_are_refused(made: Make, tmp_path: Path) -> None:
    _, exported = made("crf, attention, characters, chunks, context")
    for number, text in enumerate(('{"start": [1], "pairs": [[1]], "end": [1]}', "{}", "no")):
        damaged = tmp_path / str(number)
        shutil.copytree(exported, damaged)
        (damaged / TRANSITIONS).write_text(text)
        manifest = read_manifest(exported)
        (damaged / MANIFEST).unlink()
        seal(damaged, manifest)
        with pytest.raises(ModelError):
            load(damaged)


def test_rounding_is_within_half_a_step() -> None:
    values = np.random.default_rng(3).normal(size=(7, 5)).astype(np.float32)
    values[:, 2] = 0
    for axis in (0, 1):
        whole, scale = rounded(values, axis)
        assert np.abs(whole * scale - values).max() <= scale.max() / 2 + 1e-6
        assert np.abs(whole).max() == 127


def test_an_exported_model_is_its_only_variant(plain: tuple[Path, Path]) -> None:
    with variants(plain[1]) as found:
        assert [v.name for v in found] == ["ONNX fp32"]


def test_without_torch_the_missing_extra_is_named(plain: tuple[Path, Path]) -> None:
    script = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "from posner.cli import main\n"
        "from posner.errors import MissingExtraError\n"
        "try:\n"
        "    import posner.export.model\n"
        "except MissingExtraError as error:\n"
        "    print(error.line())\n"
        f"sys.exit(main(['bench', {str(plain[0])!r}]))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "pip install 'posner[export]'" in done.stdout
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert "pip install 'posner[train]'" in done.stderr


def test_a_training_cannot_go_on_from_it(plain: tuple[Path, Path]) -> None:
    with pytest.raises(ModelError, match=r"is exported, .*name what it was made of"):
        Start.at(plain[1])


def test_quantiles() -> None:
    assert quantile([3, 1, 2], 0.5) == 2
    assert quantile([3, 1, 2], 0.95) == 3
    assert quantile([5], 0.5) == 5


def test_latency_is_that_of_sentences_from_all_over_the_texts() -> None:
    assert some_sentences(["Ada won. Ben lost.\n\nNobody else", ""]) == [
        "Ada won.",
        "Ben lost.",
        "Nobody else",
    ]
    many = some_sentences([f"Ada won {i}. Ben lost." for i in range(1000)])
    assert len(many) == SINGLES
    assert "99" in "".join(many[-2:])
    assert some_sentences([" "]) == [" "]


def test_an_encoder_that_torch_cannot_export_is_told(bert: Path) -> None:
    network = tiny.untrained(tiny.recipe(bert)).network

    def refuse(*_: object, **__: object) -> None:
        raise ValueError("not like this\nat all")

    network.encoder.forward = refuse
    with pytest.raises(ModelError, match=r"encoder bert: torch cannot export.*got .*not like this"):
        network_graph(network)


def test_bench_leaves_out_what_cannot_be_exported(
    plain: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, int8: bool) -> None:
        raise ModelError("it cannot be exported", where="encoder", got=int8)

    monkeypatch.setattr(posner.export.model, "export_model", refuse)
    with variants(plain[0]) as found:
        assert [variant.name for variant in found] == ["torch fp32", "torch bf16"]
    told = capsys.readouterr().err.splitlines()
    assert [line.split(":")[1] for line in told] == [
        " ONNX fp32 is left out",
        " ONNX int8 is left out",
    ]


def test_bench_prints_the_forms_that_did_not_fail(
    plain: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[int | None] = []

    def one_fails(variant: Variant, _: object, *, seconds: float, threads: int | None) -> Speed:
        told.append(threads)
        if variant.name in failing:
            raise PosnerError("the measuring process failed", got=seconds)
        return Speed(1000.0, 0.1, 0.2, 1.0, None, None)

    forms = [Variant(name, plain[1], "fp32") for name in ("first", "an int8 one")]
    monkeypatch.setattr(posner.cli.bench, "variants", lambda _: nullcontext(forms))
    monkeypatch.setattr(posner.cli.bench, "bench", one_fails)
    for failing in (["first"], ["an int8 one"]):
        assert main(["bench", "m"]) == 0
        captured = capsys.readouterr()
        assert "1,000" in captured.out
        assert ("What 8 bits cost" in captured.out) is (failing == ["first"])
        assert f"{failing[0]} is left out: the measuring process failed" in captured.err
    failing = ["first", "an int8 one"]
    assert main(["bench", "m", "--threads", "3"]) == 1
    assert told == [None] * 4 + [3] * 2


def test_bench_measures_each_variant(
    plain: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts, figures = tmp_path / "texts.txt", tmp_path / "speed.json"
    texts.write_text("Ada met Ben in Oslo.\nFennec left.\n")
    call = ["bench", str(plain[1]), str(texts), "--seconds", "0", "--json", str(figures)]
    assert main([*call, "--threads", "1"]) == 0
    assert "ONNX fp32" in capsys.readouterr().out
    (speed,) = json.loads(figures.read_text()).values()
    assert speed["words_per_second"] > 0
    assert 0 < speed["p50"] <= speed["p95"]
    assert speed["first_memory"] <= speed["peak_memory"]
    texts.write_text("\n\n")
    assert main(["bench", str(plain[1]), str(texts)]) == 1
