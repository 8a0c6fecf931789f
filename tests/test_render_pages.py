"""Tagged documents as an HTML page, and as CSV."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posner.document import Document, Entity
from posner.render import Tagged, csv_lines, html, printable
from posner.render.html import _lanes
from posner.render.marks import visible
from posner.segment import segment

TEXT = "The Bank of England governor spoke on Monday."
OVERLAPPING = [(4, 19, "ORG"), (12, 19, "LOC"), (4, 28, "PER"), (38, 44, "DATE")]


def document(text: str, spans: list[tuple[int, int, str]], name: str | None = None) -> Document:
    built = Document(text, segment(text), id=name)
    return built.with_entities(built.entity(*span, 0.5) for span in spans)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Any text with any entities, overlapping or not, on words' borders or not."""
    text = draw(st.text(st.characters(codec=None), max_size=30))
    places = st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))
    spans = draw(st.lists(places, max_size=6)) if text else []
    labels = st.sampled_from(["PER", "<x>", "a&b", '"'])
    return document(text, [(min(s), max(s), draw(labels)) for s in spans if s[0] != s[1]])


class Page(HTMLParser):
    """What a page shows: each article's text without labels, and the labels that begin."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.labels: list[str] = []
        self.tags: set[str] = set()
        self._inside: list[str] = []
        self.feed(page)
        assert self._inside == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert {name for name, _ in attrs} <= {"style", "title", "class", "dir"} | set(
            ("charset", "http-equiv", "content", "name") if tag == "meta" else ()
        )
        if tag == "article":
            self.texts.append("")
        if tag == "bdi":
            self.labels.append("")
        if tag != "meta":
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._inside.pop() == tag

    def handle_data(self, data: str) -> None:
        if "bdi" in self._inside:
            self.labels[-1] += data
        elif "article" in self._inside and "h2" not in self._inside:
            self.texts[-1] += data


def page(*items: Document) -> Page:
    return Page("".join(html(items)))


def shown(text: str) -> str:
    return printable(visible(text))


@given(st.lists(documents(), max_size=3))
def test_a_page_shows_every_text_and_label_and_nothing_else(items: list[Document]) -> None:
    found = page(*items)
    assert found.texts == [shown(item.text) for item in items]
    assert sorted(found.labels) == sorted(shown(e.label) for d in items for e in d.entities)
    assert not found.tags & {"script", "link", "img", "a", "iframe"}


def test_a_page_opens_on_its_own() -> None:
    whole = "".join(html([document(TEXT, OVERLAPPING)]))
    assert whole.startswith("<!DOCTYPE html>")
    assert whole.endswith("</html>\n")
    assert not re.search(r"https?:|url\(|@import", whole)
    assert "prefers-color-scheme: dark" in whole


def test_markup_in_a_text_is_text() -> None:
    whole = "".join(html([document("<script>x</script>", [(0, 8, "<b>")], name="<i>")]))
    assert "<script>" not in whole
    assert "<i>" not in whole.split("<body>")[1]
    assert "&lt;b&gt;" in whole


def test_overlapping_entities_stand_below_one_another() -> None:
    whole = "".join(html([document(TEXT, OVERLAPPING)]))
    assert whole.count('class="over"') == 3  # Bank of / England / governor
    assert whole.count("<mark ") == 1
    body = whole.split("<body>")[1]
    assert body.count("--lane: 0") == 4  # governor's line under three pieces, and its label
    assert body.count("--lane: 2") == 2


@given(documents())
def test_no_two_entities_share_a_place_in_a_line(item: Document) -> None:
    lines = _lanes(sorted(item.entities, key=lambda e: (e.start, -e.end, e.label)))
    taken: dict[int, list[Entity]] = {}
    for line in lines:
        taken.setdefault(line.lane, []).append(line.entity)
    for entities in taken.values():
        assert all(a.end <= b.start for a, b in pairwise(entities))


def rows(*items: Document) -> list[list[str]]:
    return list(csv.reader(io.StringIO("".join(csv_lines(items)), newline="")))


def test_csv_has_an_entity_a_line() -> None:
    given_text = 'Ada, "the first", left Oslo'
    assert rows(document("none", []), document(given_text, [(0, 16, "PER")], name="d1")) == [
        [
            "document",
            "document_id",
            "start",
            "end",
            "label",
            "score",
            "text",
            "corrected",
            "entity_id",
            "changes",
            "similarity",
            "file",
            "line",
            "row",
        ],
        ["2", "d1", "0", "16", "PER", "0.500000", 'Ada, "the first"', *[""] * 7],
    ]


def test_parts_of_a_long_text_are_one_document() -> None:
    left, right = document("Ada won.\n", [(0, 3, "PER")]), document("Ben lost.", [(0, 3, "PER")])
    parts = [Tagged(left, last=False), Tagged(right, start=9), Tagged(document("x", [(0, 1, "A")]))]
    assert [row[:4] for row in csv.reader(csv_lines(parts))][1:] == [
        ["1", "", "0", "3"],
        ["1", "", "9", "12"],
        ["2", "", "0", "1"],
    ]
    assert Page("".join(html(parts))).texts == ["Ada won.\nBen lost.", "x"]


@pytest.mark.parametrize("text", ["A\rb", "A\nb", "A\r\nb", 'A"b', "A,b"])
def test_csv_quotes_what_would_part_a_line(text: str) -> None:
    assert rows(document(text, [(0, len(text), "PER")]))[1][6] == text


@given(st.lists(documents(), max_size=3))
def test_csv_reads_back(items: list[Document]) -> None:
    wanted = [
        [str(number), "", str(e.start), str(e.end), e.label, "0.500000", e.text, *[""] * 7]
        for number, item in enumerate(items, 1)
        for e in item.entities
    ]
    assert rows(*items)[1:] == wanted
