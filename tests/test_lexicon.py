"""Lexicons: two ways to write them, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posner.errors import DataError
from posner.training.lexicon import lexicon_fingerprint, read_lexicon


def written(folder: Path, text: str) -> Path:
    path = folder / "names.txt"
    path.write_bytes(text.encode("utf-8"))
    return path


def test_tabs_and_csv(tmp_path: Path) -> None:
    expected = {"LOC": ("Oslo", "New Haven"), "PER": ('Ada "A." Marsh',)}
    tabs = 'LOC\tOslo\r\n\nLOC\t New  Haven\nPER\tAda "A." Marsh\nLOC\tOslo\n'
    assert read_lexicon(written(tmp_path, tabs)) == expected
    assert read_lexicon(written(tmp_path, "\ufeff" + tabs)) == expected
    csv = 'label,name\nLOC,Oslo\n\nLOC,New Haven\nPER,"Ada ""A."" Marsh"\n'
    assert read_lexicon(written(tmp_path, csv)) == expected
    assert read_lexicon(written(tmp_path, "\ufeff" + csv.replace("\n", "\r\n"))) == expected
    assert read_lexicon(written(tmp_path, "label\tname\n" + tabs)) == expected
    commas = read_lexicon(written(tmp_path, 'label,name\nORG,"Voss, Penn & Co"\n'))
    assert commas == {"ORG": ("Voss, Penn & Co",)}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("LOC\tOslo\nPER Ada\n", r"names\.txt:2: not a label and a name .*one tab"),
        ("LOC,Oslo\n", r"names\.txt:1: not a label and a name .*begins with the line label,name"),
        ("LOC\tOslo\tNorway\n", r"names\.txt:1: not a label and a name"),
        ("LOC\tOslo\nPER\t \n", r"names\.txt:2: no name"),
        ("\tOslo\n", r"names\.txt:1: no label"),
        ("label,name\nLOC,Oslo\nLOC,Voss, Penn\n", r"names\.txt:3: .*two cells"),
        ('label,name\nLOC,"Oslo\n', r"names\.txt:2: not a row of csv"),
        ("label,name\n", r"names\.txt: holds no name"),
        ("", r"names\.txt: holds no name"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(DataError, match=told) as caught:
        read_lexicon(written(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.txt: no such file"):
        read_lexicon(tmp_path / "none.txt")
    with pytest.raises(DataError, match="cannot be read"):
        read_lexicon(tmp_path)
    (tmp_path / "latin.txt").write_bytes(b"LOC\tOslo\nLOC\tM\xe1laga\n")
    with pytest.raises(DataError, match=r"latin\.txt:2: not UTF-8"):
        read_lexicon(tmp_path / "latin.txt")


names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip)


@given(st.dictionaries(st.sampled_from(["PER", "a-b"]), st.lists(names, min_size=1), min_size=1))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, given_names: dict[str, list[str]]
) -> None:
    lines = [f"{label}\t{name}\n" for label, own in given_names.items() for name in own]
    lexicon = read_lexicon(written(tmp_path_factory.mktemp("lexicon"), "".join(lines)))
    expected = {
        label: tuple(dict.fromkeys(" ".join(name.split()) for name in own))
        for label, own in given_names.items()
    }
    assert lexicon == expected
    assert lexicon_fingerprint(lexicon) != lexicon_fingerprint({**lexicon, "more": ("name",)})
