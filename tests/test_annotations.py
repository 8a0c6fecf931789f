"""Annotation files: changes by several people, undo, and the corpus that they are."""

from __future__ import annotations

import json
import random
import sqlite3
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies
import tiny
from posner.cli import main
from posner.cli.check import PAIRS_SHOWN
from posner.corpus import Corpus, Problem, read, write
from posner.corpus.annotation_file import AnnotationFile, StaleError
from posner.corpus.nested import flat, on_words, shared_words
from posner.corpus.words import segmented
from posner.document import Document, Entity
from posner.errors import DataError
from posner.segment import segment

TEXT = "Ada lived in Oslo."
PER, LOC = (0, 3, "PER"), (13, 17, "LOC")


@pytest.fixture
def file(tmp_path: Path) -> AnnotationFile:
    return AnnotationFile(tmp_path / "a.sqlite", create=True)


def test_a_change_says_who_and_when_and_nothing_is_lost(file: AnnotationFile) -> None:
    first = file.save(TEXT, [LOC, PER], "Ann", 0)
    assert first.entities == (PER, LOC)
    assert (first.who, str(first.at)[-1]) == ("Ann", "Z")
    second = file.save(TEXT, [LOC], "Bob", first.revision)
    assert (second.entities, second.who) == ((LOC,), "Bob")
    with sqlite3.connect(file.path) as raw:
        assert raw.execute("SELECT count(*) FROM changes").fetchone() == (2,)


def test_undo_goes_back_step_by_step(file: AnnotationFile) -> None:
    one = file.save(TEXT, [PER], "Ann", 0)
    two = file.save(TEXT, [LOC], "Ann", one.revision)
    back = file.undo(TEXT, "Bob", two.revision)
    assert (back.entities, back.who) == ((PER,), "Bob")
    third = file.save(TEXT, [PER, LOC], "Ann", back.revision)
    back = file.undo(TEXT, "Bob", third.revision)
    assert back.entities == (PER,)
    back = file.undo(TEXT, "Bob", back.revision)
    assert back.entities is None
    assert file.corrected() == []
    with pytest.raises(DataError, match="no correction"):
        file.undo(TEXT, "Bob", back.revision)


def test_nobody_overwrites_what_they_have_not_seen(file: AnnotationFile) -> None:
    first = file.save(TEXT, [PER], "Ann", 0)
    for revision in (0, first.revision + 7):
        with pytest.raises(StaleError, match="Ann has changed"):
            file.save(TEXT, [LOC], "Bob", revision)
        with pytest.raises(StaleError):
            file.undo(TEXT, "Bob", revision)
    assert file.find(TEXT) == first


def test_of_several_people_at_once_each_change_is_whole(file: AnnotationFile) -> None:
    def correct(who: int) -> int:
        done = 0
        while done < 5:
            found = file.find(TEXT)
            try:
                file.save(TEXT, [(0, who + 1, "X")], f"p{who}", found.revision if found else 0)
                done += 1
            except StaleError:
                continue
        return done

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(correct, range(3))) == [5] * 3
    with sqlite3.connect(file.path) as raw:
        chain = raw.execute("SELECT id, parent FROM changes ORDER BY id").fetchall()
    assert [parent for _, parent in chain[1:]] == [number for number, _ in chain[:-1]]


@given(st.lists(st.one_of(st.none(), st.integers(0, 4)), max_size=12))
@settings(max_examples=25)
def test_undo_is_the_inverse_of_save(steps: list[int | None]) -> None:
    """None undoes, a number saves; a stack of states is the oracle."""
    with tempfile.TemporaryDirectory() as folder:
        file = AnnotationFile(Path(folder) / "a.sqlite", create=True)
        states: list[int] = []
        for step in steps:
            known = file.find(TEXT)
            revision = known.revision if known else 0
            if step is not None:
                file.save(TEXT, [(0, step + 1, "X")], "Ann", revision)
                states.append(step)
            elif states:
                file.undo(TEXT, "Ann", revision)
                states.pop()
            found = file.find(TEXT)
            held = found.entities if found else None
            assert held == (((0, states[-1] + 1, "X"),) if states else None)


