"""Segmentation: properties over any text, and cases made by hand."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from posner.document import Document
from posner.segment import segment

# Any code point, lone surrogates and controls included.
ANY_TEXT = st.text(st.characters(codec=None))
# Pieces that meet each rule often, unlike random code points.
RULE_TEXT = st.lists(
    st.sampled_from(
        [
            *"aI.,!?'\"’“”()[]-–$%@#:/&_ \n\r\t5…。わ我กि",
            *("U.S.", "Mr", "n't", "'s", "The", "it", "http://", "www.", ".com", "\r\n", "\n\n"),
            *("\u0301", "\u200d", "\ufe0f", "👩", "🏽", "🇩", "\u0e33", "\ud800", "\x00", "\u2029"),
            *("\u200b", "\u1039", "\u0e01", "צ", "1.", "--", "''", "``", "\x85", "\x1c"),
        ]
    ),
    max_size=60,
).map("".join)


def words(text: str) -> list[str]:
    return [token.text for sentence in segment(text) for token in sentence.tokens]


def sentences(text: str) -> list[str]:
    return [" ".join(sentence.words) for sentence in segment(text)]


def check_nothing_lost(text: str) -> None:
    found = segment(text)
    position = 0
    for sentence in found:
        assert sentence.tokens
        for token in sentence.tokens:
            assert token.start < token.end
            assert text[token.start : token.end] == token.text
            assert not text[position : token.start].strip()
            assert token.start >= position
            assert not any(character.isspace() for character in token.text)
            position = token.end
    assert not text[position:].strip()
    assert Document(text, found).word_count == len(words(text))
    assert segment(text) == found


@given(ANY_TEXT)
@example("")
@example(" \n\x0b\x0c\x1c\x85\u2028\u2029\u3000")
@example("\x00\x01\x1b[31m\x7f\ud800\udfff")
@example("\u0301\u200d\ufe0f")
def test_any_text_is_covered_exactly(text: str) -> None:
    check_nothing_lost(text)


@given(RULE_TEXT)
def test_texts_full_of_rules_are_covered_exactly(text: str) -> None:
    check_nothing_lost(text)


@given(RULE_TEXT, RULE_TEXT)
def test_a_blank_line_parts_texts_that_know_nothing_of_each_other(left: str, right: str) -> None:
    # Visible words at the seam, since look-behind sees through an end of the text.
    joined = [s.words for s in segment(f"{left} x\n\n{right}")]
    apart = [s.words for text in (f"{left} x", right) for s in segment(text)]
    assert joined == apart


@given(ANY_TEXT)
def test_leading_white_space_only_shifts(text: str) -> None:
    shifted = [(t.start - 3, t.end - 3) for s in segment(f"   {text}") for t in s.tokens]
    assert shifted == [(t.start, t.end) for s in segment(text) for t in s.tokens]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Germany's dogs' food", "Germany 's dogs ' food"),
        ("I don't, can't and shouldn't've", "I do n't , ca n't and should n't 've"),
        ("He’d say they’re here; I'm DON'T", "He ’d say they ’re here ; I 'm DO N'T"),
        ("Germany 's do n't", "Germany 's do n't"),
        (
            "O'Brien's rock'n'roll in the '90s and 1990's",
            "O'Brien 's rock'n'roll in the '90s and 1990 's",
        ),
        ("Mr. Smith and Dr. J. R. Jones", "Mr. Smith and Dr. J. R. Jones"),
        (
            "the U.S. and the U.K.-based J.R.R. Tolkien",
            "the U.S. and the U.K.-based J.R.R. Tolkien",
        ),
        ("e.g. this, i.e. that, at 5 p.m.", "e.g. this , i.e. that , at 5 p.m."),
        ("a Ph.D. and an M.Sc. thesis", "a Ph.D. and an M.Sc. thesis"),
        ("Yahoo Inc. and Foo Co., Ltd.", "Yahoo Inc. and Foo Co. , Ltd."),
        ("No. 5, p. 3, Jan. 2", "No. 5 , p. 3 , Jan. 2"),
        (
            "1. Goals\n  12. More of 7. Then\n9.\n1996. x",
            "1. Goals 12. More of 7 . Then 9 . 1996 . x",
        ),
        ("We said no. She sat.", "We said no . She sat ."),
        ("1,234.5 and 3.14, or 10.", "1,234.5 and 3.14 , or 10 ."),
        ("6-4 6–3 10:30 22/08/1996 1996-08-22", "6-4 6–3 10:30 22/08/1996 1996-08-22"),
        ("-5 and +3.2 and .560, but a -b", "-5 and +3.2 and .560 , but a - b"),
        ("5% of $5.50 (€3, 20£)", "5 % of $ 5.50 ( € 3 , 20 £ )"),
        ("US$5m 3,000km 5th", "US $ 5m 3,000km 5th"),
        ("a 3-year-old British-born F-16", "a 3-year-old British-born F-16"),
        ("AT&T and R&D but a&b", "AT&T and R&D but a & b"),
        ("and/or London/Paris", "and / or London / Paris"),
        ("see https://a.b/c?d=e&f=(g), ok", "see https://a.b/c?d=e&f=(g) , ok"),
        ("(http://a.b/c).", "( http://a.b/c ) ."),
        ('<a href="https://x.y/z...">', '< a href = " https://x.y/z ... " >'),
        ("ex.io/foo?x=1&y=%20#top, ok", "ex.io/foo?x=1&y=%20#top , ok"),
        ("Is it ex.io/foo? Yes.", "Is it ex.io/foo ? Yes ."),
        (
            "www.example.com, example.co.uk/path and Node.js.",
            "www.example.com , example.co.uk/path and Node.js .",
        ),
        ("write to j.doe+x@mail.example.org.", "write to j.doe+x@mail.example.org ."),
        ("@joe_1 likes #NER2024 # 5 a@ b", "@joe_1 likes #NER2024 # 5 a @ b"),
        ("finished.Then he", "finished . Then he"),
        ("wait... what…", "wait ... what …"),
        ("no!! really?!", "no ! ! really ? !"),
        ("“Yes,” ‘no’ «oui» „ja“", "“ Yes , ” ‘ no ’ « oui » „ ja “"),
        ("[a] {b} (c) <d>", "[ a ] { b } ( c ) < d >"),
        ("a -- b — c --- ====", "a -- b — c --- ===="),
        ("`` quoted '' -LRB- x -RRB-", "`` quoted '' -LRB- x -RRB-"),
        ("**bold** snake_case __init__", "** bold ** snake_case __init__"),
        ("👨‍👩‍👧😀👍🏽🇩🇪🇫🇷1️⃣❤️", "👨‍👩‍👧 😀 👍🏽 🇩🇪 🇫🇷 1️⃣ ❤️"),
        ("nice😀!", "nice 😀 !"),
        ("我爱北京2024年", "我 爱 北 京 2024 年"),
        ("カタカナとﾊﾞ", "カ タ カ ナ と ﾊﾞ"),
        ("か\u3099き", "か\u3099 き"),
        ("น้ำที่", "น้ำ ที่"),
        ("ភាសា မြန်", "ភា សា မြ န်"),
        ("김철수는 서울에서", "김철수는 서울에서"),
        ("Президент В. Путин", "Президент В. Путин"),
        ("ذهبَ محمّدٌ، إلى", "ذهبَ محمّدٌ ، إلى"),
        ('צה"ל הודיע', 'צה"ל הודיע'),
        ("हिन्दी में क्षत्रिय।", "हिन्दी में क्षत्रिय ।"),
        ("می‌خواهم", "می‌خواهم"),
        ("cafe\u0301s na\u00efve", "cafe\u0301s na\u00efve"),
        ("soft\u00adhyphen zero\u200bwidth", "soft\u00adhyphen zero \u200b width"),
        ("a\x00b \x1b[31m", "a \x00 b \x1b [ 31m"),
        ("\ud83d \udc00x", "\ud83d \udc00 x"),
    ],
)
def test_words(text: str, expected: str) -> None:
    assert words(text) == expected.split(" ")


@pytest.mark.parametrize(
    "marked",
    [
        "He came. |She went! |Why? |Who knows… |I do.",
        "It was said by Mr. Smith. |Then nothing.",
        "He lives in the U.S. |The end.",
        "The U.S. President spoke to J. Smith.",
        "Foo Inc. said 3.5%. |Bar etc. |However, no.",
        '"Go!" he said. |"We will." |They did.',
        "“Go!” he said. |“We will.” |They did.",
        "(He left.) |She stayed (until 5 p.m.) there. |Yes.",
        "We waited... and waited... |Then it came.",
        "1. Goals of it\n|2. More",
        "He said . |Peter left .\n|Mary too .",
        "Wait!!! |What?! |No.",
        'He said , " Yes . |I do . " |Then he left .',
        'He is 6\'2" tall. |"We know." |Yes.',
        "The firm Yahoo! rose.",
        "Am 3. Oktober 1990 kam er. |Am 5. |Danach.",
        "El Sr. García vive en EE.UU. desde 1999. |¿Por qué? |¡No!",
        "In Dec. they left. |On Jan. 3 they met Jan. |Later more.",
        "Smith et al. (2019) showed it. |So did Lee et al. |The rest is new.",
        "See Fig. A for it. |See Vol. II and Ch. IV. |I ate a fig. |A man came.",
        "He wrote Op. 23 and Op. 24. |He is 6 ft. 2 in. tall.",
        "Sen. Lee (R-Ariz.) Thursday said so. |Ex-Gov. Cox left with Rep. Fox, D-Calif. |The rest.",
        "Roe v. Wade was c. 1973. |Rt. Hon. Smith met Sens. Lee and Cox.",
        "He works at Yahoo! Inc. in town. |She left.",
        'He said, "I love the U.S." |The end. |He was at Acme Inc." |Then he left.',
        '"Go!" |Bob said. |"We go." |They went.',
        "She left Oslo.[1] |He came.[2][3] |Ok.[note 4] |They saw it.¹ |See [5]. |The end.",
        "Es ist z. B. Berlin oder d. h. Peter. |Die, z.B. Die Welt, i.e. The World.",
        "Der 1. FC Oslo gewann am 3. Spieltag. |Am 5. Jan. 2019 war er da. |Im 19. Jh. lebte er.",
        "Er starb 44 v. Chr. in Rom. |Dr. med. Peter Klein wohnt Hauptstr. 5 in Bonn. |Er kam.",
        "MM. Dupont et Durand partent 50 av. J.-C. à Rome. |Le 5 sept. 2019 elle vient.",
        "Il a dit : « Oui. » |Elle est partie.",
        "Los EE. UU. ganaron. |Vino de EE. UU. |El Gral. López vio, p. ej. Madrid. |Fin.",
        "En el año 300 a. C. Roma era grande. |Ya no.",
        "В г. Москва он жил. |Он уехал в 1990 г. |Там холодно и т. д. |Он ушёл.",
        "Дом: ул. Ленина, д. 5, кв. 3. |Это р. Волга (англ. Volga), т. е. Волга.",
        "「大きい。」と言った。|彼は「行くの？」って聞いた。|「はい。」|とても良い。",
        "“好！”他说。|“走吧。”|他走了。",
        '"좋다."라고 말했다. |"네." 라며 웃었다. |그는 갔다.',
    ],
)
def test_sentences_end_where_marked(marked: str) -> None:
    parts = marked.split("|")
    assert [s.start for s in segment("".join(parts))] == [
        sum(map(len, parts[:index])) for index in range(len(parts))
    ]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("我爱北京。你呢？“好！”", 3),
        ("上海!好的?是。ok!no 好!OK", 4),
        ("यह है। वह है।", 2),
        ("هل هذا؟ نعم.", 2),
        ("He and I. Later we left.", 2),
        ("Vitamin C. The end.", 2),
        ("It rose 5.3 percent.", 1),
        ('He said " No . " and left .', 1),
        ("Really?, he asked. ok", 1),
        ("Headline Without Dot\nThe story begins.", 2),
        ("a headline\n\nand a body", 2),
        ("one\u2029two", 2),
        ("one\r\n\r\ntwo", 2),
        ("the line\nis wrapped", 1),
        ("In Paris,\nFrance, it", 1),
        ("by Gen.\nSmith", 1),
        ("to buy:\n- milk\n- eggs\n* tea", 4),
        ("1. milk\n2. eggs\n3) tea", 3),
        ("Angela Merkel\nBarack Obama", 2),
    ],
)
def test_number_of_sentences(text: str, count: int) -> None:
    assert len(segment(text)) == count, sentences(text)


WRAPPED = """\
The minister went to see the president of France, said President
Clinton, who was then in Paris, where the meeting was to be held
by all of them.
Another paragraph starts here and is as long as the line before
it ends."""


def test_wrapped_prose_goes_on_over_full_lines() -> None:
    found = sentences(WRAPPED)
    assert len(found) == 2
    assert "President Clinton" in found[0]


def test_long_lines_are_no_wrapped_prose() -> None:
    line = "The first of these has far more characters than any page is wide " * 3
    assert len(segment(f"{line}\nBerlin is next\nand ends")) == 2


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "a." * 50_000,
        "ab." * 33_000,
        "a'" * 50_000,
        "a-" * 50_000,
        "@" * 100_000,
        "a@" * 50_000,
        "." * 100_000,
        '."' * 50_000,
        "(" * 100_000,
        "www.a" + ")" * 100_000,
        "http://(" * 12_500,
        "A\n" * 50_000,
        "1," * 50_000,
        "a\u0301" * 50_000,
        "\u0301" * 100_000,
        "👩\u200d" * 50_000,
        "#" + "\u0301a" * 50_000,
        "\n" * 100_000,
        "A. " * 33_000,
        '. "' * 33_000,
        ("A " * 50 + "\nb\n") * 1_000,
        ".[1]" * 25_000,
        "z. B. " * 16_000,
        '!" A' * 25_000,
        ".”" + "我" * 100_000,
        "-Ariz." * 16_000,
    ],
    ids=lambda text: ascii(text[:6]),
)
def test_hard_texts_take_linear_time(text: str) -> None:
    began = time.process_time()
    check = sum(len(token.text) for sentence in segment(text) for token in sentence.tokens)
    # Linear time needs about 0.5 s here; quadratic time minutes.
    assert time.process_time() - began < 10
    assert check == len("".join(text.split()))
