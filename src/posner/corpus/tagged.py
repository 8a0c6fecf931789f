"""Words with tags, as columns, csv and data sets hold them: tags to spans on reading, and back.

This is the one place where a reader judges tags and where a writer turns a document into tags.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from posner.corpus.problem import Problem
from posner.document import Document, Sentence, WordRow, WordSentence, sentence_spans, snap_to_words
from posner.errors import SchemeError
from posner.schemes import (
    OUTSIDE,
    Scheme,
    Span,
    detect_scheme,
    illegal_positions,
    parse_tag,
    scheme_named,
    spans_to_tags,
    tags_to_spans,
)

UNNAMED = "ENTITY"
"""The label of entities whose tags hold none."""

# A label without a prefix: two letters at the least, and no `B_` before or `-B` behind it.
_LABEL = re.compile(r"(?![BIOESLUM][^\w]|[BIOESLUM]_)[^\W\d_].*[^\W_](?<![-_:][BIOESLUM])")


@dataclass
class RowSentence:
    """A sentence while it is being read: rows, their tags, and the lines they stand on."""

    rows: list[WordRow] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    number: int | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    def add(self, row: WordRow, tag: str, line: int) -> None:
        """Append one word."""
        self.rows.append(row)
        self.tags.append(tag)
        self.lines.append(line)


@dataclass(frozen=True)
class TaggedSentences:
    """What `read_tags` made: the scheme, and a `WordSentence` for each sentence given."""

    scheme: Scheme
    sentences: list[WordSentence]


def is_tag(text: str) -> bool:
    """Whether a column looks like a tag of any scheme."""
    return text == OUTSIDE or (len(text) > 2 and text[1] == "-" and text[0] in "BIOESLUM")


def read_tags(
    sentences: Sequence[RowSentence], scheme_name: str | None, path: str, problems: list[Problem]
) -> TaggedSentences:
    """Find the scheme (unless it is named) and turn all tags into spans.

    Tags are first spelt as schemes know them, see `_usual_spelling`. Unknown tags become O and
    ill-formed ones are repaired; each is appended to `problems`.

    Raises:
        SchemeError: `scheme_name` is no scheme.
    """
    named = None if scheme_name is None else scheme_named(scheme_name)
    counts = Counter(tag for sentence in sentences for tag in sentence.tags)
    spelling = _usual_spelling(counts)
    if spelling:
        for sentence in sentences:
            sentence.tags = [spelling.get(tag, tag) for tag in sentence.tags]
    distinct = {spelling.get(tag, tag) for tag in counts}
    no_tags = {tag for tag in distinct if not _is_parsable(tag)}
    _blank_tags(
        sentences, no_tags, path, problems, "is no tag", "O or a prefix, a hyphen and a label"
    )
    scheme = named or detect_scheme(sentence.tags for sentence in sentences).scheme
    prefixes = OUTSIDE + scheme.prefixes
    foreign = {tag for tag in distinct - no_tags if parse_tag(tag).prefix not in prefixes}
    _blank_tags(sentences, foreign, path, problems, f"is no tag of {scheme.name}", None)
    read = []
    for sentence in sentences:
        spans = _spans(sentence, scheme, path, problems)
        read.append(
            WordSentence(tuple(sentence.rows), tuple(spans), sentence.number, sentence.metadata)
        )
    return TaggedSentences(scheme, read)


def _usual_spelling(counts: Mapping[str, int]) -> dict[str, str]:
    """The tags of a file that schemes spell otherwise.

    `M-PER` (BMES) is `I-PER`. Where all tags are `B`, `I` and `O` alone, entities have the label
    `ENTITY`. Where tags are labels alone (`O`, `PER`, `person-actor`), neighbours with the same
    label are one entity; each label must look like one, and one of them stand twice, since a lone
    word in the place of a tag is a slip.
    """
    tags = counts.keys() - {OUTSIDE}
    if any(tag[:2] in ("B-", "E-") for tag in tags):
        return {tag: f"I{tag[1:]}" for tag in tags if tag[:2] == "M-"}
    if "B" in tags and tags <= set("BIESLUM"):
        return {tag: f"{'I' if tag == 'M' else tag}-{UNNAMED}" for tag in tags}
    alone = OUTSIDE in counts and max((counts[tag] for tag in tags), default=0) > 1
    if alone and all(_LABEL.fullmatch(tag) for tag in tags):
        return {tag: f"I-{tag}" for tag in tags}
    return {}


def _is_parsable(tag: str) -> bool:
    try:
        parse_tag(tag)
    except SchemeError:
        return False
    return True


def _blank_tags(
    sentences: Sequence[RowSentence],
    bad: set[str],
    path: str,
    problems: list[Problem],
    reason: str,
    expected: str | None,
) -> None:
    """Replace bad tags by O and report each."""
    if not bad:
        return
    remedy = "correct the tag, or name the file's scheme (--scheme)"
    if expected:
        remedy = f"correct the tag: {expected}, as in B-PER"
    for sentence in sentences:
        for index, tag in enumerate(sentence.tags):
            if tag in bad:
                line = sentence.lines[index]
                problems.append(Problem(path, line, "unknown-tag", f"{tag!r} {reason}", remedy))
                sentence.tags[index] = OUTSIDE


def _spans(sentence: RowSentence, scheme: Scheme, path: str, problems: list[Problem]) -> list[Span]:
    tags = sentence.tags
    if tags.count(OUTSIDE) == len(tags):
        return []
    bad = illegal_positions(tags, scheme)
    if not bad:
        return tags_to_spans(tags, scheme)
    for index in bad:
        before = tags[index - 1] if index else "the start of the sentence"
        here = tags[index] if index < len(tags) else "the end of the sentence"
        problems.append(
            Problem(
                path,
                sentence.lines[min(index, len(tags) - 1)],
                "ill-formed-tag",
                f"{here} after {before} is not legal in {scheme.name}",
                "correct the tag, or name the file's scheme (--scheme)",
            )
        )
    return tags_to_spans(tags, scheme, "repair")


class Losses:
    """What a writer could not write, counted by its wording."""

    def __init__(self, target: str) -> None:
        self.target = target
        self._counts: Counter[str] = Counter()

    def add(self, what: str, count: int = 1) -> None:
        """Count `what`, a wording with `{n}` where the number goes."""
        if count:
            self._counts[what] += count

    def lines(self) -> list[str]:
        """One line for each wording."""
        return [
            f"{self.target}: {what.format(n=f'{count:,}')}" for what, count in self._counts.items()
        ]

    def add_unheld(self, document: Document, *, keep_id: bool = False) -> None:
        """Count what no words-and-tags format holds: ids, metadata, scores, the text's spacing."""
        held = {"id"} if document.id is not None else set()
        if document.id is not None and not keep_id:
            self.add("the ids of {n} documents are not held")
        for name in document.metadata:
            if name not in held:
                self.add(f"the metadata {name!r} of {{n}} documents is not held")
        self.add("the scores of {n} entities are not held", _count_scores(document))
        extra = sum(bool(entity.metadata) for entity in document.entities)
        self.add("the metadata of {n} entities is not held", extra)
        if document.text != joined_text(document):
            self.add("the text between the words of {n} documents is not held")


