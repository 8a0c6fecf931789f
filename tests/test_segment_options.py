"""Segmentation's options: words over line ends, and words from dictionaries."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posner.align import PieceTokenizer, read_tokenizer
from posner.corpus.words import resegmented
from posner.document import Document, Sentence, Token, form_places
from posner.errors import MissingExtraError, RecipeError, UsageError
from posner.recipe import load_recipe
from posner.segment import Segmenter, dictionaries, segment
from posner.segment.dictionaries import DICTIONARIES, Dictionary

JOINING = Segmenter(hyphens=True)


def forms(text: str, segmenter: Segmenter = JOINING) -> list[str]:
    return [token.form for sentence in segmenter(text) for token in sentence.tokens]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("an exam-\nple", "an example"),
        ("an exam- \r\n  ple's end", "an example 's end"),
        ("Anglo-\nSaxon in 1996-\n97", "Anglo-Saxon in 1996-97"),
        ("his sister-in-\nlaw", "his sister-in-law"),
        ("Schwarzen\u00ad\negger and exam\u2010\nple", "Schwarzenegger and example"),
        ("in-\nter-\nna-\ntional", "international"),
        ("pre-\nand post-war", "pre - and post-war"),
        ("rain -\nor snow", "rain - or snow"),
        ("rain -\nsnow", "rain - snow"),
        ("the end-\n\nA new one", "the end - A new one"),
        ("exam-\n- ple", "exam - - ple"),
        ("exam--\nple", "exam -- ple"),
        ("exam-\n(ple", "exam - ( ple"),
        ("-\nple", "- ple"),
        ("Прези-\nдент", "Президент"),
    ],
)
def test_words_are_joined_over_line_ends(text: str, expected: str) -> None:
    assert forms(text) == expected.split(" ")


def test_a_joined_word_is_the_slice_of_its_text() -> None:
    text = "They met Mr. Schwarzen-\negger in Los An-\n  geles.\nThen left."
    sentences = JOINING(text)
    assert len(sentences) == 2
    tokens = [t for s in sentences for t in s.tokens]
    assert [t.text for t in tokens if t.text != t.form] == ["Schwarzen-\negger", "An-\n  geles"]
    assert Document(text, sentences).word_count == 11
    assert sentences[0].forms[3:6] == ["Schwarzenegger", "in", "Los"]


def test_without_the_option_nothing_is_joined() -> None:
    assert forms("exam-\nple", segment) == ["exam", "-", "ple"]


seams = st.lists(
    st.sampled_from([*"aB1-\n\r \t\u00ad\u2010.x\x85\u2028", "\r\n", "-\n", "and"]), max_size=30
).map("".join)


@given(seams)
def test_joining_only_joins(text: str) -> None:
    plain = [(t.start, t.end) for s in segment(text) for t in s.tokens]
    joined = [(t.start, t.end) for s in JOINING(text) for t in s.tokens]
    assert {start for start, _ in joined} <= {start for start, _ in plain}
    assert {end for _, end in joined} <= {end for _, end in plain}
    document = Document(text, JOINING(text))
    for token in document.tokens:
        assert token.form
        assert not any(c.isspace() for c in token.form)
        assert "".join(token.text[i] for i in form_places(token.text)) == token.form


def test_the_model_reads_the_joined_word(bert_tokenizer: PieceTokenizer) -> None:
    broken, whole = Token("lIv-\n es", 3, 11), Token("lives", 3, 8)
    assert [p.text for p in bert_tokenizer.pieces([broken])[0]] == ["lives"]
    assert [(p.start, p.end) for p in bert_tokenizer.pieces([broken])[0]] == [(3, 11)]
    assert [(p.start, p.end) for p in bert_tokenizer.pieces([whole])[0]] == [(3, 8)]
    spelled = bert_tokenizer.pieces([Token("xy-\nz", 0, 5)])[0]
    assert [(p.start, p.end) for p in spelled] == [(0, 1), (1, 2), (4, 5)]


@pytest.fixture(scope="module")
def bert_tokenizer(bert: object) -> PieceTokenizer:
    return PieceTokenizer(read_tokenizer(f"{bert}/tokenizer.json"))


@pytest.mark.parametrize(
    ("name", "package", "text", "expected"),
    [
        (
            "chinese",
            "rjieba",
            "小明在北京工作。He agrees 5月",
            "小明 在 北京 工作 。 He agrees 5 月",
        ),
        ("japanese", "sudachipy", "東京大学の山田さん。", "東京 大学 の 山田 さん 。"),
        ("thai", "pythainlp", "ผมอยู่ที่กรุงเทพมหานคร 5 วัน", "ผม อยู่ ที่ กรุงเทพมหานคร 5 วัน"),
    ],
)
def test_dictionaries_find_words(name: str, package: str, text: str, expected: str) -> None:
    pytest.importorskip(package)
    assert forms(text, Segmenter(dictionaries=(name,))) == expected.split(" ")
    other = "The U.S. and 김철수는"
    assert forms(other, Segmenter(dictionaries=(name,))) == forms(other, segment)


def halves(text: str) -> list[str]:
    return [text[i : i + 2] for i in range(0, len(text), 2)]


def test_a_cut_inside_a_word_is_no_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    dictionaries._cut.cache_clear()
    monkeypatch.setitem(DICTIONARIES, "thai", Dictionary("Thai", "[\u0e01-\u0e4e]", lambda: halves))
    # The dictionary cuts within the second character and its marks; words are only joined.
    text = "กน้ำก"
    assert forms(text, segment) == ["ก", "น้ำ", "ก"]
    assert forms(text, Segmenter(dictionaries=("thai",))) == ["กน้ำ", "ก"]
    dictionaries._cut.cache_clear()


def test_a_dictionary_that_changes_the_text_is_not_followed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dictionaries._cut.cache_clear()
    changing = Dictionary("Chinese", "[\u4e00-\u9fff]", lambda: lambda text: [text[:-1]])
    monkeypatch.setitem(DICTIONARIES, "chinese", changing)
    assert forms("我爱北京", Segmenter(dictionaries=("chinese",))) == list("我爱北京")
    dictionaries._cut.cache_clear()


def test_a_missing_package_and_a_wrong_name_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    dictionaries._cut.cache_clear()
    monkeypatch.setitem(sys.modules, "rjieba", None)
    with pytest.raises(MissingExtraError, match=r"posner\[words\]"):
        Segmenter(dictionaries=("chinese",))("我")
    assert Segmenter(dictionaries=("chinese",))("none of that script")
    with pytest.raises(UsageError, match="chinese or japanese or thai"):
        Segmenter(dictionaries=("klingon",))
    dictionaries._cut.cache_clear()


def test_raw_texts_of_a_corpus_have_the_words_of_the_models_segmenter() -> None:
    text = "Ada in Os-\nlo.\nBen left."
    raw = Document(text, segment(text))
    entity = raw.entity(7, 12, "LOC")
    raw = raw.with_entities([entity])
    again = resegmented(raw, JOINING)
    assert again.sentences[0].forms == ["Ada", "in", "Oslo", "."]
    assert again.entities == (entity,)
    own = Document(text, (*raw.sentences[:1], Sentence(raw.sentences[1].tokens[:1])))
    assert resegmented(own, JOINING) is own
    assert resegmented(raw, segment) is raw


def test_a_recipe_says_how_its_model_segments() -> None:
    values = {"data.join-hyphens": True, "data.dictionaries": "chinese thai"}
    recipe = load_recipe("default").with_values(values, where="test")
    assert recipe.data.segmenter == Segmenter(True, ("chinese", "thai"))
    assert load_recipe("default").data.segmenter == segment
    with pytest.raises(RecipeError, match="no such dictionary"):
        load_recipe("default").with_values({"data.dictionaries": "chinese x"}, where="test")
