"""A word that a document repeats: what its sentences say of it, shared between them.

A name that is clear in one sentence ("Mr Halvorsen said") is often bare in another ("Halvorsen 3").
Documents seldom use one name in two senses, so a word's emissions lean towards their mean over the
document, letter case aside, in which places count by how certain they are. The idea is that of
Krishnan and Manning 2006 ("An effective two-stage
model for exploiting non-local dependencies in named entity recognition"), without a second model.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from posner.document import Document
from posner.windows import FloatArray


def share_repeats(
    document: Document, emissions: Sequence[FloatArray], share: float
) -> list[FloatArray]:
    """The emissions of a document's sentences, with those of repeated words drawn together.

    Args:
        document: its words.
        emissions: for each sentence (words, tags).
        share: of the mean over all places of the word, from 0 to 1, where it stands in several
            sentences. Others are only normalised: their softmax stays as it is. A place weighs
            exp(-2 h) in the mean, where h is the entropy of its tags in nats.

    Returns:
        For each sentence (words, tags) log-probabilities of each word's tags; a sentence alone in
        its document stays as it is.
    """
    lengths = [len(sentence) for sentence in document.sentences]
    if sum(length > 0 for length in lengths) < 2:
        return list(emissions)
    logs = _log_softmax(np.concatenate(emissions))  # (words, tags)
    known: dict[str, int] = {}
    words = np.array(
        [known.setdefault(token.form.casefold(), len(known)) for token in document.tokens]
    )
    sentences = np.repeat(np.arange(len(lengths)), lengths)
    first = np.full(len(known), len(lengths))
    last = np.full(len(known), -1)
    np.minimum.at(first, words, sentences)
    np.maximum.at(last, words, sentences)
    places = np.flatnonzero((first < last)[words])
    repeated, found = words[places], logs[places]
    certainty = np.exp(2 * (np.exp(found) * found).sum(axis=1))  # (places,)
    total = np.bincount(repeated, certainty, minlength=len(known))[repeated]
    for tag in range(logs.shape[1]):
        weighted = np.bincount(repeated, certainty * found[:, tag], minlength=len(known))
        logs[places, tag] = (1 - share) * found[:, tag] + share * weighted[repeated] / total
    return np.split(logs, np.cumsum(lengths)[:-1])


def _log_softmax(emissions: FloatArray) -> FloatArray:
    """(words, tags) of any scale as log-probabilities of each word's tags."""
    shifted = emissions - emissions.max(axis=1, keepdims=True)
    logs: FloatArray = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs
