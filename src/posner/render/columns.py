r"""Tagged documents as CoNLL columns: a word a line, its tag last, a blank line after a sentence.

The columns are those that some word of the document knows: word, part of speech, chunk, further
ones, and the predicted IOB2 tag. A value that is not known is written `_`. Columns are separated
by a space, or by a tab throughout a document in which some value holds a space; other white space
inside a word, such as a no-break space, stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

from posner.corpus.conll import DOCSTART
from posner.document import Document, Token
from posner.errors import DataError
from posner.render.tagged import Documents, each_tagged, iob2_tags, printable

_UNKNOWN = "_"


def conll(documents: Documents, *, borders: bool | None = None) -> Iterator[str]:
    r"""The documents' lines.

    A lone surrogate, which UTF-8 cannot hold, is written `\ud800` (`backslashreplace`).

    Args:
        documents: what was tagged.
        borders: whether a `-DOCSTART-` line stands before each; by default when there are several.

    Raises:
        DataError: entities that tags cannot express, or a word that is empty or holds a line
            break, or both spaces and tabs.
        SchemeError: entities that overlap.
    """
    stream = each_tagged(documents)
    first_two = list(islice(stream, 2))
    bordered = len(first_two) > 1 if borders is None else borders
    for item in chain(first_two, stream):
        yield from _document(item.document, bordered and not item.start)


def _document(document: Document, bordered: bool) -> Iterator[str]:
    columns = _Columns(document)
    separator = _separator(document, columns)
    if bordered:
        # Further columns may hold a corpus's own tags, which scorers read on this line too.
        middle = ["-X-"] * (columns.pos + columns.chunk) + ["O"] * columns.extra
        yield separator.join((DOCSTART, *middle, "O")) + "\n\n"
    for sentence, tags in zip(document.sentences, iob2_tags(document), strict=True):
        if sentence.tokens:
            rows = zip(sentence.tokens, tags, strict=True)
            lines = [separator.join((*columns.values(token), tag)) for token, tag in rows]
            yield printable("\n".join(lines)) + "\n\n"


class _Columns:
    """Which columns a document's words know."""

    def __init__(self, document: Document) -> None:
        self.chunk = any(token.chunk is not None for token in document.tokens)
        # Readers tell columns by their place: the chunk is the third.
        self.pos = self.chunk or any(token.pos is not None for token in document.tokens)
        self.extra = max((len(token.extra) for token in document.tokens), default=0)

    def values(self, token: Token) -> list[str]:
        """All columns of a word but the tag."""
        values = [token.form]  # columns hold no line break
        if self.pos:
            values.append(token.pos or _UNKNOWN)
        if self.chunk:
            values.append(token.chunk or _UNKNOWN)
        values.extend(value or _UNKNOWN for value in token.extra)
        values.extend([_UNKNOWN] * (self.extra - len(token.extra)))
        return values


def _separator(document: Document, columns: _Columns) -> str:
    """A space, or a tab where a value holds a space."""
    for token in document.tokens:
        if token.text == DOCSTART:
            raise DataError(
                "the word that begins a document in column files cannot be a word in one",
                where=f"document {document.id}" if document.id else None,
                got=DOCSTART,
                remedy="write JSON Lines, which holds any text",
            )
    values = [value for token in document.tokens for value in columns.values(token)]
    values += [entity.label for entity in document.entities]
    spaced = any(" " in value for value in values)
    for value in values:
        if not value or "\n" in value or "\r" in value or (spaced and "\t" in value):
            raise DataError(
                "a word or value that columns cannot hold",
                where=f"document {document.id}" if document.id else None,
                got=repr(value[:40]),
                remedy="write JSON Lines, which holds any text",
            )
    return "\t" if spaced else " "
