"""Tagged documents as text."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.color import Color

from posner.document import Document, Entity, Sentence, Token
from posner.errors import DataError, SchemeError
from posner.render import (
    PieceTag,
    Tagged,
    coloured,
    conll,
    has_colour,
    html,
    iob2_tags,
    json_array,
    jsonl,
    printable,
    table,
    to_dict,
    write,
)
from posner.render.marks import PALETTE, colour_of
from posner.segment import segment

TEXT = "Angela Merkel left Berlin. She won."
PIECES = [
    PieceTag("B-PER", 0.99, 1, "angela", 0, 6),
    PieceTag("I-PER", 0.98, 2, "mer", 7, 10),
    PieceTag("I-PER", 0.97, 3, "##kel", 10, 13),
]


def document(text: str = TEXT, *spans: tuple[int, int, str]) -> Document:
    built = Document(text, segment(text))
    return built.with_entities(built.entity(*span, 0.5) for span in spans)


def merkel() -> Document:
    return document(TEXT, (0, 13, "PER"), (19, 25, "LOC"))


def corrected() -> Document:
    found = merkel()
    changes = ("relabelled from ORG by the lexicon",)
    first = replace(
        found.entities[0],
        corrected="Angela D. Merkel",
        id="Q567",
        changes=changes,
        similarity=0.8125,
    )
    return found.with_entities([first, found.entities[1]])


def with_columns(base: Document) -> Document:
    tokens = tuple(replace(t, pos="NNP", chunk="B-NP") for t in base.sentences[0].tokens)
    return replace(base, sentences=(Sentence(tokens), *base.sentences[1:]))


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Segmented texts with entities over disjoint runs of words."""
    text = draw(st.text(st.characters(codec=None), max_size=40))
    built = Document(text, segment(text))
    entities: list[Entity] = []
    for sentence in built.sentences:
        cuts = draw(st.sets(st.integers(0, len(sentence)), max_size=4))
        for first, last in pairwise(sorted(cuts)):
            start, end = sentence.tokens[first].start, sentence.tokens[last - 1].end
            entities.append(built.entity(start, end, draw(st.sampled_from(["PER", "x"])), 0.25))
    return built.with_entities(entities)


