from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from posner.errors import DataError, SchemeError, UsageError
from posner.evaluation.columns import TaggedSentence, check_prefixes, read_tag_columns
from posner.schemes import SCHEMES

PLAIN = "Ada NNP B-PER B-PER\nspoke VBD O O\n\nOslo NNP B-LOC O\n"
EXPECTED = [
    TaggedSentence(1, ("B-PER", "O"), ("B-PER", "O")),
    TaggedSentence(4, ("B-LOC",), ("O",)),
]


def write(folder: Path, content: str | bytes, name: str = "tags.txt") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.removesuffix("\n"),
        PLAIN.replace(" ", "\t"),
        PLAIN.replace(" ", " \t "),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "  \n"),
        "\ufeff" + PLAIN,
        PLAIN + "\n\n  \t\n",
    ],
    ids=["plain", "no last line end", "tabs", "both", "CRLF", "trailing", "BOM", "blank end"],
)
def test_the_same_sentences_are_read_however_they_are_written(tmp_path: Path, content: str) -> None:
    assert list(read_tag_columns(write(tmp_path, content))) == EXPECTED


def test_a_compressed_file_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(PLAIN.encode()), "tags.txt.gz")
    assert list(read_tag_columns(path)) == EXPECTED


def test_a_document_start_parts_sentences(tmp_path: Path) -> None:
    path = write(tmp_path, "-DOCSTART- -X- O O\na x B-X O\n-DOCSTART-\nb x O B-X\n")
    assert list(read_tag_columns(path)) == [
        TaggedSentence(2, ("B-X",), ("O",), document=1),
        TaggedSentence(4, ("O",), ("B-X",), document=2),
    ]


def test_words_and_document_rows_are_read_where_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "-DOCSTART- -X- O O\n\na x B-X O\n-DOCSTART-\nb x O B-X\n")
    assert list(read_tag_columns(path, words=True, document_rows=True)) == [
        TaggedSentence(1, ("O",), ("O",), ("-DOCSTART-",), 1),
        TaggedSentence(3, ("B-X",), ("O",), ("a",), 1),
        TaggedSentence(5, ("O",), ("B-X",), ("b",), 2),
    ]


def test_named_columns_are_read_from_rows_of_any_width(tmp_path: Path) -> None:
    path = write(tmp_path, "B-X a O\nO a O more\n")
    assert list(read_tag_columns(path, gold=3, predicted=1)) == [
        TaggedSentence(1, ("O", "O"), ("B-X", "O"))
    ]


def test_only_spaces_and_tabs_part_columns_and_only_line_feeds_part_lines(tmp_path: Path) -> None:
    path = write(tmp_path, "10\u00a0000 O O\na\u2028b\x0bc\x85\x1c B-X O\n\u3000 O B-X\n")
    assert list(read_tag_columns(path)) == [TaggedSentence(1, ("O", "B-X", "O"), ("O", "O", "B-X"))]


def test_the_file_is_read_as_a_stream(tmp_path: Path) -> None:
    """The first sentence is there before the fault of the second is met."""
    sentences = read_tag_columns(write(tmp_path, "a O O\n\nb O nonsense\n"))
    assert next(sentences) == TaggedSentence(1, ("O",), ("O",))
    with pytest.raises(SchemeError):
        next(sentences)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"a O O\nb O\n", r"tags\.txt:2: too few columns \(expected 3, as in the first row, got 2"),
        (b"a O O\nb O O O\n", r"tags\.txt:2: too many columns \(expected 3"),
        (b"O\n", r"tags\.txt:1: too few columns \(expected at least 2.*got 1\)"),
        (b"a O O\n\nb\xff O O\n", r"tags\.txt:3: not UTF-8 \(got byte 0xFF at byte 2"),
        (b"a O O\nb B-X PER\n", r"tags\.txt:2: unknown tag .*'PER'"),
        ("\ufeffa O O\n".encode("utf-16"), r"tags\.txt:1: not UTF-8"),
    ],
)
def test_a_fault_is_named_with_file_and_line(tmp_path: Path, content: bytes, line: str) -> None:
    with pytest.raises(DataError, match=line) as caught:
        list(read_tag_columns(write(tmp_path, content)))
    assert "\n" not in caught.value.line()


def test_a_row_without_the_named_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"tags\.txt:1: too few columns .*at least 4"):
        list(read_tag_columns(write(tmp_path, "a O O\n"), gold=3, predicted=4))


@pytest.mark.parametrize("column", [0, -1])
def test_a_wrong_column_number_is_a_wrong_call(tmp_path: Path, column: int) -> None:
    with pytest.raises(UsageError, match="--gold: no such column"):
        read_tag_columns(tmp_path / "never opened", gold=column)
    with pytest.raises(UsageError, match="--predicted: no such column"):
        read_tag_columns(tmp_path / "never opened", predicted=column)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"missing.*cannot be read .*No such file"):
        list(read_tag_columns(tmp_path / "missing"))
    with pytest.raises(DataError, match=r"cannot be read .*Is a directory"):
        list(read_tag_columns(tmp_path))
    whole = gzip.compress(PLAIN.encode() * 50)
    for damaged in (whole[:-9], b"plain text", whole[:20] + b"\x00\xff" * 9 + whole[38:]):
        with pytest.raises(DataError, match="a damaged gzip file"):
            list(read_tag_columns(write(tmp_path, damaged, "tags.gz")))


def test_a_prefix_of_another_scheme_is_named_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "a O O\n\nb B-X B-X\nc I-X E-X\n")
    sentences = check_prefixes(read_tag_columns(path), SCHEMES["IOB2"], path)
    with pytest.raises(SchemeError, match=r"tags\.txt:4: not a tag of IOB2 .*'E-X'"):
        list(sentences)
    checked = check_prefixes(read_tag_columns(path), SCHEMES["BIOES"], path)
    assert list(checked) == list(read_tag_columns(path))


def test_comments_before_a_sentence_are_no_rows_and_words_that_are_hashes_are(
    tmp_path: Path,
) -> None:
    path = tmp_path / "tags.txt"
    path.write_text("# domain = news\nAda B-PER B-PER\n\n# free words\n# O B-PER\n1 O O\n")
    found = list(read_tag_columns(path))
    assert [s.gold for s in found] == [("B-PER",), ("O", "O")]
    assert [s.predicted for s in found] == [("B-PER",), ("B-PER", "O")]
