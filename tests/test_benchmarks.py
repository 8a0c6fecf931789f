"""What the benchmarks compute without training: samples, curves, tables, ratios, work."""

from __future__ import annotations

import argparse
import json
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import transformers

import bench_ablation
import bench_compare
import bench_curve
import bench_inference
import bench_lexicon
import bench_long_text
import bench_peer
import bench_steps
import inference_stages
import peer
import tiny
from ceiling import Product, least_seconds, step_work
from common import draw_sentences, markdown_table, parted, read_corpus, run_script
from curve_picture import f1_range, marked, spread
from oracles import edit_distance
from points import (
    Point,
    append_point,
    best_f1,
    f1_within,
    minutes_per_epoch,
    read_points,
    seconds_to,
    useful_pieces_per_second,
)
from posner.backends.torch import TorchBackend
from posner.bench.measure import Speed
from posner.corpus import write
from posner.errors import PosnerError, UsageError
from posner.recipe import load_recipe
from posner.recognizer import Recognizer
from posner.schemes import Span
from posner.training.plan import affordable, judged_epochs
from typos import misspell


def _points(*f1s: float) -> list[Point]:
    """An epoch a minute, a quarter of which is spent on the dev set."""
    return [
        Point(i, f1, 60.0 * i, 15.0 * i, train_seconds=45.0, pieces_per_second=1000.0 * i)
        for i, f1 in enumerate(f1s, start=1)
    ]


def test_who_could_not_be_compared_is_named() -> None:
    won = {"own": "bert", "rival": "crf", "leads": True}
    missed = {"own": "bert", "rival": "spacy", "leads": None, "reason": "spacy failed"}
    assert "the best strict F1" in bench_compare.who_leads([won])
    told = bench_compare.who_leads([won, missed])
    assert told == "- bert is not compared with spacy: spacy failed."


@pytest.mark.parametrize("count", [1, 7, 20])
def test_a_drawn_sample_is_part_of_the_corpus_in_its_order(count: int, tmp_path: Path) -> None:
    corpus = read_corpus(tiny.save_corpus(tmp_path / "all.conll", 5))
    drawn = draw_sentences(corpus, count, seed=3)
    remaining = (sentence.words for sentence in corpus.sentences)
    assert all(sentence.words in remaining for sentence in drawn.sentences)  # in that order
    assert sum(1 for _ in drawn.sentences) == count
    assert draw_sentences(corpus, count, seed=3).documents == drawn.documents
    write(drawn, tmp_path / "drawn.conll", format=corpus.format)
    again = read_corpus(tmp_path / "drawn.conll")
    facts = [[(s.words, [t.pos for t in s.tokens]) for s in c.sentences] for c in (again, drawn)]
    assert facts[0] == facts[1]
    assert again.has_pos


def test_flags_for_a_training_stand_behind_two_dashes() -> None:
    assert parted(["data", "--only", "100", "--", "--training.epochs", "1"]) == (
        ["data", "--only", "100"],
        ["--training.epochs", "1"],
    )
    assert parted(["data"]) == (["data"], [])


def test_more_sentences_than_there_are_cannot_be_drawn() -> None:
    with pytest.raises(PosnerError, match="too few sentences"):
        draw_sentences(tiny.corpus(2), 9, seed=1)


def test_points_are_read_as_they_were_written(tmp_path: Path) -> None:
    file = tmp_path / "points.jsonl"
    assert read_points(file) == []
    for point in _points(0.5, 0.7):
        append_point(file, point)
    assert read_points(file) == _points(0.5, 0.7)


def test_a_curve_tells_when_and_how_far() -> None:
    points = _points(0.5, 0.92, 0.9)
    assert seconds_to(points, 0.91) == 120
    assert seconds_to(points, 0.93) is None
    assert f1_within(points, 0.7) is None
    assert f1_within(points, 0.75) == 0.5
    assert f1_within(points, 60) == best_f1(points) == 0.92
    assert minutes_per_epoch(points) == minutes_per_epoch(points[1:]) * 1.5 == 0.75
    assert useful_pieces_per_second(points) == pytest.approx(2000)


def test_a_table_is_markdown() -> None:
    assert markdown_table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def _way(name: str, script: str) -> bench_peer.Way:
    return bench_peer.Way(name, "fp32", script, (), ())