def test_the_least_certain_come_first_and_the_corrected_never(file: AnnotationFile) -> None:
    texts = [f"text {i}" for i in range(4)]
    assert file.add((None, text, None) for text in [*texts, texts[0]]) == 4
    assert file.add([(None, texts[0], None)]) == 0
    ratings = dict(zip((a.id for a in file.waiting()), (0.1, 0.7, 0.4), strict=False))
    file.rate(ratings.items())
    assert [a.text for a in file.waiting()] == ["text 1", "text 2", "text 0", "text 3"]
    file.save("text 1", [], "Ann", 0)
    assert [a.text for a in file.waiting(2)] == ["text 2", "text 0"]


def test_a_rating_is_one_models(file: AnnotationFile) -> None:
    file.add((None, text, None) for text in ("a", "b", "c"))
    one, two, three = (a.id for a in file.unrated("first"))
    file.rate([(one, 0.5), (two, 0.1)], "first")
    assert [a.id for a in file.unrated("first")] == [three]
    assert [a.id for a in file.unrated("second")] == [one, two, three]
    file.rate([(one, 0.0)], "second")
    assert [a.id for a in file.unrated("second")] == [two, three]
    assert [a.id for a in file.waiting()] == [two, one, three]


def test_an_undone_text_waits_again(file: AnnotationFile) -> None:
    file.add([(None, TEXT, None)])
    saved = file.save(TEXT, [PER], "Ann", 0)
    undone = file.undo(TEXT, "Ann", saved.revision)
    assert [(a.text, a.revision) for a in file.waiting()] == [(TEXT, undone.revision)]
    file.save(TEXT, [], "Ann", undone.revision)
    assert file.waiting() == []


@given(strategies.corpora(strategies.plain_words))
@settings(max_examples=25)
def test_a_corpus_comes_back_as_it_was_written(documents: list[Document]) -> None:
    corpus = {d.text: d for d in documents}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.sqlite"
        write(corpus.values(), path)
        back = read(path)
        assert back.format == "annotations"
        for document in back.documents:
            source = corpus[document.text]
            assert document.sentences == source.sentences
            assert sorted(document.entities, key=str) == sorted(source.entities, key=str)
        assert len(back.documents) == len(corpus)


def test_commands_read_corrected_texts_like_any_corpus(
    tmp_path: Path, file: AnnotationFile, capsys: pytest.CaptureFixture[str]
) -> None:
    file.save(TEXT, [PER, LOC], "Ann", 0)
    file.add([(None, "not corrected", None)])
    assert main(["check", str(file.path)]) == 0
    assert main(["convert", str(file.path), str(tmp_path / "b.conll")]) == 0
    written = (tmp_path / "b.conll").read_text(encoding="utf-8")
    assert "Ada B-PER\n" in written
    assert "not" not in written
    tiny.save_corpus(tmp_path / "c.conll", 2)
    assert main(["convert", str(tmp_path / "c.conll"), str(tmp_path / "c.sqlite")]) == 0
    assert main(["convert", str(tmp_path / "c.conll"), str(tmp_path / "c.sqlite")]) == 1
    assert "not empty" in capsys.readouterr().err
    assert len(read(tmp_path / "c.sqlite").documents) == 2


NESTED = "The University of Oslo won."
ORG, CITY = (4, 22, "ORG"), (18, 22, "LOC")


def test_entities_that_share_words_are_noted_before_a_training_refuses_them(
    tmp_path: Path, file: AnnotationFile, capsys: pytest.CaptureFixture[str]
) -> None:
    file.save(TEXT, [PER, LOC], "Ann", 0)
    figures = tmp_path / "figures.json"
    assert main(["check", str(file.path), "--json", str(figures)]) == 0
    assert "note:" not in capsys.readouterr().out
    assert json.loads(figures.read_text())["shared_words"] == []
    file.save(NESTED, [ORG, CITY], "Ann", 0)
    file.save("Ada won.", [PER, (0, 3, "ORG")], "Ann", 0)
    assert main(["check", str(file.path), "--json", str(figures)]) == 0
    printed = capsys.readouterr().out
    assert "0 problems\nnote: 2 entities share words with another; " in printed
    assert "  text-2: LOC 'Oslo' over ORG 'University of Oslo'\n" in printed
    assert "  text-3: PER 'Ada' over ORG 'Ada'\n" in printed
    assert [pair["document"] for pair in json.loads(figures.read_text())["shared_words"]] == [
        "text-2",
        "text-3",
    ]
    assert main(["train", str(file.path), "--out", str(tmp_path / "run")]) == 1
    assert (
        "keep one of each overlapping pair; --repair keeps the longest" in capsys.readouterr().err
    )


