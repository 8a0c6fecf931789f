"""Fuzzing: no text makes the program fail, and no slice ever differs from its text.

A few hundred cases by default; `make fuzz` (POSNER_FUZZ=20000) runs thousands of each.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import foreign_models
import tiny
from echo import Echo
from posner.backends.torch import TorchBackend
from posner.bulk import outcomes, tagged_part
from posner.document import Document
from posner.foreign.aggregation import STRATEGIES
from posner.loading import Aggregation, load
from posner.postprocess.correct import LexiconStep
from posner.postprocess.names import Name
from posner.postprocess.rules import Rules
from posner.recognizer import Recognizer
from posner.render import (
    Tagged,
    coloured,
    conll,
    csv_lines,
    html,
    json_array,
    jsonl,
    table,
    write,
)
from posner.segment import Segmenter
from posner.segment.passages import passages
from posner.sources import Limit, Place, Text, limited

CASES = int(os.environ.get("POSNER_FUZZ", "0"))
fuzzed = settings(
    max_examples=CASES or 60, suppress_health_check=[HealthCheck.too_slow], deadline=None
)
costly = settings(
    max_examples=CASES // 4 or 25, suppress_health_check=[HealthCheck.too_slow], deadline=None
)

# Every code point, and what means something to some rule, so that rules meet.
TRICKY = [
    *("", " ", "\n", "\r\n", "\n\n", "\u2028", "\u2029", "\x85", "\t", "\u00a0", "\u3000"),
    *("\x00", "\x1b[31m", "\x7f", "\ufeff", "\ufffe", "\ufffd", "\ud800", "\udfff", "\U0010ffff"),
    *("\u0301", "\u200b", "\u200d", "\u200e", "\u202e", "\u2066", "\u00ad", "\ufe0f", "\u20e3"),
    *("👩‍👩‍👧", "👍🏽", "🇩🇪", "🇩", "1️⃣", "☃", "𝒜", "ﬁ", "ǅ", "İ", "ß", "Σ", "ς"),
    *("https://a.b/c?d=(e).", "www.x", "j.doe@ex.org", "@joe", "#tag", "C:\\dir", "a/b/c"),
    *("3.14", "1,000", "22/08/1996", "-5", "5%", "$5", "No. 5", "6'2\"", "½", "１２", "٣"),
    *("Mr.", "U.S.", "e.g.", "z.B.", "Inc.", "...", "…", "?!", "。", "！", "।", "؟", "''", "``"),
    *("exam-\nple", "Anglo-\r\n Saxon", "in-\n", "\u00ad\n", "—", "--", "- item", "• item", "1) x"),
    *("我爱北京", "東京に", "น้ำที่", "ភាសា", "မြန်မာ", "한국어", "می‌خواهم", 'צה"ל', "हिन्दी", "ﾊﾞ"),
    *("Ada", "Oslo", "the", "it", "O'Brien's", "don't", "_", '<a href="x">', "-DOCSTART-", "O"),
    *(
        "Reykjavik",
        "Rey-\nkjavík",
        "reykjavík",
        "Canadaa",
        "İstanbul",
        "STRASSE",
        "Os\u00adlo",
        "ŉ",
    ),
    *("{", "[", '"', "\\", "\\u0041", "&amp;", "x" * 300, "(" * 50, "a." * 40, ". " * 30),
]
texts = st.one_of(
    st.text(st.characters(codec=None), max_size=80),
    st.lists(st.one_of(st.sampled_from(TRICKY), st.text(max_size=3)), max_size=25).map("".join),
    st.lists(st.sampled_from(TRICKY), max_size=25).map(" ".join),
)
segmenters = st.builds(Segmenter, hyphens=st.booleans())
NAMES = [
    *(Name("LOC", name) for name in ("Oslo", "Reykjavík", "Canada", "İstanbul", "Straße", "我爱")),
    *(Name("PER", name, "1", ("Ada O'Brien's",)) for name in ("Ada", "ŉ", "𝒜")),
    *(Name("ORG", "Ada"), Name("O", "the"), Name("CAP", "O'Brien")),
]


@pytest.fixture(scope="module")
def lexicon() -> LexiconStep:
    rules = Rules(relabel=True, veto=True, add=True, case="ignore")
    return LexiconStep(NAMES, rules, known=lambda word: word in ("Ada", "the", "it"))


def check(document: Document) -> None:
    """Words and entities are slices, in order; nothing but white space is outside of the words."""
    position = 0
    for token in document.tokens:
        assert document.text[token.start : token.end] == token.text
        assert not document.text[position : token.start].strip()
        assert token.form.strip() == token.form != ""
        position = token.end
    assert not document.text[position:].strip()
    for entity in document.entities:
        assert document.text[entity.start : entity.end] == entity.text
        assert entity.score is None or 0 <= entity.score <= 1


@fuzzed
@given(texts, segmenters, st.integers(1, 200))
@example("\ud83d\ude00", Segmenter(), 1)
def test_words_and_parts_of_any_text(text: str, segmenter: Segmenter, limit: int) -> None:
    check(Document(text, segmenter(text)))
    position = 0
    for part in passages(text, limit=limit, segmenter=segmenter):
        assert part.start == position
        check(part.document)
        position += len(part.document.text)
    assert position == len(text)


@fuzzed
@given(
    text=texts,
    segmenter=segmenters,
    limit=st.integers(1, 60),
    split=st.booleans(),
    tags=st.booleans(),
)
def test_every_format_takes_any_text(
    lexicon: LexiconStep, text: str, segmenter: Segmenter, limit: int, split: bool, tags: bool
) -> None:
    tagger = Echo(finds=True)
    tagger.steps = (lexicon,)
    tagger.segmenter = segmenter
    item = Text(Place("x", 1), text, len(text))
    groups = limited([item], Limit(limit, "split" if split else "error"), segmenter)
    found = [o for o in outcomes(tagger, groups) if o.passage is not None]
    parts = [tagged_part(outcome, None) for outcome in found]
    lines = written(jsonl(parts, tags=tags)).splitlines()
    array = json.loads(written(json_array(parts, tags=tags)))
    assert [json.loads(line) for line in lines] == array
    for part, record in zip(parts, array, strict=True):
        assert same(record["text"], part.document.text)
        for entity, known in zip(record["entities"], part.document.entities, strict=True):
            assert (entity["start"], entity["end"]) == (known.start, known.end)
            assert same(entity["word"], known.text)
    written(table(parts, tags=tags))
    entities = [e for part in parts for e in part.document.entities]
    rows = list(csv.reader(io.StringIO(written(csv_lines(parts)), newline="")))[1:]
    assert [row[4] for row in rows] == [e.label for e in entities]
    assert written(html(parts)).count("<mark ") == len(entities)
    if not any(t.form == "-DOCSTART-" for p in parts for t in p.document.tokens):
        written(conll(parts))
    for part in parts:
        assert coloured(part.document, colour=False) is not None


@fuzzed
@given(st.lists(texts, min_size=1, max_size=4), st.integers(5, 60))
def test_a_long_record_is_the_short_one(several: list[str], limit: int) -> None:
    text = "\n\n".join(several)
    whole = Document(text, Segmenter()(text))
    tagger = Echo(finds=True)
    parts = passages(text, limit=limit)
    tagged = [Tagged(next(tagger.pipe([p.document])), None, p.start, p.last) for p in parts]
    (line,) = written(jsonl(tagged)).splitlines()
    record = json.loads(line)
    assert same(record["text"], text)
    if "\ud83d" not in text:  # where halves of pairs meet, JSON has one character for two
        for entity in record["entities"]:
            assert same(record["text"][entity["start"] : entity["end"]], entity["word"])
    assert whole.text == text


def written(chunks: Iterator[str]) -> str:
    """What stands in a UTF-8 file."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n")
    write(chunks, stream)
    stream.flush()
    data = stream.detach().getvalue()
    return str(data.decode("utf-8"))


