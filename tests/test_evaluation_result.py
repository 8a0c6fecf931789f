from __future__ import annotations

import io
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from posner.errors import DataError, SchemeError
from posner.evaluation.counts import Counts, Ratios
from posner.evaluation.report import evaluation_report, percent
from posner.evaluation.result import Evaluation, JudgedSentence, evaluate_sentences
from posner.files import write_json
from posner.schemes import SCHEMES, Span, tags_to_spans

tag_lists = st.lists(st.sampled_from(SCHEMES["IOB2"].tags(("PER", "LOC"))), max_size=5)
pos = st.sampled_from(("NN", "VB"))


@st.composite
def judged(draw: st.DrawFn) -> JudgedSentence:
    iob2 = SCHEMES["IOB2"]
    gold = draw(tag_lists)
    n = len(gold)
    predicted = draw(st.lists(st.sampled_from(iob2.tags(("PER",))), min_size=n, max_size=n))
    return JudgedSentence(
        n,
        tags_to_spans(gold, iob2, "repair"),
        tags_to_spans(predicted, iob2, "repair"),
        draw(st.just([]) | st.lists(pos | st.none(), min_size=n, max_size=n)),
        draw(st.just([]) | st.lists(pos, min_size=n, max_size=n)),
    )


SENTENCE = JudgedSentence(
    5,
    [Span(0, 2, "PER"), Span(3, 4, "LOC")],
    [Span(0, 2, "PER"), Span(4, 5, "LOC")],
    ["NNP", "NNP", "IN", None, "NN"],
    ["NNP", "NN", "IN", "NNP", "NN"],
)


def printed(evaluation: Evaluation) -> str:
    console = Console(file=io.StringIO(), width=80)
    console.print(evaluation_report(evaluation))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_an_evaluation_by_hand() -> None:
    evaluation = evaluate_sentences([SENTENCE], seconds=0.5)
    assert evaluation.strict.labels == {"PER": Counts(1, 1, 1), "LOC": Counts(1, 1, 0)}
    assert (evaluation.pos_correct, evaluation.pos_total) == (3, 4)
    figures = evaluation.to_json()
    modes = figures.pop("modes")
    assert list(modes) == ["strict", "exact", "partial", "type", "per_word"]
    assert modes["type"]["f1"] == 0.5
    assert figures == {
        "strict": {
            "micro": {"precision": 0.5, "recall": 0.5, "f1": 0.5},
            "macro": {"precision": 0.5, "recall": 0.5, "f1": 0.5},
            "labels": {
                "LOC": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1},
                "PER": {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 1},
            },
        },
        "flat": {
            "micro_with_o": pytest.approx(3 / 5),
            "micro_without_o": pytest.approx(2 / 3),
            "weighted_with_o": pytest.approx((1 + 1 + 0 + 2 * 1 / 2) / 5),
            "weighted_without_o": pytest.approx(2 / 3),
        },
        "pos": {"accuracy": 0.75},
        "words_per_second": 10.0,
        "counts": {"gold": 2, "predicted": 2, "correct": 1},
    }


def test_what_is_unknown_is_null() -> None:
    figures = Evaluation().to_json()
    assert figures["pos"] == {"accuracy": None}
    assert figures["words_per_second"] is None
    assert figures["strict"]["labels"] == {}
    assert Evaluation().strict.macro == Ratios(0.0, 0.0, 0.0)


@given(left=st.lists(judged(), max_size=4), right=st.lists(judged(), max_size=4))
def test_adding_results_is_evaluating_both_sets_together(
    left: list[JudgedSentence], right: list[JudgedSentence]
) -> None:
    together = evaluate_sentences(left + right, seconds=3.0)
    added = evaluate_sentences(left, seconds=1.0) + evaluate_sentences(right, seconds=2.0)
    assert added == together
    assert evaluate_sentences(reversed(left + right), seconds=3.0) == together
    assert added.to_json() == together.to_json()


def test_parts_of_speech_must_be_one_a_word() -> None:
    with pytest.raises(DataError, match="another number of words"):
        evaluate_sentences([JudgedSentence(2, [], [], ["NN"], ["NN"])])


def test_overlapping_spans_count() -> None:
    overlapping = [Span(0, 2, "PER"), Span(1, 3, "LOC")]
    evaluation = evaluate_sentences([JudgedSentence(3, overlapping, overlapping[1:])])
    assert evaluation.counts == Counts(2, 1, 1)
    with pytest.raises(SchemeError):
        evaluate_sentences([JudgedSentence(2, overlapping, [])])


def test_the_report_shows_percentages_with_two_decimals() -> None:
    text = printed(evaluate_sentences([SENTENCE], seconds=0.5))
    rows = [line.split() for line in text.splitlines()]
    assert ["PER", "1", "1", "1", "100.00", "100.00", "100.00"] in rows
    assert ["micro", "2", "2", "1", "50.00", "50.00", "50.00"] in rows
    assert ["micro", "60.00", "66.67"] in rows
    assert "parts of speech: accuracy 75.00" in text
    assert "5 words at 10 a second" in text


def test_the_report_of_nothing_names_no_speed() -> None:
    text = printed(Evaluation())
    assert "0 words" in text
    assert "second" not in text
    assert "speech" not in text
    assert percent(None) == "-"


def test_a_label_is_printed_as_it_is() -> None:
    sentence = JudgedSentence(1, [Span(0, 1, "[bold]地")], [])
    assert "[bold]地" in printed(evaluate_sentences([sentence]))


def test_json_replaces_the_file_and_leaves_nothing_beside(tmp_path: Path) -> None:
    target = tmp_path / "figures.json"
    target.write_text('{"f1": 0.25}')
    write_json(target, {"f1": 0.5, "label": "地"})
    assert json.loads(target.read_text(encoding="utf-8")) == {"f1": 0.5, "label": "地"}
    assert list(tmp_path.iterdir()) == [target]


def test_json_replaces_no_corpus(tmp_path: Path) -> None:
    target = tmp_path / "corpus.conll"
    target.write_text("Ada B-PER\n")
    with pytest.raises(DataError, match="no JSON, and is not replaced"):
        write_json(target, {})
    assert target.read_text() == "Ada B-PER\n"


def test_json_never_holds_what_is_no_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        write_json(tmp_path / "figures.json", {"f1": math.nan})
    assert list(tmp_path.iterdir()) == []


def test_json_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        write_json(tmp_path / "file" / "figures.json", {})
    with pytest.raises(DataError, match="is a folder"):
        write_json(tmp_path, {})
