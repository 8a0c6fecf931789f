"""Augmentation within a training: anew in each epoch, the same wherever an epoch is prepared."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny
from posner.errors import DataError
from posner.labels import IGNORED
from posner.recipe import Recipe
from posner.training.augment import augmented
from posner.training.build import accelerator_for, build_work
from posner.training.console import Reporter
from posner.training.course import Course
from posner.training.parts import training_parts
from posner.training.plan import Planner
from posner.training.prepare import PreparedSet
from posner.training.run import RunFolder
from posner.training.work import Work

PLANNER = Planner(batch_pieces=256, processes=1, accumulation=1, seed=1)


class Listener(Reporter):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def work_of(recipe: Recipe, folder: Path, listener: Listener | None = None) -> Work:
    reporter = listener or Listener()
    parts = training_parts(tiny.corpus(20), tiny.corpus(8, first=20), recipe, reporter)
    return build_work(parts, recipe, accelerator_for(recipe), RunFolder(folder), reporter)


def course_of(encoder: Path, folder: Path, **values: Any) -> Course:
    chosen = {f"augment.{name}": value for name, value in values.items()}
    recipe = tiny.recipe(encoder, chosen | {"training.epochs": 3, "data.pack": 40})
    return work_of(recipe, folder).course


def words(prepared: PreparedSet) -> list[list[str]]:
    return [sentence.words for document in prepared.documents for sentence in document.sentences]


def assert_same(first: PreparedSet, second: PreparedSet) -> None:
    assert first.documents == second.documents
    assert first.windows == second.windows
    for a, b in zip(first.encoded, second.encoded, strict=True):
        np.testing.assert_array_equal(a.ids, b.ids)
        np.testing.assert_array_equal(a.shapes, b.shapes)
    for x, y in zip(first.gold, second.gold, strict=True):
        np.testing.assert_array_equal(x.entity, y.entity)


def test_epochs_differ_but_every_process_prepares_the_same(bert: Path, tmp_path: Path) -> None:
    values = {"mentions": 0.5, "casing": 0.3}
    one, other = (course_of(bert, tmp_path, **values) for _ in range(2))
    backwards = {epoch: other.at(epoch) for epoch in (2, 1, 0)}
    for epoch in range(3):
        assert_same(one.at(epoch), backwards[epoch])
        again = one.at(epoch)
        assert again is one.at(epoch)
    seen = [words(backwards[epoch]) for epoch in range(3)]
    assert all(a != b for a, b in zip(seen, [*seen[1:], words(one.prepared)], strict=True))
    assert words(one.prepared) == [s.words for d in tiny.documents(20) for s in d.sentences]


def test_steps_are_those_of_the_changed_epochs(bert: Path, tmp_path: Path) -> None:
    course = course_of(bert, tmp_path, mentions=0.7)
    plans = [PLANNER.epoch(epoch, course.at(epoch).lengths) for epoch in range(3)]
    assert [course.plan(epoch, PLANNER) for epoch in range(3)] == plans
    assert course.steps(PLANNER) == [sum(len(plan.steps) for plan in plans)]
    lengths = {tuple(course.at(epoch).lengths) for epoch in range(3)}
    assert len(lengths) == 3


def test_an_epoch_is_prepared_twice_at_most(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    epochs: list[int] = []

    def counting(*arguments: Any) -> Any:
        epochs.append(arguments[-1])
        return augmented(*arguments)

    monkeypatch.setattr("posner.training.fresh.augmented", counting)
    course = course_of(bert, tmp_path, mentions=0.5)
    for epoch in range(3):
        course.plan(epoch, PLANNER)
        course.at(epoch)
    assert Counter(epochs) == {0: 1, 1: 2, 2: 2}


def test_labels_stay_with_their_words(bert: Path, tmp_path: Path) -> None:
    course = course_of(bert, tmp_path, mentions=1.0)
    changed = course.at(0)
    for document, gold in zip(changed.documents, changed.gold, strict=True):
        assert len(gold.entity) == document.word_count
        assert IGNORED not in gold.entity
        capitals = [token.text[0].isupper() or token.text == "Ltd" for token in document.tokens]
        assert [bool(tag) for tag in gold.entity] == capitals


def test_a_lexicon_is_drawn_from_and_has_no_parts_of_speech(bert: Path, tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("".join(f"LOC\tZyx{i}\n" for i in range(500)) + "RIVER\tNile\n")
    listener = Listener()
    values = {"augment.mentions": 1.0, "augment.lexicon": str(path), "training.epochs": 1}
    work = work_of(tiny.recipe(bert, values), tmp_path / "run", listener)
    changed = work.course.at(0)
    tokens = [token for document in changed.documents for token in document.tokens]
    pos = np.concatenate([gold.pos for gold in changed.gold if gold.pos is not None])
    from_lexicon = np.array([token.text.startswith("Zyx") for token in tokens])
    assert from_lexicon.sum() > 10
    assert ((pos == IGNORED) == from_lexicon).all()
    assert not any(token.text == "Nile" for token in tokens)
    assert any("names of RIVER are not used" in line for line in listener.said)


def test_it_is_said_and_dev_stays(bert: Path, tmp_path: Path) -> None:
    listener = Listener()
    values = {"augment.mentions": 1.0, "augment.casing": 0.25}
    work = work_of(tiny.recipe(bert, values), tmp_path / "run", listener)
    assert work.dev.documents == tuple(tiny.documents(8, first=20))
    (line,) = (said for said in listener.said if said.startswith("anew in each epoch: "))
    assert "100 % of the mentions are replaced, from 18 distinct ones" in line
    assert "25 % of the sentences change their case" in line
    quiet = Listener()
    work = work_of(tiny.recipe(bert), tmp_path / "run", quiet)
    assert not any("anew" in said for said in quiet.said)
    assert work.course.at(0) is work.course.prepared


def test_a_lexicon_without_replacing_is_told(bert: Path, tmp_path: Path) -> None:
    listener = Listener()
    recipe = tiny.recipe(bert, {"augment.lexicon": "nowhere.txt"})
    work_of(recipe, tmp_path / "run", listener)
    assert "augment.lexicon is not used, since augment.mentions is 0" in listener.said[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("B-PER\tAda Marsh\n", r"no name of this lexicon .*got B-PER\); did you mean PER\?"),
        (None, r"no such file .*augment\.lexicon.*--augment\.mentions 0"),
    ],
)
def test_a_lexicon_that_is_of_no_use_is_refused(
    bert: Path, tmp_path: Path, text: str | None, told: str
) -> None:
    path = tmp_path / "names.txt"
    if text is not None:
        path.write_text(text)
    recipe = tiny.recipe(bert, {"augment.mentions": 0.5, "augment.lexicon": str(path)})
    with pytest.raises(DataError, match=told):
        work_of(recipe, tmp_path / "run", Listener())


def test_names_of_the_part_set_aside_are_not_used(bert: Path, tmp_path: Path) -> None:
    recipe = tiny.recipe(bert, {"augment.mentions": 1.0, "training.dev-share": 0.5})
    corpus = tiny.corpus(2)
    parts = training_parts(corpus, None, recipe, Listener())
    work = build_work(parts, recipe, accelerator_for(recipe), RunFolder(tmp_path), Listener())
    names = {entity.text for document in parts.train.documents for entity in document.entities}
    fresh = work.course.fresh
    assert fresh is not None
    found = {m.text for mentions in fresh.table.mentions.values() for m in mentions}
    assert found == names
    assert names < {entity.text for document in corpus.documents for entity in document.entities}