def test_a_repair_keeps_the_longest_of_those_that_share_words(
    tmp_path: Path, file: AnnotationFile, bert: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.save(NESTED, [ORG, CITY], "Ann", 0)
    file.save("Ada won.", [PER, (0, 3, "ORG")], "Ann", 0)
    file.save("Ada left.", [PER], "Ann", 0)
    found, count = flat(read(file.path))
    assert count == 2
    assert [[e.text for e in d.entities] for d in found.documents] == [
        ["University of Oslo"],
        ["Ada"],
        ["Ada"],
    ]
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(tiny.recipe(bert).to_toml(), encoding="utf-8")
    call = ["train", str(file.path), "--dev", str(file.path), "--recipe", str(recipe)]
    assert main([*call, "--out", str(tmp_path / "run"), "--repair"]) == 0
    assert "2 entities sharing words with a longer one, left out" in capsys.readouterr().err
    file.save("Ben left Oslo.", [(0, 3, "PER"), (9, 13, "ORG")], "Ann", 0)
    onward = ["--from", str(tmp_path / "run"), "--out", str(tmp_path / "next"), "--repair"]
    assert main(["train", str(file.path), "--dev", str(file.path), *onward]) == 0
    started = json.loads((tmp_path / "next" / "run.json").read_text())
    assert str(tmp_path / "run") in json.dumps(started)


def test_a_repair_widens_what_is_off_the_words_borders() -> None:
    text = "Ada Lovelace left  Oslo."
    document = Document(text, segment(text))
    spans = [document.entity(0, 9, "PER"), document.entity(17, 19, "LOC")]
    corpus = Corpus((document.with_entities(spans), document), "mine.jsonl", "jsonl")
    found, count = on_words(corpus)
    assert count == 2
    assert [[e.text for e in d.entities] for d in found.documents] == [["Ada Lovelace"], []]
    assert on_words(found) == (found, 0)


def test_of_many_that_share_words_some_are_listed(
    file: AnnotationFile, capsys: pytest.CaptureFixture[str]
) -> None:
    for i in range(PAIRS_SHOWN + 3):
        file.save(f"{NESTED} {i}", [ORG, CITY], "Ann", 0)
    assert main(["check", str(file.path)]) == 0
    printed = capsys.readouterr().out
    assert printed.count(" over ") == PAIRS_SHOWN
    assert "  and 3 more; --json" in printed


def test_pairs_that_share_words_are_those_of_brute_force() -> None:
    spans = [(0, 3, "A"), (0, 12, "B"), (4, 9, "C"), (10, 17, "D"), (13, 17, "E")]
    for mask in range(2 ** len(spans)):
        chosen = [span for i, span in enumerate(spans) if mask >> i & 1]
        document = Document(
            TEXT, segmented(TEXT, ()), tuple(Entity(s, e, n, TEXT[s:e]) for s, e, n in chosen)
        )
        found = shared_words(Corpus((document,), "test", "test"))
        expected = {
            label
            for i, (start, _, label) in enumerate(chosen)
            for other in chosen[:i]
            if other[1] > start
        }
        assert {pair.second.split()[0] for pair in found} == expected


def test_what_is_no_annotation_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        AnnotationFile(tmp_path / "none.sqlite")
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as raw:
        raw.execute("CREATE TABLE x (y)")
    with pytest.raises(DataError, match="not one of annotations"):
        read(other)
    damaged = tmp_path / "damaged.sqlite"
    damaged.write_bytes(b"SQLite format 3\x00" + random.Random(1).randbytes(5000))
    with pytest.raises(DataError, match="cannot be used"):
        read(damaged)


def test_spans_outside_their_text_are_problems(file: AnnotationFile) -> None:
    file.save(TEXT, [PER, (10, 99, "LOC")], "Ann", 0)
    problems: list[Problem] = []
    corpus = read(file.path, problems=problems)
    assert [p.kind for p in problems] == ["span-outside-text"]
    assert [e.text for e in corpus.documents[0].entities] == ["Ada"]