def test_the_peers_ratio_counts_minutes_only_where_both_get_there() -> None:
    own = (_way("ours", "timed_train.py"), bench_peer.Outcome(_points(0.92), 1.5, 1.0))
    late = (_way("theirs", "peer.py"), bench_peer.Outcome(_points(0.5, 0.6, 0.7, 0.91), 4, 2.0))
    never = (_way("theirs", "peer.py"), bench_peer.Outcome(_points(0.5, 0.6), 2.2, 2.0))
    assert bench_peer.ratio_line(own, late).endswith("theirs, fp32 and 0.25 of its minutes to 91.0")
    assert "0.40 times" in bench_peer.ratio_line(own, late)
    assert bench_peer.ratio_line(own, never).endswith("best F1 is 60.00, after 2.2 minutes")
    assert bench_peer.ratio_line(own, late, speed_only=True).endswith("theirs, fp32")
    text = bench_peer.report([own, never], speed_only=False)
    assert "| ours, fp32 | 1,000 | 0.75 | 92.00 | 1.0 | 1.00 |" in text
    assert "| theirs, fp32 | 1,500 | 0.75 | 50.00 60.00 | not within 2.2 | 2.00 |" in text


def test_the_peer_labels_first_pieces_and_its_tags_are_read_back(bert: Path) -> None:
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(bert / "tokenizer.json"), unk_token="[UNK]", pad_token="[PAD]"
    )
    gold = peer.Sentence(["Ada", "met", "Quito"], (Span(0, 1, "PER"), Span(2, 3, "LOC")))
    tags = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    (example,) = peer.encode([gold], tokenizer, tags)
    labels = np.array(example["labels"])
    assert len(labels) == len(example["input_ids"]) == len(example["attention_mask"])
    assert labels[labels != -100].tolist() == [3, 0, 1]
    assert labels[0] == labels[-1] == -100
    padded = np.append(labels, -100)[None]
    logits = np.eye(len(tags))[np.where(padded < 0, 2, padded)]
    assert peer.dev_f1([gold], logits, padded, tags) == 1.0
    logits[0, np.flatnonzero(padded[0] == 1), :] = np.eye(len(tags))[2]  # I-LOC alone is repaired
    assert peer.dev_f1([gold], logits, padded, tags) == 1.0
    logits[0, np.flatnonzero(padded[0] == 3), :] = np.eye(len(tags))[0]
    assert peer.dev_f1([gold], logits, padded, tags) == pytest.approx(2 / 3)


def test_every_way_of_the_curve_is_a_recipe_and_looks_at_dev_along_its_course() -> None:
    for way in bench_curve.WAYS.values():
        settings = bench_curve.settings_of(way)
        recipe = load_recipe(way.recipe).with_values(settings, where=way.title)
        steps_an_epoch = 2  # of a hundred sentences
        extent = affordable(steps_an_epoch, recipe.training)
        assert extent.epochs > load_recipe(way.recipe).training.epochs
        assert len(judged_epochs(extent.epochs, recipe.training)) > 1


@pytest.mark.parametrize("text", ["x", "0", "-5", "2.5", ""])
def test_a_size_is_a_number_of_sentences_or_all(text: str) -> None:
    assert [bench_curve.size_of(size) for size in ("all", "500")] == ["all", "500"]
    with pytest.raises(argparse.ArgumentTypeError, match="neither a number of sentences nor all"):
        bench_curve.size_of(text)


def test_a_variant_that_there_is_not_is_refused() -> None:
    bench_ablation.check_names(["default", "character CNN"])
    with pytest.raises(UsageError, match=r"--only: no such variant .*got dflt"):
        bench_ablation.check_names(["default", "dflt"])


def test_variants_have_names_of_their_own_and_bases_that_are_there() -> None:
    listed = bench_ablation.variants()
    names = [variant.name for variant in listed]
    assert len(set(names)) == len(names)
    assert {variant.base for variant in listed} <= set(names)
    for variant in listed:
        flags = dict(flag.split("=", 1) for flag in variant.flags)
        load_recipe("default").with_values(flags, where=variant.name)