def _count_scores(document: Document) -> int:
    return sum(entity.score is not None for entity in document.entities)


def joined_text(document: Document) -> str:
    """The text that a reader of words and tags would give the document."""
    return "\n".join(" ".join(s.words) for s in document.sentences if s.tokens)


def document_tags(
    document: Document, scheme: Scheme, losses: Losses, where: str
) -> Iterator[tuple[Sentence, list[str]]]:
    """The sentences that have words, each with its tags.

    An entity off the words' borders is widened to whole words, one that touches no word is left
    out, and both are counted in `losses`.

    Raises:
        SchemeError: overlapping entities, or a label that no tag can hold.
    """
    spans = _word_spans(document, losses)
    for index, (sentence, own) in enumerate(zip(document.sentences, spans, strict=True), 1):
        if not sentence.tokens:
            losses.add("{n} sentences without words are not held")
            continue
        try:
            tags = spans_to_tags(own, len(sentence), scheme)
        except SchemeError as error:
            raise SchemeError(
                error.problem,
                where=f"{where}, sentence {index}",
                expected=error.expected,
                got=error.got,
                remedy=error.remedy,
            ) from error
        for span in own:
            if not span.label:
                raise SchemeError("an empty label cannot be written as a tag", where=where)
        yield sentence, tags


def _word_spans(document: Document, losses: Losses) -> list[list[Span]]:
    found = sentence_spans(document)
    spans: Iterable[tuple[Span, ...]] = found.spans
    if found.misaligned:
        kept = [e for e in document.entities if e not in found.misaligned]
        for entity in found.misaligned:
            widened = snap_to_words(document, entity)
            if widened is None:
                losses.add("{n} entities that touch no word are left out")
            else:
                losses.add("{n} entities off the words' borders are changed to whole words")
                kept.append(widened)
        spans = sentence_spans(document.with_entities(kept)).spans
    unique = [sorted(set(own)) for own in spans]
    losses.add(
        "{n} repeated entities are written once",
        sum(map(len, spans)) - sum(map(len, unique)),
    )
    return unique


def document_name(document: Document, index: int) -> str:
    """How an error names a document: by its id, else by its place."""
    return f"document {document.id if document.id is not None else index + 1}"


def without(metadata: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The metadata without some names."""
    return {name: value for name, value in metadata.items() if name not in names}
