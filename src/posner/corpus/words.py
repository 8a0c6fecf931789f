"""Words for formats that hold text and character spans: their own `tokens`, else segmentation.

Tokens are written as Prodigy does (`text`, `start`, `end`, `id`), with `sentence`, `pos`, `chunk`
and `extra` where there is something to say, so that columns survive a way through JSON Lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from posner.corpus.problem import Problem
from posner.document import Document, Entity, Sentence, Token, sentence_spans
from posner.errors import DataError
from posner.segment import Segmenter, segment

TOKEN_METADATA = "token_metadata"
_TOKEN_KEYS = frozenset(("text", "start", "end", "id", "sentence", "pos", "chunk", "extra"))


@dataclass(frozen=True)
class TokenList:
    """What a record's `tokens` say.

    Attributes:
        sentences: the words, sentence by sentence.
        metadata: for each word the keys that the reader does not know (empty where there are none).
    """

    sentences: tuple[Sentence, ...]
    metadata: tuple[Mapping[str, Any], ...]


def read_tokens(text: str, tokens: object, sentences: object) -> TokenList:
    """Turn a record's `tokens` (and `sentences`) into Sentences.

    Raises:
        DataError: they are malformed or do not fit the text.
    """
    if not isinstance(tokens, list) or not all(isinstance(t, dict) for t in tokens):
        raise DataError("`tokens` is no list of objects")
    read = [_token(text, record) for record in tokens]
    position = 0
    for token in read:
        if token.start < position:
            raise DataError("`tokens` are out of order", got=repr(token.text[:40]))
        position = token.end
    places = [record.get("sentence") for record in tokens]
    if any(type(place) is not int for place in places):
        built = by_segmentation(text, read)
    else:
        built = _by_place(read, places, sentences)
    others = tuple({k: v for k, v in t.items() if k not in _TOKEN_KEYS} for t in tokens)
    return TokenList(built, others if any(others) else ())


def _token(text: str, record: Mapping[str, Any]) -> Token:
    start, end, word = record.get("start"), record.get("end"), record.get("text")
    if not (type(start) is int and type(end) is int and 0 <= start < end <= len(text)):
        raise DataError("a token lies outside the text", got=f"{start} to {end}")
    if word is not None and text[start:end] != word:
        raise DataError(
            "a token is not the slice of the text that it claims to be",
            expected=repr(text[start:end][:40]),
            got=repr(str(word)[:40]),
        )
    pos, chunk, extra = record.get("pos"), record.get("chunk"), record.get("extra", [])
    for name, value in (("pos", pos), ("chunk", chunk)):
        if value is not None and not isinstance(value, str):
            raise DataError(f"a token's `{name}` is no text", got=repr(value)[:40])
    if not isinstance(extra, list) or not all(isinstance(e, str) for e in extra):
        raise DataError("a token's `extra` is no list of texts", got=repr(extra)[:40])
    return Token(text[start:end], start, end, pos, chunk, tuple(extra))


def _by_place(
    tokens: Sequence[Token], places: Sequence[int], sentences: object
) -> tuple[Sentence, ...]:
    """Sentences from each token's `sentence`; the record's `sentences` add numbers and metadata."""
    infos = sentences if isinstance(sentences, list) else []
    if any(b < a for a, b in pairwise(places)) or min(places, default=0) < 0:
        raise DataError("the tokens' `sentence` numbers are out of order")
    last = max([*places[-1:], len(infos) - 1], default=-1)
    if last > len(tokens) + len(infos):
        raise DataError("a token's `sentence` number is beyond the record's sentences", got=last)
    groups: list[list[Token]] = [[] for _ in range(last + 1)]
    for token, place in zip(tokens, places, strict=True):
        groups[place].append(token)
    built = []
    for index, group in enumerate(groups):
        info = infos[index] if index < len(infos) and isinstance(infos[index], dict) else {}
        number, metadata = info.get("number"), info.get("metadata")
        built.append(
            Sentence(
                tuple(group),
                number if type(number) is int else None,
                metadata if isinstance(metadata, dict) else {},
            )
        )
    return tuple(built)


def by_segmentation(text: str, tokens: Sequence[Token]) -> tuple[Sentence, ...]:
    """The given words, parted where segmentation sees a sentence begin."""
    begins = iter([s.start for s in segment(text) if s.tokens][1:])
    groups: list[list[Token]] = [[]]
    border = next(begins, None)
    for token in tokens:
        while border is not None and token.start >= border:
            border = next(begins, None)
            if groups[-1]:
                groups.append([])
        groups[-1].append(token)
    return tuple(Sentence(tuple(group)) for group in groups if group)


def tokens_json(document: Document) -> dict[str, Any]:
    """The keys `tokens` and, where there is something to say, `sentences` of a record."""
    metadata = document.metadata.get(TOKEN_METADATA) or ()
    tokens: list[dict[str, Any]] = []
    for place, sentence in enumerate(document.sentences):
        for token in sentence.tokens:
            number = len(tokens)
            record: dict[str, Any] = {
                "text": token.text,
                "start": token.start,
                "end": token.end,
                "id": number,
                "sentence": place,
            }
            if token.pos is not None:
                record["pos"] = token.pos
            if token.chunk is not None:
                record["chunk"] = token.chunk
            if token.extra:
                record["extra"] = list(token.extra)
            if len(metadata) > number:
                record |= metadata[number]
            tokens.append(record)
    infos = [_sentence_json(sentence) for sentence in document.sentences]
    empty = any(not sentence.tokens for sentence in document.sentences)
    return {"tokens": tokens, "sentences": infos} if any(infos) or empty else {"tokens": tokens}


def _sentence_json(sentence: Sentence) -> dict[str, Any]:
    record: dict[str, Any] = {}
    if sentence.number is not None:
        record["number"] = sentence.number
    if sentence.metadata:
        record["metadata"] = dict(sentence.metadata)
    return record


def segmented(
    text: str, entities: Iterable[Entity], segmenter: Segmenter = segment
) -> tuple[Sentence, ...]:
    """Sentences by segmentation; two of them that an annotated entity crosses are one."""
    sentences = [s for s in segmenter(text) if s.tokens]
    crossing = sorted((e.start, e.end) for e in entities)
    if len(sentences) < 2 or not crossing:
        return tuple(sentences)
    joined = [sentences[0]]
    place, reach = 0, 0
    for sentence in sentences[1:]:
        while place < len(crossing) and crossing[place][0] < joined[-1].end:
            reach = max(reach, crossing[place][1])
            place += 1
        if reach > sentence.start:
            joined[-1] = replace(joined[-1], tokens=joined[-1].tokens + sentence.tokens)
        else:
            joined.append(sentence)
    return tuple(joined)


def resegmented(document: Document, segmenter: Segmenter) -> Document:
    """The document with the words that a segmenter finds, where plain segmentation found its words.

    So a corpus of raw texts has the words that its model finds in raw text later, whatever the
    model's segmenter is; words that a corpus brings stay.
    """
    if segmenter == segment:
        return document
    if document.sentences != segmented(document.text, document.entities):
        return document
    return replace(document, sentences=segmented(document.text, document.entities, segmenter))


def report_misaligned(
    document: Document, path: str, line_of: Callable[[Entity], int], problems: list[Problem]
) -> None:
    """Report each entity that no span of words can express, with the line that `line_of` gives."""
    if not document.entities:
        return
    misaligned = sentence_spans(document).misaligned
    if not misaligned:
        return
    starts = {token.start for token in document.tokens}
    ends = {token.end for token in document.tokens}
    for entity in misaligned:
        reason = _misalignment(document, entity, entity.start in starts, entity.end in ends)
        problems.append(
            Problem(
                path,
                line_of(entity),
                "misaligned-span",
                f"{entity.label} {entity.text[:40]!r} at characters {entity.start} to "
                f"{entity.end} {reason}",
                "move the span to the borders of words",
            )
        )


def _misalignment(document: Document, entity: Entity, starts: bool, ends: bool) -> str:
    if starts and ends:
        return "crosses the border of a sentence"
    if entity.text != entity.text.strip():
        return "begins or ends with white space"
    touched = [t for t in document.tokens if t.start < entity.end and t.end > entity.start]
    if not touched:
        return "covers no word"
    if not starts:
        return f"does not begin where a word does ({touched[0].text[:40]!r})"
    return f"does not end where a word does ({touched[-1].text[:40]!r})"
