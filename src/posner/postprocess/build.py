"""A lexicon of a corpus's own mentions, each with the share of its places that are such."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from posner.document import Document
from posner.postprocess.matcher import Matcher
from posner.postprocess.names import Name


def build_names(
    documents: Sequence[Document], *, min_count: int = 1, min_score: float = 0.0
) -> list[Name]:
    """The distinct mentions of documents, the most frequent first.

    A name's score estimates the probability that a text which holds it, as it is spelt and not
    inside a longer entity, means an entity with that label: (k + 1/2) / (n + 1) after k of n places
    in these documents (Jeffreys). A name that was seen once is far from certain.

    Args:
        documents: labelled.
        min_count: mentions that a name must have with its label.
        min_score: the least score.

    Raises:
        MissingExtraError: pyahocorasick is not installed.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for document in documents:
        counts.update((e.label, " ".join(e.text.split())) for e in document.entities)
    mentions = [Name(label, text) for (label, text), count in counts.items() if count >= min_count]
    places = _places(Matcher(mentions, case="exact"), documents)
    names = []
    for mention in mentions:
        count = counts[mention.label, mention.name]
        # What the matcher cannot find (a mention of half a word) was there all the same.
        score = (count + 0.5) / (max(places[mention.name], count) + 1)
        if score >= min_score:
            names.append(mention._replace(score=round(score, 4)))
    return sorted(names, key=lambda n: (-counts[n.label, n.name], n.label, n.name))


def _places(matcher: Matcher, documents: Iterable[Document]) -> Counter[str]:
    """How often each name stands in the documents over whole words, outside of longer entities."""
    found: Counter[str] = Counter()
    for document in documents:
        starts = {token.start for token in document.tokens}
        ends = {token.end for token in document.tokens}
        inside: dict[int, tuple[int, int]] = {}  # by character: the longest entity over it
        for entity in sorted(document.entities, key=lambda e: e.end - e.start):
            inside |= dict.fromkeys(range(entity.start, entity.end), (entity.start, entity.end))
        for start, end, spellings in matcher.find(document.text):
            cover = inside.get(start) or inside.get(end - 1)
            if start in starts and end in ends and cover in (None, (start, end)):
                found.update({matcher.spellings[spelling] for spelling in spellings})
    return found
