"""The whole analysis: errors, confusion, splits, calibration, and that it adds up in any order."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny
from posner.document import Document
from posner.errors import DataError
from posner.evaluation.analysis import Analysis, analyse
from posner.evaluation.bootstrap import paired_differences
from posner.evaluation.calibration import BINS, Bin, Calibration
from posner.evaluation.confusion import Confusion
from posner.evaluation.counts import Counts
from posner.evaluation.documents import evaluate_document
from posner.evaluation.mentions import KnownMentions
from posner.evaluation.mistakes import KINDS, count_kinds, kind_of, some_of_each
from posner.evaluation.result import Evaluation
from posner.evaluation.splits import casing
from posner.evaluation.units import sentence_units

TRAIN = tiny.labelled(
    [
        ("Ada Marsh met Ben in Oslo", [(0, 2, "PER"), (3, 4, "PER"), (5, 6, "LOC")]),
        ("Oslo beat Lima and Ben left", [(0, 1, "ORG"), (2, 3, "LOC")]),
    ]
)


@st.composite
def scored_pairs(draw: st.DrawFn) -> tuple[Document, Document]:
    """A document of several sentences, with gold and predicted entities that may overlap."""
    gold = tiny.labelled([("Ada Marsh met Ben", []), ("in New Oslo", []), ("it RAINED", [])])
    places = st.tuples(
        st.integers(0, len(gold.text) - 2),
        st.integers(1, 9),
        st.sampled_from(("PER", "LOC")),
        st.floats(0, 1) | st.none(),
    )

    def with_entities(scored: bool) -> Document:
        drawn = draw(st.lists(places, max_size=4))
        return gold.with_entities(
            gold.entity(start, min(start + size, len(gold.text)), label, score if scored else None)
            for start, size, label, score in drawn
        )

    return with_entities(False), with_entities(True)


pair_lists = st.lists(scored_pairs(), min_size=1, max_size=8)
Pairs = list[tuple[Document, Document]]


def analysed(pairs: Pairs) -> Analysis:
    return analyse([g for g, _ in pairs], [p for _, p in pairs], train=KnownMentions.of([TRAIN]))


@settings(max_examples=40)
@given(left=pair_lists, right=pair_lists)
def test_adding_analyses_is_analysing_both_sets_together(left: Pairs, right: Pairs) -> None:
    added, together = analysed(left) + analysed(right), analysed(left + right)
    assert added.evaluation == together.evaluation
    assert added.confusion == together.confusion
    assert added.splits == together.splits
    assert added.calibration == together.calibration
    assert added.mistakes == together.mistakes
    assert added.to_json(text=True, resamples=20) == together.to_json(text=True, resamples=20)


@settings(max_examples=40)
@given(pairs=pair_lists, seed=st.integers(0, 9))
def test_the_order_of_documents_and_entities_never_matters(pairs: Pairs, seed: int) -> None:
    shuffle = random.Random(seed).shuffle
    mixed = []
    for pair in pairs:
        entities = [list(document.entities) for document in pair]
        for own in entities:
            shuffle(own)
        left, right = (replace(d, entities=tuple(e)) for d, e in zip(pair, entities, strict=True))
        mixed.append((left, right))
    shuffle(mixed)
    assert analysed(mixed).to_json(resamples=20) == analysed(pairs).to_json(resamples=20)


def test_a_score_of_0_and_none_at_all_are_not_alike() -> None:
    gold = tiny.labelled([("Ada met Ben", [(0, 1, "PER")])])
    twins = [gold.entity(0, 3, "PER", score) for score in (0.0, None)]
    found, turned = (
        analyse([gold], [gold.with_entities(order)]).to_json(resamples=10, text=True)
        for order in (twins, twins[::-1])
    )
    assert found == turned
    assert found["calibration"]["bins"][0]["correct"] == 1


@settings(max_examples=40)
@given(pairs=pair_lists)
def test_every_view_counts_the_same_entities(pairs: Pairs) -> None:
    analysis = analysed(pairs)
    counts = analysis.evaluation.counts
    kinds = count_kinds(analysis.mistakes)
    assert kinds["missed"] + kinds["boundary"] + kinds["label"] + kinds["both"] == (
        counts.gold - counts.correct
    )
    assert kinds["spurious"] + kinds["boundary"] + kinds["label"] + kinds["both"] == (
        counts.predicted - counts.correct
    )
    rows = analysis.confusion.rows()
    assert sum(map(sum, rows[:-1])) == counts.gold
    assert sum(row[-1] for row in rows) == kinds["missed"]
    for name in ("familiarity", "mention_length", "casing", "sentence_length"):
        parts = analysis.splits.get(name, {}).values()
        assert sum((score.micro for score in parts), Counts()) == counts
    scored = sum(found.entities for found in analysis.calibration.bins)
    assert scored + analysis.calibration.unscored == counts.predicted
    assert sum(e is not None for m in analysis.mistakes for e in (m.gold, m.predicted)) == sum(
        len(m.entities) for m in analysis.mistakes
    )
    strict = analysis.units.counts[:, analysis.units.names.index("strict")].sum(axis=0)
    assert strict.tolist() == [counts.gold, counts.predicted, counts.correct]


@given(pair=scored_pairs())
def test_the_sentences_of_one_document_add_up_to_it(pair: tuple[Document, Document]) -> None:
    pairs = list(sentence_units(*pair))
    total = sum((evaluate_document(g, p) for g, p in pairs), Evaluation())
    whole = evaluate_document(*pair)
    assert (total.strict, total.flat) == (whole.strict, whole.flat)
    assert 1 <= len(pairs) <= 3


@given(pair=scored_pairs(), other=scored_pairs())
def test_what_is_drawn_does_not_depend_on_what_was_found(
    pair: tuple[Document, Document], other: tuple[Document, Document]
) -> None:
    gold = pair[0]
    first, second = (analyse([gold], [found]).units for found in (pair[1], other[1]))
    assert (first.unit, len(first.counts)) == (second.unit, len(second.counts))
    paired_differences(first, second, resamples=5)


def test_documents_are_drawn_where_there_are_ten_and_else_their_sentences() -> None:
    gold = [tiny.labelled([("Ada left", [(0, 1, "PER")]), ("so", [])])] * 10
    assert (analyse(gold, gold).units.unit, len(analyse(gold, gold).units.counts)) == (
        "documents",
        10,
    )
    few = analyse(gold[:9], gold[:9]).units
    assert (few.unit, len(few.counts), few.sums.tolist()[0]) == ("sentences", 18, [9, 9, 9])


def example() -> tuple[Document, Document]:
    gold = tiny.labelled(
        [
            ("Ada Marsh met Ben in Lima", [(0, 2, "PER"), (3, 4, "PER"), (5, 6, "LOC")]),
            ("Acme left", [(0, 1, "ORG")]),
            ("nothing happened", []),
            ("AT NEW HAVEN TODAY", [(1, 3, "LOC")]),
        ]
    )
    found = tiny.labelled(
        [
            ("Ada Marsh met Ben in Lima", [(0, 1, "PER"), (3, 4, "LOC"), (5, 6, "LOC")]),
            ("Acme left", []),
            ("nothing happened", [(0, 1, "ORG")]),
            ("AT NEW HAVEN TODAY", [(2, 4, "ORG")]),
        ]
    )
    scores = (0.95, 0.4, 0.999, 0.3, 1.0)
    entities = [replace(e, score=s) for e, s in zip(found.entities, scores, strict=True)]
    return gold, replace(found, entities=tuple(entities))


def test_errors_by_kind_with_their_sentences() -> None:
    analysis = analyse(*([d] for d in example()))
    listed = [(m.kind, m.text) for m in analysis.mistakes]
    assert listed == [
        ("boundary", "Ada Marsh met Ben in Lima"),
        ("label", "Ada Marsh met Ben in Lima"),
        ("missed", "Acme left"),
        ("spurious", "nothing happened"),
        ("both", "AT NEW HAVEN TODAY"),
    ]
    assert count_kinds(analysis.mistakes) == dict.fromkeys(KINDS, 1)
    missed = analysis.mistakes[2]
    assert missed.to_json() == {
        "kind": "missed",
        "document": None,
        "index": 0,
        "text": "Acme left",
        "gold": {"start": 0, "end": 4, "label": "ORG", "text": "Acme"},
        "predicted": None,
    }
    assert "Acme" not in str(missed.to_json(text=False))
    assert len(some_of_each(analysis.mistakes, 1)) == 5
    assert some_of_each(analysis.mistakes, 0) == []


def test_an_error_across_sentences_shows_them_all() -> None:
    gold = tiny.labelled([("It is Ada", []), ("Marsh again", []), ("so what", [])])
    start, end = gold.text.index("Ada"), gold.text.index("Marsh") + 5
    found = gold.with_entities([gold.entity(start, end, "PER")])
    (mistake,) = analyse([gold], [found]).mistakes
    assert mistake.text == "It is Ada\nMarsh again"
    assert [g.word_count for g, _ in sentence_units(found, gold)] == [5, 2]
    assert [g.word_count for g, _ in sentence_units(gold, found)] == [3, 2, 2]


def test_an_error_in_a_document_without_words() -> None:
    gold = Document("Ada left")
    (mistake,) = analyse([gold], [gold.with_entities([gold.entity(0, 3, "PER")])]).mistakes
    assert (mistake.kind, mistake.text) == ("spurious", "Ada left")


def test_a_pair_without_entities_is_no_error() -> None:
    with pytest.raises(ValueError, match="at least one entity"):
        kind_of(None, None)


def test_confusion_by_hand() -> None:
    confusion = analyse(*([d] for d in example())).confusion
    assert confusion.labels == ["LOC", "ORG", "PER"]
    assert confusion.rows() == [
        [1, 1, 0, 0],
        [0, 0, 0, 1],
        [1, 0, 1, 0],
        [0, 1, 0, 0],
    ]
    assert confusion.count("ORG", None) == 1
    assert Confusion().rows() == [[0]]


def test_mentions_are_seen_ambiguous_or_unseen() -> None:
    known = KnownMentions.of([TRAIN])
    assert known.familiarity("Ada  Marsh") == "seen"
    assert known.familiarity("Lima") == "seen"
    assert known.familiarity("Oslo") == "ambiguous"  # with two labels
    assert known.familiarity("Ben") == "ambiguous"  # once outside of any entity
    assert known.familiarity("Ada") == "unseen"  # only as a part of a longer mention
    assert known.familiarity("Quito") == "unseen"


def test_splits_by_hand() -> None:
    gold, found = example()
    splits = analyse([gold], [found], train=KnownMentions.of([TRAIN])).splits
    assert {part: score.micro for part, score in splits["familiarity"].items()} == {
        "seen": Counts(2, 1, 1),
        "ambiguous": Counts(1, 1, 0),
        "unseen": Counts(2, 3, 0),
    }
    assert {part: score.micro for part, score in splits["casing"].items()} == {
        "mixed": Counts(4, 3, 1),
        "upper": Counts(1, 1, 0),
        "lower": Counts(0, 1, 0),
    }
    assert {part: score.micro for part, score in splits["mention_length"].items()} == {
        "1": Counts(3, 4, 1),
        "2": Counts(2, 1, 0),
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ada met Ben", "mixed"),
        ("ADA MET BEN .", "upper"),
        ("ada met ben", "lower"),
        ("Ada Met Ben 2", "title"),
        ("Ada 3", "mixed"),
        ("12 - 3", "none"),
        ("東京 で", "none"),
        ("iPhone", "mixed"),
    ],
)
def test_casing(text: str, expected: str) -> None:
    assert casing(text.split()) == expected


def test_a_field_of_the_metadata_parts_the_documents() -> None:
    gold, found = example()
    sides = [
        [replace(d, metadata={"year": 1996}), replace(d, metadata={"month": "may"})]
        for d in (gold, found)
    ]
    splits = analyse(*sides, by=["year"]).splits
    assert {part: score.micro for part, score in splits["field.year"].items()} == {
        "(none)": Counts(5, 5, 1),
        "1996": Counts(5, 5, 1),
    }
    with pytest.raises(DataError, match=r"--by source: no document has .* month, year"):
        analyse(*sides, by=["source"])


@given(scores=st.lists(st.tuples(st.floats(0, 1) | st.none(), st.booleans()), max_size=30))
def test_the_calibration_error_is_its_definition(
    scores: list[tuple[float | None, bool]],
) -> None:
    calibration = Calibration.of(scores)
    known = [(s, right) for s, right in scores if s is not None]
    expected = 0.0
    for i in range(BINS):
        own = [(s, r) for s, r in known if i / BINS < s <= (i + 1) / BINS or (i == 0 and s == 0)]
        if own:
            gap = sum(s for s, _ in own) / len(own) - sum(r for _, r in own) / len(own)
            expected += abs(gap) * len(own) / len(known)
    if not known:
        assert calibration.error is None
    elif all(abs(round(s * BINS) - s * BINS) > 1e-6 for s, _ in known):  # none near a border
        assert calibration.error == pytest.approx(expected, abs=1e-6)
    assert calibration.unscored == len(scores) - len(known)


def test_reliability_by_hand() -> None:
    table = Calibration.of([(0.95, True), (1.0, False), (0.1, False), (0.0, True), (None, True)])
    assert table.bins[9] == Bin(2, 1, 1_950_000_000)
    assert table.bins[0] == Bin(2, 1, 100_000_000)
    assert table.error == pytest.approx((2 * 0.475 + 2 * 0.45) / 4)
    assert table.to_json()["bins"][9]["share_correct"] == 0.5
    assert table.unscored == 1


def test_another_number_of_documents_is_refused() -> None:
    with pytest.raises(DataError, match="another number of predicted documents"):
        analyse([TRAIN], [])
