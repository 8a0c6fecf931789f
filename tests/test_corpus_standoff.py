"""brat standoff: pairs of files, what is carried through, what is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from posner.corpus import Problem, read, write
from posner.document import Entity
from posner.errors import DataError


def put(folder: Path, text: str, marks: str, name: str = "a") -> Path:
    (folder / f"{name}.txt").write_bytes(text.encode())
    (folder / f"{name}.ann").write_bytes(marks.encode())
    return folder / f"{name}.ann"


def kinds(path: Path) -> list[tuple[int | None, str]]:
    problems: list[Problem] = []
    read(path, problems=problems)
    return [(p.line, p.kind) for p in problems]


MARKS = "T1\tPER 0 3\tAnn\nT2\tLOC 8 12\tOslo\nR1\tIn Arg1:T1 Arg2:T2\n#1\tAnnotatorNotes T1\thi\n"


def test_a_pair_by_either_name_or_folder(tmp_path: Path) -> None:
    put(tmp_path, "Ann saw Oslo.\n", MARKS)
    for path in (tmp_path, tmp_path / "a.ann", tmp_path / "a.txt"):
        (document,) = read(path).documents
        assert [(e.text, e.label) for e in document.entities] == [("Ann", "PER"), ("Oslo", "LOC")]
        assert document.id == "a"


def test_relations_and_notes_are_carried_through(tmp_path: Path) -> None:
    source = put(tmp_path, "Ann saw Oslo.\n", MARKS)
    losses = write(read(source), tmp_path / "out" / "b.ann")
    assert (tmp_path / "out" / "b.ann").read_text() == MARKS
    assert (tmp_path / "out" / "b.txt").read_text() == "Ann saw Oslo.\n"
    assert losses == ["brat: 4 words are not held, but found again by segmentation"]


def test_gaps_are_reported_and_written_back(tmp_path: Path) -> None:
    marks = "T1\tX 0 3;8 12\tAnn Oslo\n"
    source = put(tmp_path, "Ann saw Oslo.", marks)
    assert kinds(source) == [(1, "discontinuous-span")]
    write(read(source, problems=[]), tmp_path / "out.ann")
    assert (tmp_path / "out.ann").read_text() == marks


@pytest.mark.parametrize(
    ("marks", "kind"),
    [
        ("T1\tX 0 2\tAn\n", "misaligned-span"),
        ("T1\tX 0 99\tAnn\n", "span-outside-text"),
        ("T1\tX 0 3\tBob\n", "span-text-mismatch"),
        ("T1 X 0 3 Ann\n", "malformed-span"),
    ],
)
def test_problems_name_the_line(tmp_path: Path, marks: str, kind: str) -> None:
    assert kinds(put(tmp_path, "Ann saw Oslo.", marks)) == [(1, kind)]


def test_a_lone_file_is_reported(tmp_path: Path) -> None:
    put(tmp_path, "Ann.", "")
    (tmp_path / "b.txt").write_text("Bob.")
    assert kinds(tmp_path) == [(None, "missing-file")]


def test_a_repeated_id_is_reported_and_written_anew(tmp_path: Path) -> None:
    marks = "T1\tPER 0 3\tAnn\nT1\tLOC 8 12\tOslo\nR1\tIn Arg1:T1 Arg2:T2\n"
    path = put(tmp_path, "Ann saw Oslo.", marks)
    assert kinds(path) == [(2, "repeated-id")]
    losses = write(read(path, problems=[]), tmp_path / "out.ann")
    # The relation's T2 was nowhere; the second entity does not become it.
    assert (tmp_path / "out.ann").read_text() == "T1\tPER 0 3\tAnn\nT3\tLOC 8 12\tOslo\n"
    assert "brat: 1 lines about entities that are not there are left out" in losses


def test_relations_keep_pointing_at_their_entities(tmp_path: Path) -> None:
    document = read(put(tmp_path, "Ann saw Oslo.", MARKS)).documents[0]
    ann, oslo = document.entities
    saw = Entity(4, 7, "X", "saw", None, {"id": 5})
    losses = write([document.with_entities([ann, saw, oslo])], tmp_path / "out.ann")
    written = (tmp_path / "out.ann").read_text().splitlines()
    assert written[:3] == ["T1\tPER 0 3\tAnn", "T3\tX 4 7\tsaw", "T2\tLOC 8 12\tOslo"]
    assert "R1\tIn Arg1:T1 Arg2:T2" in written
    assert "brat: the ids of 1 entities are not held" in losses


def test_sub_folders_are_read_and_written(tmp_path: Path) -> None:
    source = tmp_path / "in"
    for name, text in (("b", "Ann."), ("x/b", "Bob."), ("x/y.1/a", "Cid."), (".old/c", "Dee.")):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        put(source, text, f"T1\tPER 0 3\t{text[:3]}\n", name)
    corpus = read(source)
    assert [(d.id, d.text) for d in corpus.documents] == [
        ("b", "Ann."),
        ("x/b", "Bob."),
        ("x/y.1/a", "Cid."),
    ]
    write(corpus, tmp_path / "out")
    assert read(tmp_path / "out").documents == corpus.documents
    (source / "b.ann").unlink()
    (source / "b.txt").unlink()
    assert [d.id for d in read(source).documents] == ["x/b", "x/y.1/a"]


def test_offsets_that_count_the_mark(tmp_path: Path) -> None:
    path = put(tmp_path, "\ufeffAnn saw Oslo.", "T1\tPER 1 4\tAnn\n")
    assert [e.text for e in read(path).documents[0].entities] == ["Ann"]


def test_folders_are_replaced_whole(tmp_path: Path) -> None:
    source = put(tmp_path, "Ann saw Oslo.\n", MARKS)
    target = tmp_path / "out"
    target.mkdir()
    (target / "old.txt").write_text("old")
    with pytest.raises(DataError, match="not empty"):
        write(read(source), target, format="brat")
    write(read(source), target, format="brat", force=True)
    assert sorted(p.name for p in target.iterdir()) == ["a.ann", "a.txt"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.ann", "a.txt", "out"]


def test_several_documents_need_a_folder(tmp_path: Path) -> None:
    document = read(put(tmp_path, "Ann.", "")).documents[0]
    with pytest.raises(DataError, match="2 documents cannot be written as one pair"):
        write([document, document], tmp_path / "out.ann")
