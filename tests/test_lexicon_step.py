"""What a lexicon does to entities, rule by rule."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies
import tiny
from posner.document import Document, Entity, sentence_spans
from posner.errors import MissingExtraError, UsageError
from posner.postprocess.build import build_names
from posner.postprocess.correct import LexiconStep
from posner.postprocess.names import Name
from posner.postprocess.places import place_names
from posner.postprocess.rules import Rules
from posner.segment import Segmenter
from posner.tagger import segmented

NAMES = [
    Name("LOC", "Canada", "CA", ("Dominion of Canada",)),
    Name("LOC", "Lima", "PE-LIM", score=0.6),
    Name("ORG", "Acme Corporation"),
    Name("PER", "Jordan"),
    Name("LOC", "Jordan", "JO"),
    Name("O", "Monday"),
]
ALL = Rules(relabel=True, veto=True, add=True)


def text_with(text: str, *found: tuple[str, str]) -> Document:
    """A text with an entity at the first place of each name."""
    document = segmented(text)
    return document.with_entities(
        document.entity(text.index(name), text.index(name) + len(name), label, 0.5)
        for name, label in found
    )


def after(document: Document, rules: Rules | None = None) -> list[Entity]:
    return list(LexiconStep(NAMES, rules)(document).entities)


def test_a_known_name_gains_its_id_and_a_misspelt_one_its_name() -> None:
    document = text_with("In Canadaa , Canada and CANADA .", ("Canadaa", "LOC"), ("CANADA", "LOC"))
    given = document.with_entities([*document.entities, document.entity(13, 19, "LOC", 0.5)])
    misspelt, known, capitals = after(given)
    assert (misspelt.text, misspelt.start, misspelt.end) == ("Canadaa", 3, 10)
    assert (misspelt.label, misspelt.score) == ("LOC", 0.5)
    assert (misspelt.corrected, misspelt.id) == ("Canada", "CA")
    assert misspelt.changes == ("corrected by the lexicon, similarity 0.86",)
    assert (known.corrected, known.id, known.changes) == (None, "CA", ("known to the lexicon",))
    assert (capitals.corrected, capitals.id) == ("Canada", "CA")


def test_an_alias_leads_to_its_name() -> None:
    (entity,) = after(text_with("the Dominion of Canada", ("Dominion of Canada", "LOC")))
    assert (entity.corrected, entity.id) == ("Canada", "CA")


def test_by_default_nothing_comes_goes_or_changes_its_label() -> None:
    document = text_with("On Monday Acme Corporation left Lima", ("Monday", "PER"), ("Lima", "ORG"))
    assert LexiconStep(NAMES)(document) is document


def test_what_is_known_under_one_other_label_alone_is_relabelled() -> None:
    document = text_with("Lima Jordan Limaa Canadaa", ("Lima", "ORG"), ("Jordan", "ORG"))
    document = document.with_entities([*document.entities, document.entity(18, 25, "ORG", 0.9)])
    lima, jordan, canada = after(document, Rules(relabel=True))
    assert (lima.label, lima.score, lima.id) == ("LOC", 0.6, "PE-LIM")
    assert lima.changes == ("relabelled from ORG by the lexicon",)
    assert (jordan.label, jordan.changes) == ("ORG", ())  # PER or LOC: left as it is
    assert (canada.label, canada.score, canada.corrected) == ("LOC", None, "Canada")
    assert canada.changes == ("relabelled from ORG by the lexicon, similarity 0.86",)
    assert after(document, Rules(relabel=True, least=0.7))[0].label == "ORG"
    assert after(document, Rules(relabel=True, edits=0))[2].label == "ORG"


def test_a_listed_name_is_vetoed_and_a_closed_label_knows_all() -> None:
    document = text_with("On Monday in Canada and Quito", ("Monday", "PER"), ("Canada", "LOC"))
    document = document.with_entities([*document.entities, document.entity(24, 29, "LOC")])
    step = LexiconStep(NAMES, Rules(veto=True, closed=frozenset(["LOC"])))
    assert [e.text for e in step(document).entities] == ["Canada"]
    assert step.done == {"vetoed": 2, "known": 1}
    assert step.report() == "entities by the lexicon: 1 known, 2 vetoed"


def test_free_names_of_one_label_are_added() -> None:
    document = text_with("Acme Corporation of Lima, Jordan, Monday; Canada.", ("Lima", "ORG"))
    found = after(document, Rules(add=True))
    assert [(e.text, e.label, e.score, e.changes) for e in found] == [
        ("Acme Corporation", "ORG", None, ("added by the lexicon",)),
        ("Lima", "ORG", 0.5, ()),
        ("Canada", "LOC", None, ("added by the lexicon",)),
    ]
    free = text_with("Lima")
    assert [e.score for e in after(free, Rules(add=True))] == [0.6]
    assert after(free, Rules(add=True, least=0.7)) == []


def test_a_name_relabels_only_what_it_is_surer_of() -> None:
    for score, label in ((0.59, "LOC"), (0.61, "ORG")):
        document = segmented("Lima")
        given = document.with_entities([document.entity(0, 4, "ORG", score)])
        assert [e.label for e in after(given, Rules(relabel=True))] == [label]


def test_a_name_in_other_letters_gives_way_to_the_one_that_is_spelt_so() -> None:
    names = [Name("LOC", "Lima", "1"), Name("LOC", "LIMA", "2")]
    (entity,) = LexiconStep(names)(text_with("LIMA", ("LIMA", "LOC"))).entities
    assert (entity.id, entity.corrected) == ("2", None)


def test_a_found_name_is_misspelt_only_where_its_word_is_strange() -> None:
    document = text_with("Brasil", ("Brasil", "LOC"))
    names = [Name("LOC", "Brazil", "BR")]
    for known in (None, lambda _: False):
        (entity,) = LexiconStep(names, known=known)(document).entities
        assert (entity.corrected, entity.id) == ("Brazil", "BR")
        assert entity.similarity == pytest.approx(5 / 6)
    assert LexiconStep(names, known=lambda _: True)(document) is document
    for other in ("Brasil", "Estado do Brasil"):  # a name, or a word of one, in its own right
        assert LexiconStep([*names, Name("ORG", other)])(document) is document


@pytest.mark.parametrize(
    ("text", "corrected"),
    [
        ("Jhon Robinson", "John Robinson"),
        ("Rohan Robinson", None),  # another first name that the lexicon has
        ("Boeing A320", None),  # another number
        ("University Oxford", None),  # no strange word
        ("Univrsity of Oxfrod", "University of Oxford"),
    ],
)
def test_only_what_differs_has_to_be_strange(text: str, corrected: str | None) -> None:
    known = ["John Robinson", "Rohan Lee", "Boeing A330", "University of Oxford"]
    step = LexiconStep([Name("X", name) for name in known])
    (entity,) = step(text_with(text, (text, "X"))).entities
    assert entity.corrected == corrected


def test_a_name_in_other_letter_case_is_known_and_written_otherwise() -> None:
    document = text_with("in canada and canadA", ("canada", "LOC"), ("canadA", "ORG"))
    step = LexiconStep(NAMES, Rules(relabel=True), known=lambda _: False)
    own, other = step(document).entities
    assert own.changes == ("known to the lexicon, written otherwise",)
    assert (own.corrected, own.id, own.similarity) == ("Canada", "CA", 1.0)
    assert other.changes == ("relabelled from ORG by the lexicon, written otherwise",)
    assert step.done == {"known": 1, "relabelled": 1}
    assert LexiconStep(NAMES, Rules(edits=0))(document) is document
    short = text_with("in oslo", ("oslo", "LOC"))  # too short for a misspelt name
    assert LexiconStep([Name("LOC", "Oslo", "1")])(short) is short


def test_a_misspelt_name_in_capitals_is_corrected_to_one_in_capitals() -> None:
    names = [Name("LOC", "MOSCOW", "1"), Name("LOC", "Moscow", "2")]
    document = text_with("MOSCWO or Moscwo", ("MOSCWO", "LOC"), ("Moscwo", "LOC"))
    entities = LexiconStep(names)(document).entities
    assert [(e.corrected, e.id) for e in entities] == [("MOSCOW", "1"), ("Moscow", "2")]


def test_words_of_the_vocabulary_are_not_relabelled_as_misspelt_ones() -> None:
    document = text_with("Brasil", ("Brasil", "ORG"))
    rules = Rules(relabel=True)
    for known, label in ((True, "ORG"), (False, "LOC")):
        step = LexiconStep([Name("LOC", "Brazil")], rules, known=lambda _, k=known: k)  # type: ignore[misc]
        assert [e.label for e in step(document).entities] == [label]


def test_words_over_a_lines_end_are_known_and_misspelt_by_their_forms() -> None:
    text = "In Rey-\nkjavík and Reykj-\navik; Rey-\nkjavík."
    document = segmented(text, Segmenter(hyphens=True))
    found = [document.entity(3, 14, "LOC"), document.entity(19, 30, "LOC")]
    step = LexiconStep([Name("LOC", "Reykjavík", "RKV")], Rules(add=True))
    entities = step(document.with_entities(found)).entities
    assert [(e.start, e.end, e.corrected, e.id) for e in entities] == [
        (3, 14, "Reykjavík", "RKV"),
        (19, 30, "Reykjavík", "RKV"),
        (32, 43, "Reykjavík", "RKV"),
    ]
    assert [e.similarity for e in entities] == [1.0, pytest.approx(8 / 9), 1.0]
    assert entities[2].text == "Rey-\nkjavík"


def test_what_was_vetoed_is_not_added_again() -> None:
    names = [Name("O", "May"), Name("PER", "Theresa May")]
    document = text_with("Theresa May", ("May", "PER"))
    assert LexiconStep(names, ALL)(document).entities == ()


def test_words_out_of_vocabulary_are_looked_up_too() -> None:
    step = LexiconStep(NAMES, Rules(add=True), known=lambda word: word in ("In", "met"))
    (entity,) = step(text_with("In Canadaa met Zogg and canadaa")).entities
    assert (entity.text, entity.corrected, entity.score) == ("Canadaa", "Canada", None)
    assert entity.changes == ("added by the lexicon, similarity 0.86",)
    (firm,) = step(text_with("In Acme Corporatin")).entities
    assert (firm.text, firm.label) == ("Acme Corporatin", "ORG")
    assert (
        LexiconStep(NAMES, Rules(add=True), known=lambda _: True)(text_with("Canadaa")).entities
        == ()
    )


def test_names_across_sentences_and_inside_words_are_none() -> None:
    document = tiny.labelled([("he saw Acme", []), ("Corporation fell in Canada's", [])])
    assert LexiconStep(NAMES, Rules(add=True))(document).entities == ()


@given(strategies.documents(strategies.plain_words), st.data())
def test_words_stay_and_entities_fill_words_without_overlap(
    document: Document, data: st.DataObject
) -> None:
    words = [token.text for token in document.tokens]
    some = st.lists(st.sampled_from(words), min_size=1, max_size=2).map(" ".join)
    labels = st.sampled_from(["PER", "LOC", "O"])
    names = [Name(data.draw(labels), data.draw(some)) for _ in range(4)]
    scored = document.with_entities(replace(e, score=0.5) for e in document.entities)
    rules = replace(ALL, closed=frozenset(["geo"]))
    changed = LexiconStep(names, rules, known=lambda _: False)(scored)
    assert replace(changed, entities=()) == replace(document, entities=())
    assert sentence_spans(changed).misaligned == ()
    ordered = sorted(changed.entities, key=lambda e: e.start)
    assert all(a.end <= b.start for a, b in pairwise(ordered))
    before = {(e.start, e.end, e.label) for e in document.entities}
    for entity in changed.entities:
        assert entity.changes or (entity.start, entity.end, entity.label) in before
    assert {e.label for e in changed.entities} <= {
        "PER",
        "LOC",
        *(e.label for e in document.entities),
    }


def test_a_corpus_gives_a_lexicon_with_scores() -> None:
    document = tiny.labelled(
        [
            ("Lima saw New York", [(0, 1, "LOC"), (2, 4, "LOC")]),
            ("Lima or Lima or York", [(0, 1, "LOC"), (2, 3, "PER"), (4, 5, "PER")]),
            ("York", []),
        ]
    )
    names = {(n.label, n.name): n.score for n in build_names([document])}
    assert names == {
        ("LOC", "Lima"): pytest.approx(2.5 / 4),
        ("PER", "Lima"): pytest.approx(1.5 / 4),
        ("LOC", "New York"): pytest.approx(1.5 / 2),
        ("PER", "York"): pytest.approx(1.5 / 3),
    }
    assert [n.name for n in build_names([document], min_count=2)] == ["Lima"]
    assert [n.name for n in build_names([document], min_score=0.7)] == ["New York"]


def test_ready_made_places() -> None:
    names = place_names(["countries"], "geo")
    by_id = {name.id: name for name in names}
    assert by_id["ISO 3166-1 CA"].name == "Canada"
    assert by_id["ISO 3166-1 BO"].name == "Bolivia"
    assert "Republic of Korea" in by_id["ISO 3166-1 KR"].spellings
    assert {name.label for name in names} == {"geo"}
    assert all(name == name.strip() for entry in names for name in entry.spellings)
    assert any(n.name == "Ontario" for n in place_names(["regions"], "LOC"))
    with pytest.raises(UsageError, match="countries regions cities"):
        place_names(["rivers"], "LOC")


@pytest.mark.parametrize("package", ["ahocorasick", "rapidfuzz.distance"])
def test_missing_packages_are_told(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(MissingExtraError, match=r"posner\[lexicon\]"):
        LexiconStep(NAMES)