def test_a_run_is_done_only_when_it_was_finished(tmp_path: Path) -> None:
    run = bench_curve.Run("full", "100", 1, tmp_path)
    assert not run.done
    run.model.mkdir()
    for state, done in (("started", False), ("finished", True)):
        (run.model / "run.json").write_text(json.dumps({"state": state}), encoding="utf-8")
        append_point(run.points, _points(0.5)[0])
        assert run.done is done


def test_the_curves_table_and_panels() -> None:
    runs = [
        bench_curve.Run(way, "100", seed, Path("runs"))
        for way in ("full", "top")
        for seed in (1, 2)
    ]
    ended = {run: _points(0.3, 0.4 + 0.1 * run.seed) for run in runs}
    row = "| 100 | full fine-tuning | 1 | 2 | 50.00 | 1.5 | 2.0 | 30.00 | 50.00 | 50.00 | 50.00 |"
    assert row in bench_curve.table(ended)
    panels = bench_curve.panels(ended)
    assert list(panels) == ["100"]
    assert panels["100"]["full"] == _points(0.3, 0.5)


def test_names_keep_apart_and_stay_near_their_lines() -> None:
    assert spread([0.2, 0.8], 0.1) == [0.2, 0.8]
    placed = spread([0.5, 0.5, 0.52, 0.9], 0.1)
    assert placed[3] == 0.9
    assert np.diff(sorted(placed)).min() >= 0.1 - 1e-9
    assert max(spread([1.0, 1.0, 1.0], 0.1)) <= 1 + 1e-9
    assert marked(3) == [0, 1, 2]
    assert marked(48)[-1] == 47
    assert len(marked(48)) == 10
    low, high = f1_range([3.0, *(80.0 + i for i in range(12))])
    assert 75 < low < 80
    assert 91 < high < 93


def test_a_steps_work_counts_forward_and_backward() -> None:
    config = SimpleNamespace(hidden_size=4, intermediate_size=8, num_hidden_layers=2)
    work = step_work([(3, 5)], config)
    assert work.linear[(4, 8)] == 3 * 2 * 15 * 4 * 8 * 2
    assert work.linear[(4, 4)] == 4 * 3 * 2 * 15 * 4 * 4 * 2
    assert work.attention == 3 * 2 * 2 * (3 * 5 * 5) * 4 * 2
    products = [Product(9, k, n, fp32=1.0, bf16=2.0) for k, n in work.linear]
    seconds = least_seconds(work, products, bf16=False)
    assert seconds == pytest.approx(sum(work.linear.values()) / 1e9)
    assert least_seconds(work, products, bf16=True) == pytest.approx(seconds / 2)


