"""CoNLL columns: what counts as a row, a comment, a border, a problem."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from posner.corpus import Problem, read, write
from posner.errors import DataError, SchemeError


def put(folder: Path, text: str | bytes, name: str = "data.conll") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def kinds(path: Path, scheme: str | None = None) -> list[tuple[int | None, str]]:
    problems: list[Problem] = []
    read(path, scheme=scheme, problems=problems)
    return [(p.line, p.kind) for p in problems]


FOUR = (
    "-DOCSTART- -X- O O\n\nAnn NNP I-NP I-PER\nsaw VBD I-VP O\nOslo NNP I-NP I-LOC\n\n"
    "-DOCSTART- -X- O O\n\nBob NNP I-NP I-PER\n\n"
)


def test_four_columns_documents_and_scheme(tmp_path: Path) -> None:
    corpus = read(put(tmp_path, FOUR))
    assert corpus.format == "conll"
    assert [d.text for d in corpus.documents] == ["Ann saw Oslo", "Bob"]
    assert corpus.layout.scheme == "IOB1"
    assert corpus.labels == ("LOC", "PER")
    assert (corpus.word_count, corpus.has_pos, corpus.has_chunk) == (4, True, True)
    token = next(iter(corpus.documents[0].tokens))
    assert (token.text, token.pos, token.chunk, token.extra) == ("Ann", "NNP", "I-NP", ())


@pytest.mark.parametrize(
    "text",
    [
        FOUR,
        FOUR.replace("\n", "\r\n"),
        FOUR.rstrip("\n"),
        FOUR + "\n\n",
        FOUR.replace(" ", "\t"),
        "\ufeff" + FOUR,
        "# sent_id = 7\n# a remark\nAnn B-PER\n\n# end\n",
        "a b c d e O\nf g h i j B-X\n\n",
        "# NN O\nword NN B-X\n\n",
    ],
)
def test_same_format_is_byte_identical(tmp_path: Path, text: str) -> None:
    source = put(tmp_path, text)
    assert write(read(source), tmp_path / "out.conll") == []
    assert (tmp_path / "out.conll").read_bytes() == source.read_bytes()


def test_gzip_is_read_and_written(tmp_path: Path) -> None:
    source = put(tmp_path, gzip.compress(FOUR.encode()), "data.conll.gz")
    write(read(source), tmp_path / "out.conll.gz")
    assert gzip.decompress((tmp_path / "out.conll.gz").read_bytes()) == FOUR.encode()


def test_damaged_gzip_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="gzip archive is damaged"):
        read(put(tmp_path, gzip.compress(FOUR.encode())[:-9], "data.conll.gz"))


def test_only_space_and_tab_part_columns(tmp_path: Path) -> None:
    corpus = read(put(tmp_path, "5\u00a0storm NN O\na\u2028b\u3000c \tNN  B-X\n"))
    assert corpus.documents[0].sentences[0].words == ["5\u00a0storm", "a\u2028b\u3000c"]


def test_comments_only_where_they_are_comments(tmp_path: Path) -> None:
    text = "# id = 3\n# free remark here\n# NN O\n1 CD B-X\n# NN O\n\n#tag NN O\n"
    first, second = read(put(tmp_path, text)).documents[0].sentences
    assert first.words == ["#", "1", "#"]
    assert dict(first.metadata) == {"id": "3", "comments": ["# free remark here"]}
    assert second.words == ["#tag"]


def test_a_hashtag_that_lost_its_columns_is_no_comment(tmp_path: Path) -> None:
    path = put(tmp_path, "a NN O\n\n#winning\nb NN O\n")
    assert kinds(path) == [(3, "too-few-columns")]
    problems: list[Problem] = []
    assert read(path, problems=problems).documents[0].sentences[1].words == ["#winning", "b"]


def test_a_key_value_row_is_written_as_a_row(tmp_path: Path) -> None:
    source = put(tmp_path, "#\tfoo\t=\tO\nb\tNN\tc\tB-X\n\n")
    corpus = read(source)
    assert corpus.documents[0].sentences[0].words == ["#", "b"]
    write(corpus.documents, tmp_path / "out.conll", format="conll")
    again = read(tmp_path / "out.conll")
    assert again.documents == corpus.documents


@pytest.mark.parametrize(
    ("text", "scheme", "expected"),
    [
        ("a NN B-X\nb\nc NN O\n", None, [(2, "too-few-columns")]),
        ("a NN B-X\nb c d O\nc NN O\n", None, [(2, "too-many-columns")]),
        ("a B-X\nb huh\nc Q-X\n", None, [(2, "unknown-tag"), (3, "unknown-tag")]),
        ("a B-X\nb I-Y\nc O\nd B-X\ne I-X\n", None, [(2, "ill-formed-tag")]),
        ("a S-X\nb O\n", "IOB2", [(1, "unknown-tag")]),
        ("a E-X\nb I-X\n\nc I-X\nd E-X\n", "IOE2", [(2, "ill-formed-tag")]),
        (b"caf\xe9 O\nb B-X\n\xff O\n", None, [(1, "undecodable-byte"), (3, "undecodable-byte")]),
    ],
)
def test_every_problem_is_listed_with_its_line(
    tmp_path: Path, text: str | bytes, scheme: str | None, expected: list[tuple[int, str]]
) -> None:
    assert kinds(put(tmp_path, text), scheme) == expected


def test_repairs_are_the_stated_ones(tmp_path: Path) -> None:
    problems: list[Problem] = []
    path = put(tmp_path, b"caf\xe9 NN B-X\nb\nc NN I-Y\nd NN I-Y\n")
    document = read(path, scheme="IOB2", problems=problems).documents[0]
    assert document.sentences[0].words == ["caf\ufffd", "b", "c", "d"]
    assert [(e.text, e.label) for e in document.entities] == [("caf\ufffd", "X"), ("c d", "Y")]
    assert [p.kind for p in problems] == ["undecodable-byte", "too-few-columns", "ill-formed-tag"]
    assert problems[2].line_text() == (
        f"{path}:3: I-Y after O is not legal in IOB2; correct the tag, or name the file's scheme "
        "(--scheme)"
    )


def test_without_a_list_the_first_problem_is_raised_with_the_count(tmp_path: Path) -> None:
    path = put(tmp_path, "a O\nb I-Y\nc O\nd huh\nd B-X\nd I-X\n")
    with pytest.raises(SchemeError) as raised:
        read(path)
    assert str(path) + ":" in str(raised.value)
    assert "2 problems in all" in str(raised.value)
    assert f"posner check {path}" in str(raised.value)


def test_unknown_formats_and_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the format cannot be told"):
        read(put(tmp_path, "just some prose\nwithout any tags\n", "a.txt"))
    with pytest.raises(DataError, match="is empty"):
        read(put(tmp_path, "", "b.txt"))
    with pytest.raises(DataError, match="no such file"):
        read(tmp_path / "nowhere")
    with pytest.raises(DataError, match="no such file"):
        read(tmp_path / "nowhere", format="conll")
    with pytest.raises(DataError, match=r"a folder of no format .*got a\.txt, b\.txt"):
        read(tmp_path)


def test_further_columns_are_carried_through(tmp_path: Path) -> None:
    corpus = read(put(tmp_path, "Ann NNP x y B-PER\nsaw VBD x y O\n"))
    token = next(iter(corpus.documents[0].tokens))
    assert (token.pos, token.chunk, token.extra) == ("NNP", None, ("x", "y"))
    write(corpus, tmp_path / "data.jsonl")
    write(read(tmp_path / "data.jsonl"), tmp_path / "out.conll")
    assert (tmp_path / "out.conll").read_text() == "Ann NNP x y B-PER\nsaw VBD x y O\n\n"


def test_what_columns_do_not_hold_is_named(tmp_path: Path) -> None:
    source = put(
        tmp_path, '{"id": 4, "text": "Ann  ran.", "label": [[0, 4, "PER"]], "who": 1}\n', "d.jsonl"
    )
    losses = write(read(source, problems=[]), tmp_path / "out.conll")
    assert losses == [
        "conll: the ids of 1 documents are not held",
        "conll: the metadata 'who' of 1 documents is not held",
        "conll: the text between the words of 1 documents is not held",
        "conll: 1 entities off the words' borders are changed to whole words",
    ]
    assert read(tmp_path / "out.conll").documents[0].entities[0].text == "Ann"


def test_a_filled_target_is_refused_and_stays(tmp_path: Path) -> None:
    corpus = read(put(tmp_path, FOUR))
    target = put(tmp_path, "mine", "out.conll")
    with pytest.raises(DataError, match="not empty"):
        write(corpus, target)
    assert target.read_text() == "mine"
    write(corpus, target, force=True)
    assert target.read_text() == FOUR
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data.conll", "out.conll"]


def test_a_crash_leaves_the_target_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = read(put(tmp_path, FOUR))
    target = put(tmp_path, "mine", "out.conll")

    def crash(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("posner.files.os.fsync", crash)
    with pytest.raises(DataError, match="cannot be written"):
        write(corpus, target, force=True)
    assert target.read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data.conll", "out.conll"]
