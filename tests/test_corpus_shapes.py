"""Well-known corpora in the shape in which they are distributed; all sentences are invented."""

from __future__ import annotations

from pathlib import Path

import pytest

from posner.corpus import Corpus, Problem, read, write
from posner.corpus.formats import looks_like_corpus
from posner.errors import DataError

Found = tuple[list[list[str]], list[tuple[str, str]]]


def found(corpus: Corpus) -> Found:
    """The words of each sentence, and label and text of each entity."""
    words = [sentence.words for sentence in corpus.sentences]
    return words, [(e.label, e.text) for d in corpus.documents for e in d.entities]


def put(folder: Path, text: str, name: str = "train.txt") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


GERMEVAL = (
    "#\thttp://de.example.org/wiki/Norvik [2009-10-17]\n1\tDer\tO\tO\n2\tNorvik\tB-ORG\tB-LOC\n"
    "3\tVerein\tI-ORG\tO\n\n#\thttp://de.example.org/b [2010-01-01]\n1\tLysebu\tB-LOC\tO\n\n"
)
UNIVERSAL = (
    "# newdoc id = a\n# sent_id = a-1\n# text = Bram Hollis won\n1\tBram\tB-PER\t-\tkim\n"
    "2\tHollis\tI-PER\t-\tkim\n3\twon\tO\n\n# newdoc id = b\n# sent_id = b-1\n"
    "1\tOslo\tB-LOC\t-\tjo\n"
    "2\t.\tO\n\n"
)
CONLLU = (
    "# newdoc id = a\n# text = Bram can't\n1\tBram\tBram\tPROPN\tNNP\t_\t2\tnsubj\t_\tNER=B-PER\n"
    "2-3\tcan't\t_\t_\t_\t_\t_\t_\t_\t_\n2\tca\tcan\tAUX\tMD\t_\t0\troot\t_\tSpaceAfter=No|NER=O\n"
    "3\tn't\tnot\tPART\tRB\t_\t2\tadvmod\t_\t_\n3.1\tgo\tgo\tVERB\tVB\t_\t_\t_\t_\t_\n\n"
)
CONLL_2012 = (
    "#begin document (bn/0001); part 000\n"
    "bn/0001  0  0  Bram   NNP  (TOP(NP*  -  -  -  Kim  (PERSON*  (ARG0*  -\n"
    "bn/0001  0  1  Hollis NNP         *)  -  -  -  Kim         *)       *)  -\n"
    "bn/0001  0  2  saw    VBD      (VP*  see 01 1  Kim          *     (V*)  -\n"
    "bn/0001  0  3  Oslo   NNP      (NP*  -  -  -  Kim      (GPE)  (ARG1*)  -\n\n#end document\n"
    "#begin document (bn/0002); part 000\nbn/0002  0  0  It  PRP  *  -  -  -  Kim  *  -\n\n"
)

