from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import all_span_sets, legal_sequences
from posner.errors import SchemeError
from posner.schemes import (
    SCHEMES,
    Scheme,
    Span,
    detect_scheme,
    illegal_positions,
    parse_tag,
    scheme_named,
    spans_to_tags,
    tags_to_spans,
)

LABELS = ("X", "Y")
each_scheme = pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)
each_target = pytest.mark.parametrize("target", SCHEMES.values(), ids=SCHEMES)


@st.composite
def sentences(draw: st.DrawFn) -> tuple[int, list[Span]]:
    """A number of words, and spans over them that do not overlap."""
    pieces = draw(
        st.lists(
            st.tuples(st.integers(1, 4), st.sampled_from(("", "PER", "LOC", "A-B", "地名"))),
            max_size=12,
        )
    )
    spans, start = [], 0
    for width, label in pieces:
        if label:
            spans.append(Span(start, start + width, label))
        start += width
    return start, spans


@each_scheme
@given(sentence=sentences())
def test_spans_survive_tagging(scheme: Scheme, sentence: tuple[int, list[Span]]) -> None:
    length, spans = sentence
    tags = spans_to_tags(spans, length, scheme)
    assert len(tags) == length
    assert illegal_positions(tags, scheme) == []
    assert tags_to_spans(tags, scheme) == spans
    assert spans_to_tags(tags_to_spans(tags, scheme), length, scheme) == tags


@each_scheme
@given(sentence=sentences())
def test_the_order_of_spans_does_not_matter(
    scheme: Scheme, sentence: tuple[int, list[Span]]
) -> None:
    length, spans = sentence
    assert spans_to_tags(reversed(spans), length, scheme) == spans_to_tags(spans, length, scheme)


@each_scheme
@each_target
@given(sentence=sentences())
def test_every_scheme_converts_to_every_other_and_back(
    scheme: Scheme, target: Scheme, sentence: tuple[int, list[Span]]
) -> None:
    length, spans = sentence
    tags = spans_to_tags(spans, length, scheme)
    converted = spans_to_tags(tags_to_spans(tags, scheme), len(tags), target)
    assert converted == spans_to_tags(spans, length, target)
    assert spans_to_tags(tags_to_spans(converted, target), len(tags), scheme) == tags


@each_scheme
@pytest.mark.parametrize("length", range(5))
def test_a_sequence_is_legal_only_if_some_spans_are_written_so(scheme: Scheme, length: int) -> None:
    legal = legal_sequences(length, LABELS, scheme)
    found = {
        tags
        for tags in product(scheme.tags(LABELS), repeat=length)
        if not illegal_positions(tags, scheme)
    }
    assert found == legal


@each_scheme
def test_different_spans_are_written_differently(scheme: Scheme) -> None:
    sets = list(all_span_sets(4, LABELS))
    assert len(legal_sequences(4, LABELS, scheme)) == len(sets)
    for spans in sets:
        assert tags_to_spans(spans_to_tags(spans, 4, scheme), scheme) == spans


@each_scheme
def test_strict_and_repair_agree_with_the_legal_reading_where_the_scheme_is_sound(
    scheme: Scheme,
) -> None:
    """IOE1 is left out: seqeval's own table lacks some of its starts, and `strict` is seqeval's."""
    for tags in legal_sequences(4, LABELS, scheme):
        spans = tags_to_spans(tags, scheme, "legal")
        assert tags_to_spans(tags, scheme, "repair") == spans
        if not scheme.unscored_starts:
            assert tags_to_spans(tags, scheme, "strict") == spans


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("IOB1", "I-X I-X B-X O I-Y I-X O"),
        ("IOB2", "B-X I-X B-X O B-Y B-X O"),
        ("IOE1", "I-X E-X I-X O I-Y I-X O"),
        ("IOE2", "I-X E-X E-X O E-Y E-X O"),
        ("BIOES", "B-X E-X S-X O S-Y S-X O"),
        ("BILOU", "B-X L-X U-X O U-Y U-X O"),
    ],
)
def test_the_schemes_as_the_literature_writes_them(name: str, expected: str) -> None:
    spans = [Span(0, 2, "X"), Span(2, 3, "X"), Span(4, 5, "Y"), Span(5, 6, "X")]
    assert spans_to_tags(spans, 7, SCHEMES[name]) == expected.split()


