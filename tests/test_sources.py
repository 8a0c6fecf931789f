"""Files and folders as texts: each kind, what is bad in it, limits, folders."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from posner.document import Document
from posner.errors import DataError, MissingExtraError
from posner.segment import segment
from posner.sources import (
    Bad,
    Item,
    Limit,
    Meter,
    Place,
    Reading,
    Text,
    files_in,
    kind_of,
    limited,
    read_file,
    read_text_stream,
    reading,
    whole,
)


def read(path: Path, kind: str | None = None, **how: Any) -> list[Item]:
    meter = Meter()
    items = list(read_file(path, kind or kind_of(path) or "text", Reading(**how), meter))
    assert meter.done == path.stat().st_size
    return items


def shown(items: Sequence[Item]) -> list[Any]:
    """Each item as its text, or as the line and reason of what is wrong."""
    return [
        (item.place.number, item.error.problem) if isinstance(item, Bad) else item.content
        for item in items
    ]


def saved(path: Path, data: bytes) -> Path:
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
def test_a_bad_line_is_told_and_the_rest_goes_on(tmp_path: Path, name: str) -> None:
    path = saved(tmp_path / name, b"one\ncaf\xe9\n\nthree\n\nx\ny\xff")
    items = read(path)
    assert shown(items) == ["one", (2, "not UTF-8"), "", "three", "", "x", (7, "not UTF-8")]
    bad = items[1]
    assert isinstance(bad, Bad)
    assert bad.data == "caf\\xe9"
    assert bad.to_json()["reason"].startswith("not UTF-8 (got byte 0xe9 at column 4)")
    paragraphs = read(path, unit="paragraph")
    assert shown(paragraphs) == [(1, "not UTF-8"), "three", (6, "not UTF-8")]
    assert isinstance(paragraphs[0], Bad)
    assert paragraphs[0].data == "one\ncaf\\xe9"
    assert shown(read(path, unit="file")) == [(1, "not UTF-8")]


def test_a_long_file_is_read_piece_by_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LONG", 20)
    monkeypatch.setattr(whole, "_BLOCK", 7)
    text = "Größe 語 😀 und so weiter.\r\n" * 5
    for name in ("a.txt", "a.txt.gz"):
        path = saved(tmp_path / name, b"\xef\xbb\xbf" + text.encode())
        (item,) = read(path, unit="file")
        assert isinstance(item, Text)
        assert not isinstance(item.content, str)
        assert item.length == len(text)
        assert "".join(item.characters()) == text
        assert "".join(item.characters()) == text
    (bad,) = read(saved(tmp_path / "b.txt", text.encode() + b"\xff"), unit="file")
    assert isinstance(bad, Bad)
    assert "not UTF-8" in bad.error.line()


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
def test_a_long_file_is_counted_while_its_text_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(reading, "LONG", 20)
    path = saved(tmp_path / name, bytes(range(32, 127)) * 4000)
    meter = Meter(done=5)
    (item,) = read_file(path, "text", Reading("file"), meter)
    assert isinstance(item, Text)
    seen = [meter.done - 5 for _ in item.characters()]
    assert len(seen) == 6
    assert seen == sorted(seen)
    assert 0 < seen[0] <= path.stat().st_size == seen[-1]


def test_a_packed_file_is_never_held_whole(tmp_path: Path) -> None:
    (item,) = read(saved(tmp_path / "a.txt.gz", b"small"), unit="file")
    assert isinstance(item, Text)
    assert callable(item.content)


@pytest.mark.parametrize("long", [False, True])
def test_a_stream_that_is_one_text(monkeypatch: pytest.MonkeyPatch, long: bool) -> None:
    monkeypatch.setattr(reading, "LONG", 4 if long else 100)
    for item in read_text_stream(io.BytesIO("Größe\n\nx".encode()), "file", "standard input"):
        assert isinstance(item, Text)
        assert callable(item.content) is long
        assert "".join(item.characters()) == "Größe\n\nx"
    (bad,) = read_text_stream(io.BytesIO(b"Gr\xf6\xdfe"), "file", "standard input")
    assert isinstance(bad, Bad)
    assert bad.place == Place("standard input", 1)
    assert bad.error.problem == "not UTF-8"


def test_json_lines(tmp_path: Path) -> None:
    words = Document("Ada met", segment("Ada met"))
    tokens = [{"text": t.text, "start": t.start, "end": t.end} for t in words.tokens]
    lines: list[Any] = [
        {"text": "plain", "id": 7, "source": "x"},
        "no json {",
        {"other": "y"},
        [1],
        {"text": None},
        {"text": "Ada met", "tokens": tokens},
        {"text": "Ada met", "tokens": [{"text": "Bob", "start": 0, "end": 3}]},
        {"text": "\ud800 half"},
    ]
    written = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path = saved(tmp_path / "a.jsonl", "\n".join([*written, "", "\u00e9"]).encode("latin-1"))
    items = read(path)
    assert [isinstance(item, Bad) for item in items] == [0, 1, 1, 1, 1, 0, 1, 0, 1]
    assert isinstance(items[0], Text)
    assert (items[0].id, items[0].metadata) == ("7", {"id": 7, "source": "x"})
    assert isinstance(items[5], Text)
    assert isinstance(items[5].content, Document)
    assert items[5].content.sentences[0].words == ["Ada", "met"]
    assert [item.place.number for item in items] == [1, 2, 3, 4, 5, 6, 7, 8, 10]
    for item in items:
        if isinstance(item, Bad):
            assert item.error.where == f"{path}:{item.place.number}"
            assert item.data


@pytest.mark.parametrize("value", ["NaN", "[-Infinity]", "1e999"])
def test_numbers_that_json_lacks_are_bad(tmp_path: Path, value: str) -> None:
    line = f'{{"text": "a", "meta": {{"x": {value}}}}}\n'
    items = read(saved(tmp_path / "a.jsonl", line.encode() + b'{"text": "b"}\n'))
    problem = f"not JSON: {value.strip('[]')} is no number"
    assert shown(items) == [(1, problem), "b"]


@given(
    st.lists(
        st.recursive(
            st.none() | st.floats() | st.text(max_size=3),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["text", "id", "meta", "tokens", "x"]), inner, max_size=4
                )
            ),
        ),
        max_size=4,
    )
)
def test_what_json_lines_give_can_be_written_as_json(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any]
) -> None:
    path = tmp_path_factory.mktemp("jsonl") / "a.jsonl"
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    items = read(path)
    assert len(items) == len(values)
    for item in items:
        if isinstance(item, Text):
            json.dumps(dict(item.metadata), allow_nan=False)


def test_a_deep_record_is_bad(tmp_path: Path) -> None:
    deep = [f'{{"text": "a", "meta": {"[" * n}{"]" * n}}}\n' for n in (150, 300, 5000)]
    wide = json.dumps({"text": "[" * 300, "meta": [[]] * 300}) + "\n"
    items = read(saved(tmp_path / "a.jsonl", "".join([*deep, wide]).encode()))
    assert shown(items) == [
        "a",
        (2, "nested too deeply"),
        (3, "not JSON: RecursionError"),
        "[" * 300,
    ]


def test_json_lines_by_column(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.ndjson", b'{"body": "one", "n": 1}\n{"n": 2}\n{"body": 3, "n": 3}\n')
    items = read(path, column="body", keep=("n",))
    assert shown(items) == ["one", (2, "no text in 'body'"), (3, "no text in 'body'")]
    assert isinstance(items[0], Text)
    assert items[0].metadata == {"n": 1}
    assert shown(read(path, column="body", keep=("m",)))[0] == (1, "no 'm' to keep")


def test_csv(tmp_path: Path) -> None:
    data = b'\xef\xbb\xbfid,text\n1,"two\nlines, quoted"\n2\n3,caf\xe9\n4,"a ""b"""\n\n5,\n'
    items = read(saved(tmp_path / "a.csv", data), keep=("id",))
    assert shown(items) == [
        "two\nlines, quoted",
        (4, "a row of another width"),
        (5, "not UTF-8"),
        'a "b"',
        "",
    ]
    good = [item for item in items if isinstance(item, Text)]
    assert [item.metadata for item in good] == [
        {"row": 1, "id": "1"},
        {"row": 4, "id": "4"},
        {"row": 6, "id": "5"},
    ]
    bad = items[2]
    assert isinstance(bad, Bad)
    assert bad.data == "3,caf\\xe9"
    assert shown(read(saved(tmp_path / "a.tsv", b"only\na b\n"))) == ["a b"]
    assert read(saved(tmp_path / "b.csv", b"")) == []
    long = "x" * 200_000  # more than the csv module takes by itself
    assert shown(read(saved(tmp_path / "c.csv", f"text\n{long}\n".encode()))) == [long]


