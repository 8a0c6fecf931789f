"""Hugging Face data sets from a local folder; no network."""

from __future__ import annotations

from pathlib import Path

import pytest

from posner.corpus import Problem, read, write
from posner.corpus.formats import looks_like_corpus
from posner.document import WordRow, WordSentence, document_from_words
from posner.errors import DataError
from posner.schemes import Span

datasets = pytest.importorskip("datasets")

pytestmark = pytest.mark.slow


def saved(folder: Path, *, numbered: bool) -> Path:
    names = ["O", "B-PER", "I-PER"]
    tags = [[1, 2, 0], [0]] if numbered else [["B-PER", "I-PER", "O"], ["O"]]
    value = datasets.ClassLabel(names=names) if numbered else datasets.Value("string")
    features = datasets.Features(
        {
            "id": datasets.Value("string"),
            "tokens": datasets.Sequence(datasets.Value("string")),
            "ner_tags": datasets.Sequence(value),
        }
    )
    table = {"id": ["x", "y"], "tokens": [["Ann", "Lee", "ran"], ["So"]], "ner_tags": tags}
    data = datasets.Dataset.from_dict(table, features=features)
    datasets.DatasetDict({"train": data, "test": data}).save_to_disk(str(folder / "both"))
    data.save_to_disk(str(folder / "one"))
    return folder / "one"


@pytest.mark.parametrize("numbered", [True, False])
def test_tags_are_numbers_with_names_or_texts(tmp_path: Path, numbered: bool) -> None:
    corpus = read(saved(tmp_path, numbered=numbered))
    assert corpus.format == "hub"
    assert [d.text for d in corpus.documents] == ["Ann Lee ran", "So"]
    assert [e.text for d in corpus.documents for e in d.entities] == ["Ann Lee"]
    assert dict(next(corpus.sentences).metadata) == {"id": "x"}
    assert write(corpus, tmp_path / "again") == []
    assert read(tmp_path / "again").documents == corpus.documents


def test_a_split_is_named_after_a_colon(tmp_path: Path) -> None:
    saved(tmp_path, numbered=True)
    both = tmp_path / "both"
    assert len(read(f"{both}:test", format="hub").documents) == 2
    with pytest.raises(DataError, match=r"which split\?.*train, test"):
        read(both)
    with pytest.raises(DataError, match="no split 'dev'"):
        read(f"{both}:dev", format="hub")


def test_unknown_tags_and_lengths_are_reported(tmp_path: Path) -> None:
    table = {"tokens": [["Ann", "ran"], ["So", ""]], "ner_tags": [["huh"], ["O", "O"]]}
    datasets.Dataset.from_dict(table).save_to_disk(str(tmp_path / "bad"))
    problems: list[Problem] = []
    read(tmp_path / "bad", problems=problems)
    assert [(p.line, p.kind) for p in problems] == [
        (1, "too-few-columns"),
        (2, "empty-word"),
        (1, "unknown-tag"),
    ]


def test_a_missing_data_set_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match="the data set cannot be loaded"):
        read(str(tmp_path / "nothing"), format="hub")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "state.json").write_text("{}")
    with pytest.raises(DataError, match="the data set cannot be loaded"):
        read(tmp_path / "broken")


def test_documents_columns_and_numbers_come_back(tmp_path: Path) -> None:
    rows = (WordRow("Ann", "NNP", "I-NP", ("x",)), WordRow("ran", "VBD", None, ("y",)))
    sentence = WordSentence(rows, (Span(0, 1, "PER"),), 4, {"source": "mail"})
    documents = (document_from_words([sentence, sentence], id="a"), document_from_words([sentence]))
    assert write(documents, tmp_path / "out", format="hub", scheme="BIOES") == []
    assert read(tmp_path / "out").documents == documents


def test_files_and_folders_of_parquet(tmp_path: Path) -> None:
    data = datasets.load_from_disk(str(saved(tmp_path, numbered=True)))
    (tmp_path / "parts").mkdir()
    for name in ("train", "test"):
        data.to_parquet(str(tmp_path / "parts" / f"{name}-00000-of-00001.parquet"))
    file = tmp_path / "parts" / "test-00000-of-00001.parquet"
    for corpus in (read(file), read(f"{tmp_path / 'parts'}:test")):
        assert corpus.format == "hub"
        assert [e.text for d in corpus.documents for e in d.entities] == ["Ann Lee"]
    assert looks_like_corpus(file)
    with pytest.raises(DataError, match=r"which split\?.*parts:train"):
        read(tmp_path / "parts")