class TestRecords:
    def test_exactly_text_and_entities(self) -> None:
        assert to_dict(merkel()) == {
            "text": TEXT,
            "entities": [
                {
                    "entity_group": "PER",
                    "score": 0.5,
                    "word": "Angela Merkel",
                    "start": 0,
                    "end": 13,
                },
                {"entity_group": "LOC", "score": 0.5, "word": "Berlin", "start": 19, "end": 25},
            ],
        }

    def test_tags_add_tokens_and_pieces_add_pieces(self) -> None:
        record = to_dict(with_columns(merkel()), tags=True, pieces=PIECES)
        assert list(record) == ["text", "entities", "tokens", "pieces"]
        assert record["tokens"][1] == {
            "word": "Merkel",
            "start": 7,
            "end": 13,
            "tag": "I-PER",
            "pos": "NNP",
        }
        assert record["tokens"][-1]["pos"] is None
        assert record["pieces"][2] == {
            "entity": "I-PER",
            "score": 0.97,
            "index": 3,
            "word": "##kel",
            "start": 10,
            "end": 13,
        }

    def test_id_and_metadata_are_carried(self) -> None:
        record = to_dict(replace(merkel(), id="7", metadata={"source": "x"}))
        assert record["id"] == "7"
        assert record["meta"] == {"source": "x"}

    def test_gold_entities_have_no_score_and_numpy_scores_are_numbers(self) -> None:
        base = document("Bonn")
        gold = base.with_entities([base.entity(0, 4, "LOC")])
        assert to_dict(gold)["entities"][0]["score"] is None
        numpy_score: float = np.float32(0.5)  # type: ignore[assignment]
        scored = base.with_entities([base.entity(0, 4, "LOC", numpy_score)])
        assert json.loads("".join(jsonl([scored])))["entities"][0]["score"] == 0.5

    def test_what_post_processing_gave_is_told_where_it_gave_some(self) -> None:
        told, plain = to_dict(corrected())["entities"]
        assert told["corrected"] == "Angela D. Merkel"
        assert told["id"] == "Q567"
        assert told["similarity"] == 0.8125
        assert told["changes"] == ["relabelled from ORG by the lexicon"]
        assert plain.keys() == {"entity_group", "score", "word", "start", "end"}

    @given(st.lists(documents(), max_size=3))
    def test_array_and_lines_hold_the_same_documents(self, found: list[Document]) -> None:
        array = "".join(json_array(found, tags=True))
        lines = "".join(jsonl(found, tags=True))
        array.encode()
        expected = [to_dict(d, tags=True) for d in found]
        assert json.loads(array) == expected
        assert [json.loads(line) for line in lines.splitlines()] == expected

    def test_no_documents_are_an_empty_array(self) -> None:
        assert json.loads("".join(json_array([]))) == []
        assert "".join(jsonl([])) == ""

    def test_one_document_is_an_array_too(self) -> None:
        assert len(json.loads("".join(json_array([merkel()])))) == 1

    def test_letters_are_written_as_they_are_but_surrogates_escaped(self) -> None:
        assert "Köln" in "".join(jsonl([document("Köln")]))
        line = "".join(jsonl([document("Köln \ud800")]))
        assert line.isascii()
        assert json.loads(line)["text"] == "Köln \ud800"

    def test_documents_stream(self) -> None:
        asked: list[int] = []

        def source() -> Iterator[Document]:
            for number in range(3):
                asked.append(number)
                yield document("x")

        stream = json_array(source())
        next(stream)
        assert asked == [0]

    @pytest.mark.parametrize("value", [float("nan"), {1, 2}, object()])
    def test_what_json_cannot_hold_is_a_clear_error(self, value: object) -> None:
        bad = replace(merkel(), id="a", metadata={"value": value})
        with pytest.raises(DataError, match=r"document a: .*JSON cannot hold"):
            list(jsonl([bad]))


class TestTags:
    @given(documents())
    def test_tags_hold_the_entities(self, found: Document) -> None:
        tags = [tag for tags in iob2_tags(found) for tag in tags]
        assert sum(tag.startswith("B-") for tag in tags) == len(found.entities)

    def test_half_a_word_cannot_be_tagged(self) -> None:
        with pytest.raises(DataError, match="LOC at characters 1 to 3"):
            iob2_tags(document("Bonn", (1, 3, "LOC")))

    def test_overlapping_entities_cannot_be_tagged(self) -> None:
        with pytest.raises(SchemeError, match="overlapping"):
            to_dict(document(TEXT, (0, 6, "PER"), (0, 13, "PER")), tags=True)


class TestColumns:
    def test_tag_is_the_last_column(self) -> None:
        assert "".join(conll([merkel()])) == (
            "Angela B-PER\nMerkel I-PER\nleft O\nBerlin B-LOC\n. O\n\nShe O\nwon O\n. O\n\n"
        )

    def test_known_columns_stand_between(self) -> None:
        lines = "".join(conll([with_columns(merkel())])).splitlines()
        assert lines[0] == "Angela NNP B-NP B-PER"
        assert lines[6] == "She _ _ O"

    def test_chunk_is_always_third_and_extras_follow(self) -> None:
        token = Token("Bonn", 0, 4, chunk="B-NP", extra=("a", "b"))
        assert "".join(conll([Document("Bonn", (Sentence((token,)),))])) == "Bonn _ B-NP a b O\n\n"

    def test_several_documents_are_parted(self) -> None:
        lines = "".join(conll([with_columns(document("Bonn")), document("Ulm")]))
        assert lines == "-DOCSTART- -X- -X- O\n\nBonn NNP B-NP O\n\n-DOCSTART- O\n\nUlm O\n\n"
        assert "-DOCSTART-" not in "".join(conll([document("Bonn")]))

    def test_no_documents_and_no_words_write_nothing(self) -> None:
        assert "".join(conll([])) == ""
        assert "".join(conll([document(" ")])) == ""

    def test_other_white_space_in_a_word_stays(self) -> None:
        assert "".join(conll([one_word("a\u00a0b")])) == "a\u00a0b O\n\n"

    def test_a_space_in_a_word_makes_tabs_part_the_columns(self) -> None:
        assert "".join(conll([one_word("a b")])) == "a b\tO\n\n"

    @pytest.mark.parametrize("word", ["", "a\nb", "a\rb", "a b\tc"])
    def test_words_that_columns_cannot_hold(self, word: str) -> None:
        with pytest.raises(DataError, match="columns cannot hold"):
            list(conll([one_word(word)]))

    def test_surrogates_are_written_with_backslashes(self) -> None:
        assert "".join(conll([document("\ud800")])) == "\\ud800 O\n\n"


