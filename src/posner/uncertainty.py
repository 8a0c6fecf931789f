"""How unsure a model is of a text as a whole, so that people correct first what teaches it most."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np

from posner.document import Document
from posner.recognizer import Recognizer


def uncertainties(recognizer: Recognizer, documents: Sequence[Document]) -> list[float]:
    """One number for each document, from 0 (sure) towards 1.

    It is one minus the geometric mean of the probabilities of its words' tags: the normalised
    log-probability of Shen et al. (2018), over words instead of whole paths, so that a long text is
    not unsure for its length. A document without words has 0.
    """
    votes = recognizer.votes(documents)
    decoded = iter(recognizer.decoder.decode([vote.entity for vote in votes], marginals=True))
    result = []
    for document in documents:
        paths = list(islice(decoded, len(document.sentences)))
        scores = [np.asarray(path.marginals, dtype=np.float64) for path in paths]
        words = np.concatenate(scores) if scores else np.zeros(0)
        if not words.size:
            result.append(0.0)
            continue
        logarithms = np.log(np.clip(words, 1e-12, 1.0))
        result.append(float(1.0 - np.exp(logarithms.mean())))
    return result