def test_an_unclosed_quote_spoils_no_other_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = b'text,n\n"never closed,1\nAda,2\n"two\nlines",3\n"odd" one,4\n"open,5\nBen,6\n'
    items = read(saved(tmp_path / "a.csv", data))
    assert shown(items) == [
        (2, "not CSV"),
        "Ada",
        "two\nlines",
        (6, "not CSV"),
        (7, "not CSV"),
        "Ben",
    ]
    assert [item.data for item in items if isinstance(item, Bad)] == [
        '"never closed,1',
        '"odd" one,4',
        '"open,5',
    ]
    monkeypatch.setattr("posner.sources.delimited.RECORD", 20)
    long = b'text\n"open\n' + b"Ada met Ben\n" * 9
    assert shown(read(saved(tmp_path / "b.csv", long)))[:2] == [(2, "not CSV"), "Ada met Ben"]
    with pytest.raises(DataError, match=r"c\.csv:1: not CSV"):
        read(saved(tmp_path / "c.csv", b'"text\nAda\n'))


def test_a_quote_of_a_tsv_is_a_character(tmp_path: Path) -> None:
    data = b'text\tn\n"open\t1\nsay "hi"\t2\n"a ""b"""\t3\n'
    assert shown(read(saved(tmp_path / "a.tsv", data))) == ['"open', 'say "hi"', '"a ""b"""']
    folder = tmp_path / "x.tsv"
    folder.mkdir()
    assert shown(read(saved(folder / "a.csv", b'text,n\n"a, b",1\n'))) == ["a, b"]


@given(
    st.lists(st.text(st.sampled_from('ab",\n\r \u20ac'), max_size=8), max_size=8),
    st.binary(max_size=30),
)
def test_no_bytes_stop_a_csv(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], rest: bytes
) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(b"text\n" + "\n".join(lines).encode() + rest)
    for item in read(path):
        assert isinstance(item, Text) or item.error.problem
        assert item.place.number is not None
        assert item.place.number > 1


def test_a_column_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.csv", b"a,b\n1,2\n")
    with pytest.raises(DataError, match=r"no column 'text' \(got a, b\); name .* --column"):
        read(path)
    with pytest.raises(DataError, match="no column 'c'"):
        read(path, column="a", keep=("c",))


@given(
    st.lists(
        st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.integers()), min_size=1
    )
)
def test_what_is_written_as_csv_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int]]
) -> None:
    import csv

    path = tmp_path_factory.mktemp("csv") / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "n"), *rows])
    assert shown(read(path)) == [text for text, _ in rows]


def test_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "a.parquet"
    when = __import__("datetime").date(2020, 1, 2)
    table = pyarrow.table(
        {"text": ["one", None, "three"], "n": [1, 2, 3], "when": [when] * 3, "x": ["a"] * 3}
    )
    parquet.write_table(table, path)
    items = read(path, keep=("n", "when"))
    assert shown(items) == ["one", (2, "no text in 'text'"), "three"]
    assert isinstance(items[2], Text)
    assert items[2].metadata == {"row": 3, "n": 3, "when": "2020-01-02"}
    assert shown(read(path, column="x")) == ["a"] * 3
    with pytest.raises(DataError, match="no column 'y'"):
        read(path, column="y")
    with pytest.raises(DataError, match="not a Parquet file"):
        read(saved(tmp_path / "b.parquet", b"nothing like it"))
    spoilt = pyarrow.array([b"one", b"caf\xe9", b"three"]).view(pyarrow.string())
    parquet.write_table(pyarrow.table({"text": spoilt}), path)
    assert shown(read(path)) == ["one", (2, "a row that cannot be read"), "three"]
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"posner\[parquet\]"):
        read(path)


def test_a_damaged_archive_and_a_missing_file_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"line\n" * 1000)[:-20])
    with pytest.raises(DataError, match="cannot be read"):
        read(path)
    with pytest.raises(DataError, match="cannot be read"):
        read(tmp_path / "none.txt")


