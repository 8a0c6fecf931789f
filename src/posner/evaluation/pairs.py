"""Gold and predicted annotations of any tool, side by side in JSON Lines.

A line is an object with what was annotated under `gold` and what was predicted under `predicted`
(other common names are understood). Both are lists of spans, `[start, end, label]` or objects with
`start`, `end`, `label` and perhaps `score`, or lists of tags, one a word. Ends are exclusive.
Spans count the characters of `text`; where there are only `tokens`, they count words. Of what is
not given, the places are kept and the characters are read as underscores. All other keys are the
document's metadata: `label` too, where there is `gold`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from posner.corpus.files import read_head, read_text
from posner.corpus.jsonl import detects
from posner.corpus.problem import Problem, raise_first
from posner.corpus.words import read_tokens
from posner.document import (
    Document,
    Entity,
    Sentence,
    Token,
    WordRow,
    WordSentence,
    document_from_words,
)
from posner.errors import DataError
from posner.schemes import SCHEMES, tags_to_spans
from posner.segment import segment

GOLD = ("gold", "true", "reference", "label", "labels", "entities", "spans")
PREDICTED = ("predicted", "predictions", "prediction", "pred")
_STARTS = ("start", "start_offset", "begin")
_ENDS = ("end", "end_offset")
_LABELS = ("label", "entity_group", "type", "entity")
_WORDS = ("tokens", "words")
_BLANK = "_"

MOST_CHARACTERS = 10_000_000
"""How far the spans of a record without a text may reach: so many underscores are held."""

_ANY = SCHEMES["IOB2"]
"""Repairing tags ignores the scheme."""

Json = dict[str, Any]


@dataclass(frozen=True)
class DocumentPairs:
    """The same documents twice.

    Attributes:
        gold: with the annotated entities.
        predicted: with the predicted ones.
    """

    gold: tuple[Document, ...]
    predicted: tuple[Document, ...]


def holds_pairs(path: Path) -> bool:
    """Whether a file begins as JSON does; a pipe, which cannot be looked into, holds columns."""
    return path.is_file() and detects(path, read_head(path))


def read_pairs(path: Path) -> DocumentPairs:
    """Read gold and predicted annotations from JSON Lines, or one array of objects.

    Tags may be of any scheme; they are read as conlleval reads them, so every mention is kept.

    Raises:
        DataError: what is no such pair, with its line.
    """
    gold, predicted = [], []
    for where, record in _records(path):
        try:
            names = _name(record, GOLD), _name(record, PREDICTED)
            pair = [_annotations(record, name) for name in names]
            frame = _frame(record, pair, names)
            documents = [frame.filled(side) for side in pair]
        except DataError as error:
            raise DataError(
                error.problem,
                where=where,
                expected=error.expected,
                got=error.got,
                remedy=error.remedy,
            ) from error
        gold.append(documents[0])
        predicted.append(documents[1])
    if not gold:
        raise DataError("the file holds no pairs", where=path)
    return DocumentPairs(tuple(gold), tuple(predicted))


def paired(gold: Sequence[Document], predicted: Sequence[Document]) -> DocumentPairs:
    """Pair the documents of two corpora; the words are the gold ones.

    Raises:
        DataError: they have other texts, or a score is no number from 0 to 1.
    """
    if len(gold) != len(predicted):
        raise DataError(
            "another number of predicted documents than of gold documents",
            expected=len(gold),
            got=len(predicted),
        )
    found = []
    for index, (left, right) in enumerate(zip(gold, predicted, strict=True), 1):
        if left.text != right.text:
            raise DataError(
                "the predicted document has another text than the gold document",
                where=f"document {left.id or index}",
                expected=repr(left.text[:40]),
                got=repr(right.text[:40]),
            )
        for entity in right.entities:
            _score(entity.score, f"document {left.id or index}")
        found.append(left.with_entities(right.entities))
    return DocumentPairs(tuple(gold), tuple(found))


@dataclass(frozen=True)
class _Frame:
    """A document without entities, and whether its spans count words instead of characters."""

    document: Document
    by_words: bool = False

    def filled(self, values: Sequence[Any]) -> Document:
        """The document with the entities of one side."""
        if _are_tags(values):
            return self._tagged(values)
        return self.document.with_entities([self._entity(value) for value in values])

    def _tagged(self, tags: Sequence[str]) -> Document:
        document = self.document
        if len(tags) != document.word_count:
            raise DataError("not one tag a word", expected=document.word_count, got=len(tags))
        entities, first = [], 0
        for sentence in document.sentences:
            own = tags[first : first + len(sentence)]
            first += len(sentence)
            for span in tags_to_spans(own, _ANY, "repair"):
                entities.append(document.span_entity(sentence, span))
        return document.with_entities(entities)

    def _entity(self, value: object) -> Entity:
        start, end, label, score = _span(value)
        if self.by_words:
            tokens = list(self.document.tokens)
            if not 0 <= start < end <= len(tokens):
                raise _outside(value, f"words 0 to {len(tokens)}")
            start, end = tokens[start].start, tokens[end - 1].end
        if not 0 <= start < end <= len(self.document.text):
            raise _outside(value, f"characters 0 to {len(self.document.text)}")
        return self.document.entity(start, end, label, score)


def _records(path: Path) -> list[tuple[str, Json]]:
    problems: list[Problem] = []
    text = read_text(path, problems).text
    raise_first(problems, path)
    if text.lstrip().startswith("["):
        values = [(f"{path}: record {i}", v) for i, v in enumerate(_json(text, f"{path}"), 1)]
    else:
        lines = [(f"{path}:{n}", line) for n, line in enumerate(text.split("\n"), 1)]
        values = [(where, _json(line, where)) for where, line in lines if line.strip()]
    for where, value in values:
        if not isinstance(value, dict):
            raise DataError("no JSON object", where=where, expected='{"gold": [], "predicted": []}')
    return values


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError("not JSON", where=where, got=error) from error


def _name(record: Json, names: Sequence[str]) -> str:
    """The first of some names that a record has."""
    for name in names:
        if name in record:
            return name
    raise DataError(f"has no `{names[0]}`", expected=f"one of {', '.join(names)}")


def _annotations(record: Json, name: str) -> list[Any]:
    value = record[name]
    if isinstance(value, list):
        return value
    raise DataError(f"`{name}` is no list of spans or tags")


def _are_tags(values: Sequence[Any]) -> bool:
    return bool(values) and all(isinstance(value, str) for value in values)


def _frame(record: Json, pair: Sequence[Sequence[Any]], sides: Sequence[str]) -> _Frame:
    """The text and words that a record gives, or underscores in their places."""
    text = record.get("text")
    words_name = next((name for name in _WORDS if isinstance(record.get(name), list)), None)
    words = None if words_name is None else record[words_name]
    document_id = None if record.get("id") is None else str(record["id"])
    used = {"id", *sides, words_name, *(["text"] if isinstance(text, str) else [])}
    metadata = {key: value for key, value in record.items() if key not in used}
    by_words = False
    if isinstance(text, str):
        sentences = segment(text) if words is None else _located(text, words)
        document = Document(text, sentences)
    elif words is not None:
        document = _of_words([w.get("text", "") if isinstance(w, dict) else w for w in words])
        by_words = True
    elif all(_are_tags(side) or not side for side in pair):
        document = _of_words([_BLANK] * max(map(len, pair)))
        by_words = True
    else:
        document = _of_places(value for side in pair for value in side)
    return _Frame(replace(document, id=document_id, metadata=metadata), by_words)


def _of_places(values: Iterable[object]) -> Document:
    """Underscores as far as the spans reach."""
    reach = 0
    for value in values:
        end = 0 if isinstance(value, str) else _span(value)[1]
        if end > MOST_CHARACTERS:
            raise _outside(
                value,
                f"characters 0 to {MOST_CHARACTERS:,}, where no text is given",
                remedy='give the "text" or the "tokens" that the spans count',
            )
        reach = max(reach, end)
    return Document(_BLANK * reach)


def _of_words(words: Sequence[object]) -> Document:
    if not all(isinstance(word, str) and word for word in words):
        raise DataError("words that are no text", expected='["Ada", "Lovelace"]')
    return document_from_words([WordSentence(tuple(WordRow(str(word)) for word in words))])


def _located(text: str, words: Sequence[object]) -> tuple[Sentence, ...]:
    """The words where they stand in the text, one after the other."""
    if words and all(isinstance(word, dict) for word in words):
        return read_tokens(text, words, None).sentences
    tokens, place = [], 0
    for word in words:
        start = text.find(word, place) if isinstance(word, str) and word else -1
        if start < 0:
            raise DataError("a word that is not in the text, in this order", got=repr(word))
        place = start + len(str(word))
        tokens.append(Token(text[start:place], start, place))
    return (Sentence(tuple(tokens)),)


def _span(value: object) -> tuple[int, int, str, float | None]:
    """Start, end, label and score.

    Raises:
        DataError: it is no span.
    """
    score: object = None
    if isinstance(value, list) and len(value) in (3, 4):
        start, end, label = value[:3]
        score = value[3] if len(value) == 4 else None
    elif isinstance(value, dict):
        start, end, label = (
            next((value[name] for name in names if name in value), None)
            for names in (_STARTS, _ENDS, _LABELS)
        )
        score = value.get("score")
    else:
        start = end = label = None
    if type(start) is not int or type(end) is not int or not isinstance(label, str):
        raise DataError(
            "no span",
            expected='[start, end, "LABEL"] or {"start", "end", "label"}',
            got=json.dumps(value, ensure_ascii=False)[:80],
        )
    return start, end, label, _score(score)


def _score(value: object, where: str | None = None) -> float | None:
    """A predicted entity's score, or None.

    Raises:
        DataError: it is no number from 0 to 1; percentages and logits would be read as certainty.
    """
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    raise DataError("no score", where=where, expected="a number from 0 to 1", got=repr(value)[:80])


def _outside(value: object, expected: str, *, remedy: str | None = None) -> DataError:
    got = json.dumps(value, ensure_ascii=False)[:80]
    return DataError("a span outside its text", expected=expected, got=got, remedy=remedy)