def same(read: str, text: str) -> bool:
    """Whether JSON gave a text back: two halves of a pair side by side become one character."""
    return read == text or read == text.encode("utf-16", "surrogatepass").decode(
        "utf-16", "surrogatepass"
    )


@pytest.fixture(scope="module")
def recognizer(bert: object) -> Recognizer:
    values = {"data.context": 8, "data.window": 24, "data.overlap": 8, "heads.entity": "crf"}
    model = tiny.untrained(tiny.recipe(bert, values))  # type: ignore[arg-type]
    backend = TorchBackend(model.network, model.manifest)
    return Recognizer(model.manifest, model.tokenizer, backend)


@costly
@given(text=texts, hyphens=st.booleans())
def test_the_whole_road_takes_any_text(
    recognizer: Recognizer, lexicon: LexiconStep, text: str, hyphens: bool
) -> None:
    recognizer.segmenter = Segmenter(hyphens)
    recognizer.steps = (lexicon,)
    document = recognizer(text)
    assert document.text == text
    check(document)
    for piece in recognizer.pieces(document):
        assert 0 <= piece.start <= piece.end <= len(text)
    for passage in recognizer.stream(text):
        check(passage.document)
        for entity in passage.entities:
            assert text[entity.start : entity.end] == entity.text


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Recognizer]:
    folder = foreign_models.save_classifier(tmp_path_factory.mktemp("foreign"))
    return {strategy: load(folder, aggregation=strategy, threads=1) for strategy in STRATEGIES}


@costly
@given(text=texts, strategy=st.sampled_from(STRATEGIES))
def test_every_aggregation_takes_any_text(
    foreign: dict[str, Recognizer], text: str, strategy: Aggregation
) -> None:
    document = foreign[strategy](text)
    assert document.text == text
    check(document)
    for passage in foreign[strategy].stream(text):
        check(passage.document)
    rows = list(csv.reader(io.StringIO(written(csv_lines([document])), newline="")))
    assert len(rows) == 1 + len(document.entities)
    written(html([document]))
