"""How unsure a model is of a text as a whole, so that people correct first what teaches it most."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice

import numpy as np

from posner.document import Document
from posner.recognizer import Recognizer


def uncertainties(recognizer: Recognizer, documents: Sequence[Document]) -> list[float]:
    """One number for each document, from 0 (sure) up to the root of its words.

    It is the number of words whose tags are likely to be wrong (each word's own tag has a
    probability; what lacks to 1 is summed) over the root of the number of words. The sum alone
    asks for the longest texts, the mean (as the normalised log-probability of Shen et al. 2018) for
    the shortest, of which a person has to correct many to teach as much.
    """
    votes = recognizer.votes(documents)
    decoded = iter(recognizer.decoder.decode([vote.entity for vote in votes], marginals=True))
    result = []
    for document in documents:
        paths = islice(decoded, len(document.sentences))
        wrong = float(sum(np.sum(1.0 - np.asarray(path.marginals)) for path in paths))
        result.append(rated(max(0.0, wrong), document.word_count))
    return result


def rated(wrong: float, words: int) -> float:
    """The uncertainty of a text of so many words, of which so many are likely to be wrong."""
    return wrong / math.sqrt(words) if words else 0.0


def likely_wrong(uncertainty: float, words: int) -> float:
    """How many words of a text are likely to be wrong; `rated` backwards."""
    return uncertainty * math.sqrt(words)
