"""JSON Lines of other tools: what is understood, and what is refused in one clear line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from posner.cli import main
from posner.document import Document
from posner.errors import DataError
from posner.evaluation.pairs import MOST_CHARACTERS, holds_pairs, paired, read_pairs

TEXT = "Ada Marsh lives in Oslo."


def pairs_file(tmp_path: Path, *records: Any) -> Path:
    path = tmp_path / "pairs.jsonl"
    lines = (r if isinstance(r, str) else json.dumps(r) for r in records)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def entities(document: Document) -> list[tuple[str, str]]:
    return [(e.text, e.label) for e in document.entities]


@pytest.mark.parametrize(
    "record",
    [
        {"text": TEXT, "gold": [[0, 9, "PER"]], "predicted": [[0, 3, "PER"]]},
        {
            "text": TEXT,
            "gold": [{"start": 0, "end": 9, "label": "PER"}],
            "predictions": [{"start": 0, "end": 3, "entity_group": "PER", "score": 0.5}],
        },
        {
            "text": TEXT,
            "label": [{"start_offset": 0, "end_offset": 9, "label": "PER"}],
            "pred": [[0, 3, "PER", 0.5]],
        },
        {
            "tokens": ["Ada", "Marsh", "lives"],
            "gold": ["B-PER", "I-PER", "O"],
            "predicted": ["B-PER", "O", "O"],
        },
        {
            "text": TEXT,
            "tokens": ["Ada", "Marsh", "lives", "in", "Oslo", "."],
            "gold": ["U-PER", "O", "O", "O", "O", "O"],
            "predicted": [[0, 3, "PER"]],
        },
        {
            "tokens": [{"text": "Ada"}, {"text": "Marsh"}],
            "gold": [[0, 2, "PER"]],
            "predicted": [[0, 1, "PER"]],
        },
        {
            "text": TEXT,
            "tokens": [{"text": "Ada", "start": 0, "end": 3}],
            "gold": [],
            "predicted": ["B-PER"],
        },
    ],
)
def test_spans_and_tags_are_understood(tmp_path: Path, record: dict[str, Any]) -> None:
    path = pairs_file(tmp_path, record)
    assert holds_pairs(path)
    pairs = read_pairs(path)
    assert entities(pairs.predicted[0]) == [("Ada", "PER")]
    assert pairs.gold[0].text == pairs.predicted[0].text
    assert pairs.gold[0].sentences == pairs.predicted[0].sentences
    assert all(e.label == "PER" and e.start == 0 for e in pairs.gold[0].entities)


def test_places_are_enough(tmp_path: Path) -> None:
    path = pairs_file(
        tmp_path,
        {"gold": ["B-X", "O"], "predicted": ["B-X", "B-Y"]},
        {"gold": [[2, 4, "X"]], "predicted": [[2, 4, "X"], [3, 5, "Y"]], "id": 7, "year": 1996},
    )
    pairs = read_pairs(path)
    assert entities(pairs.predicted[0]) == [("_", "X"), ("_", "Y")]
    assert pairs.predicted[1].text == "_____"
    assert entities(pairs.predicted[1]) == [("__", "X"), ("__", "Y")]
    assert pairs.gold[1].id == "7"
    assert pairs.gold[1].metadata == {"year": 1996}


def test_only_what_was_read_is_no_metadata(tmp_path: Path) -> None:
    record = {"text": TEXT, "gold": [[0, 9, "PER"]], "predicted": [], "id": 1, "label": "news"}
    aliases = {"labels": [], "entities": 2, "words": "few", "pred": None, "true": True}
    spans = {"entities": [[2, 4, "X"]], "pred": [], "text": None, "tokens": None}
    pairs = read_pairs(pairs_file(tmp_path, record | aliases, spans))
    assert pairs.gold[0].metadata == {"label": "news", **aliases}
    assert pairs.predicted[0].metadata == pairs.gold[0].metadata
    assert pairs.gold[1].metadata == {"text": None, "tokens": None}


def test_a_span_without_a_text_may_not_reach_without_end(tmp_path: Path) -> None:
    far = MOST_CHARACTERS
    pairs = read_pairs(pairs_file(tmp_path, {"gold": [[far - 1, far, "X"]], "predicted": []}))
    assert len(pairs.gold[0].text) == far
    for record in (
        {"gold": [[0, 10**15, "X"]], "predicted": []},
        {"gold": [], "predicted": [{"start": 0, "end": far + 1, "label": "X"}]},
    ):
        with pytest.raises(
            DataError, match=r"pairs\.jsonl:1: .*10,000,000, where no text is given"
        ):
            read_pairs(pairs_file(tmp_path, record))


def test_an_array_is_read_like_lines(tmp_path: Path) -> None:
    record = {"text": TEXT, "gold": [[0, 9, "PER"]], "predicted": []}
    path = pairs_file(tmp_path, json.dumps([record, record]))
    assert holds_pairs(path)
    assert len(read_pairs(path).gold) == 2


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ('{"text": ', "pairs.jsonl:1: not JSON"),
        ('{"text": "a"}', "pairs.jsonl:1: has no `gold`"),
        ({"text": "a", "gold": []}, "has no `predicted`"),
        ({"text": "a", "gold": {}, "predicted": []}, "no list of spans or tags"),
        ({"text": "a", "gold": [[0, 2, "X"]], "predicted": []}, "outside its text"),
        ({"text": "a", "gold": [[0, "X"]], "predicted": []}, "no span"),
        ({"text": "a", "gold": [[0, 1, "X"], "B-X"], "predicted": []}, "no span"),
        ({"tokens": ["a"], "gold": ["B-X", "O"], "predicted": ["O"]}, "not one tag a word"),
        ({"tokens": ["a"], "gold": [[0, 2, "X"]], "predicted": []}, "expected words 0 to 1"),
        ({"tokens": ["a"], "gold": ["X"], "predicted": ["O"]}, "unknown tag"),
        ({"tokens": [3], "gold": [], "predicted": []}, "words that are no text"),
        ({"text": "a b", "tokens": ["b", "a"], "gold": [], "predicted": []}, "in this order"),
        *(
            (
                f'{{"text": "a", "gold": [], "predicted": [[0, 1, "X", {score}]]}}',
                "no score (expected a number from 0 to 1",
            )
            for score in ("NaN", "-Infinity", "97.5", "-0.1", "true", '"0.9"', "1" * 400)
        ),
    ],
)
def test_a_mistake_is_one_clear_line(tmp_path: Path, record: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read_pairs(pairs_file(tmp_path, record))
    assert message in caught.value.line()
    assert "pairs.jsonl:1" in caught.value.line()


def test_score_reads_pairs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = pairs_file(
        tmp_path,
        {"text": TEXT, "gold": [[0, 9, "PER"]], "predicted": [[0, 3, "PER"]], "source": "a"},
        {"text": TEXT, "gold": [[19, 23, "LOC"]], "predicted": [[19, 23, "LOC"]], "source": "b"},
    )
    target = tmp_path / "figures.json"
    flags = ["--by", "source", "--errors", "3", "--details", "--json", str(target)]
    assert main(["score", str(path), *flags]) == 0
    told = capsys.readouterr().out
    assert "boundary: gold PER 'Ada Marsh'; predicted PER 'Ada'\n    Ada Marsh lives" in told
    assert "strict, by source" in told
    figures = json.loads(target.read_text(encoding="utf-8"))
    assert figures["counts"] == {"gold": 2, "predicted": 2, "correct": 1}
    assert figures["default"] == {"micro": figures["strict"]["micro"]}
    assert figures["accuracy"] == pytest.approx(11 / 12)
    assert figures["splits"]["field.source"]["a"]["f1"] == 0.0
    assert figures["errors"]["list"][0]["kind"] == "boundary"
    assert main(["score", str(path), "--format", "conlleval"]) == 0
    assert capsys.readouterr().out.startswith("processed 12 tokens with 2 phrases; found: 2")


def test_score_reads_two_corpora(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, end in (("gold", 9), ("found", 3)):
        record = {"text": TEXT, "label": [[0, end, "PER"]]}
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(record) + "\n", encoding="utf-8")
    files = [str(tmp_path / "gold.jsonl"), str(tmp_path / "found.jsonl")]
    assert main(["score", *files]) == 0
    assert "errors: 1 (1 boundary" in capsys.readouterr().out
    assert main(["score", *files, "--gold", "3"]) == 2
    assert "--gold: is for columns" in capsys.readouterr().err


def test_other_texts_are_refused() -> None:
    with pytest.raises(DataError, match="another text"):
        paired([Document("a")], [Document("b")])
    with pytest.raises(DataError, match="another number"):
        paired([Document("a")], [])
    sure = Document("a").with_entities([Document("a").entity(0, 1, "X", 97.5)])
    with pytest.raises(DataError, match="document 1: no score"):
        paired([Document("a")], [sure])


def test_columns_are_analysed_where_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, target = tmp_path / "tags.txt", tmp_path / "figures.json"
    path.write_text("Ada B-PER B-PER\nMarsh I-PER O\n\nOslo B-LOC B-LOC\n", encoding="utf-8")
    train = tmp_path / "train.conll"
    train.write_text("Oslo B-LOC\n\n", encoding="utf-8")
    flags = ["--errors", "1", "--train", str(train), "--json", str(target)]
    assert main(["score", str(path), *flags]) == 0
    told = capsys.readouterr().out
    assert "boundary: gold PER 'Ada Marsh'; predicted PER 'Ada'" in told
    figures = json.loads(target.read_text(encoding="utf-8"))
    assert set(figures["default"]) == {"micro"}
    assert figures["splits"]["familiarity"]["seen"]["correct"] == 1
    assert figures["intervals"]["unit"] == "sentences"
    assert main(["score", str(path), "--errors", "-1"]) == 2