def test_a_process_is_ended_when_its_time_is_up(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys, time; time.sleep(float(sys.argv[1])); sys.exit(3)")
    assert run_script(script, ["60"], seconds=0.3).status is None
    ran = run_script(script, ["0"])
    assert ran.status == 3
    assert ran.peak_gigabytes > 0


def test_a_typo_changes_one_word_of_some_names_and_nothing_else() -> None:
    documents = tiny.documents(6)
    changed = misspell(documents, 0.5, seed=2)
    assert misspell(documents, 0.5, seed=2) == changed
    entities = sum(len(d.entities) for d in documents)
    assert 0.2 * entities < len(changed.names) < 0.8 * entities
    for number, (before, after) in enumerate(zip(documents, changed.documents, strict=True)):
        assert after.word_count == before.word_count
        for old, new in zip(before.entities, after.entities, strict=True):
            assert old.label == new.label
            expected = changed.names.get((number, new.start, new.end))
            assert (old.text == expected) is (old.text != new.text)
            if expected is not None:
                assert edit_distance(expected, new.text) == 1


def test_joined_words_and_counts() -> None:
    (document,) = tiny.documents(1)
    words = bench_steps.words_of(document)
    assert len(words) == sum(len(e.text.split()) for e in document.entities)
    assert bench_steps.counts([document], [document.entities]).f1 == 1.0
    assert bench_steps.counts([document], [words]).recall < 1.0
    assert len(bench_steps.every(tiny.documents(40), 0.25)) == 10


def test_a_lexicon_is_measured() -> None:
    rows = bench_lexicon.measure(300, 0.01)
    assert next(row.note for row in rows if row.step == "read").startswith("300 names")
    assert all(row.megabytes > 0 for row in rows)
    assert "names a second" in rows[-1].note
    names = bench_lexicon.made_names(300, seed=1)
    documents = bench_lexicon.unknown_documents(names, 25, seed=2)
    assert sum(len(document.entities) for document in documents) == 50


def _speed(words: float, peak: int | None = None) -> Speed:
    return Speed(words, 0.1, 0.2, 1.0, None, peak)


def test_systems_take_turns_and_what_fails_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []

    def spoken(name: str, words: float) -> Speed:
        told.append(name)
        if name == "second" and told.count(name) == 2:
            raise PosnerError("it broke")
        return _speed(words)

    names = ("first", "second", "third")
    found = bench_inference.in_rounds({n: partial(spoken, n, 10.0) for n in names}, 3)
    assert told == [*names, *names, "first", "third"]
    assert {name: len(speeds) for name, speeds in found.items()} == {"first": 3, "third": 3}
    assert "second: it broke" in capsys.readouterr().err


def test_figures_are_medians_and_ratios_those_of_a_round() -> None:
    speeds = [_speed(30, 5), _speed(10, None), _speed(20, 9)]
    assert bench_inference.median(speeds) == _speed(20, 7)
    told = bench_inference.against_rivals(
        {"rival": [_speed(10), _speed(10), _speed(10)], bench_inference.INT8: speeds}
    )
    assert told.endswith("\n- 2.0 times rival (1.0 to 3.0)")


def test_stages_sum_to_the_whole(bert: Path) -> None:
    model = tiny.untrained(tiny.recipe(bert, {}))
    recognizer = Recognizer(
        model.manifest, model.tokenizer, TorchBackend(model.network, model.manifest), workers=1
    )
    texts = ["Ada met Ben in Oslo.", "Then they left."]
    rows = inference_stages.stage_rows(recognizer, texts)
    assert [row[0] for row in rows] == [
        *("sentences and words", "pieces", "windows and batches", "network"),
        *("votes", "decoding", "documents", "rest", "the whole"),
    ]
    times = [float(row[1]) for row in rows]
    assert min(times) >= 0
    assert sum(times[:-1]) == pytest.approx(times[-1], abs=0.05)
    assert recognizer.crew.workers == 1  # what is measured is a copy


def test_a_stage_does_not_count_those_inside_it() -> None:
    clock = inference_stages.Clock()
    begin = time.perf_counter()
    inner = clock.timed("inner", lambda: sum(range(10_000)))
    clock.timed("outer", lambda: (inner(), inner()))()
    whole = time.perf_counter() - begin
    assert list(clock.seconds) == ["inner", "outer"]
    assert sum(clock.seconds.values()) <= whole


def test_entities_that_batching_changes_are_counted() -> None:
    documents = tiny.documents(4)
    assert bench_inference.changed_share(documents, documents) == 0
    without = [d.with_entities(d.entities[1:]) for d in documents]
    entities = sum(len(d.entities) for d in documents)
    assert bench_inference.changed_share(documents, without) == pytest.approx(4 / entities)
    assert bench_inference.changed_share([], []) == 0


def test_spacy_runs_on_one_core_and_on_all(monkeypatch: pytest.MonkeyPatch) -> None:
    for count, expected in ((1, {"spaCy, x": 1}), (2, {"spaCy, x": 1, "spaCy, x, 2 processes": 2})):
        monkeypatch.setattr(bench_inference, "cores", lambda n=count: n)
        rows = bench_inference.spacy_rows("x")
        assert rows == expected
        assert {name: bench_inference.cores_of(name) for name in rows} == expected
    assert bench_inference.cores_of(bench_inference.INT8) == 2


def test_a_long_texts_vocabulary_grows_with_it(tmp_path: Path) -> None:
    source = bench_long_text.source_text(None)
    sizes = {name: tmp_path / name for name in ("short", "long", "again")}
    short = bench_long_text.write_text(sizes["short"], source, 0.1)
    long = bench_long_text.write_text(sizes["long"], source, 0.4)
    assert long > 2 * short
    assert sizes["long"].stat().st_size == 400_000
    ran = bench_long_text.measure("none", source, 0.05, tmp_path, nothing=True).ran
    assert ran.peak_gigabytes > 0
    assert bench_long_text.write_text(sizes["again"], source, 0.4) == long
    assert sizes["again"].read_bytes() == sizes["long"].read_bytes()