def one_word(word: str) -> Document:
    return Document(word, (Sentence((Token(word, 0, len(word)),)),))


class TestTable:
    def test_entities_are_aligned(self) -> None:
        assert "".join(table([merkel()])) == (
            "Angela Merkel left Berlin. She won.\n"
            "  entity         label  score   start-end\n"
            "  Angela Merkel  PER    0.5000  0-13\n"
            "  Berlin         LOC    0.5000  19-25\n"
        )

    def test_what_post_processing_gave_has_columns_where_it_gave_some(self) -> None:
        assert "".join(table([corrected()])).splitlines()[1:] == [
            "  entity         label  score   start-end  corrected         id    changes",
            "  Angela Merkel  PER    0.5000  0-13       Angela D. Merkel  Q567  "
            "relabelled from ORG by the lexicon",
            "  Berlin         LOC    0.5000  19-25      -                 -     -",
        ]

    def test_words_and_pieces_follow(self) -> None:
        shown = "".join(table([Tagged(with_columns(merkel()), PIECES)], tags=True)).splitlines()
        assert "  Merkel  I-PER  NNP" in shown
        assert "  won     O      -" in shown
        assert "  3      ##kel   I-PER  0.9700  10-13" in shown

    def test_wide_characters_count_two_cells(self) -> None:
        lines = "".join(table([document("東京 Bonn", (0, 1, "LOC"), (3, 7, "LOC"))])).splitlines()
        assert len({cell_len(line[: line.index("LOC")]) for line in lines[2:]}) == 1

    def test_several_texts_are_parted_and_long_ones_shortened(self) -> None:
        shown = "".join(table([replace(document("word " * 500), id="d1"), document("b")]))
        first, second = shown.split("\n\n")
        assert first.startswith("d1: word word")
        assert first.splitlines()[0].endswith("…")
        assert first.endswith("no entities")
        assert second == "b\n  no entities\n"

    @given(documents())
    def test_any_text_gives_lines_that_encode_and_move_no_cursor(self, found: Document) -> None:
        shown = "".join(table([found], tags=True))
        shown.encode()
        assert not any(ord(c) < 32 and c != "\n" for c in shown)
        # Heading, head of the entities, blank line, head of the words.
        assert shown.count("\n") == 4 + len(found.entities) + found.word_count


BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


class TestDirections:
    def test_forced_directions_are_shown_and_turn_nothing_around(self) -> None:
        found = document(f"a {BIDI}", (0, 11, "\u202eX"))
        for text in (
            "".join(table([replace(found, id="\u2067")])),
            coloured(found, colour=False).plain,
            coloured(found).plain,
            "".join(html([found])),
        ):
            assert not set(BIDI) & set(text)
            assert "\\u202a\\u202b" in text
            assert "\\u202eX" in text

    def test_marks_of_direction_stay(self) -> None:
        text = "\u05d0\u200f, \u0627\u061c \u200e"
        assert coloured(document(text), colour=False).plain == text