SHAPES: dict[str, tuple[str, str, Found]] = {
    "GermEval: numbers, outer and inner tags": (
        "NER-de-train.tsv",
        GERMEVAL,
        ([["Der", "Norvik", "Verein"], ["Lysebu"]], [("ORG", "Norvik Verein"), ("LOC", "Lysebu")]),
    ),
    "Universal NER: numbers, and rows of two widths": (
        "en_ewt-ud-dev.iob2",
        UNIVERSAL,
        ([["Bram", "Hollis", "won"], ["Oslo", "."]], [("PER", "Bram Hollis"), ("LOC", "Oslo")]),
    ),
    "CoNLL-U with tags in its last column": (
        "a.conllu",
        CONLLU,
        ([["Bram", "ca", "n't"]], [("PER", "Bram")]),
    ),
    "CoNLL-2012: brackets": (
        "a.gold_conll",
        CONLL_2012,
        (
            [["Bram", "Hollis", "saw", "Oslo"], ["It"]],
            [("PERSON", "Bram Hollis"), ("GPE", "Oslo")],
        ),
    ),
    "MIT: the tag first": (
        "engtrain.txt",
        "O\tshow\nB-Rating\t5\nI-Rating\tstar\nB-Name\to\nO\tplaces\n\n",
        ([["show", "5", "star", "o", "places"]], [("Rating", "5 star"), ("Name", "o")]),
    ),
    "the tag in the middle": (
        "a.tsv",
        "Bram\tB-PER\tNNP\nHollis\tI-PER\tNNP\nwon\tO\tVBD\n\n",
        ([["Bram", "Hollis", "won"]], [("PER", "Bram Hollis")]),
    ),
    "a row of names, with the tag last": (
        "a.tsv",
        "Token\tNER_Tag\nBram\tB-PER\nwon\tO\n\n",
        ([["Bram", "won"]], [("PER", "Bram")]),
    ),
    "a row of names that tells the tag": (
        "a.tsv",
        "TOKEN\tNE-COARSE-LIT\tNE-NESTED\tMISC\n# language = de\n"
        "Bram\tB-pers\tO\t_\nwon\tO\tO\t_\n\n",
        ([["Bram", "won"]], [("pers", "Bram")]),
    ),
    "WikiANN: the language before each word": (
        "train",
        "en:Bram\tB-PER\nen:Hollis\tI-PER\nen::\tO\n\nen:Oslo\tB-LOC\n",
        ([["Bram", "Hollis", ":"], ["Oslo"]], [("PER", "Bram Hollis"), ("LOC", "Oslo")]),
    ),
    "JNLPBA: articles": (
        "Genia4ERtask2.iob2",
        "###MEDLINE:1\n\nIL-9\tB-DNA\ngene\tI-DNA\n\nIt\tO\n\n###MEDLINE:2\n\nEnd\tO\n\n",
        ([["IL-9", "gene"], ["It"], ["End"]], [("DNA", "IL-9 gene")]),
    ),
    "Few-NERD: labels without prefixes": (
        "train.txt",
        "Bram\tperson-actor\nHollis\tperson-actor\nbuys\tO\nThe\torganization-media/newspaper\n"
        "Post\torganization-media/newspaper\nin\tO\nOslo\tlocation-GPE\n\n",
        (
            [["Bram", "Hollis", "buys", "The", "Post", "in", "Oslo"]],
            [
                ("person-actor", "Bram Hollis"),
                ("organization-media/newspaper", "The Post"),
                ("location-GPE", "Oslo"),
            ],
        ),
    ),
    "BioBERT's sets: prefixes without labels": (
        "train.tsv",
        "colon\tB\ncancer\tI\nand\tO\nflu\tB\n\n",
        ([["colon", "cancer", "and", "flu"]], [("ENTITY", "colon cancer"), ("ENTITY", "flu")]),
    ),
    "BMES, a character a line": (
        "train.char.bmes",
        "高 B-NAME\n小 M-NAME\n明 E-NAME\n在 O\n北 S-GPE\n\n",
        ([["高", "小", "明", "在", "北"]], [("NAME", "高 小 明"), ("GPE", "北")]),
    ),
    "line ends of old Macs": (
        "a.txt",
        "Bram B-PER\rwon O\r\rOslo B-LOC\r",
        ([["Bram", "won"], ["Oslo"]], [("PER", "Bram"), ("LOC", "Oslo")]),
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_is_read_without_a_flag(tmp_path: Path, shape: str) -> None:
    name, text, expected = SHAPES[shape]
    corpus = read(put(tmp_path, text, name))
    assert corpus.format == "conll"
    assert found(corpus) == expected
    write(corpus, tmp_path / "out.conll")
    assert found(read(tmp_path / "out.conll")) == expected


@pytest.mark.parametrize(
    ("text", "count"), [(UNIVERSAL, 2), (CONLL_2012, 2), (SHAPES["JNLPBA: articles"][1], 2)]
)
def test_documents_begin_at_their_comments(tmp_path: Path, text: str, count: int) -> None:
    corpus = read(put(tmp_path, text))
    assert len(corpus.documents) == count
    write(corpus, tmp_path / "out.conll")
    again = read(tmp_path / "out.conll")
    assert [d.text for d in again.documents] == [d.text for d in corpus.documents]


def test_parts_of_speech_and_inner_tags_are_kept(tmp_path: Path) -> None:
    pos = next(iter(read(put(tmp_path, CONLLU)).documents[0].tokens)).pos
    assert pos == "PROPN"
    inner = [t.extra for t in read(put(tmp_path, GERMEVAL)).documents[0].tokens]
    assert inner == [("O",), ("B-LOC",), ("O",), ("O",)]
    write(read(tmp_path / "train.txt"), tmp_path / "out.conll")
    assert [t.extra for t in read(tmp_path / "out.conll").documents[0].tokens] == inner
    empty = read(put(tmp_path, "Bram -X- _ B-PER\nwon -X- _ O\n"))
    assert (empty.has_pos, empty.has_chunk) == (False, False)


def test_words_may_hold_spaces_where_tabs_part_columns(tmp_path: Path) -> None:
    path = put(tmp_path, "1\t10 000\tB-SUM\n2\tkr\tI-SUM\n\n")
    assert found(read(path)) == ([["10 000", "kr"]], [("SUM", "10 000 kr")])


def test_conllu_without_tags_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, CONLLU.replace("NER=B-PER", "_").replace("|NER=O", ""))
    with pytest.raises(DataError, match=r"no column holds tags .*NER=B-PER"):
        read(path)


@pytest.mark.parametrize(
    "text",
    [
        "Bram B_PER\nHollis I_PER\nBo B_PER\nwon O\n",
        "Bram PER-B\nHollis PER-I\nBo PER-B\nwon O\n",
        "Bram B:PER\nHollis I:PER\nBo B:PER\nwon O\n",
        "Bram B-PER\nHollis PER\nBo PER\nwon O\n",
        "Bram B-PER\nwon 0\nin 0\nOslo B-LOC\nit O\n",
        "Bram huh\nwon O\nit O\n",
    ],
)
def test_what_is_no_label_is_not_taken_for_one(tmp_path: Path, text: str) -> None:
    problems: list[Problem] = []
    read(put(tmp_path, text), problems=problems)
    assert {p.kind for p in problems} == {"unknown-tag"}


def test_usual_columns_stay_what_they_are(tmp_path: Path) -> None:
    """Words that are numbers, marks or names of columns make no other shape."""
    text = "1 CD B-X\n2 CD I-X\n4 CD O\n\n1 CD O\n\n"
    assert found(read(put(tmp_path, text)))[0] == [["1", "2", "4"], ["1"]]
    assert found(read(put(tmp_path, "word O\nen:x B-X\n")))[0] == [["word", "en:x"]]
    two = "Bram B-PER B-ORG\nwon O O\n"
    assert found(read(put(tmp_path, two)))[1] == [("ORG", "Bram")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 CD B-X\n2 CD I-X\n\n1 CD O\n", [["1", "2"], ["1"]]),
        ("1 0 O\n2 0 O\n\n0 1 B-X\n1 1 O\n", [["1", "2"], ["0", "1"]]),
        ("re:Invent B-X\n", [["re:Invent"]]),
        ("go:0001 B-X\ngo:0002 O\n", [["go:0001", "go:0002"]]),
        ("1 CD B-NP O\n2 CD I-NP B-X\n", [["1", "2"]]),
    ],
)
def test_numbers_and_colons_are_words(tmp_path: Path, text: str, words: list[list[str]]) -> None:
    corpus = read(put(tmp_path, text))
    assert [sentence.words for sentence in corpus.sentences] == words
    assert "NP" not in corpus.labels


