"""Scores of parts of the data: by mention, by sentence, by any field of the metadata.

An entity belongs to a part by its own text and place, so precision is over the predicted entities
of a part and recall over its gold ones; one that is right is in the same part on both sides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from posner.document import Document, Entity, Sentence
from posner.errors import DataError
from posner.evaluation.counts import Counts, Score, counts_by_key
from posner.evaluation.mentions import KnownMentions
from posner.evaluation.places import Places

Splits = Mapping[str, Mapping[str, Score]]
"""For each way to part the entities, the strict counts of each part."""

FIELD = "field."
"""What stands before the name of a metadata field in the name of its split."""

WITHOUT = "(none)"
"""The part of the entities whose document lacks the field."""

_MENTION_LENGTHS = ("1", "2", "3", "4+")
_SENTENCE_LENGTHS = {5: "1-5", 10: "6-10", 20: "11-20", 40: "21-40"}
_LONGEST = "41+"
_ORDER = {
    part: place
    for parts in (
        ("seen", "ambiguous", "unseen"),
        _MENTION_LENGTHS,
        (*_SENTENCE_LENGTHS.values(), _LONGEST),
        ("mixed", "title", "upper", "lower", "none"),
    )
    for place, part in enumerate(parts)
}


class Splitter:
    """Counts entities by the parts that they belong to.

    Args:
        train: the mentions of a training corpus, if the familiarity of mentions is asked for.
        by: fields of the metadata.
    """

    def __init__(self, train: KnownMentions | None, by: Sequence[str]) -> None:
        self._train = train
        self._by = tuple(by)
        self._tallies: tuple[_Tally, _Tally, _Tally] = (Counter(), Counter(), Counter())

    def add(self, places: Places, entity: Entity, *, gold: bool, predicted: bool) -> None:
        """Count an entity that is a gold one, a predicted one, or (being right) both."""
        gold_tally, predicted_tally, correct_tally = self._tallies
        for split, part in self._parts(places, entity):
            key = split, part, entity.label
            gold_tally[key] += gold
            predicted_tally[key] += predicted
            correct_tally[key] += gold and predicted

    def splits(self) -> dict[str, dict[str, Score]]:
        """What was counted."""
        counts = counts_by_key(*self._tallies)
        found: dict[str, dict[str, Score]] = {}
        by_part: dict[tuple[str, str], dict[str, Counts]] = {}
        for (split, part, label), own in counts.items():
            by_part.setdefault((split, part), {})[label] = own
        for split, part in sorted(by_part, key=_order):
            found.setdefault(split, {})[part] = Score(by_part[split, part])
        return found

    def _parts(self, places: Places, entity: Entity) -> Iterator[tuple[str, str]]:
        if self._train is not None:
            yield "familiarity", self._train.familiarity(entity.text)
        yield "mention_length", _MENTION_LENGTHS[min(max(places.words(entity), 1), 4) - 1]
        sentence = places.sentence(entity)
        if sentence is not None:
            yield "sentence_length", _length(len(sentence))
            yield "casing", casing(sentence.words)
        for field in self._by:
            yield FIELD + field, _value(places.document, sentence, field)


_Tally = Counter[tuple[str, str, str]]


def check_fields(documents: Sequence[Document], fields: Sequence[str]) -> None:
    """Refuse a field that no document and no sentence has.

    Raises:
        DataError: there is one, told with the fields that there are.
    """
    known = {key for d in documents for key in d.metadata}
    known |= {key for d in documents for s in d.sentences for key in s.metadata}
    for field in fields:
        if field not in known:
            raise DataError(
                "no document has such a field",
                where=f"--by {field}",
                expected=", ".join(sorted(known)) or "documents with metadata",
            )


def add_splits(left: Splits, right: Splits) -> dict[str, dict[str, Score]]:
    """The counts of both, added where both have the part."""
    nothing: Mapping[str, Score] = {}
    keys = {(split, part) for side in (left, right) for split in side for part in side[split]}
    found: dict[str, dict[str, Score]] = {}
    for split, part in sorted(keys, key=_order):
        sides = (side.get(split, nothing).get(part, Score()) for side in (left, right))
        found.setdefault(split, {})[part] = sum(sides, Score())
    return found


def splits_json(splits: Splits) -> dict[str, Any]:
    """Counts and ratios of each part."""
    return {
        split: {
            part: {**score.micro.to_json(), **score.micro.ratios.to_json()}
            for part, score in parts.items()
        }
        for split, parts in splits.items()
    }


def casing(words: Sequence[str]) -> str:
    """`upper`, `lower`, `title` (two or more words with letters, all with an initial capital),
    `mixed`, or `none` where there is no cased letter."""
    text = " ".join(words)
    if text.isupper():
        return "upper"
    if text.islower():
        return "lower"
    lettered = [word for word in words if word[:1].isalpha()]
    if not any(word[:1].isupper() or word.upper() != word.lower() for word in words):
        return "none"
    title = len(lettered) > 1 and all(word[:1].isupper() for word in lettered)
    return "title" if title else "mixed"


def _length(words: int) -> str:
    return next((name for limit, name in _SENTENCE_LENGTHS.items() if words <= limit), _LONGEST)


def _value(document: Document, sentence: Sentence | None, field: str) -> str:
    if sentence is not None and field in sentence.metadata:
        return str(sentence.metadata[field])
    return str(document.metadata[field]) if field in document.metadata else WITHOUT


def _order(key: tuple[str, str]) -> tuple[str, int, str]:
    split, part = key
    known = 0 if split.startswith(FIELD) else _ORDER.get(part, 0)
    return split, known, part
