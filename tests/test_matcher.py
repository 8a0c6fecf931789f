"""Exact and near matches against brute force."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from oracles import edit_distance
from posner.postprocess.matcher import Case, Match, Matcher
from posner.postprocess.names import Name
from posner.postprocess.near import NearNames, edits_allowed


def places(text: str, *names: str, case: Case = "headline") -> list[tuple[str, tuple[str, ...]]]:
    matcher = Matcher([Name("LOC", name) for name in names], case=case)
    return [
        (text[m.start : m.end], tuple(matcher.spellings[s] for s in m.spellings))
        for m in matcher.find(text)
    ]


def test_names_end_at_word_borders_and_may_overlap() -> None:
    names = ("York", "New York", "New York City", "an", "St. John's")
    text = "New  York\nCity, Yorkshire, banana; an St. John's man"
    assert [written for written, _ in places(text, *names)] == [
        "New  York",
        "York",
        "New  York\nCity",
        "an",
        "St. John's",
    ]


def test_case_rules() -> None:
    text = "Oslo OSLO oslo US us Us"
    assert [w for w, _ in places(text, "Oslo", "US")] == ["Oslo", "OSLO", "US"]
    assert [w for w, _ in places(text, "Oslo", "US", case="exact")] == ["Oslo", "US"]
    assert len(places(text, "Oslo", "US", case="ignore")) == 6
    assert places("WHO", "Who") == []  # three letters in capitals are mostly another name


def test_spellings_of_several_entries_come_together() -> None:
    matcher = Matcher(
        [Name("LOC", "Paris", "1"), Name("PER", "Paris"), Name("X", "b", None, ("Paris",))]
    )
    (match,) = matcher.find("in Paris")
    assert [matcher.name(s).label for s in match.spellings] == ["LOC", "PER", "X"]
    assert list(matcher.find("")) == []


def test_scripts_without_spaces_match_by_letter() -> None:
    assert [w for w, _ in places("他住在東京都。", "東京", "東京都")] == ["東京", "東京都"]
    assert [w for w, _ in places("อยู่ในกรุงเทพครับ", "กรุงเทพ")] == ["กรุงเทพ"]
    assert [w for w, _ in places("İstanbul'da", "İstanbul")] == ["İstanbul"]


simple = st.lists(st.sampled_from(["a", "b", "ab", "A", "."]), min_size=1, max_size=3).map(" ".join)


@given(
    st.lists(simple, max_size=6), st.lists(st.sampled_from(["a", "b", "ab", "A", "."]), max_size=12)
)
def test_the_automaton_finds_what_a_search_name_by_name_finds(
    names: list[str], words: list[str]
) -> None:
    text = " ".join(words)
    matcher = Matcher([Name("X", name) for name in names], case="exact")
    found = {(m.start, m.end, s) for m in matcher.find(text) for s in m.spellings}
    expected = {
        (m.start(1), m.end(1), number)
        for number, name in enumerate(names)
        for m in re.finditer(rf"(?<!\S)(?=({re.escape(name)})(?!\S))", text)
    }
    assert found == expected


def test_many_words_have_numbers_of_their_own() -> None:
    names = [f"w{n} v{n % 7}" for n in range(20_000)]
    matcher = Matcher([Name("X", name) for name in names])
    for number in (0, 127, 128, 16_383, 16_384, 19_999):
        assert list(matcher.find(f"x {names[number]} y")) == [
            Match(2, 2 + len(names[number]), (number,))
        ]


def test_words_and_names_are_known_in_any_letter_case() -> None:
    names = ("New York", "NEW YORK", "St. John's")
    matcher = Matcher([Name("LOC", name) for name in names])
    assert [matcher.same(t) for t in ("new york", "york", "st. john's", "")] == [
        (0, 1),
        (),
        (2,),
        (),
    ]
    assert [matcher.knows(t) for t in ("YORK", "St. York", "Yorke")] == [True, True, False]
    assert Matcher([]).same("York") == ()


def nearest(text: str, *names: str, most: int = 2) -> tuple[str, int] | None:
    found = NearNames(names, most=most).nearest(text, lambda _: True)
    return None if found is None else (names[found.spelling], found.edits)


def test_near_names() -> None:
    names = ("Canada", "Iran", "Denmark", "Bosnia and Herzegovina")
    assert nearest("Canadaa", *names) == ("Canada", 1)
    assert nearest("Cnaada", *names) == ("Canada", 1)
    assert nearest("CANADA", *names) == ("Canada", 0)
    assert nearest("Iraq", *names) is None  # four letters: another name
    assert nearest("Dnemrak", *names) is None  # two edits in seven letters
    assert nearest("Bosnai and Herzegovnia", *names) == ("Bosnia and Herzegovina", 2)
    assert nearest("Bosnai and Herzegovnia", *names, most=1) is None
    assert nearest("", *names) is None
    assert nearest("Canadaa") is None
    found = NearNames(names).nearest("Canadaa", lambda _: True)
    assert found is not None
    assert found.similarity == pytest.approx(6 / 7)
    assert NearNames(names).nearest("Canadaa", lambda number: number != 0) is None


letters = st.text("ab", max_size=12)


@given(st.lists(letters, max_size=8), letters)
@example(["abababababab"], "bababababab")
@example(["aabbaabbaabb"], "ababaabbabab")
def test_the_nearest_is_that_of_a_search_name_by_name(names: list[str], text: str) -> None:
    found = NearNames(names).nearest(text, lambda _: True)
    distances = [
        (edits, number)
        for number, name in enumerate(names)
        if (edits := edit_distance(text, name)) <= (edits_allowed(len(name)) or -1)
    ]
    assert (None if found is None else (found.edits, found.spelling)) == min(
        distances, default=None
    )


@st.composite
def misspellings(draw: st.DrawFn) -> tuple[str, str]:
    """A name, and what one, two or three edits make of it."""
    name = text = draw(st.text("abc", min_size=5, max_size=16))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(text)))
        head, tail, letter = text[:place], text[place:], draw(st.sampled_from("abc"))
        ways = (head + letter + tail, head + tail[1:], head + letter + tail[1:])
        text = draw(st.sampled_from((*ways, head + tail[1:2] + tail[:1] + tail[2:])))
    return name, text


@given(misspellings(), st.sampled_from([1, 2]))
@example(("abcabcabcabc", "abacbcabcbac"), 2)
def test_every_misspelling_is_found(pair: tuple[str, str], most: int) -> None:
    name, text = pair
    edits = edit_distance(name, text)
    found = NearNames([name], most=most).nearest(text, lambda _: True)
    assert (found is not None) is (edits <= edits_allowed(len(name), most))
    assert found is None or found.edits == edits
