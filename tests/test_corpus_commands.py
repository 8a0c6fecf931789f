"""`posner check`, `convert` and `split` as a shell sees them; statistics and parting."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import Whitespace

from posner import backbones
from posner.cli import check, main
from posner.corpus import compare, read, split_by_fraction, split_every
from posner.errors import DataError, UsageError


def conll(folder: Path, text: str, name: str = "data.conll") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def kaggle(folder: Path, numbers: range) -> str:
    rows = "".join(f"Sentence: {n},w{n},NN,B-x\n,end,NN,O\n" for n in numbers)
    return conll(folder, "Sentence #,Word,POS,Tag\n" + rows, "data.csv")


@pytest.fixture
def no_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backbones, "MINILM_WHEEL", "no-such-wheel")


CLEAN = "ANN B-PER\nRUNS O\n\nAnn B-PER\nruns O\n\nAnn B-PER\nruns O\n\nNew B-LOC\nYork I-LOC\n\n"


@pytest.mark.usefixtures("no_backbone")
def test_check_of_a_clean_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = tmp_path / "figures.json"
    assert main(["check", conll(tmp_path, CLEAN), "--json", str(figures)]) == 0
    printed = capsys.readouterr().out
    assert "0 problems" in printed
    assert "estimated in words" in printed
    statistics = json.loads(figures.read_text())["statistics"]
    assert statistics == {
        "documents": 1,
        "sentences": 4,
        "words": 8,
        "entities": 4,
        "labels": {"PER": 3, "LOC": 1},
        "mention_lengths": {"1": 3, "2": 1},
        "misaligned": 0,
        "overlapping": 0,
        "repeated_sentences": 1,
        "window": 510,
        "unit": "words",
        "overlong": 0,
        "longest": 2,
        "capital_sentences": 1,
        "capital_share": 0.25,
    }


def test_check_lists_every_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = conll(tmp_path, "a B-X\nb I-Y\nc huh\nd I-Y\ne\nf B-X\ng I-X\n")
    figures = tmp_path / "figures.json"
    assert main(["check", path, "--json", str(figures)]) == 1
    printed = capsys.readouterr().out
    for line in (2, 3, 4, 5):
        assert f"{path}:{line}: " in printed
    assert "ill-formed-tag: 2" in printed
    assert "4 problems" in printed
    found = json.loads(figures.read_text())["problems"]
    assert found["count"] == 4
    assert found["kinds"] == {"ill-formed-tag": 2, "too-few-columns": 1, "unknown-tag": 1}
    assert all(p["reason"] and p["remedy"] for p in found["list"])


def test_check_against_train(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train = conll(tmp_path, "Ann B-PER\nruns O\n\nYork B-LOC\n\n", "train.conll")
    data = conll(tmp_path, CLEAN)
    assert main(["check", data, "--against", train]) == 0
    printed = capsys.readouterr().out
    assert "sentences that also occur there" in printed
    overlap = compare(read(data), read(train))
    assert (overlap.repeated_sentences, overlap.seen_mentions, overlap.mentions) == (2, 2, 4)


def save_tokenizer(folder: Path) -> Path:
    """One that knows nothing but the letter a."""
    vocabulary = {"[UNK]": 0, "a": 1, "##a": 2}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def longest(path: str, figures: Path, *flags: str) -> tuple[str, int, int]:
    """What `check` says of the longest sentence, and of those longer than 3."""
    assert main(["check", path, "--window", "3", "--json", str(figures), *flags]) == 0
    found = json.loads(figures.read_text())["statistics"]
    return found["unit"], found["longest"], found["overlong"]


def test_pieces_are_counted_with_a_tokenizer(tmp_path: Path) -> None:
    data, figures = conll(tmp_path, "aaa B-X\na O\n\na O\n"), tmp_path / "figures.json"
    save_tokenizer(tmp_path)
    for model in (tmp_path, tmp_path / "tokenizer.json"):
        assert longest(data, figures, "--model", str(model)) == ("pieces", 4, 1)


def test_pieces_are_the_embedded_backbones_where_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, figures = conll(tmp_path, "aaa B-X\na O\n\na O\n"), tmp_path / "figures.json"
    monkeypatch.setattr(check, "minilm_folder", lambda: save_tokenizer(tmp_path))
    for flags in ((), ("--model", "minilm")):
        assert longest(data, figures, *flags) == ("pieces", 4, 1)
    assert "estimated in words" not in capsys.readouterr().out


@pytest.mark.usefixtures("no_backbone")
def test_without_the_embedded_backbone_words_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, figures = conll(tmp_path, "aaa B-X\na O\n\na O\n"), tmp_path / "figures.json"
    assert longest(data, figures) == ("words", 2, 0)
    assert "estimated in words" in capsys.readouterr().out
    assert main(["check", data, "--model", "minilm"]) == 1
    assert "pip install" in capsys.readouterr().err


def test_the_embedded_backbones_tokenizer_needs_no_torch(tmp_path: Path) -> None:
    data = conll(tmp_path, CLEAN)
    call = f"import sys; from posner.cli import main; main(['check', {data!r}])"
    script = f"{call}; assert not {{'torch', 'transformers'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_mistakes_end_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = conll(tmp_path, CLEAN)
    for arguments, status in (
        (["check", str(tmp_path / "nowhere")], 1),
        (["check", data, "--window", "0"], 2),
        (["check", data, "--scheme", "FOO"], 2),
        (["split", data, "--out", str(tmp_path / "o"), "--every", "2", "--scheme", "FOO"], 2),
        (["convert", data, str(tmp_path / "o"), "--scheme", "FOO"], 2),
        (["convert", data, str(tmp_path / "o"), "--from-scheme", "FOO"], 2),
        (["check", data, "--model", str(tmp_path / "nowhere")], 1),
        (["convert", data, data], 1),
        (["convert", data, str(tmp_path / "o.jsonl"), "--scheme", "IOB1"], 2),
        (["split", data, "--out", str(tmp_path / "o"), "--every", "0"], 2),
        (["split", data, "--out", str(tmp_path / "o"), "--every", "2", "--offset", "2"], 2),
        (["split", data, "--out", str(tmp_path / "o"), "--every", "9"], 1),
        (["split", data, "--out", str(tmp_path / "o"), "--fraction", "2"], 2),
        (["split", data, "--out", str(tmp_path / "o"), "--fraction", ".5", "--offset", "1"], 2),
        (["split", data, "--out", str(tmp_path), "--every", "2"], 1),
    ):
        assert main(arguments) == status, arguments
        assert len(capsys.readouterr().err.strip().splitlines()) == 1, arguments


def test_convert_changes_scheme_and_format(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, target = conll(tmp_path, CLEAN), tmp_path / "out.conll"
    assert main(["convert", data, str(target), "--scheme", "BIOES"]) == 0
    assert "New B-LOC\nYork E-LOC\n" in target.read_text()
    assert "ANN S-PER\n" in target.read_text()
    assert "4 sentences, 8 words, 4 entities" in capsys.readouterr().out
    assert main(["convert", str(target), str(tmp_path / "o.jsonl"), "--to", "prodigy"]) == 0
    back = tmp_path / "back.conll"
    assert main(["convert", str(tmp_path / "o.jsonl"), str(back)]) == 0
    assert back.read_text() == CLEAN


def test_convert_tells_what_an_unknown_ending_becomes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = conll(tmp_path, CLEAN)
    for name, told in (("o.xyz", True), ("o.iob2", False), ("o", False)):
        assert main(["convert", data, str(tmp_path / name)]) == 0
        assert ("no format has this ending; writing conll" in capsys.readouterr().err) is told


def test_convert_stops_at_costly_problems(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, target = conll(tmp_path, "a B-X\nb\nc I-Y\n"), tmp_path / "out.conll"
    assert main(["convert", data, str(target)]) == 1
    assert "--repair" in capsys.readouterr().err
    assert not target.exists()
    assert main(["convert", data, str(target), "--repair"]) == 0
    assert target.read_text() == "a B-X\nb O\nc B-Y\n"
    assert "too-few-columns" in capsys.readouterr().err


def test_the_hint_names_what_the_user_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pairs"
    folder.mkdir()
    conll(folder, "Ann saw Oslo.", "a.txt")
    conll(folder, "T1\tX 0 99\tAnn\n", "a.ann")
    assert main(["convert", str(folder), str(tmp_path / "o.jsonl")]) == 1
    told = capsys.readouterr().err
    assert f"{folder}/a.ann:1: " in told
    assert f"`posner check {folder}` shows it" in told
    with pytest.raises(DataError, match=f"`posner check {folder}` shows it"):
        read(folder)


def test_split_by_the_sentences_own_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = kaggle(tmp_path, range(5, 36)), tmp_path / "out"
    call = ["split", data, "--out", str(out), "--every", "10", "--offset", "1"]
    assert main([*call, "--json", str(tmp_path / "f.json")]) == 0
    assert sorted(p.name for p in out.iterdir()) == ["dev.csv", "train.csv"]
    assert [s.number for s in read(out / "dev.csv").sentences] == [11, 21, 31]
    assert len(read(out / "train.csv").documents) == 28
    assert json.loads((tmp_path / "f.json").read_text())["dev"]["sentences"] == 3
    assert main(call) == 1
    assert main([*call, "--force"]) == 0
    capsys.readouterr()


def test_split_by_position_keeps_documents_and_columns(tmp_path: Path) -> None:
    text = "".join(f"-DOCSTART- O\n\nd{d}a B-X\n\nd{d}b O\n\nd{d}c B-X\n\n" for d in range(3))
    parts = split_every(read(conll(tmp_path, text)), 3, 2)
    assert [s.words for s in parts.dev.sentences] == [["d0b"], ["d1b"], ["d2b"]]
    assert [d.text for d in parts.train.documents] == ["d0a\nd0c", "d1a\nd1c", "d2a\nd2c"]
    assert [[e.text for e in d.entities] for d in parts.train.documents][1] == ["d1a", "d1c"]


def test_split_by_fraction_is_repeatable(tmp_path: Path) -> None:
    corpus = read(kaggle(tmp_path, range(1, 41)))
    first = split_by_fraction(corpus, 0.25, 3, by="sentence")
    again = split_by_fraction(corpus, 0.25, 3, by="sentence")
    other = split_by_fraction(corpus, 0.25, 4, by="document")
    assert first == again
    assert len(first.dev.documents) == len(other.dev.documents) == 10
    assert first.dev != other.dev
    numbers = {s.number for part in (first.train, first.dev) for s in part.sentences}
    assert numbers == set(range(1, 41))


def test_split_refuses_empty_parts_and_names_cut_entities(tmp_path: Path) -> None:
    corpus = read(conll(tmp_path, "a B-X\n\n"))
    with pytest.raises(DataError, match="dev would be empty"):
        split_by_fraction(corpus, 0.5, 0, by="sentence")
    with pytest.raises(UsageError):
        split_every(corpus, 3, 3)
    path = tmp_path / "cut.jsonl"
    tokens = [
        {"text": "Ann", "start": 0, "end": 3, "sentence": 0},
        {"text": "Bob", "start": 4, "end": 7, "sentence": 1},
    ]
    path.write_text(
        json.dumps(
            {
                "text": "Ann Bob",
                "tokens": tokens,
                "spans": [
                    {"start": 0, "end": 7, "label": "X"},
                    {"start": 4, "end": 7, "label": "Y"},
                ],
            }
        )
        + "\n"
    )
    parts = split_every(read(path, problems=[]), 2, 0)
    assert parts.losses == ("split: 1 entities that lie whole in neither part are left out",)
    assert [(e.start, e.text) for e in parts.dev.documents[0].entities] == [(0, "Bob")]


def test_split_keeps_the_text_that_belongs_to_no_word(tmp_path: Path) -> None:
    text = "<1> Ann ran [so far]. Bob (the elder) sat. Cid slept !!"
    path = tmp_path / "words.jsonl"
    words = ["Ann", "ran", "Bob", "sat", "Cid", "slept"]
    tokens = [
        {"text": w, "start": text.index(w), "end": text.index(w) + len(w), "sentence": i // 2}
        for i, w in enumerate(words)
    ]
    span = {"start": text.index("[so"), "end": text.index("].") + 1, "label": "X"}
    empty = {"text": "No words.", "tokens": [], "sentences": [{"number": 1}, {}], "spans": []}
    record = {"text": text, "tokens": tokens, "spans": [span]}
    path.write_text("".join(json.dumps(r) + "\n" for r in (record, empty)))
    parts = split_every(read(path, problems=[]), 2, 0)
    assert [d.text for d in parts.train.documents] == [
        "<1> Ann ran [so far].\nCid slept !!",
        "No words.",
    ]
    assert [d.text for d in parts.dev.documents] == ["Bob (the elder) sat."]
    assert [e.text for e in parts.train.documents[0].entities] == ["[so far]"]
    assert parts.losses == ()