class TestMarks:
    @pytest.mark.parametrize(
        ("spans", "expected"),
        [
            ([(0, 13, "PER")], "[Angela Merkel](PER) left Berlin. She won."),
            ([(0, 13, "PER"), (0, 6, "X")], "[[Angela](X) Merkel](PER) left Berlin. She won."),
            ([(0, 6, "A"), (0, 6, "B")], "[[Angela](B)](A) Merkel left Berlin. She won."),
            ([(0, 6, "A"), (6, 13, "B")], "[Angela](A)[ Merkel](B) left Berlin. She won."),
            (
                [(0, 13, "A"), (7, 18, "B")],
                "[1:Angela [2:Merkel](A:1) left](B:2) Berlin. She won.",
            ),
        ],
    )
    def test_plain_marks(self, spans: list[tuple[int, int, str]], expected: str) -> None:
        assert coloured(document(TEXT, *spans), colour=False).plain == expected

    def test_coloured_entities_carry_their_label(self) -> None:
        text = coloured(merkel())
        assert text.plain == "Angela Merkel PER  left Berlin LOC . She won."
        styles = {text.plain[s.start : s.end]: str(s.style) for s in text.spans}
        assert colour_of("PER") in styles["Angela Merkel"]
        assert colour_of("LOC") in styles[" LOC "]

    def test_overlapping_entities_get_brackets(self) -> None:
        text = coloured(document(TEXT, (0, 13, "PER"), (0, 6, "X")))
        assert text.plain.startswith("[[Angela] X  Merkel] PER  left")
        styles = {text.plain[s.start : s.end]: str(s.style) for s in text.spans}
        assert colour_of("X") in styles["Angela"]
        assert colour_of("PER") in styles[" Merkel"]

    @given(documents())
    def test_any_text_survives(self, found: Document) -> None:
        plain = replace(found, entities=())
        assert coloured(plain).plain == coloured(plain, colour=False).plain
        shown = coloured(found, colour=False).plain
        shown.encode()
        assert "\x1b" not in shown

    def test_colours_are_fixed_and_readable(self) -> None:
        assert len({colour_of(label) for label in ("PER", "ORG", "LOC", "MISC")}) == 4
        assert colour_of("per") == colour_of("PER")
        assert colour_of("DRUG") == colour_of("DRUG")
        for colour in PALETTE:
            assert contrast_with_black(colour) >= 4.5

    @pytest.mark.parametrize(
        ("terminal", "variables", "expected"),
        [
            (True, {}, True),
            (False, {}, False),
            (True, {"NO_COLOR": "1"}, False),
            (True, {"NO_COLOR": ""}, True),
            (True, {"TERM": "dumb"}, False),
        ],
    )
    def test_when_there_is_colour(
        self,
        terminal: bool,
        variables: dict[str, str],
        expected: bool,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        stream = io.StringIO()
        monkeypatch.setattr(stream, "isatty", lambda: terminal)
        assert has_colour(stream) is expected


def contrast_with_black(colour: str) -> float:
    """WCAG 2's contrast ratio between a colour and black letters on it."""
    triplet = Color.parse(colour).triplet
    assert triplet is not None
    linear = [
        c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4
        for c in (channel / 255 for channel in triplet)
    ]
    return (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05) / 0.05


class TestWrite:
    @pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1", "cp1252"])
    def test_json_stays_the_same_on_any_stream(self, encoding: str) -> None:
        text = "Köln 東京 😀"
        binary = io.BytesIO()
        stream = io.TextIOWrapper(binary, encoding=encoding)
        write(json_array([document(text)]), stream)
        stream.flush()
        assert json.loads(binary.getvalue().decode(encoding))[0]["text"] == text

    def test_surrogates_never_stop_a_format(self) -> None:
        stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        found = document("a \ud800", (2, 3, "X"))
        write(["\udfff", *table([found], tags=True), *conll([found]), *jsonl([found])], stream)
        write([coloured(found).plain], stream)
        stream.flush()

    def test_printable_leaves_what_utf8_holds(self) -> None:
        assert printable("é😀") == "é😀"
        assert printable("\ud83d") == "\\ud83d"
