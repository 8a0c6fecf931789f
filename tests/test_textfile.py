"""Text files as documents: by line, by paragraph, whole; and `posner predict` reading them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echo import Echo
from posner.cli import main, predict
from posner.errors import DataError
from posner.textfile import DOCUMENT_UNITS, read_texts

BOM = b"\xef\xbb\xbf"

# Any line: only \n ends one, so \r inside, \x0b, \x85, \u2028 are characters like others.
lines = st.text(
    st.one_of(
        st.sampled_from(list("a \t\r\x0b\x0c\x1c\x85\u2028\u2029\ufeffé語😀")),
        st.characters(exclude_characters="\n", exclude_categories=["Cs"]),
    ),
    max_size=8,
).filter(lambda line: not line.endswith("\r"))


def texts(data: bytes, unit: str) -> list[str]:
    return list(read_texts(io.BytesIO(data), unit))


@given(st.lists(lines), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_lines_come_back_as_they_were_joined(given: list[str], end: str, bom: bool) -> None:
    data = "".join(line + end for line in given).encode()
    assert texts(BOM * bom + data, "line") == [
        # A mark that begins the file is a byte-order mark, whoever wrote it.
        line.removeprefix("\ufeff") if i == 0 and not bom else line
        for i, line in enumerate(given)
    ]


@given(st.lists(lines, min_size=1).filter(lambda given: given[-1] != ""))
def test_the_last_line_needs_no_end(given: list[str]) -> None:
    assert texts(BOM + "\n".join(given).encode(), "line") == given


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_file_is_its_text(text: str) -> None:
    assert texts(BOM + text.encode(), "file") == [text]


paragraphs = st.lists(
    st.lists(lines.filter(lambda line: line.strip() != ""), min_size=1, max_size=3), max_size=4
)


@given(paragraphs, st.sampled_from(["\n", "\n \t\n", "\n\n\n", "\n\u3000\n"]))
def test_paragraphs_lie_between_blank_lines(given: list[list[str]], gap: str) -> None:
    written = ["\n".join(paragraph) for paragraph in given]
    data = ("\n" + gap).join(written).encode()
    assert texts(BOM + gap.encode() + data, "paragraph") == written
    assert texts(BOM + data + b"\n" + gap.encode(), "paragraph") == written


@pytest.mark.parametrize(
    ("data", "unit", "expected"),
    [
        (b"", "line", []),
        (b"", "paragraph", []),
        (b"", "file", [""]),
        (b"\n", "line", [""]),
        (b"\n\n", "line", ["", ""]),
        (b"\n\n", "paragraph", []),
        (b"a\nb", "line", ["a", "b"]),
        (b"a\r\nb\r\n", "line", ["a", "b"]),
        (b"a\r\r\nb\r", "line", ["a\r", "b\r"]),
        (b"a\rb\n", "line", ["a\rb"]),
        (b"a\r\nb\r\n\r\nc\r\n", "paragraph", ["a\r\nb", "c"]),
        (b"a\r\nb\n", "file", ["a\r\nb\n"]),
        (BOM, "line", []),
        (BOM, "file", [""]),
        (BOM + b"a", "line", ["a"]),
        (BOM + b"a\n" + BOM + b"b", "line", ["a", "\ufeffb"]),
    ],
)
def test_by_example(data: bytes, unit: str, expected: list[str]) -> None:
    assert texts(data, unit) == expected


@pytest.mark.parametrize("unit", DOCUMENT_UNITS)
def test_a_bad_byte_is_named_with_its_line_and_column(unit: str) -> None:
    with pytest.raises(DataError, match="not UTF-8") as caught:
        list(read_texts(io.BytesIO(b"good\ncaf\xe9 au lait\n"), unit, name="notes.txt"))
    assert caught.value.where == "notes.txt:2"
    assert caught.value.got == "byte 0xe9 at column 4"
    assert "iconv" in caught.value.line()


def test_lines_before_a_bad_one_are_given() -> None:
    stream = read_texts(io.BytesIO(b"good\n\xff\n"), "line")
    assert next(stream) == "good"
    with pytest.raises(DataError):
        next(stream)


def test_a_file_that_ends_inside_a_character_is_refused() -> None:
    with pytest.raises(DataError, match="column 2"):
        texts("a語".encode()[:-1], "file")


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "load_from_flags", lambda _: Echo())


@pytest.mark.usefixtures("echo")
@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("line", ["Ada met", "Grace.", "", "They wrote."]),
        ("paragraph", ["Ada met\nGrace.", "They wrote."]),
        ("file", ["Ada met\nGrace.\n\nThey wrote.\n"]),
    ],
)
def test_predict_reads_documents_by_unit(unit: str, expected: list[str], tmp_path: Path) -> None:
    source, target = tmp_path / "notes.txt", tmp_path / "found.jsonl"
    source.write_text("Ada met\nGrace.\n\nThey wrote.\n", encoding="utf-8")
    flags = ["--document", unit, "--format", "jsonl", "-o", str(target)]
    assert main(["predict", "model", str(source), "--text", "First.", *flags]) == 0
    found = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [document["text"] for document in found] == ["First.", *expected]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["found.jsonl", "notes.txt"]


@pytest.mark.usefixtures("echo")
def test_predict_tells_of_targets_that_it_cannot_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full = tmp_path / "full.txt"
    full.write_text("kept", encoding="utf-8")
    for target, problem in (
        (full, "is not empty"),
        (tmp_path, "is a folder"),
        (full / "x", "cannot be written"),
    ):
        assert main(["predict", "model", "--text", "a", "-o", str(target)]) == 1
        error = capsys.readouterr().err
        assert problem in error
        assert error.count("\n") == 1
    assert main(["predict", "model", "--text", "a", "--force", "-o", str(tmp_path)]) == 1
    assert full.read_text(encoding="utf-8") == "kept"


@pytest.mark.usefixtures("echo")
def test_a_side_file_that_cannot_be_written_leaves_no_half_written_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = tmp_path / "notes.txt", tmp_path / "found.jsonl"
    source.write_bytes(b"good\n\xff\n")
    assert main(["predict", "model", str(source), "--bad", "/dev/full", "-o", str(target)]) == 1
    assert "/dev/full: cannot be written" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.usefixtures("echo")
def test_without_a_side_file_a_text_that_is_not_utf8_ends_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "notes.txt"
    source.write_bytes(b"good\n\xff\n")
    assert main(["predict", "model", str(source)]) == 1
    assert f"{source}:2: not UTF-8" in capsys.readouterr().err


def test_pieces_need_a_format_that_holds_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "model", "--text", "a", "--pieces", "--format", "conll"]) == 2
    assert "--pieces goes with" in capsys.readouterr().err
