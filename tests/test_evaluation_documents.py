from __future__ import annotations

import pytest

from posner.document import Document, WordRow, WordSentence, document_from_words
from posner.errors import DataError
from posner.evaluation.counts import Counts
from posner.evaluation.documents import evaluate_document
from posner.evaluation.readings import Matches
from posner.schemes import Span


def gold_document() -> Document:
    rows = [("Ada", "NNP"), ("Lovelace", "NNP"), ("spoke", "VBD")]
    return document_from_words(
        [
            WordSentence(tuple(WordRow(w, p) for w, p in rows), (Span(0, 2, "PER"),)),
            WordSentence((WordRow("Oslo", "NNP"), WordRow("too")), (Span(0, 1, "LOC"),)),
        ]
    )


def test_a_document_by_hand() -> None:
    gold = gold_document()
    predicted = gold.with_entities([gold.entity(0, 12, "PER", 0.9), gold.entity(19, 23, "ORG")])
    evaluation = evaluate_document(
        gold, predicted, predicted_pos=[["NNP", "NN", "VBD"], ["NNP", "RB"]], seconds=2.0
    )
    assert gold.text == "Ada Lovelace spoke\nOslo too"
    assert evaluation.strict.labels == {
        "PER": Counts(1, 1, 1),
        "LOC": Counts(1, 0, 0),
        "ORG": Counts(0, 1, 0),
    }
    assert evaluation.flat.tags["O"] == Counts(2, 2, 2)
    assert (evaluation.pos_correct, evaluation.pos_total) == (3, 4)
    assert (evaluation.words, evaluation.seconds) == (5, 2.0)


def test_gold_parts_of_speech_are_never_taken_for_predicted_ones() -> None:
    gold = gold_document()
    assert evaluate_document(gold, gold).pos_accuracy is None


def test_an_entity_that_no_words_can_hold_still_counts() -> None:
    gold = gold_document()
    half_word, crossing = gold.entity(0, 2, "PER"), gold.entity(13, 23, "LOC")
    truth = gold.with_entities([half_word, crossing])
    assert evaluate_document(truth, gold.with_entities([])).counts == Counts(2, 0, 0)
    assert evaluate_document(truth, gold).counts == Counts(2, 2, 0)
    assert evaluate_document(truth, truth).counts == Counts(2, 2, 2)


def test_other_words_are_refused() -> None:
    gold = gold_document()
    with pytest.raises(DataError, match="other words than the gold document"):
        evaluate_document(gold, Document(gold.text))


def test_parts_of_speech_of_other_sentences_are_refused() -> None:
    gold = gold_document()
    with pytest.raises(DataError, match="another number of sentences"):
        evaluate_document(gold, gold, predicted_pos=[["NNP"]])


def test_overlapping_and_nested_entities_count() -> None:
    gold = gold_document()
    nested = gold.with_entities([gold.entity(0, 12, "PER"), gold.entity(4, 12, "FAM")])
    assert evaluate_document(nested, nested).counts == Counts(2, 2, 2)
    found = evaluate_document(nested, gold)
    assert found.counts == Counts(2, 2, 1)
    assert found.readings.strict.total == Matches(correct=1, missed=1, spurious=1)
    assert found.flat.tags["B-FAM"] == Counts(1, 0, 0)
    assert found.flat.tags["I-PER"] == Counts(1, 1, 1)
    assert found.readings.per_word.labels["PER"] == Counts(2, 2, 2)