def test_folders_give_their_files_in_order(tmp_path: Path) -> None:
    for name in ("b.txt", "a/z.jsonl", "a/y.csv.gz", ".hidden.txt", ".git/x.txt", "c.pdf", "A.MD"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    wanted, others = files_in(tmp_path)
    names = [path.relative_to(tmp_path).as_posix() for path in wanted]
    assert names == ["A.MD", "a/y.csv.gz", "a/z.jsonl", "b.txt"]
    assert [path.name for path in others] == ["c.pdf"]


def apply(text: str | Document, limit: Limit) -> list[Item]:
    length = len(text) if isinstance(text, str) else len(text.text)
    item = Text(Place("a.txt", 3), text, length, "name", {"k": 1})
    (group,) = limited([item], limit, segment)
    return list(group)


def test_a_text_over_the_limit_is_bad_or_split() -> None:
    text = "One sentence. Another one.\n\nAnd more of it here. The end."
    assert shown(apply(text, Limit(len(text)))) == [text]
    (bad,) = apply(text, Limit(30))
    assert isinstance(bad, Bad)
    assert bad.error.line() == (
        "a.txt:3: the text is too long (expected at most 30 characters, got 57); "
        "allow more with --max-chars, or part it with --over-limit split"
    )
    assert bad.data == text
    parts = apply(text, Limit(28, "split"))
    assert shown(parts) == ["One sentence. Another one.\n\n", "And more of it here.", " The end."]
    for number, part in enumerate(parts, start=1):
        assert isinstance(part, Text)
        assert isinstance(part.content, str)
        offset = part.metadata["offset"]
        assert text[offset : offset + part.length] == part.content
        assert (part.metadata["part"], part.metadata["k"], part.id) == (number, 1, "name")
    (word,) = apply("a " + "x" * 50, Limit(30, "split"))
    assert isinstance(word, Bad)
    assert word.error.where == "a.txt:3, character 2"
    assert word.to_json()["reason"].startswith("a.txt:3, character 2: a word is longer")


def test_words_of_its_own_are_parted_between_sentences() -> None:
    text = "One sentence. Another one.\n\nAnd more of it here. The end."
    own = Document(text, segment(text), metadata={"m": 2})
    own = own.with_entities([own.entity(14, 21, "A"), own.entity(49, 56, "B")])
    (bad,) = apply(own, Limit(12, "split"))
    assert isinstance(bad, Bad)
    assert bad.error.line() == (
        "a.txt:3, character 0: a sentence is longer than a part may be "
        "(expected at most 12 characters, got 14); allow more with --max-chars"
    )
    parts = [part for part in apply(own, Limit(30, "split")) if isinstance(part, Text)]
    found = [part.content for part in parts if isinstance(part.content, Document)]
    assert [part.text for part in found] == [
        "One sentence. Another one.\n\n",
        "And more of it here. The end.",
    ]
    assert [s.words for part in found for s in part.sentences] == [s.words for s in own.sentences]
    assert [(e.start, e.label) for part in found for e in part.entities] == [(14, "A"), (21, "B")]
    assert [part.metadata for part in parts] == [
        {"k": 1, "part": 1, "offset": 0},
        {"k": 1, "part": 2, "offset": 28},
    ]
    assert [dict(part.metadata) for part in found] == [
        {"m": 2, "part": 1, "offset": 0},
        {"m": 2, "part": 2, "offset": 28},
    ]


@given(st.text(st.sampled_from("Ab. \n"), max_size=60), st.integers(1, 30))
def test_parted_words_are_all_there(text: str, limit: int) -> None:
    own = Document(text, segment(text))
    parts = apply(own, Limit(limit, "split"))
    if isinstance(parts[0], Bad):
        assert len(parts) == 1
        return
    found = [part.content for part in parts if isinstance(part, Text)]
    documents = [part for part in found if isinstance(part, Document)]
    assert "".join(part.text for part in documents) == text
    assert all(len(part.text) <= limit for part in documents)
    words = [s.words for part in documents for s in part.sentences]
    assert words == [s.words for s in own.sentences]


def test_a_limit_holds_no_long_text() -> None:
    sizes = [7, 1, 90, 30, 5]
    text = "Ada met Ben. It rained.\n\n" * 6
    text = text[: sum(sizes)]

    def pieces() -> Iterator[str]:
        start = 0
        for size in sizes:
            yield text[start : start + size]
            start += size

    item = Text(Place("a.txt", 1), pieces, len(text))
    (bad,) = next(iter(limited([item], Limit(10), segment)))
    assert isinstance(bad, Bad)
    assert bad.data == text[:10]
    parts = next(iter(limited([item], Limit(30, "split"), segment)))
    assert not isinstance(parts, list)
    found = [part for part in parts if isinstance(part, Text)]
    assert "".join(str(part.content) for part in found) == text
    assert [part.metadata["offset"] for part in found] == [25 * n for n in range(len(found))]


@given(st.text(max_size=80), st.integers(1, 30))
@example(" 0000000", 7)  # the blank before a word takes nothing from it
def test_a_split_text_is_all_there(text: str, limit: int) -> None:
    parts = apply(text, Limit(limit, "split"))
    if isinstance(parts[0], Bad):
        assert any(len(word) > limit for word in text.split())
    else:
        assert "".join(str(part) for part in shown(parts)) == text
        assert all(isinstance(part, Text) and part.length <= limit for part in parts)
