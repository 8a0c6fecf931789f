"""What `posner predict` tags: texts from the command line, text files, corpora."""

from __future__ import annotations

import argparse
import gzip
import sys
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, cast

from posner.cli.corpora import read_repaired
from posner.corpus import FORMATS, Corpus
from posner.corpus.formats import looks_like_corpus
from posner.document import Document, Token
from posner.errors import DataError, UsageError
from posner.render import iob2_tags
from posner.tagger import Tagger, segmented
from posner.textfile import read_texts


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a corpus, which every one of its words must have when it is written.

    Attributes:
        pos: whether some word has a part of speech.
        chunk: whether some word has a chunk tag.
        extra: how many further columns there are.
        gold: whether its entities are tags of a column.
    """

    pos: bool
    chunk: bool
    extra: int
    gold: bool

    @classmethod
    def of(cls, corpus: Corpus) -> Columns:
        """Those of a corpus."""
        return cls(
            pos=corpus.has_pos,
            chunk=corpus.has_chunk,
            extra=max((len(t.extra) for d in corpus.documents for t in d.tokens), default=0),
            gold=FORMATS[corpus.format].tags,
        )

    def filled(self, token: Token, gold: str) -> Token:
        """The token with every column, its gold tag as the last."""
        extra = (*token.extra, *["_"] * (self.extra - len(token.extra)))
        return replace(
            token,
            pos=token.pos or ("_" if self.pos else None),
            chunk=token.chunk or ("_" if self.chunk else None),
            extra=(*extra, gold) if self.gold else extra,
        )


@dataclass(frozen=True, slots=True)
class Input:
    """A document to tag.

    Attributes:
        document: its words; a corpus's own columns and gold entities are kept.
        columns: the corpus's columns; None for raw text.
        bordered: whether it is one of several documents that have borders between them.
    """

    document: Document
    columns: Columns | None = None
    bordered: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """An input with what the model found in it."""

    source: Input
    document: Document

    def with_own_columns(self) -> Document:
        """For column formats: a corpus keeps its own columns, its gold tag among them.

        Raises:
            SchemeError: gold entities that overlap have no column.
        """
        columns, own = self.source.columns, self.source.document
        if columns is None:
            return self.document
        gold = iob2_tags(own) if columns.gold else [["O"] * len(s) for s in own.sentences]
        sentences = tuple(
            replace(sentence, tokens=tuple(map(columns.filled, sentence.tokens, tags)))
            for sentence, tags in zip(own.sentences, gold, strict=True)
        )
        return replace(own, sentences=sentences, entities=self.document.entities)


def answers(tagger: Tagger, inputs: Iterable[Input]) -> Iterator[Answer]:
    """Tag a stream of inputs, in order."""
    waiting: deque[Input] = deque()

    def documents() -> Iterator[Document]:
        for item in inputs:
            waiting.append(item)
            yield item.document

    for document in tagger.pipe(documents()):
        yield Answer(waiting.popleft(), document)


def read_inputs(arguments: argparse.Namespace) -> Iterator[Input]:
    """Everything that the command line names, in its order.

    Raises:
        DataError: a file that cannot be read.
    """
    for text in arguments.text or ():
        yield Input(segmented(text))
    bordered = arguments.document != "line"
    for file in arguments.files or ([] if arguments.text else ["-"]):
        if file == "-":
            if arguments.input not in (None, "text"):
                raise UsageError("--input names what files are; standard input is read as text")
            for text in read_texts(sys.stdin.buffer, arguments.document):
                yield Input(segmented(text), bordered=bordered)
        elif _is_text(file, arguments.input):
            for text in _file_texts(Path(file), arguments.document):
                yield Input(segmented(text), bordered=bordered)
        else:
            corpus, _ = read_repaired(
                file, format=arguments.input, scheme=arguments.scheme, repair=arguments.repair
            )
            yield from _corpus_inputs(corpus)


def _corpus_inputs(corpus: Corpus) -> Iterator[Input]:
    columns = Columns.of(corpus)
    several = len(corpus.documents) > 1 and any(len(d.sentences) > 1 for d in corpus.documents)
    for document in corpus.documents:
        yield Input(document, columns, bordered=several)


def _is_text(file: str, named: str | None) -> bool:
    """Whether a file is raw text: as named, or unless it surely is a corpus (which is told)."""
    if named is not None:
        return named == "text"
    path = Path(file)
    if not path.exists():
        raise DataError("no such file", where=file, remedy="check the path")
    if not looks_like_corpus(path):
        if path.is_dir():
            raise DataError(
                "a folder that is no corpus", where=file, remedy="name the files to tag"
            )
        return True
    print(
        f"posner: {file}: a corpus, whose own words are tagged (--input text reads it as text)",
        file=sys.stderr,
    )
    return False


def _file_texts(path: Path, unit: str) -> Iterator[str]:
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opened(path, "rb") as stream:
            yield from read_texts(cast(BinaryIO, stream), unit, name=str(path))
    except (OSError, EOFError, zlib.error) as error:
        raise DataError("cannot be read", where=path, got=error) from error
