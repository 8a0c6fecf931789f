"""Lexicon files: three formats with all that they hold, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posner.errors import DataError
from posner.postprocess.inspect import LexiconFacts, problems
from posner.postprocess.names import Name, checked, read_names, write_names

CANADA = Name("LOC", "Canada", "ISO 3166-1 CA", ("Dominion of Canada", "CAN"), 0.75)
ACME = Name("ORG", "Acme, Inc.")


def written(folder: Path, text: str, name: str = "names.jsonl") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_all_formats_hold_the_same(tmp_path: Path) -> None:
    for name in ("names.jsonl", "names.csv"):
        write_names(tmp_path / name, [CANADA, ACME])
        assert read_names(tmp_path / name) == [CANADA, ACME]
    write_names(tmp_path / "names.txt", [ACME, Name("O", "May")])
    assert (tmp_path / "names.txt").read_text(encoding="utf-8") == "ORG\tAcme, Inc.\nO\tMay\n"
    assert read_names(tmp_path / "names.txt") == [ACME, Name("O", "May")]
    with pytest.raises(DataError, match=r"labels and names alone.*jsonl"):
        write_names(tmp_path / "names.txt", [CANADA])
    with pytest.raises(DataError, match="csv holds no alias"):
        write_names(tmp_path / "names.csv", [Name("X", "a", aliases=("b|c",))])


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip)
entries = st.builds(
    checked,
    texts,
    texts,
    st.none() | texts,
    st.lists(texts, max_size=3),
    st.none() | st.floats(0, 1),
)


@given(st.lists(entries, min_size=1, max_size=4, unique=True))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, names: list[Name]
) -> None:
    path = tmp_path_factory.mktemp("lexicon") / "names.jsonl"
    write_names(path, names)
    assert read_names(path) == names


def test_columns_may_stand_in_any_number(tmp_path: Path) -> None:
    text = "label,name,score,aliases\nLOC,Oslo,0.5,Christiania| Kristiania |Oslo\n\nPER,Ada,,\n"
    assert read_names(written(tmp_path, text)) == [
        Name("LOC", "Oslo", None, ("Christiania", "Kristiania"), 0.5),
        Name("PER", "Ada"),
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"label": "LOC"}', "texts, and aliases as a list"),
        ('{"label": "LOC", "name": "Oslo", "alias": []}', r"not an entry.*got alias"),
        ('{"label": "LOC", "name": "Oslo", "aliases": "x"}', "texts, and aliases as a list"),
        ('{"label": "LOC", "name": "Oslo", "score": "0.5"}', "not a score"),
        ('{"label": "LOC", "name": "Oslo", "score": NaN}', "not a score"),
        ('{"label": "LOC", "name": "Oslo", "score": 2}', "not a score"),
        ('{"label": "LOC", "name": " "}', "no name"),
        ('{"label": "LOC", "name": "Oslo"', "not JSON"),
        ("[]", "not an entry"),
    ],
)
def test_bad_lines_are_named_and_all_are_listed(tmp_path: Path, line: str, told: str) -> None:
    path = written(tmp_path, '{"label": "PER", "name": "Ada"}\n' + line + "\n" + line + "\n")
    with pytest.raises(DataError, match=rf"names\.jsonl:2: .*{told}"):
        read_names(path)
    assert len(problems(path)) == 2


@pytest.mark.parametrize("header", ["label,name,town", "label,name,id,id"])
def test_unknown_columns_are_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(DataError, match=r":1: not the columns of a lexicon"):
        read_names(written(tmp_path, header + "\nLOC,Oslo,x\n"))


def test_facts_and_problems(tmp_path: Path) -> None:
    paris = [Name("LOC", "Paris", "1"), Name("PER", "Paris", "2"), Name("LOC", "Paris", "3")]
    names = [CANADA, *paris, Name("O", "Acme"), Name("ORG", "Acme")]
    path = tmp_path / "names.jsonl"
    write_names(path, [*names, CANADA, CANADA._replace(score=0.5)])
    facts = LexiconFacts.of(read_names(path))  # the same entry counts once
    assert facts.names == {"LOC": 4, "O": 1, "ORG": 1, "PER": 1}
    assert (facts.aliases, facts.ids, facts.scores, facts.ambiguous) == (4, 5, 2, 1)
    assert facts.longest == "Dominion of Canada"
    assert json.loads(json.dumps(facts.to_json()))["ambiguous"] == 1
    assert [line.partition(": ")[2] for line in problems(path)] == [
        "LOC 'Canada' again",
        "LOC 'Canada' again with other details; the first counts",
        "'Paris' has several labels: LOC, PER",
    ]
    assert problems(written(tmp_path, "", "empty.txt")) == [
        f"{tmp_path / 'empty.txt'}: holds no name"
    ]
