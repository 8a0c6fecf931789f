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
from posner.corpus.formats import detect_format
from posner.document import Document
from posner.errors import DataError
from posner.recognizer import Recognizer, segmented
from posner.render import iob2_tags
from posner.textfile import read_texts


@dataclass(frozen=True, slots=True)
class Input:
    """A document to tag.

    Attributes:
        document: its words; a corpus's own columns and gold entities are kept.
        has_gold: whether its entities are gold tags of a column.
        from_corpus: whether its words and columns are a corpus's own.
        bordered: whether it is one of several documents that have borders between them.
    """

    document: Document
    has_gold: bool = False
    from_corpus: bool = False
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
        source = self.source
        if not source.from_corpus:
            return self.document
        own = source.document
        if source.has_gold:
            gold = iob2_tags(own)
            own = replace(
                own,
                sentences=tuple(
                    replace(
                        sentence,
                        tokens=tuple(
                            replace(token, extra=(*token.extra, tag))
                            for token, tag in zip(sentence.tokens, tags, strict=True)
                        ),
                    )
                    for sentence, tags in zip(own.sentences, gold, strict=True)
                ),
            )
        return replace(own, entities=self.document.entities)


def answers(recognizer: Recognizer, inputs: Iterable[Input]) -> Iterator[Answer]:
    """Tag a stream of inputs, in order."""
    waiting: deque[Input] = deque()

    def documents() -> Iterator[Document]:
        for item in inputs:
            waiting.append(item)
            yield item.document

    for document in recognizer.pipe(documents()):
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
    has_gold = FORMATS[corpus.format].tags
    bordered = corpus.layout.docstart is not None
    for document in corpus.documents:
        yield Input(document, has_gold=has_gold, from_corpus=True, bordered=bordered)


def _is_text(file: str, named: str | None) -> bool:
    if named is not None:
        return named == "text"
    path = Path(file)
    if not path.exists():
        raise DataError("no such file", where=file, remedy="check the path")
    try:
        detect_format(path)
    except DataError:
        return not path.is_dir()
    return False


def _file_texts(path: Path, unit: str) -> Iterator[str]:
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opened(path, "rb") as stream:
            yield from read_texts(cast(BinaryIO, stream), unit, name=str(path))
    except (OSError, EOFError, zlib.error) as error:
        raise DataError("cannot be read", where=path, got=error) from error
