"""conlleval's table, character by character, against its rules written out row by row."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiny
from oracles import conlleval
from posner.cli import main
from posner.document import WordRow, WordSentence, document_from_words
from posner.errors import DataError
from posner.evaluation.conlleval import conlleval_text, evaluation_conlleval, tag_score_conlleval
from posner.evaluation.counts import Counts, Score
from posner.evaluation.documents import evaluate_document
from posner.evaluation.tags import score_tag_pairs
from posner.schemes import SCHEMES, Scheme, spans_to_tags
from strategies import spans

Pairs = list[tuple[list[str], list[str]]]


def tag_pairs(scheme: Scheme) -> st.SearchStrategy[Pairs]:
    """Sentences of gold and predicted tags, most of them ill-formed."""
    tag = st.sampled_from(scheme.tags(("X", "Y", "A-B")))
    word = st.tuples(tag, tag) | tag.map(lambda t: (t, t))
    sentence = st.lists(word, min_size=1, max_size=7).map(
        lambda words: ([g for g, _ in words], [p for _, p in words])
    )
    return st.lists(sentence, max_size=4)


def rows(pairs: Pairs) -> list[tuple[str, str] | None]:
    listed: list[tuple[str, str] | None] = []
    for gold, predicted in pairs:
        listed += [*zip(gold, predicted, strict=True), None]
    return listed


@pytest.mark.parametrize("name", ["IOB1", "IOB2", "IOE1", "IOE2"])
@given(data=st.data())
def test_tags_are_scored_and_printed_as_conlleval_does(name: str, data: st.DataObject) -> None:
    pairs = data.draw(tag_pairs(SCHEMES[name]))
    score = score_tag_pairs(pairs, SCHEMES[name])
    assert tag_score_conlleval(score) == conlleval(rows(pairs))


@given(data=st.data())
def test_documents_are_printed_as_their_iob2_tags_would_be(data: st.DataObject) -> None:
    iob2 = SCHEMES["IOB2"]
    lengths = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    sides = [[data.draw(spans(length)) for length in lengths] for _ in range(2)]
    gold, predicted = (
        document_from_words(
            [
                WordSentence(tuple(WordRow("w") for _ in range(length)), own)
                for length, own in zip(lengths, side, strict=True)
            ]
        )
        for side in sides
    )
    pairs = [
        (spans_to_tags(g, length, iob2), spans_to_tags(p, length, iob2))
        for length, g, p in zip(lengths, *sides, strict=True)
    ]
    assert evaluation_conlleval(evaluate_document(gold, predicted)) == conlleval(rows(pairs))


def test_figures_round_as_conllevals_do() -> None:
    """Its F1 comes from the two percentages; from the counts it may round the other way."""
    for gold in range(1, 40):
        for predicted in range(1, 40):
            for correct in range(0, min(gold, predicted) + 1, 3):
                counts = Counts(gold, predicted, correct)
                text = conlleval_text(Score({"X": counts}), 1, 1)
                precision, recall = 100 * correct / predicted, 100 * correct / gold
                f1 = 2 * precision * recall / (precision + recall) if correct else 0.0
                assert f"FB1: {f1:6.2f}\n" in text


def test_labels_are_padded_by_bytes() -> None:
    text = conlleval_text(Score({"地": Counts(1, 1, 1)}), 1, 1)
    assert text.splitlines()[-1].startswith(" " * 14 + "地: precision: 100.00%")


def test_document_rows_are_tokens_to_conlleval(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tags.txt"
    path.write_text("-DOCSTART- -X- O O\n\na x B-X B-X\nb x O B-X\n", encoding="utf-8")
    assert main(["score", str(path), "--format", "conlleval"]) == 0
    told = capsys.readouterr().out
    assert told == conlleval([("O", "O"), None, ("B-X", "B-X"), ("O", "B-X")])
    assert main(["score", str(path)]) == 0
    assert "of 2 words" in capsys.readouterr().out


def test_overlapping_entities_are_refused() -> None:
    """Two tags of one word would be counted, and the accuracy come to more than 100 %."""
    plain = tiny.labelled([("Ada Marsh left", [(0, 2, "PER")])])
    nested = plain.with_entities([*plain.entities, plain.entity(0, 3, "LOC")])
    assert "accuracy: 100.00%" in evaluation_conlleval(evaluate_document(plain, plain))
    for pair in ((plain, nested), (nested, plain), (nested, nested)):
        with pytest.raises(DataError, match="overlap"):
            evaluation_conlleval(evaluate_document(*pair))