@each_scheme
@given(listed=st.lists(sentences(), max_size=5))
def test_a_detected_scheme_reads_the_same_spans(
    scheme: Scheme, listed: list[tuple[int, list[Span]]]
) -> None:
    tagged = [spans_to_tags(spans, length, scheme) for length, spans in listed]
    detection = detect_scheme(tagged)
    assert detection.illegal == 0
    for tags, (_, spans) in zip(tagged, listed, strict=True):
        assert tags_to_spans(tags, detection.scheme) == spans


@each_scheme
def test_a_scheme_is_detected_where_spans_of_every_kind_occur(scheme: Scheme) -> None:
    spans = [Span(0, 3, "X"), Span(3, 4, "X"), Span(4, 6, "X"), Span(7, 8, "Y"), Span(8, 10, "X")]
    assert detect_scheme([spans_to_tags(spans, 11, scheme)]).scheme is scheme


def test_detection_counts_what_is_illegal_in_the_best_scheme() -> None:
    tagged = [["B-X", "I-X", "B-X"]] * 9 + [["O", "I-X"]]
    detection = detect_scheme(tagged)
    assert (detection.scheme.name, detection.illegal) == ("IOB2", 1)


def test_without_entities_the_first_scheme_is_detected() -> None:
    assert detect_scheme([]).scheme.name == "IOB2"
    assert detect_scheme([["O", "O"]]).scheme.name == "IOB2"


def test_overlapping_spans_are_refused_in_one_clear_line() -> None:
    with pytest.raises(SchemeError) as caught:
        spans_to_tags([Span(1, 3, "LOC"), Span(0, 2, "PER")], 4, SCHEMES["IOB2"])
    assert caught.value.line() == (
        "overlapping entities cannot be written as IOB2 tags (got LOC at words 1-3 over PER at "
        "words 0-2); write JSON Lines or standoff, which hold overlapping entities"
    )


@pytest.mark.parametrize("span", [Span(0, 0, "X"), Span(-1, 1, "X"), Span(3, 5, "X")])
def test_spans_outside_their_sentence_are_refused(span: Span) -> None:
    with pytest.raises(SchemeError, match="span outside its sentence"):
        spans_to_tags([span], 4, SCHEMES["BIOES"])


def test_ill_formed_tags_are_refused_by_name() -> None:
    with pytest.raises(SchemeError, match=r"ill-formed IOB2 tags at word 2.*I-Y after B-X"):
        tags_to_spans(["B-X", "I-Y"], SCHEMES["IOB2"])
    with pytest.raises(SchemeError, match=r"word 2.*the end of the sentence after B-X"):
        tags_to_spans(["B-X"], SCHEMES["BIOES"])
    with pytest.raises(SchemeError, match="not a tag of IOB2"):
        tags_to_spans(["E-X"], SCHEMES["IOB2"], "strict")


@pytest.mark.parametrize("tag", ["", "B", "B-", "-X", "PER", "o", "BB-X", "B_X"])
def test_what_is_no_tag_is_refused(tag: str) -> None:
    with pytest.raises(SchemeError, match="unknown tag"):
        parse_tag(tag)


@pytest.mark.parametrize("tag", ["O", "B-PER", "I-A-B", "S-地名"])
def test_a_parsed_tag_prints_as_it_was(tag: str) -> None:
    assert str(parse_tag(tag)) == tag


def test_schemes_are_found_by_any_of_their_names() -> None:
    assert scheme_named("iob2") is scheme_named("BIO") is SCHEMES["IOB2"]
    assert scheme_named("IOBES") is SCHEMES["BIOES"]
    assert scheme_named("biolu") is scheme_named("BILUO") is SCHEMES["BILOU"]
    with pytest.raises(SchemeError, match="unknown scheme"):
        scheme_named("BMEWO")
