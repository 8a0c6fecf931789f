"""Documents as CoNLL columns; see `posner.corpus.conll` for the format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, TypeGuard

from posner.corpus.conll import (
    ABSENT,
    COMMENTS,
    DOCSTART,
    column_roles,
    comment_pair,
    is_comment,
)
from posner.corpus.container import Corpus, Layout
from posner.corpus.tagged import Losses, document_name, document_tags, without
from posner.document import Document, Sentence, Token
from posner.errors import DataError
from posner.files import write_text
from posner.schemes import Scheme, scheme_named

_BREAKS = frozenset(" \t\n\r")
_DOCUMENT_KEYS = (COMMENTS, "trailing_comments", "docstart")


def write_conll(corpus: Corpus, path: Path, scheme: str | None) -> list[str]:
    """Write a CoNLL file; returns what it could not hold.

    Raises:
        DataError: overlapping entities, or a word or label that columns cannot hold.
    """
    layout = corpus.layout
    losses = Losses("conll")
    writer = _Writer(corpus, scheme_named(scheme or layout.scheme or "IOB2"), losses)
    text = writer.text().rstrip("\n") + "\n" * layout.final_newlines
    if layout.newline != "\n":
        text = text.replace("\n", layout.newline)
    write_text(path, text, layout.encoding, layout.mark)
    return losses.lines()


class _Writer:
    """Composes the file; its columns are those of the layout and those that the words need."""

    def __init__(self, corpus: Corpus, scheme: Scheme, losses: Losses) -> None:
        self.documents = corpus.documents
        self.layout: Layout = corpus.layout
        self.scheme = scheme
        self.losses = losses
        self.has_pos = corpus.has_pos or "pos" in self.layout.columns
        self.has_chunk = corpus.has_chunk or "chunk" in self.layout.columns
        extras = (len(t.extra) for d in corpus.documents for t in d.tokens)
        self.extras = max(chain(extras, (self.layout.columns.count("extra"),)))
        # Four columns mean `word pos chunk tag`: a chunk without pos needs its place kept.
        self.has_pos = self.has_pos or (self.has_chunk and self.extras == 0)
        self.width = 2 + self.has_pos + self.has_chunk + self.extras
        self.second: set[str] = set()

    def text(self) -> str:
        lines: list[str] = []
        layout = self.layout
        bordered = layout.docstart is not None or len(self.documents) != 1
        for index, document in enumerate(self.documents):
            lines += self._kept(document, COMMENTS)
            if bordered or not document.word_count:
                row = self._kept(document, "docstart") or layout.docstart or self._docstart()
                lines += [layout.separator.join(row), ""]
            lines += self._document(document, index)
            lines += self._kept(document, "trailing_comments")
        self._name_roles()
        return "\n".join(lines)

    def _kept(self, document: Document, key: str) -> list[str]:
        """The document's own lines (or `-DOCSTART-` row), where they are such lines at all."""
        value = document.metadata.get(key)
        if key == "docstart":
            return list(value) if _is_docstart(value) else []
        return list(value) if value and _are_comments(value, self.width) else []

    def _docstart(self) -> list[str]:
        middle = ["-X-"] * self.has_pos + ["O"] * (self.has_chunk + self.extras)
        return [DOCSTART, *middle, "O"]

    def _document(self, document: Document, index: int) -> list[str]:
        where = document_name(document, index)
        self._count_losses(document)
        lines: list[str] = []
        for sentence, tags in document_tags(document, self.scheme, self.losses, where):
            lines += self._comments(sentence)
            rows = [
                self._row(token, tag, where)
                for token, tag in zip(sentence.tokens, tags, strict=True)
            ]
            joined = [self.layout.separator.join(row) for row in rows]
            if joined[0][0] == "#" and is_comment(joined[0], self.width):
                # Only spaces make a `# key = value` comment, so tabs make it a row again.
                joined[0] = "\t".join(rows[0])
            lines += [*joined, ""]
        return lines

    def _count_losses(self, document: Document) -> None:
        shown = Document(
            document.text,
            document.sentences,
            document.entities,
            document.id,
            without(document.metadata, *(k for k in _DOCUMENT_KEYS if self._kept(document, k))),
        )
        self.losses.add_unheld(shown)
        numbered = sum(s.number is not None for s in document.sentences)
        self.losses.add("the numbers of {n} sentences are not held", numbered)

    def _row(self, token: Token, tag: str, where: str) -> list[str]:
        fields = [token.text]
        if self.has_pos:
            fields.append(token.pos or ABSENT)
            self.second.add(fields[-1])
        if self.has_chunk:
            fields.append(token.chunk or ABSENT)
        if self.extras:
            fields += token.extra
            missing = self.extras - len(token.extra)
            self.losses.add("{n} words lack columns, written as _", int(missing > 0))
            fields += [ABSENT] * missing
            if not self.has_pos:
                self.second.add(fields[1])
        fields.append(tag)
        if any(not f or not _BREAKS.isdisjoint(f) for f in fields) or fields[0] == DOCSTART:
            bad = next((f for f in fields if not f or not _BREAKS.isdisjoint(f)), fields[0])
            raise DataError(
                "a word, column or label cannot be written as a CoNLL column",
                where=where,
                expected="neither empty, nor with white space, nor -DOCSTART-",
                got=repr(bad[:60]),
                remedy="write another format, such as jsonl",
            )
        return fields

    def _comments(self, sentence: Sentence) -> list[str]:
        return comment_lines(sentence.metadata, self.width, self.losses)

    def _name_roles(self) -> None:
        """Say where a reader would take one column for another."""
        written = (
            "word",
            *("pos",) * self.has_pos,
            *("chunk",) * self.has_chunk,
            *("extra",) * self.extras,
            "tag",
        )
        found = column_roles(self.width, lambda: self.second)
        for name, other in zip(written, found, strict=True):
            if name != other:
                self.losses.add(f"the column {name!r} will be read as {other!r}")


def comment_lines(metadata: Mapping[str, Any], width: int, losses: Losses) -> list[str]:
    """The comment lines that a reader turns into this metadata again."""
    lines: list[str] = []
    for key, value in metadata.items():
        if key == COMMENTS and _are_comments(value, width):
            continue
        line = f"# {key} = {value}"
        if isinstance(value, str) and "\n" not in line and comment_pair(line) == (key, value):
            lines.append(line)
        else:
            losses.add(f"the metadata {key!r} of {{n}} sentences is not held")
    if _are_comments(metadata.get(COMMENTS), width):
        lines += metadata[COMMENTS]
    return lines


def _are_comments(value: object, width: int) -> TypeGuard[Sequence[str]]:
    return isinstance(value, list | tuple) and all(
        isinstance(line, str)
        and line.startswith("#")
        and "\n" not in line
        and is_comment(line, width)
        for line in value
    )


def _is_docstart(value: object) -> TypeGuard[Sequence[str]]:
    return (
        isinstance(value, list | tuple)
        and value[:1] in ([DOCSTART], (DOCSTART,))
        and all(isinstance(f, str) and f and _BREAKS.isdisjoint(f) for f in value)
    )