def test_chunks_of_numbered_words_are_no_names(tmp_path: Path) -> None:
    text = "1 Bram NNP B-NP B-PER\n2 won VBD B-VP O\n\n1 Oslo NNP B-NP B-LOC\n"
    assert found(read(put(tmp_path, text))) == (
        [["Bram", "won"], ["Oslo"]],
        [("PER", "Bram"), ("LOC", "Oslo")],
    )


def test_a_row_of_names_may_call_parts_of_speech_tags(tmp_path: Path) -> None:
    corpus = read(put(tmp_path, "Token\tTag\tNER\nBram\tNNP\tB-PER\nwon\tVBD\tO\n", "a.tsv"))
    assert found(corpus) == ([["Bram", "won"]], [("PER", "Bram")])
    assert [token.pos for token in corpus.documents[0].tokens] == ["NNP", "VBD"]


def test_a_numbered_row_without_its_word_is_told(tmp_path: Path) -> None:
    problems: list[Problem] = []
    read(put(tmp_path, "1\tBram\tB-PER\n2\t\tO\n\n1\tit\tO\n"), problems=problems)
    assert [(p.line, p.kind) for p in problems] == [(2, "too-few-columns")]


TEXTS = {
    "blood.txt": "Bram\tO\nKim\tA\nBo\tO\n",
    "outside.txt": "Bram\tO\nKim\tO\nBo\tO\n",
    "games.md": "X\tO\tX\nO\tX\tO\nX\tX\tO\n",
    "list.txt": "1 Take vitamin B-6\n2 Take vitamin B-12\n",
    "tokens.tsv": "label\ttokens\ttext\nx\t3\tBram won it\ny\t2\tKim lost\n",
    "tokens.txt": "id\tlabel\ttext\ttokens\n1\tx\tBram won it\t3\n2\ty\tKim lost\t2\n",
    "ten.tsv": "".join(f"{i}\tBram won\ta\tb\tc\td\te\tf\tg\th\n" for i in range(1, 4)),
    "row.tsv": "2\tO\tof",
    "heading.tsv": "Tag words now\nThis is a text\nAnd it goes on here\n",
    "heading.txt": "Words, tags\nHere we talk of words, and tags.\n",
    "context.csv": "sentence,word,label\nBram won it,won,0\nKim lost it,lost,1\n",
    "words.csv": "word,label,text\nwon,1,Bram won\nlost,0,Kim lost\n",
    "names.txt": "Word, label",
    "group.csv": "Bram,O\nKim,O\n",
    "vitamin.csv": "Take it,B-12\nLeave it,B-6\n",
    "pairs.json": '[["a", "b"], ["c", "d"]]',
}


@pytest.mark.parametrize("name", TEXTS)
def test_tables_and_texts_are_no_corpora(tmp_path: Path, name: str) -> None:
    assert not looks_like_corpus(put(tmp_path, TEXTS[name], name))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (UNIVERSAL, True),
        ("Bram\tart-film\nwon\tO\nit\tO\n", True),
        ("1 First\n2 Then\n", False),
        ("Bram\tperson\nbuys\tverb\n", False),
    ],
)
def test_which_is_surely_a_corpus(tmp_path: Path, text: str, expected: bool) -> None:
    assert looks_like_corpus(put(tmp_path, text)) is expected
